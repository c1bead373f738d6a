// What the measured latencies of one repetition are worth: where its steady state begins, its order, how many independent
// observations it holds. Computed once per repetition; KPIs and verdict rules read it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "kpi/energy.h"
#include "kpi/run_record.h"
#include "kpi/sample_statistics.h"

namespace paddock {

struct LatencyAnalysis {
  std::uint64_t warmup_entries = 0;
  std::uint64_t measured_entries = 0;
  bool open_loop = false;
  std::optional<std::uint64_t> lateness_p99_ns;  // of the pacer, over the measured entries of an open loop
  std::uint64_t measured_samples = 0;            // answered after the warm-up, in the whole measured window
  // The entries that count begin with the end of the warm-up or, in a closed loop, of what MSER-5 takes for more of it.
  std::size_t cut = 0;  // entries after the warm-up that were left out
  bool steady = true;   // false: MSER-5 finds no steady state within the first half; nothing is left out then
  std::vector<std::uint64_t>
      sorted;  // latencies of entries that count, ascending; of whole blocks where readings are batched
  std::uint64_t window_ns = 0;  // of the entries that count
  std::uint64_t samples = 0;    // answered in them
  double effective_size = 0;    // kpi/sample_statistics.h
  std::optional<double>
      drift;  // relative change from the first to the last third, when their intervals are disjoint
  // The same with the intervals of as many independent values, which a step in the series does not widen.
  std::optional<double> change;
  OutlierCounts outliers;
};

// Takes the arrays of `queries` for its own use: a long series is there once, not three times.
LatencyAnalysis AnalyseLatencies(QuerySeries& queries, std::uint64_t window_ns);

// REQUIRES: the record has a power trace.
std::vector<EnergyResult> EnergiesOf(const RepetitionRecord& record);

// A repetition with its analysis, made when the record comes in; the arrays of its series are then empty.
struct AnalysedRepetition : RepetitionRecord {
  AnalysedRepetition() = default;
  AnalysedRepetition(RepetitionRecord record)  // NOLINT(google-explicit-constructor)
      : RepetitionRecord(std::move(record)), latency(AnalyseLatencies(queries, window_ns)) {
    if (power) energies = EnergiesOf(*this);
  }
  LatencyAnalysis latency;
  std::vector<EnergyResult> energies;  // of the record's power trace: its window, or each of edge_windows
};

}  // namespace paddock
