// What was measured, raw. A worker makes one RepetitionRecord; it travels as one byte string (spool, wire, store) and every
// KPI is computed from it and from nothing else, so a corrected formula can be applied to old runs.
// All times are of the device's monotonic clock; offsets count from the start of the first warm-up query. Its time stands
// still while the stop rule looks at the queries so far (QuerySeries::pauses_ns).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kpi/counters.h"
#include "kpi/environment.h"
#include "kpi/network_facts.h"
#include "kpi/power_trace.h"

namespace paddock {

// Parallel arrays, one entry per query (with batched readings: per block of them), in the order of issue. The first
// `warmup_count` entries are warm-up: kept, flagged, not in KPIs, and issued in a closed loop in every scenario.
struct QuerySeries {
  std::vector<std::uint64_t> start_offset_ns;  // actual issue
  // From the scenario's reference point to the completion: closed loop from the issue, open loop from the intended start.
  std::vector<std::uint64_t> latency_ns;
  // Open-loop scenarios only (otherwise empty): when the query should have been issued.
  std::vector<std::uint64_t> intended_offset_ns;
  std::uint32_t samples_per_query = 1;
  // Where the clock is too coarse for one query, each measured entry is a block of so many, issued one after the other
  // under one pair of readings: its latency is that of the whole block. Warm-up entries are always one query.
  std::uint32_t invocations_per_reading = 1;
  // The last query of a pass may be smaller: (index of the entry, samples of the entry). No sample is dropped at the tail.
  std::map<std::uint64_t, std::uint32_t> short_queries;
  std::uint64_t warmup_count = 0;
  // Before the entry with this index the loop stood still for so long; in no offset, latency or window.
  std::map<std::uint64_t, std::uint64_t> pauses_ns;

  std::uint64_t FullSamplesOf(std::uint64_t entry) const {
    return std::uint64_t{samples_per_query} * (entry < warmup_count ? 1 : invocations_per_reading);
  }
  std::uint64_t SamplesOf(std::uint64_t entry) const {
    const auto found = short_queries.find(entry);
    return found == short_queries.end() ? FullSamplesOf(entry) : found->second;
  }
  // How much later than it could have been an entry was issued: after its intended start and, since one query runs at a
  // time, after the end of the one before. 0 in closed loops.
  std::uint64_t PacerLatenessNs(std::uint64_t entry) const;
};

// One window of the search for the highest rate.
struct RateProbe {
  double rate_hz = 0;
  std::uint64_t queries = 0;        // fewer than planned when the limit was out of reach before the end
  std::uint64_t percentile_ns = 0;  // of these queries
  bool passed = false;
  bool operator==(const RateProbe&) const = default;
};

// A window of its own for energy.
struct EnergyWindow {
  std::uint64_t samples = 0;
  std::uint64_t median_latency_ns = 0;  // of a query; must agree with that of the measured window
};

// Inferences that a device ran in a row as one command, its pin falling before the first and after the last.
struct EdgeWindow {
  std::uint64_t samples = 0;
  TimeSpan
      command;  // from before it was given until it was answered, by the host's clock; the edges are near it
  bool operator==(const EdgeWindow&) const = default;
};

// Who marks the windows of the energy (RepetitionRecord::edge_source).
inline constexpr std::string_view kGpioEdges = "gpio";        // the device, by edges of its pin in the trace
inline constexpr std::string_view kHostEdges = "host_clock";  // the host, by the marks of the trace
inline constexpr std::string_view kNoEdges = "none";          // nobody, so that there is no energy

// Why a measured window ended (RepetitionRecord::stop_reason).
inline constexpr std::string_view kStopPrecise = "precise";    // all precisions asked for were reached
inline constexpr std::string_view kStopMinimum = "minimum";    // none was asked for; both minima were met
inline constexpr std::string_view kStopPatience = "patience";  // both minima were met, not the precisions
inline constexpr std::string_view kStopMaxDuration = "max_duration";  // neither, at max_duration_s

// What time is counted by (RepetitionRecord::clock).
inline constexpr std::string_view kSteadyClock = "steady_clock";  // the host's
inline constexpr std::string_view kDeviceClock = "device";        // the device's own
inline constexpr std::string_view kSimulatedClock = "simulated";  // a model's: nothing was measured
// Instructions of an emulated processor: every nanosecond of the record stands for one of them. No time is known.
inline constexpr std::string_view kInstructionClock = "instructions";

struct RepetitionRecord {
  std::uint32_t index = 0;
  std::string runtime;                         // "onnxruntime 1.30.0"
  std::map<std::string, std::string> options;  // what the driver used, after defaults
  std::optional<std::uint64_t> model_load_ns;  // artifact on disk -> session ready
  std::optional<std::uint64_t> first_inference_ns;
  std::optional<std::uint64_t> cold_start_ns;      // worker process started -> first output
  std::optional<std::uint64_t> peak_memory_bytes;  // resident high-water mark of the worker after the window
  std::uint64_t window_ns = 0;  // first measured issue -> last measured completion, less pauses
  QuerySeries queries;
  std::optional<double> energy_j;               // over the measured window, from a meter; absent without one
  std::optional<std::uint64_t> timer_floor_ns;  // median of an empty clock pair, measured before the window
  std::string clock{kSteadyClock};              // one of the four above
  std::string stop_reason;                      // one of kStop...; empty in records that do not say
  std::optional<double> rate_hz;                // server: the rate offered in the measured window
  // server with a latency limit, in the order of the search; rate_hz is the highest that passed, and the lowest tried when
  // none did.
  std::vector<RateProbe> rate_probes;

  std::optional<RepetitionEnvironment>
      environment;                          // absent in simulated time: there is no machine to look at
  std::optional<CounterReadings> counters;  // over the measured window
  // Of the meter, where the device has one. A sampler that runs on the device disturbs what it measures: then the trace's
  // window is a second one, after the measured one, and energy_window says what was answered in it.
  std::optional<PowerTrace> power;
  std::optional<EnergyWindow> energy_window;
  std::string no_energy;      // why a device with a meter has no trace: what the meter said
  std::string edge_source{};  // one of the three above; empty without a meter, and in records that do not say
  std::vector<EdgeWindow> edge_windows{};  // in order of time, of kGpioEdges

  std::optional<NetworkFacts> network{};      // of a model that was compiled to a program
  std::vector<std::uint64_t> layer_counts{};  // of each of its layers in one inference; empty: not counted
  std::string layer_unit{};                   // "cycles", "instructions", "ns"
  std::string transcript{};                   // of the line to the device, its end; empty: there is none
};

// Everything but the arrays of queries and the power trace, as an object: the header of the bytes, and for export.
Json DescribeRepetition(const RepetitionRecord& record);

// "PDKREC1\n", little-endian u32 length and JSON header, then the arrays (starts, latencies, intended starts, indices and
// samples of the short queries) as one zlib stream of zigzag varints of the differences between neighbours, then the power
// trace in its own form (kpi/power_trace.h), then the transcript as a zlib stream. With "gaps" in the header, the starts are what lies between them and the end of
// the query before or, in an open loop, the intended start.
// REQUIRES: the arrays are as long as each other (intended_offset_ns may be empty).
std::string EncodeRepetition(const RepetitionRecord& record);
// Foreign bytes: INVALID_ARGUMENT says what is wrong; decompression is bounded by 64 million queries.
Result<RepetitionRecord> DecodeRepetition(std::string_view bytes);

}  // namespace paddock
