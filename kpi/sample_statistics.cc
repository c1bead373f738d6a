#include "kpi/sample_statistics.h"

#include <algorithm>
#include <array>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/status.h"
#include "kpi/sort_integers.h"
#include "kpi/statistics.h"

namespace paddock {
namespace {

constexpr double kMildFence = 1.5;
constexpr double kSevereFence = 3;
constexpr double kNormalMad = 1.4826;  // standard deviation of a normal distribution / its MAD
constexpr double kMostModifiedZ = 10;
constexpr std::size_t kBatch = 5;
constexpr std::size_t kLeastBatches = 20;
constexpr std::size_t kLeastForModes = 100;
constexpr double kLeastAshman = 4;
constexpr double kEarlyStoppingConfidence = 0.99;

double ToDouble(std::uint64_t value) { return static_cast<double>(value); }

QuantileRanks ScaledRanks(std::uint64_t n, double p, double confidence, double effective_size) {
  const auto effective = static_cast<std::uint64_t>(effective_size);
  PADDOCK_CHECK(n > 0 && effective >= 1 && effective <= n, "the effective size lies in 1 .. n");
  const QuantileRanks ranks = OrderStatisticRanks(effective, p, confidence);
  const double scale = ToDouble(n) / ToDouble(effective);
  const std::uint64_t estimate = PercentileIndex(n, p) + 1;
  QuantileRanks scaled;
  scaled.lower = std::min(static_cast<std::uint64_t>(std::floor(ToDouble(ranks.lower) * scale)), estimate);
  scaled.upper =
      ranks.upper > effective
          ? n + 1
          : std::clamp(static_cast<std::uint64_t>(std::ceil(ToDouble(ranks.upper) * scale)), estimate, n);
  return scaled;
}

std::uint64_t MedianOfFive(std::span<const std::uint64_t> batch) {
  std::array<std::uint64_t, kBatch> values{};
  std::copy(batch.begin(), batch.end(), values.begin());
  std::nth_element(values.begin(), values.begin() + kBatch / 2, values.end());
  return values[kBatch / 2];
}

template <typename T>
double InterpolatedQuantile(std::span<const T> sorted, double p) {
  PADDOCK_CHECK(!sorted.empty() && p >= 0 && p <= 1, "a quantile is of values, with p in 0 .. 1");
  const double position = static_cast<double>(sorted.size() - 1) * p;
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const auto low = static_cast<double>(sorted[below]);
  return low + (static_cast<double>(sorted[above]) - low) * (position - std::floor(position));
}

// The runs of equal values of a sorted series, one after the other.
struct EqualValues {
  explicit EqualValues(std::span<const std::uint64_t> sorted) : series(sorted) { FindEnd(); }
  bool at_end() const { return begin == series.size(); }
  std::uint64_t value() const { return series[begin]; }
  double count() const { return static_cast<double>(end - begin); }
  void Next() {
    begin = end;
    FindEnd();
  }
  void FindEnd() {
    while (end < series.size() && series[end] == series[begin]) ++end;
  }

  std::span<const std::uint64_t> series;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// MedianAbsoluteDeviation() without a copy: outwards from the median, always to the nearer neighbour.
double DeviationOfSorted(std::span<const std::uint64_t> sorted, double median) {
  std::size_t right = sorted.size() / 2;
  std::size_t left = right;
  double before = 0;
  double deviation = 0;
  for (std::size_t taken = 0; taken <= sorted.size() / 2; ++taken) {
    before = deviation;
    const bool from_left = right == sorted.size() || (left > 0 && median - ToDouble(sorted[left - 1]) <
                                                                      ToDouble(sorted[right]) - median);
    deviation = std::abs(ToDouble(from_left ? sorted[--left] : sorted[right++]) - median);
  }
  return sorted.size() % 2 == 1 ? deviation : before + (deviation - before) / 2;
}

// Chance that at most `over` of `under + over` independent queries are over the p-th percentile.
double AtMostOver(double p, std::uint64_t under, std::uint64_t over) {
  return boost::math::ibeta(ToDouble(under), ToDouble(over) + 1, p);
}

}  // namespace

QuantileRanks OrderStatisticRanks(std::uint64_t n, double p, double confidence) {
  PADDOCK_CHECK(n > 0 && p > 0 && p < 1 && confidence > 0 && confidence < 1,
                "an interval is of values, with p and the confidence between 0 and 1");
  const boost::math::binomial_distribution<double> distribution(ToDouble(n), p);
  const double half_alpha = (1 - confidence) / 2;
  // P(X <= rank - 1); the complement keeps its digits where the probability is near 1.
  const auto low_enough = [&](std::uint64_t rank) {
    return rank == 0 || boost::math::cdf(distribution, ToDouble(rank - 1)) <= half_alpha;
  };
  const auto high_enough = [&](std::uint64_t rank) {
    return rank > n || (rank > 0 && boost::math::cdf(boost::math::complement(
                                        distribution, ToDouble(rank - 1))) <= half_alpha);
  };
  QuantileRanks ranks;
  std::uint64_t too_high = n + 1;
  while (too_high - ranks.lower > 1) {
    const std::uint64_t middle = ranks.lower + (too_high - ranks.lower) / 2;
    (low_enough(middle) ? ranks.lower : too_high) = middle;
  }
  std::uint64_t too_low = 0;
  ranks.upper = n + 1;
  while (ranks.upper - too_low > 1) {
    const std::uint64_t middle = too_low + (ranks.upper - too_low) / 2;
    (high_enough(middle) ? ranks.upper : too_low) = middle;
  }
  return ranks;
}

QuantileBounds OrderStatisticBounds(std::span<const std::uint64_t> sorted, double p, double confidence,
                                    double effective_size) {
  const QuantileRanks ranks = ScaledRanks(sorted.size(), p, confidence, effective_size);
  const auto effective = static_cast<std::uint64_t>(effective_size);
  const QuantileRanks covered = OrderStatisticRanks(effective, p, confidence);
  const boost::math::binomial_distribution<double> distribution(ToDouble(effective), p);
  const double below = covered.lower == 0 ? 0 : boost::math::cdf(distribution, ToDouble(covered.lower - 1));
  const double above =
      covered.upper > effective
          ? 0
          : boost::math::cdf(boost::math::complement(distribution, ToDouble(covered.upper - 1)));
  QuantileBounds bounds;
  if (ranks.lower > 0) bounds.lower = sorted[ranks.lower - 1];
  if (ranks.upper <= sorted.size()) bounds.upper = sorted[ranks.upper - 1];
  bounds.confidence = 1 - below - above;
  return bounds;
}

std::uint64_t EarlyStoppingUnder(double p, std::uint64_t over, double confidence) {
  PADDOCK_CHECK(p > 0 && p < 1 && confidence > 0 && confidence < 1,
                "a percentile and a confidence lie between 0 and 1");
  std::uint64_t too_few = 0;
  std::uint64_t enough = 1;
  while (AtMostOver(p, enough, over) > 1 - confidence) {
    too_few = enough;
    enough *= 2;
  }
  while (enough - too_few > 1) {
    const std::uint64_t middle = too_few + (enough - too_few) / 2;
    (AtMostOver(p, middle, over) > 1 - confidence ? too_few : enough) = middle;
  }
  return enough;
}

std::optional<std::uint64_t> EarlyStoppingOver(std::uint64_t n, double p) {
  PADDOCK_CHECK(p > 0 && p < 1, "a percentile lies between 0 and 1");
  const auto allowed = [&](std::uint64_t over) {
    return AtMostOver(p, n - over, over) <= 1 - kEarlyStoppingConfidence;
  };
  if (n < 2 || !allowed(1)) return std::nullopt;
  std::uint64_t most = 1;
  std::uint64_t too_many = n;
  while (too_many - most > 1) {
    const std::uint64_t middle = most + (too_many - most) / 2;
    (allowed(middle) ? most : too_many) = middle;
  }
  return most;
}

std::optional<std::uint64_t> EarlyStoppingPercentile(std::span<const std::uint64_t> sorted, double p) {
  const auto over = EarlyStoppingOver(sorted.size(), p);
  if (!over) return std::nullopt;
  return sorted[sorted.size() - *over];
}

std::optional<std::size_t> SteadyStateCut(std::span<const std::uint64_t> series) {
  const std::size_t count = series.size() / kBatch;
  if (count < kLeastBatches) return 0;
  std::vector<double> medians(count);
  double step = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < count; ++i) {
    medians[i] = ToDouble(MedianOfFive(series.subspan(i * kBatch, kBatch)));
    const double change = i == 0 ? 0 : std::abs(medians[i] - medians[i - 1]);
    if (change > 0) step = std::min(step, change);
  }
  if (!std::isfinite(step)) return 0;
  const double rounding = step * step / 12;  // the variance of rounding to the steps of the clock
  // From the end: mean and squared deviations of the batches that would be left, and MSER's quotient of them. The last few
  // batches are too few to look steady by more than chance.
  const std::size_t least_left = std::max(kLeastBatches, count / 3);
  double mean = 0;
  double squares = 0;
  double best = std::numeric_limits<double>::infinity();
  std::size_t cut = 0;
  for (std::size_t i = count; i-- > 0;) {
    const auto left = static_cast<double>(count - i);
    const double difference = medians[i] - mean;
    mean += difference / left;
    squares += difference * (medians[i] - mean);
    const double quotient = (squares / left + rounding) / left;
    if (count - i >= least_left && quotient <= best) {
      best = quotient;
      cut = i;
    }
  }
  if (cut > count / 2) return std::nullopt;
  return cut * kBatch;
}

BoundedMedian BoundMedian(std::span<const std::uint64_t> sorted, double effective_size) {
  return {PercentileOfSorted(sorted, 0.5), OrderStatisticBounds(sorted, 0.5, 0.95, effective_size)};
}

std::optional<double> MedianChange(const BoundedMedian& first, const BoundedMedian& last) {
  const auto below = [](const QuantileBounds& a, const QuantileBounds& b) {
    return a.upper && b.lower && *a.upper < *b.lower;
  };
  if (!below(first.bounds, last.bounds) && !below(last.bounds, first.bounds)) return std::nullopt;
  if (first.median == 0) return std::numeric_limits<double>::infinity();
  return ToDouble(last.median) / ToDouble(first.median) - 1;
}

std::optional<double> MedianDrift(std::span<const std::uint64_t> steady) {
  const std::size_t third = steady.size() / 3;
  if (third == 0) return std::nullopt;
  std::vector<std::uint64_t> sorted;
  std::vector<std::uint64_t> scratch;
  const auto bound = [&](std::span<const std::uint64_t> part) {
    SortIntegers(part, &sorted, &scratch);
    return BoundMedian(sorted, EffectiveSampleSize(part));
  };
  const BoundedMedian first = bound(steady.first(third));
  return MedianChange(first, bound(steady.last(third)));
}

OutlierCounts CountOutliers(std::span<const std::uint64_t> sorted) {
  OutlierCounts counts;
  if (sorted.empty()) return counts;
  const double first = Type7Quantile(sorted, 0.25);
  const double third = Type7Quantile(sorted, 0.75);
  const auto outside = [&](double low, double high) {
    const auto begin = std::partition_point(sorted.begin(), sorted.end(),
                                            [&](std::uint64_t v) { return ToDouble(v) < low; });
    const auto end =
        std::partition_point(begin, sorted.end(), [&](std::uint64_t v) { return ToDouble(v) <= high; });
    return sorted.size() - static_cast<std::size_t>(end - begin);
  };
  const auto beyond = [&](double reach) {
    return outside(first - reach * (third - first), third + reach * (third - first));
  };
  counts.severe = beyond(kSevereFence);
  counts.mild = beyond(kMildFence) - counts.severe;

  const double median = Type7Quantile(sorted, 0.5);
  const double reach = kMostModifiedZ * kNormalMad * std::max(0.5, DeviationOfSorted(sorted, median));
  counts.modified_z = outside(median - reach, median + reach);
  return counts;
}

bool Bimodal(std::span<const std::uint64_t> sorted) {
  if (sorted.size() < kLeastForModes || sorted[0] == sorted.back()) return false;
  const std::size_t edge = sorted.size() / 50;
  const std::uint64_t low = std::max<std::uint64_t>(sorted[edge], 1);
  const std::uint64_t high = std::max<std::uint64_t>(sorted[sorted.size() - 1 - edge], 1);
  // Relative to the smallest, so that sums of squares keep the digits of close values.
  const auto log_of = [&](std::uint64_t value) {
    return std::log(ToDouble(std::clamp(value, low, high)) / ToDouble(low));
  };
  std::uint64_t step = std::numeric_limits<std::uint64_t>::max();
  double sum = 0;
  double squares = 0;
  for (EqualValues run(sorted); !run.at_end(); run.Next()) {
    if (run.begin > 0) step = std::min(step, run.value() - sorted[run.begin - 1]);
    const double log = log_of(run.value());
    sum += run.count() * log;
    squares += run.count() * log * log;
  }
  const double step_of_logs = ToDouble(step) / ToDouble(low);
  const double rounding = step_of_logs * step_of_logs / 12;

  const double n = ToDouble(sorted.size());
  double left_sum = 0;
  double left_squares = 0;
  double least = std::numeric_limits<double>::infinity();
  double ashman = 0;
  for (EqualValues run(sorted); !run.at_end(); run.Next()) {
    const auto left = static_cast<double>(run.begin);
    if (std::min(left, n - left) >= 0.1 * n && left > 0) {
      const double left_mean = left_sum / left;
      const double right_mean = (sum - left_sum) / (n - left);
      const double left_variance = std::max(0.0, left_squares / left - left_mean * left_mean);
      const double right_variance =
          std::max(0.0, (squares - left_squares) / (n - left) - right_mean * right_mean);
      const double within = left * left_variance + (n - left) * right_variance;
      if (within < least) {
        least = within;
        ashman = (right_mean - left_mean) / std::sqrt((left_variance + right_variance) / 2 + rounding);
      }
    }
    const double log = log_of(run.value());
    left_sum += run.count() * log;
    left_squares += run.count() * log * log;
  }
  return ashman > kLeastAshman;
}

double MedianAbsoluteDeviation(std::vector<double> values) {
  const auto median_of = [&] {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    const double below = *std::max_element(values.begin(), middle);
    return below + (*middle - below) / 2;
  };
  PADDOCK_CHECK(!values.empty(), "a deviation is of values");
  const double median = median_of();
  for (double& value : values) value = std::abs(value - median);
  return median_of();
}

double Type7Quantile(std::span<const double> sorted, double p) { return InterpolatedQuantile(sorted, p); }
double Type7Quantile(std::span<const std::uint64_t> sorted, double p) {
  return InterpolatedQuantile(sorted, p);
}

}  // namespace paddock
