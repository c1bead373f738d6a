#include "kpi/latency_analysis.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "kpi/edge_energy.h"
#include "kpi/sort_integers.h"
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

std::optional<std::uint64_t> LatenessP99(const QuerySeries& queries, std::size_t begin) {
  if (queries.intended_offset_ns.empty()) return std::nullopt;
  std::vector<std::uint64_t> lateness_ns;
  lateness_ns.reserve(queries.latency_ns.size() - begin);
  for (std::size_t entry = begin; entry < queries.latency_ns.size(); ++entry)
    lateness_ns.push_back(queries.PacerLatenessNs(entry));
  const auto at =
      lateness_ns.begin() + static_cast<std::ptrdiff_t>(PercentileIndex(lateness_ns.size(), 0.99));
  std::nth_element(lateness_ns.begin(), at, lateness_ns.end());
  return *at;
}

// How the median changed from the first to the last third.
void CompareThirds(std::span<const std::uint64_t> series, std::vector<std::uint64_t>* scratch,
                   LatencyAnalysis* analysis) {
  const std::size_t third = series.size() / 3;
  if (third == 0) return;
  std::vector<std::uint64_t> sorted;
  const auto bound = [&](std::span<const std::uint64_t> part, BoundedMedian* effective) {
    SortIntegers(part, &sorted, scratch);
    *effective = BoundMedian(sorted, EffectiveSampleSize(part));
    return BoundMedian(sorted, static_cast<double>(sorted.size()));
  };
  BoundedMedian first;
  BoundedMedian last;
  const BoundedMedian first_of_all = bound(series.first(third), &first);
  const BoundedMedian last_of_all = bound(series.last(third), &last);
  analysis->drift = MedianChange(first, last);
  const auto change = MedianChange(first_of_all, last_of_all);
  if (change && std::isfinite(*change)) analysis->change = change;
}

// Steady state, order and size of the measured latencies, of which the first is `begin`.
void AnalyseSeries(QuerySeries& queries, std::size_t begin, LatencyAnalysis* analysis) {
  analysis->measured_samples = SamplesFrom(queries, begin);
  analysis->lateness_p99_ns = LatenessP99(queries, begin);
  std::span<const std::uint64_t> measured(queries.latency_ns);
  measured = measured.subspan(begin);
  // In an open loop a queue that builds up is what is measured, not a warm-up.
  if (!analysis->open_loop) {
    const auto cut = SteadyStateCut(measured);
    analysis->steady = cut.has_value();
    analysis->cut = cut.value_or(0);
  }
  const std::uint64_t left_out_ns =
      queries.start_offset_ns[begin + analysis->cut] - queries.start_offset_ns[begin];
  analysis->window_ns -= std::min(left_out_ns, analysis->window_ns);
  measured = measured.subspan(analysis->cut);

  analysis->samples = SamplesFrom(queries, begin + analysis->cut);
  analysis->effective_size = EffectiveSampleSize(measured);
  analysis->sorted = std::move(queries.start_offset_ns);  // whose room is used from here on
  CompareThirds(measured, &analysis->sorted, analysis);
  SortIntegers(measured, &analysis->sorted, &queries.latency_ns);
  analysis->outliers = CountOutliers(analysis->sorted);
}

}  // namespace

std::vector<EnergyResult> EnergiesOf(const RepetitionRecord& record) {
  if (record.edge_source != kGpioEdges) return {MeasuredEnergy(*record.power)};
  std::vector<TimeSpan> commands;
  for (const EdgeWindow& window : record.edge_windows) commands.push_back(window.command);
  return EnergiesBetweenEdges(*record.power, commands);
}

LatencyAnalysis AnalyseLatencies(QuerySeries& queries, std::uint64_t window_ns) {
  LatencyAnalysis analysis;
  const std::size_t count = queries.latency_ns.size();
  const std::size_t begin = std::min<std::size_t>(queries.warmup_count, count);
  analysis.warmup_entries = begin;
  analysis.measured_entries = count - begin;
  analysis.open_loop = !queries.intended_offset_ns.empty();
  analysis.window_ns = window_ns;
  if (begin < count) AnalyseSeries(queries, begin, &analysis);
  queries.start_offset_ns = {};
  queries.latency_ns = {};
  queries.intended_offset_ns = {};
  return analysis;
}

}  // namespace paddock
