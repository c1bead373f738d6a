// What was measured, raw. A worker makes one RepetitionRecord; it travels as one byte string (spool, wire, store) and every
// KPI is computed from it and from nothing else, so a corrected formula can be applied to old runs.
// All times are of the device's monotonic clock; offsets count from the start of the measured window's first warm-up query.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

// Parallel arrays, one entry per query, in the order of issue. The first `warmup_count` entries are warm-up: kept, flagged,
// not in KPIs.
struct QuerySeries {
  std::vector<std::uint64_t> start_offset_ns;  // actual issue
  std::vector<std::uint64_t> latency_ns;       // from the scenario's reference point (closed loop: the issue)
  // Open-loop scenarios only (otherwise empty): when the query should have been issued.
  std::vector<std::uint64_t> intended_offset_ns;
  std::uint32_t samples_per_query = 1;
  // The last query of a pass may be smaller: (index, samples). No sample is dropped at the tail.
  std::map<std::uint64_t, std::uint32_t> short_queries;
  std::uint64_t warmup_count = 0;

  std::uint64_t SamplesOf(std::uint64_t query) const {
    const auto found = short_queries.find(query);
    return found == short_queries.end() ? samples_per_query : found->second;
  }
};

struct RepetitionRecord {
  std::uint32_t index = 0;
  std::string runtime;                         // "onnxruntime 1.30.0"
  std::map<std::string, std::string> options;  // what the driver used, after defaults
  std::optional<std::uint64_t> model_load_ns;  // artifact on disk -> session ready
  std::optional<std::uint64_t> first_inference_ns;
  std::optional<std::uint64_t> cold_start_ns;      // worker process started -> first output
  std::optional<std::uint64_t> peak_memory_bytes;  // resident high-water mark of the worker after the window
  std::uint64_t window_ns = 0;                     // first measured issue -> last measured completion
  QuerySeries queries;
  std::optional<double> energy_j;               // over the measured window, from a meter; absent without one
  std::optional<std::uint64_t> timer_floor_ns;  // median of an empty clock pair, measured before the window
  std::string clock = "steady_clock";           // "simulated" when time is a model and not measured
};

// "PDKREC1\n", little-endian u32 length and JSON header, then the arrays (starts, latencies, intended starts, indices and
// samples of the short queries) as one zlib stream of zigzag varints of the differences between neighbours.
// REQUIRES: the arrays are as long as each other (intended_offset_ns may be empty).
std::string EncodeRepetition(const RepetitionRecord& record);
// Foreign bytes: INVALID_ARGUMENT says what is wrong; decompression is bounded by 64 million queries.
Result<RepetitionRecord> DecodeRepetition(std::string_view bytes);

}  // namespace paddock
