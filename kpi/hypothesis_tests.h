// Tests and intervals for few, dear values: figures of fresh processes, paired outcomes of samples. Pure and total over the
// stated domain; values are finite. Exact distributions where they are cheap, normal approximations with continuity and tie
// correction elsewhere, as R's wilcox.test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "kpi/statistics.h"

namespace paddock {

struct RankTest {
  double statistic =
      0;  // Mann-Whitney: pairs in which `after` is larger, ties half; signed rank: ranks of positive differences
  double p_value = 1;  // two-sided
  bool exact = false;
};
// Do two independent samples come from one distribution? Exact for up to 50 values each without ties; the smallest p-value of
// n against n is 2 / C(2n, n): .029 for four, .0079 for five. REQUIRES: both non-empty.
RankTest MannWhitneyTest(std::span<const double> before, std::span<const double> after);
// Are paired differences symmetric about 0? Wilcoxon's signed rank; zeros are left out. Exact for up to 50 differences without
// zeros and ties. p = 1 when no difference is left.
RankTest SignedRankTest(std::span<const double> differences);

struct ShiftEstimate {
  double shift = 0;
  Interval interval;  // with the coverage that it really has: less than 95 % for few values
};
// Hodges-Lehmann: the median of all differences after - before, with Moses' interval. O(n m) memory. REQUIRES: both non-empty.
ShiftEstimate HodgesLehmannShift(std::span<const double> before, std::span<const double> after);
// Hodges-Lehmann for paired differences: the median of the Walsh averages, with the interval of the signed-rank test. O(n^2)
// memory. REQUIRES: non-empty.
ShiftEstimate HodgesLehmannPaired(std::span<const double> differences);

// Exact McNemar: paired yes/no outcomes of which `first_only` held only in the first run and `second_only` only in the second.
// The two-sided p-value; 1 without discordant pairs.
double McNemarPValue(std::uint64_t first_only, std::uint64_t second_only);

// Exact (conservative) interval of a share. REQUIRES: successes <= n, n > 0, 0 < confidence < 1.
Interval ClopperPearsonInterval(std::uint64_t successes, std::uint64_t n, double confidence = 0.95);

// Percentile bootstrap at a nominal 95 % over whole runs, for figures without an interval of their own: `statistic` gets the
// indices of 2000 resamples of the runs, and its type 7 quantiles .025 and .975 are the bounds. The same seed gives the same
// bounds everywhere. Empty for fewer than two runs. REQUIRES: `statistic` returns finite values.
std::optional<Interval> BootstrapInterval(
    std::size_t runs, const std::function<double(std::span<const std::size_t>)>& statistic,
    std::uint64_t seed);

}  // namespace paddock
