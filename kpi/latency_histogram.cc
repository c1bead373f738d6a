#include "kpi/latency_histogram.h"

#include <algorithm>
#include <limits>

namespace paddock {
namespace {

constexpr std::uint64_t kLongest = std::uint64_t{1} << 60;  // ns; 36 years, what a layout can hold

// How many inferences one after the other an entry's latency is of.
std::uint64_t InvocationsOf(const QuerySeries& queries, std::uint64_t entry) {
  const std::uint64_t samples = queries.SamplesOf(entry);
  return std::max<std::uint64_t>((samples + queries.samples_per_query - 1) / queries.samples_per_query, 1);
}

}  // namespace

LatencyHistogram MakeLatencyHistogram(const RepetitionRecord& record) {
  static const QuerySeries kNone;
  const QuerySeries& queries = record.clock == kInstructionClock ? kNone : record.queries;
  const bool blocks = queries.invocations_per_reading > 1 && queries.samples_per_query > 0;
  const auto value_of = [&](std::uint64_t entry) {
    std::uint64_t latency_ns = queries.latency_ns[entry];
    if (blocks) {
      const std::uint64_t invocations = InvocationsOf(queries, entry);
      latency_ns = latency_ns / invocations + (latency_ns % invocations * 2 >= invocations ? 1 : 0);
    }
    return static_cast<std::int64_t>(std::min(latency_ns, kLongest));
  };
  HistogramLayout layout;
  for (std::uint64_t entry = queries.warmup_count; entry < queries.latency_ns.size(); ++entry)
    layout.highest = std::max(layout.highest, value_of(entry));
  Histogram histogram(layout);
  for (std::uint64_t entry = queries.warmup_count; entry < queries.latency_ns.size(); ++entry)
    histogram.Record(value_of(entry));
  return {histogram.Encode(), std::max<std::uint32_t>(queries.invocations_per_reading, 1)};
}

Result<Histogram> MergeLatencyHistograms(const std::vector<LatencyHistogram>& parts) {
  std::vector<Histogram> histograms;
  HistogramLayout layout;
  for (const LatencyHistogram& part : parts) {
    PADDOCK_ASSIGN_OR_RETURN(Histogram histogram, Histogram::Decode(part.encoded));
    layout.highest = std::max(layout.highest, histogram.layout().highest);
    histograms.push_back(std::move(histogram));
  }
  if (histograms.empty()) return InvalidArgumentError("there is no histogram to merge");
  Histogram merged(layout);
  for (const Histogram& histogram : histograms) PADDOCK_RETURN_IF_ERROR(merged.Merge(histogram));
  return merged;
}

std::vector<double> CumulativeShares(const Histogram& histogram, const std::vector<std::int64_t>& values) {
  std::vector<double> shares;
  if (histogram.total_count() == 0) return std::vector<double>(values.size(), 0);
  const std::int64_t last = histogram.Max();
  std::int64_t next = histogram.Min();  // the lowest value whose counter is not in `counted`
  std::uint64_t counted = 0;
  for (const std::int64_t value : values) {
    while (next <= value && next <= last) {
      counted += histogram.CountAt(next);
      next = histogram.HighestEquivalent(next) + 1;
    }
    shares.push_back(static_cast<double>(counted) / static_cast<double>(histogram.total_count()));
  }
  return shares;
}

}  // namespace paddock
