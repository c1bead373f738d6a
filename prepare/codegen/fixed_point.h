// Real factors as the integers that the kernels multiply with. Pure functions; internal to prepare/codegen/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace paddock {

// factor = multiplier / 2^(32 + shift), for kernels/requantize.h.
struct FixedPointFactors {
  std::int32_t shift = 0;  // in [-10, 22]: as large as the greatest factor allows
  std::vector<std::int32_t> multipliers{};
};
// Factors are not negative. Those above 512 are taken for 512: either way every sum but 0 is beyond what int8 holds.
FixedPointFactors FitFactors(std::span<const double> factors);

// first + second in steps of the sum, for kernels/add_s8.h.
struct FixedPointSum {
  std::int32_t first_multiplier = 0;
  std::int32_t second_multiplier = 0;
  std::int32_t offset = 0;
  std::int32_t shift = 1;
};
struct SumOperand {
  double factor = 1;  // its scale divided by the output's; positive
  std::int32_t zero_point = 0;
};
// With as many bits as 32-bit sums allow.
FixedPointSum FitSum(const SumOperand& first, const SumOperand& second, std::int32_t output_zero_point);

}  // namespace paddock
