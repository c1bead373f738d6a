// The part of sample_statistics.h that looks at the order of the samples.
#include <algorithm>
#include <array>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>

#include "kpi/sample_statistics.h"
#include "kpi/statistics.h"

namespace paddock {
namespace {

constexpr std::size_t kMostBatches = std::size_t{1} << 16;
constexpr std::size_t kMostLags = 512;
constexpr std::size_t kLjungBoxLags = 20;

double AsReal(std::uint64_t value) { return static_cast<double>(value); }

// Sum of x[i] x[i + lag] in four running sums, which the processor adds side by side.
double LaggedProducts(std::span<const double> x, std::size_t lag) {
  std::array<double, 4> sums{};
  const std::size_t count = x.size() - lag;
  std::size_t i = 0;
  for (; i + sums.size() <= count; i += sums.size()) {
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += x[i + j] * x[i + j + lag];
  }
  for (; i < count; ++i) sums[0] += x[i] * x[i + lag];
  return sums[0] + sums[1] + sums[2] + sums[3];
}

void Centre(std::vector<double>& values) {
  const double mean = Mean(values);
  for (double& value : values) value -= mean;
}

std::vector<double> Centred(std::span<const std::uint64_t> series) {
  std::vector<double> values(series.size());
  // Relative to the first value, so that the sum of ten million large ones stays exact enough.
  std::transform(series.begin(), series.end(), values.begin(), [&](std::uint64_t value) {
    return value >= series[0] ? AsReal(value - series[0]) : -AsReal(series[0] - value);
  });
  Centre(values);
  return values;
}

bool IsConstant(std::span<const std::uint64_t> series) {
  return std::all_of(series.begin(), series.end(), [&](std::uint64_t value) { return value == series[0]; });
}

struct Fences {
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
  double quartile = 0;
};

// Tukey's severe fences from at most 2^16 values spread over the series; everything when half of the values are equal.
Fences SevereFences(std::span<const std::uint64_t> series) {
  std::vector<std::uint64_t> picked;
  const std::size_t step = series.size() / kMostBatches + 1;
  for (std::size_t i = 0; i < series.size(); i += step) picked.push_back(series[i]);
  const auto quartile = [&](std::size_t index) {
    std::nth_element(picked.begin(), picked.begin() + static_cast<std::ptrdiff_t>(index), picked.end());
    return AsReal(picked[index]);
  };
  const double first = quartile(picked.size() / 4);
  const double third = quartile(picked.size() - 1 - picked.size() / 4);
  if (third <= first) return {.quartile = first};
  const double reach = 3 * (third - first);
  return {first - reach, third + reach, first};
}

// Variance of the mean of the series that the batches come from, in units of (sum of squares of the batches / their number):
// 1 + 2 sum of autocorrelations. Empty when the sequence is still positive at the last lag looked at.
std::optional<double> GeyerInflation(std::span<const double> batches, double variance) {
  const auto count = static_cast<double>(batches.size());
  double sum = -1;
  for (std::size_t lag = 0; lag + 1 < batches.size(); lag += 2) {
    if (lag >= kMostLags && batches.size() > 2 * kMostLags) return std::nullopt;
    const double even = lag == 0 ? 1 : LaggedProducts(batches, lag) / count / variance;
    const double pair = even + LaggedProducts(batches, lag + 1) / count / variance;
    if (pair <= 0) break;
    sum += 2 * pair;
  }
  return sum;
}

// Half of the batches, each the mean of two; a last odd one is dropped.
std::vector<double> JoinPairs(std::span<const double> batches) {
  std::vector<double> joined(batches.size() / 2);
  for (std::size_t i = 0; i < joined.size(); ++i) joined[i] = (batches[2 * i] + batches[2 * i + 1]) / 2;
  Centre(joined);
  return joined;
}

}  // namespace

double EffectiveSampleSize(std::span<const std::uint64_t> series) {
  if (series.empty()) return 0;
  const double n = AsReal(series.size());
  const Fences fences = SevereFences(series);
  const std::size_t batch = (series.size() + kMostBatches - 1) / kMostBatches;
  std::vector<double> batches;
  batches.reserve(series.size() / batch);
  double sum = 0;
  double squares = 0;
  double batch_sum = 0;
  std::size_t in_batch = 0;
  for (const std::uint64_t value : series) {
    const double shifted = std::clamp(AsReal(value), fences.low, fences.high) - fences.quartile;
    sum += shifted;
    squares += shifted * shifted;
    batch_sum += shifted;
    if (++in_batch == batch) {
      batches.push_back(batch_sum / static_cast<double>(batch));
      batch_sum = 0;
      in_batch = 0;
    }
  }
  const double variance = squares / n - (sum / n) * (sum / n);
  Centre(batches);
  for (;;) {
    const auto count = static_cast<double>(batches.size());
    const double batch_variance = LaggedProducts(batches, 0) / count;
    if (!(variance > 0) || !(batch_variance > 0)) return n;
    if (const auto inflation = GeyerInflation(batches, batch_variance)) {
      const double variance_of_mean = batch_variance * *inflation / count;
      return variance_of_mean > 0 ? std::clamp(variance / variance_of_mean, 1.0, n) : n;
    }
    batches = JoinPairs(batches);
  }
}

std::optional<double> LagOneAutocorrelation(std::span<const std::uint64_t> series) {
  if (series.size() < 2 || IsConstant(series)) return std::nullopt;
  const std::vector<double> values = Centred(series);
  return LaggedProducts(values, 1) / LaggedProducts(values, 0);
}

std::optional<double> LjungBoxPValue(std::span<const std::uint64_t> series) {
  if (series.size() <= kLjungBoxLags || IsConstant(series)) return std::nullopt;
  const std::vector<double> values = Centred(series);
  const double n = AsReal(series.size());
  const double squares = LaggedProducts(values, 0);
  double sum = 0;
  for (std::size_t lag = 1; lag <= kLjungBoxLags; ++lag) {
    const double correlation = LaggedProducts(values, lag) / squares;
    sum += correlation * correlation / (n - static_cast<double>(lag));
  }
  // The upper tail of chi squared with as many degrees of freedom as lags.
  return boost::math::gamma_q(static_cast<double>(kLjungBoxLags) / 2, n * (n + 2) * sum / 2);
}

}  // namespace paddock
