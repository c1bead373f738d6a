#include "kpi/latency_analysis.h"

#include <algorithm>
#include <span>

#include "kpi/statistics.h"

namespace paddock {
namespace {

std::uint64_t SamplesFrom(const QuerySeries& queries, std::size_t begin) {
  const std::uint64_t full = queries.FullSamplesOf(begin);
  std::uint64_t samples = (queries.latency_ns.size() - begin) * full;
  for (auto entry = queries.short_queries.lower_bound(begin); entry != queries.short_queries.end(); ++entry) {
    if (entry->first < queries.latency_ns.size()) samples -= full - entry->second;
  }
  return samples;
}

// Relative change of the median from the first to the last third, when their intervals are disjoint.
std::optional<double> ChangeBetweenThirds(std::span<const std::uint64_t> series) {
  const std::size_t third = series.size() / 3;
  if (third == 0) return std::nullopt;
  const auto bounds = [](std::span<const std::uint64_t> part, double* median) {
    std::vector<std::uint64_t> sorted(part.begin(), part.end());
    std::sort(sorted.begin(), sorted.end());
    *median = static_cast<double>(PercentileOfSorted(sorted, 0.5));
    return OrderStatisticBounds(sorted, 0.5, 0.95, static_cast<double>(sorted.size()));
  };
  double before = 0;
  double after = 0;
  const QuantileBounds first = bounds(series.first(third), &before);
  const QuantileBounds last = bounds(series.last(third), &after);
  const bool disjoint = (first.upper && last.lower && *first.upper < *last.lower) ||
                        (last.upper && first.lower && *last.upper < *first.lower);
  if (!disjoint || before == 0) return std::nullopt;
  return after / before - 1;
}

}  // namespace

LatencyAnalysis AnalyseLatencies(const RepetitionRecord& record) {
  const QuerySeries& queries = record.queries;
  LatencyAnalysis analysis;
  const std::size_t count = queries.latency_ns.size();
  analysis.begin = std::min<std::size_t>(queries.warmup_count, count);
  analysis.window_ns = record.window_ns;
  if (analysis.begin == count) return analysis;

  analysis.measured_samples = SamplesFrom(queries, analysis.begin);
  std::span<const std::uint64_t> measured(queries.latency_ns);
  measured = measured.subspan(analysis.begin);
  // In an open loop a queue that builds up is what is measured, not a warm-up.
  if (queries.intended_offset_ns.empty()) {
    const auto cut = SteadyStateCut(measured);
    analysis.steady = cut.has_value();
    analysis.cut = cut.value_or(0);
  }
  const std::uint64_t left_out_ns =
      queries.start_offset_ns[analysis.begin + analysis.cut] - queries.start_offset_ns[analysis.begin];
  analysis.window_ns -= std::min(left_out_ns, analysis.window_ns);
  analysis.begin += analysis.cut;
  measured = measured.subspan(analysis.cut);

  analysis.samples = SamplesFrom(queries, analysis.begin);
  analysis.effective_size = EffectiveSampleSize(measured);
  analysis.drift = MedianDrift(measured);
  analysis.change = ChangeBetweenThirds(measured);
  analysis.sorted.assign(measured.begin(), measured.end());
  std::sort(analysis.sorted.begin(), analysis.sorted.end());
  analysis.outliers = CountOutliers(analysis.sorted);
  return analysis;
}

}  // namespace paddock
