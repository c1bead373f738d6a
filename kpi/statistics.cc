#include "kpi/statistics.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

#include "base/status.h"

namespace paddock {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kNormalQuantile = 1.959963984540054;  // of 0.975

// Chance that at most one of n queries is over the p-th percentile: the regularised incomplete beta function
// I_p(n - 1, 2) of LoadGen's early_stopping.cc in closed form.
double AtMostOneOver(double n, double p) { return std::pow(p, n) + n * (1 - p) * std::pow(p, n - 1); }

template <typename Number>
double MeanOf(std::span<const Number> values) {
  PADDOCK_CHECK(!values.empty(), "a mean is of values");
  double sum = 0;
  for (const Number value : values) sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

template <typename Number>
std::optional<double> DeviationOf(std::span<const Number> values) {
  if (values.size() < 2) return std::nullopt;
  const double mean = MeanOf(values);
  const auto count = static_cast<double>(values.size());
  // The sum of differences is zero but for rounding; subtracting its square takes that rounding out again.
  double sum = 0;
  double squares = 0;
  for (const Number value : values) {
    const double difference = static_cast<double>(value) - mean;
    sum += difference;
    squares += difference * difference;
  }
  return std::sqrt(std::max(0.0, squares - sum * sum / count) / (count - 1));
}

}  // namespace

std::size_t PercentileIndex(std::size_t count, double p) {
  PADDOCK_CHECK(count > 0 && p >= 0 && p < 1, "a percentile is of values and below 1");
  return std::min(static_cast<std::size_t>(static_cast<double>(count) * p), count - 1);
}

std::uint64_t PercentileOfSorted(std::span<const std::uint64_t> sorted, double p) {
  return sorted[PercentileIndex(sorted.size(), p)];
}

std::uint64_t MinSamplesForPercentile(double p) {
  PADDOCK_CHECK(p >= 0 && p < 1, "a percentile is below 1");
  if (p <= 0.5) return 1;
  constexpr double kMaxChance = 0.01;
  std::uint64_t too_few = 1;
  std::uint64_t enough = 2;
  while (AtMostOneOver(static_cast<double>(enough), p) > kMaxChance) {
    too_few = enough;
    enough *= 2;
  }
  while (enough - too_few > 1) {
    const std::uint64_t middle = too_few + (enough - too_few) / 2;
    (AtMostOneOver(static_cast<double>(middle), p) > kMaxChance ? too_few : enough) = middle;
  }
  return enough;
}

double Median(std::vector<double> values) {
  PADDOCK_CHECK(!values.empty(), "a median is of values");
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : values[middle - 1] + (values[middle] - values[middle - 1]) / 2;
}

double Mean(std::span<const double> values) { return MeanOf(values); }
double Mean(std::span<const std::uint64_t> values) { return MeanOf(values); }

std::optional<double> SampleStandardDeviation(std::span<const double> values) { return DeviationOf(values); }
std::optional<double> SampleStandardDeviation(std::span<const std::uint64_t> values) {
  return DeviationOf(values);
}

std::optional<Interval> MedianInterval(std::vector<double> values) {
  const std::size_t count = values.size();
  if (count < 2) return std::nullopt;
  std::sort(values.begin(), values.end());
  const boost::math::binomial_distribution<double> distribution(static_cast<double>(count), 0.5);
  // Coverage of the interval from the rank-th smallest to the rank-th largest value.
  const auto coverage = [&](std::size_t rank) {
    return 1 - 2 * boost::math::cdf(distribution, static_cast<double>(rank - 1));
  };
  std::size_t rank = 1;
  std::size_t too_narrow = (count + 1) / 2 + 1;
  while (too_narrow - rank > 1) {
    const std::size_t middle = rank + (too_narrow - rank) / 2;
    (coverage(middle) >= kConfidence ? rank : too_narrow) = middle;
  }
  return Interval{values[rank - 1], values[count - rank], coverage(rank)};
}

Interval WilsonInterval(std::uint64_t successes, std::uint64_t n) {
  PADDOCK_CHECK(n > 0 && successes <= n, "a share is of at least one");
  const auto count = static_cast<double>(n);
  const double share = static_cast<double>(successes) / count;
  const double z2 = kNormalQuantile * kNormalQuantile;
  const double centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const double half_width =
      kNormalQuantile / (1 + z2 / count) * std::sqrt(share * (1 - share) / count + z2 / (4 * count * count));
  return {std::max(0.0, centre - half_width), std::min(1.0, centre + half_width), kConfidence};
}

}  // namespace paddock
