#include "prepare/codegen/fixed_point.h"

#include <algorithm>
#include <cmath>

namespace paddock {
namespace {

constexpr double kGreatestFactor = 512;
constexpr double kGreatestMultiplier = 2147483647;  // 2^31 - 1
constexpr int kGreatestShift = 22;  // the zero point, shifted, leaves room for the product's upper word

std::int32_t RoundedInteger(double value) { return static_cast<std::int32_t>(std::llround(value)); }

}  // namespace

FixedPointFactors FitFactors(std::span<const double> factors) {
  double greatest = 0;
  for (const double factor : factors) greatest = std::max(greatest, std::min(factor, kGreatestFactor));
  FixedPointFactors result;
  result.shift = kGreatestShift;
  while (std::round(std::ldexp(greatest, 32 + result.shift)) > kGreatestMultiplier) --result.shift;
  result.multipliers.reserve(factors.size());
  for (const double factor : factors)
    result.multipliers.push_back(
        RoundedInteger(std::ldexp(std::min(factor, kGreatestFactor), 32 + result.shift)));
  return result;
}

FixedPointSum FitSum(const SumOperand& first, const SumOperand& second, std::int32_t output_zero_point) {
  // |integer - zero point| <= 255, |output zero point| + 1/2 <= 129; a factor of 2^20 takes any step out of int8.
  const double first_factor = std::min(first.factor, 1048576.0);
  const double second_factor = std::min(second.factor, 1048576.0);
  const double greatest = 256 * (first_factor + second_factor) + 130;
  FixedPointSum sum;
  while (sum.shift < kGreatestShift && std::ldexp(greatest, sum.shift + 1) < kGreatestMultiplier) ++sum.shift;
  sum.first_multiplier = RoundedInteger(std::ldexp(first_factor, sum.shift));
  sum.second_multiplier = RoundedInteger(std::ldexp(second_factor, sum.shift));
  sum.offset = output_zero_point * (1 << sum.shift) + (1 << (sum.shift - 1)) -
               sum.first_multiplier * first.zero_point - sum.second_multiplier * second.zero_point;
  return sum;
}

}  // namespace paddock
