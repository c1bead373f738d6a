// Statistics of one series of latencies of one process, in order of issue: how much it really says, where its quantiles lie,
// when it became steady. Pure; values are in any integer unit (ns); every function is total over its stated domain.
// Sources: Geyer 1992 (effective sample size), MLPerf LoadGen early_stopping.cc, White 1997 (MSER), Tukey 1977 and
// Iglewicz and Hoaglin 1993 (outliers), Ljung and Box 1978.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace paddock {

// How many independent values tell as much about the location as this series: n / (1 + 2 sum of autocorrelations) by Geyer's
// initial positive sequence; in 1 .. n, n for a constant series, 0 for an empty one. Values beyond Tukey's severe fences are
// moved to the fence first: one preemption would otherwise be all of the variance and hide the correlation of the rest.
// Long series are summed to at most 2^16 batches first. Their means keep the whole variance of the mean, and where the sequence
// is still positive at the last lag looked at, batches are joined and it is followed further: lags are never left out, which
// would make the size too large. O(n), about 0.1 s for ten million values.
double EffectiveSampleSize(std::span<const std::uint64_t> series);

// 1-based ranks of the two values that bound a quantile.
struct QuantileRanks {
  std::uint64_t lower = 0;  // 0: no value of the sample is low enough
  std::uint64_t upper = 0;  // n + 1: no value of the sample is high enough
};
// The largest l with P(Binomial(n, p) <= l - 1) <= alpha / 2 and the smallest u with P(Binomial(n, p) <= u - 1) >=
// 1 - alpha / 2, as R's asht::quantileTest. REQUIRES: n > 0, 0 < p < 1, 0 < confidence < 1.
QuantileRanks OrderStatisticRanks(std::uint64_t n, double p, double confidence);

struct QuantileBounds {
  std::optional<std::uint64_t> lower;  // absent: unbounded
  std::optional<std::uint64_t> upper;
  double confidence = 0;  // what the bounds really cover: at least what was asked for
};
// Distribution-free interval of the p-quantile: the ranks for `effective_size` independent values, scaled to the size of the
// sample (l down, u up). PercentileOfSorted(sorted, p) lies within. REQUIRES: non-empty, sorted, 0 < p < 1,
// 0 < confidence < 1, 1 <= effective_size <= n.
QuantileBounds OrderStatisticBounds(std::span<const std::uint64_t> sorted, double p, double confidence,
                                    double effective_size);

// PercentileOfSorted(sorted, 0.5) and its 95 % interval.
struct BoundedMedian {
  std::uint64_t median = 0;
  QuantileBounds bounds;
};
// REQUIRES: as OrderStatisticBounds.
BoundedMedian BoundMedian(std::span<const std::uint64_t> sorted, double effective_size);
// Relative, when the intervals are disjoint; infinite from a median of 0; empty when they overlap or are unbounded.
std::optional<double> MedianChange(const BoundedMedian& first, const BoundedMedian& last);

// LoadGen's early stopping, tolerance 0: the fewest queries under the p-th percentile that, beside `over` queries over it, show
// at `confidence` that the percentile is held: the smallest h with I_p(h, over + 1) <= 1 - confidence. REQUIRES: 0 < p < 1.
std::uint64_t EarlyStoppingUnder(double p, std::uint64_t over, double confidence = 0.99);
// The most queries that may be over the p-th percentile among n, at 99 %; empty when n is too small for one
// (MinSamplesForPercentile). REQUIRES: 0 < p < 1.
std::optional<std::uint64_t> EarlyStoppingOver(std::uint64_t n, double p);
// LoadGen's early-stopping estimate of the p-th percentile: sorted[n - t] with t as above; no smaller than the percentile
// itself, empty when n is too small. REQUIRES: sorted, 0 < p < 1.
std::optional<std::uint64_t> EarlyStoppingPercentile(std::span<const std::uint64_t> sorted, double p);

// MSER-5 on the medians of batches of five: the index of the first sample of the steady state; empty when fewer than half
// of the batches would be left, which is no steady state and is told from 41 batches on. 0 for 20 batches or fewer. Steps of
// the clock count as noise: a tail in which the clock happens to read one value does not look steadier than the rest. O(n).
std::optional<std::size_t> SteadyStateCut(std::span<const std::uint64_t> series);

// MedianChange() from the first to the last third of the (steady) series, with intervals by effective sample size. O(n). A long
// series shows changes too small to matter: look at the size.
std::optional<double> MedianDrift(std::span<const std::uint64_t> steady);
inline bool DriftSeen(std::span<const std::uint64_t> steady) { return MedianDrift(steady).has_value(); }

// Outliers are counted, never removed.
struct OutlierCounts {
  std::uint64_t mild = 0;    // beyond 1.5 but not 3 interquartile ranges from the quartiles (type 7)
  std::uint64_t severe = 0;  // beyond 3
  std::uint64_t modified_z =
      0;  // |x - median| over 10 * 1.4826 * MAD; MAD at least half a unit, the rounding of the clock
};
// REQUIRES: sorted.
OutlierCounts CountOutliers(std::span<const std::uint64_t> sorted);

// Do the values form two modes, as of a clock that switches between two frequencies? On logarithms, the worst and best 2 %
// moved to their edge: the split of least squares among those that leave 10 % of the values on either side has an Ashman's D
// (distance of the means in standard deviations) above 4; a normal distribution has 2.65, a uniform one 3.46. Steps of the
// clock count as spread. False for fewer than 100 values: few ones look like two modes by chance. O(n). REQUIRES: sorted.
bool Bimodal(std::span<const std::uint64_t> sorted);

// Median of the absolute deviations from the median, unscaled. REQUIRES: non-empty.
double MedianAbsoluteDeviation(std::vector<double> values);
// R's default quantile: linear between the values around (n - 1) p. For fences only: KPIs take PercentileOfSorted.
// REQUIRES: non-empty, sorted, 0 <= p <= 1.
double Type7Quantile(std::span<const double> sorted, double p);
double Type7Quantile(std::span<const std::uint64_t> sorted, double p);
// Empty for a constant series or fewer than two values.
std::optional<double> LagOneAutocorrelation(std::span<const std::uint64_t> series);
// Probability of autocorrelations this large (lags 1 to 20) in a series without any; empty for a constant series or one of 20
// values and fewer.
std::optional<double> LjungBoxPValue(std::span<const std::uint64_t> series);

}  // namespace paddock
