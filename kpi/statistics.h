// The arithmetic of measurement. Pure; every function is total over its stated domain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace paddock {

struct Interval {
  double lower = 0;
  double upper = 0;
  double confidence = 0.95;  // what the bounds really cover, not what was asked for
};

// MLPerf LoadGen's rank of a percentile among `count` sorted values: floor(count * p). REQUIRES: count > 0, 0 <= p < 1.
std::size_t PercentileIndex(std::size_t count, double p);
// MLPerf LoadGen's percentile: sorted[floor(n * p)], no interpolation (results.cc). REQUIRES: non-empty, sorted, 0 <= p < 1.
std::uint64_t PercentileOfSorted(std::span<const std::uint64_t> sorted, double p);
// Fewest samples that support a claim on the p-th percentile: LoadGen's early stopping at 99 % with one query over,
// 64 / 130 / 662 / 6636 for .90 / .95 / .99 / .999; 1 for p <= .5.
std::uint64_t MinSamplesForPercentile(double p);
// Mean of the two middle values when the count is even. REQUIRES: non-empty.
double Median(std::vector<double> values);
// REQUIRES: non-empty.
double Mean(std::span<const double> values);
double Mean(std::span<const std::uint64_t> values);
// Divisor n - 1 and two passes (NIST StRD NumAcc4 holds); empty for fewer than two values.
std::optional<double> SampleStandardDeviation(std::span<const double> values);
std::optional<double> SampleStandardDeviation(std::span<const std::uint64_t> values);
// Distribution-free interval of the median from order statistics (binomial, p = 1/2): the narrowest symmetric one that
// covers at least 95 %, or [min, max] with the coverage that it has when n is too small for that (n = 5: 93.75 %). Empty for
// fewer than two values.
std::optional<Interval> MedianInterval(std::vector<double> values);
// Wilson score interval at 95 % of `successes` in `n`. REQUIRES: n > 0.
Interval WilsonInterval(std::uint64_t successes, std::uint64_t n);

}  // namespace paddock
