// The machine around a repetition: who it is, and what state it was in just before and just after the measured
// window. Pure data and its JSON form for the record; environment_rules.h says what a difference means.
//
// Absent is absent: a machine without cpufreq, thermal zones or a PMU has empty fields, and no finding comes
// from an empty field. Frequencies are in hertz, temperatures in thousandths of a degree Celsius.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace paddock {

// The lowest and the highest over several of one kind.
struct HzRange {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// One devfreq device: a GPU, a memory controller.
struct DeviceClock {
  std::string governor;
  std::uint64_t current_hz = 0;
  std::uint64_t floor_hz = 0;    // min_freq; equal to the ceiling when the clock is locked
  std::uint64_t ceiling_hz = 0;  // max_freq
};

// One line of /proc/pressure/*: "some".
struct PressureStall {
  double avg10_percent = 0;
  std::uint64_t total_us = 0;  // since boot
};

struct EnvironmentSnapshot {
  std::optional<std::uint64_t> taken_ns;  // monotonic; what "during" means is the difference of two of these

  // CPUs this process may run on.
  std::vector<std::string> governors;                // distinct, sorted
  std::optional<HzRange> cpu_current_hz;             // scaling_cur_freq
  std::optional<HzRange> cpu_floor_hz;               // scaling_min_freq
  std::optional<HzRange> cpu_ceiling_hz;             // scaling_max_freq
  std::optional<std::uint64_t> cpus_that_scale;      // CPUs whose floor is below their ceiling
  std::optional<bool> turbo;                         // boost may be used
  std::map<std::string, DeviceClock> device_clocks;  // by device name, "17000000.gpu"
  std::optional<std::string> power_mode;             // "MAXN", of nvpmodel

  std::optional<std::int64_t> temperature_max_mdegc;  // over all zones that are online
  std::optional<std::string> temperature_zone;        // the zone of that maximum
  std::map<std::string, std::uint64_t>
      throttle_counts;  // events since boot: "core_throttle_count", "oc1_event_cnt"
  std::map<std::string, std::uint64_t>
      cooling_states;                           // 0: does not hold back; "thermal-cpufreq-0". Never fans
  std::optional<std::uint64_t> throttled_bits;  // Raspberry Pi get_throttled: 0-3 now, 16-19 since boot

  std::optional<double> load_average_1m;
  std::optional<PressureStall> pressure_cpu;
  std::optional<PressureStall> pressure_io;
  std::optional<PressureStall> pressure_memory;
  // All CPUs together, since boot. Busy is user, nice, system and interrupts, without steal.
  std::optional<std::uint64_t> cpu_busy_ns;
  std::optional<std::uint64_t> cpu_idle_ns;
  std::optional<std::uint64_t> cpu_steal_ns;
  std::optional<std::uint64_t> memory_available_bytes;
  std::optional<std::uint64_t> swap_used_bytes;

  // This process, all its threads, since it started.
  std::optional<std::uint64_t> own_cpu_ns;
  std::optional<std::uint64_t> own_wait_ns;  // runnable, but not running (schedstat)
  std::optional<std::uint64_t> own_voluntary_switches;
  std::optional<std::uint64_t> own_involuntary_switches;
  std::optional<std::uint64_t> own_migrations;
  std::optional<std::uint64_t> own_minor_faults;
  std::optional<std::uint64_t> own_major_faults;

  std::optional<std::string> clock_source;  // "tsc"
  std::optional<bool> ntp_synchronised;
  std::optional<std::uint64_t> timer_floor_ns;  // median of an empty pair of clock readings
};

// What does not change while a repetition runs.
struct Fingerprint {
  std::optional<std::string> kernel;
  std::optional<std::string> os_image;  // "R36 (release), REVISION: 4.3 ..." of a Jetson, else of os-release
  std::optional<std::string> command_line;  // of the kernel
  std::optional<std::string> board;
  std::optional<std::string> serial;
  std::optional<std::string> cpu_model;
  std::optional<std::uint64_t> cores;                  // online
  std::optional<std::string> isolated_cpus;            // isolcpus, "2-3"
  std::optional<std::string> huge_pages;               // transparent: "madvise"
  std::optional<std::uint64_t> address_randomisation;  // 0, 1, 2
  // This process.
  std::optional<std::string> affinity;         // "2-3"
  std::optional<std::string> scheduler_class;  // "other", "fifo"
  std::optional<std::int64_t> scheduler_priority;
  std::optional<std::uint64_t> timer_slack_ns;
  // Asked for and refused: "affinity", "realtime", "timer_slack".
  std::vector<std::string> not_permitted;
};

struct RepetitionEnvironment {
  Fingerprint fingerprint;
  EnvironmentSnapshot before;
  EnvironmentSnapshot after;
  // The shortest pass of a fixed loop just before and just after the window.
  std::optional<std::uint64_t> canary_before_ns;
  std::optional<std::uint64_t> canary_after_ns;
  std::optional<double>
      cooldown_s;  // waited before the repetition; absent: there is no temperature to wait for
  std::optional<bool> cooldown_reached;
};

Json EnvironmentToJson(const RepetitionEnvironment& environment);
// Strict: INVALID_ARGUMENT names the path of what is wrong. At most 3 levels deep below `json`.
Result<RepetitionEnvironment> EnvironmentFromJson(const Json& json, const std::string& path);

}  // namespace paddock
