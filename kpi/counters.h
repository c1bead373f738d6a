// What the CPU counted over the measured window, for all threads of the worker together. Pure data and its JSON form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/status.h"

namespace paddock {

struct CounterReadings {
  // Of the PMU, in user mode. `missing` says why all of them are absent; a single absent one is not counted by this CPU.
  std::optional<std::uint64_t> cycles;
  std::optional<std::uint64_t> instructions;
  std::optional<std::uint64_t> cache_misses;
  std::optional<std::uint64_t> branch_misses;
  // The share of the window the PMU really counted; the figures above are scaled up from it. Absent when it was all.
  std::optional<double> multiplexed_share;
  // Empty when cycles are there. "no_pmu": this machine has none; "not_permitted": the kernel refuses
  // (perf_event_paranoid); "stuck": it opens and does not count.
  std::string missing;

  // Of the kernel's accounting, always there on Linux.
  std::optional<std::uint64_t> process_cpu_ns;
  std::optional<std::uint64_t> thread_cpu_ns;  // of the thread that issues the queries
  std::optional<std::uint64_t> voluntary_switches;
  std::optional<std::uint64_t> involuntary_switches;
};

Json CountersToJson(const CounterReadings& counters);
// Strict: INVALID_ARGUMENT names the path of what is wrong.
Result<CounterReadings> CountersFromJson(const Json& json, const std::string& path);

}  // namespace paddock
