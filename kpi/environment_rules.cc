// One function a rule, one table; the thresholds stand here with where they come from. A rule that lacks one of its figures
// says nothing.
#include "kpi/environment_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/strict_json.h"

namespace paddock {
namespace {

// The canary must agree within 2 % (MongoDB's and MLPerf's practice of a reference workload). The shortest of 12 passes of
// 2 ms differed by at most 1.6 % between two measurements on a shared virtual machine with 2 CPUs, idle or busy (110 pairs).
constexpr double kCanaryTolerance = 0.02;
// scaling_cur_freq is an average over the last tick on x86 and wobbles by a few percent with the clock fixed.
constexpr double kFrequencyTolerance = 0.05;
// MLPerf Mobile cools down before each run; 3 K is the band a repetition may start in.
constexpr std::int64_t kTemperatureBandMdegc = 3000;
// Time slices are some milliseconds: waiting 2 % of the time touches about 1 % of inferences of 2 ms, which is p99.
constexpr double kWaitShare = 0.02;
constexpr double kStealShare = 0.02;
// CPU time of others, in cores for each core of the machine. 0.1 is the usual gate of a load average.
constexpr double kForeignInforms = 0.1;
constexpr double kForeignDegrades = 0.5;
// /proc/stat counts in ticks of 10 ms on each CPU.
constexpr double kTickNs = 10e6;
constexpr double kMemoryStallShare = 0.01;
constexpr std::uint64_t kSwapGrowthBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kThrottledNow = 0xf;            // bits 0-3 of get_throttled: holds at this moment
constexpr std::uint64_t kThrottledSinceBoot = 0xf0000;  // bits 16-19: happened since boot

using Finding = std::optional<EnvironmentFinding>;

struct Comparison {
  const RepetitionEnvironment& environment;
  const EnvironmentSnapshot& before;
  const EnvironmentSnapshot& after;
  double span_ns;  // from one snapshot to the other; 0 when nobody knows
};

std::string Format(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}
std::string Percent(double share) { return Format("%.1f %%", 100 * share); }

// The growth of a counter. Absent when either end is, or when it went backwards (read anew, reset).
template <typename T>
std::optional<double> Growth(const std::optional<T>& before, const std::optional<T>& after) {
  if (!before || !after || *after < *before) return std::nullopt;
  return static_cast<double>(*after - *before);
}

// Several causes of one code in one finding.
class FindingBuilder {
 public:
  explicit FindingBuilder(std::string code) { finding_.code = std::move(code); }
  void Add(const std::string& cause, const std::string& key, Json evidence, FindingSeverity severity) {
    if (!finding_.detail.empty()) finding_.detail += "; ";
    finding_.detail += cause;
    finding_.evidence[key] = std::move(evidence);
    finding_.severity = std::max(finding_.severity, severity);
  }
  Finding Take() {
    if (finding_.detail.empty()) return std::nullopt;
    return std::move(finding_);
  }

 private:
  EnvironmentFinding finding_;
};

Json BeforeAfter(const Json& before, const Json& after) { return {{"before", before}, {"after", after}}; }

template <typename T>
std::optional<T> Find(const std::map<std::string, T>& values, const std::string& name) {
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

Finding Throttled(const Comparison& compared) {
  FindingBuilder finding("THROTTLED");
  for (const auto& [name, after] : compared.after.throttle_counts) {
    const auto before = Find(compared.before.throttle_counts, name);
    if (!before || after == *before) continue;
    finding.Add(name + " moved from " + std::to_string(*before) + " to " + std::to_string(after), name,
                BeforeAfter(*before, after), FindingSeverity::kDegrades);
  }
  for (const auto& [name, after] : compared.after.cooling_states) {
    const std::uint64_t before = Find(compared.before.cooling_states, name).value_or(0);
    if (before == 0 && after == 0) continue;
    finding.Add(name + " held back at level " + std::to_string(std::max(before, after)), name,
                BeforeAfter(before, after), FindingSeverity::kDegrades);
  }
  if (compared.before.throttled_bits && compared.after.throttled_bits) {
    const std::uint64_t before = *compared.before.throttled_bits;
    const std::uint64_t after = *compared.after.throttled_bits;
    const std::uint64_t now = (before | after) & kThrottledNow;
    const std::uint64_t fresh = after & ~before & kThrottledSinceBoot;
    if (now != 0 || fresh != 0) {
      finding.Add("get_throttled reports under-voltage or throttling", "get_throttled",
                  BeforeAfter(before, after), FindingSeverity::kDegrades);
    }
  }
  return finding.Take();
}

Finding FrequencyDrift(const Comparison& compared) {
  FindingBuilder finding("FREQUENCY_DRIFT");
  const auto& before = compared.before;
  const auto& after = compared.after;
  if (before.cpu_current_hz && after.cpu_current_hz && before.cpu_current_hz->high > 0) {
    const auto low = static_cast<double>(before.cpu_current_hz->high);
    const double change = static_cast<double>(after.cpu_current_hz->high) / low - 1;
    if (std::abs(change) > kFrequencyTolerance) {
      finding.Add("the fastest CPU's clock changed by " + Format("%+.1f %%", 100 * change), "cpu_current_hz",
                  BeforeAfter(before.cpu_current_hz->high, after.cpu_current_hz->high),
                  FindingSeverity::kDegrades);
    }
  }
  if (before.cpu_ceiling_hz && after.cpu_ceiling_hz &&
      (before.cpu_ceiling_hz->low != after.cpu_ceiling_hz->low ||
       before.cpu_ceiling_hz->high != after.cpu_ceiling_hz->high)) {
    finding.Add("the highest clock that CPUs may have changed", "cpu_ceiling_hz",
                BeforeAfter(before.cpu_ceiling_hz->low, after.cpu_ceiling_hz->low),
                FindingSeverity::kDegrades);
  }
  for (const auto& [name, clock] : after.device_clocks) {
    const auto earlier = Find(before.device_clocks, name);
    if (!earlier || earlier->ceiling_hz == clock.ceiling_hz) continue;
    finding.Add("the highest clock that " + name + " may have changed", name,
                BeforeAfter(earlier->ceiling_hz, clock.ceiling_hz), FindingSeverity::kDegrades);
  }
  return finding.Take();
}

Finding TemperatureDrift(const Comparison& compared) {
  FindingBuilder finding("TEMPERATURE_DRIFT");
  const auto& before = compared.before.temperature_max_mdegc;
  const auto& after = compared.after.temperature_max_mdegc;
  if (before && after && std::abs(*after - *before) > kTemperatureBandMdegc) {
    finding.Add(
        "the hottest zone changed by " + Format("%+.1f K", static_cast<double>(*after - *before) / 1000),
        "temperature_max_mdegc", BeforeAfter(*before, *after), FindingSeverity::kInforms);
  }
  return finding.Take();
}

Finding CpuContention(const Comparison& compared) {
  FindingBuilder finding("CPU_CONTENTION");
  if (compared.span_ns <= 0) return std::nullopt;
  const auto waited = Growth(compared.before.own_wait_ns, compared.after.own_wait_ns);
  if (waited && *waited > kWaitShare * compared.span_ns) {
    finding.Add("the worker waited for a CPU for " + Percent(*waited / compared.span_ns) + " of the time",
                "own_wait_share", *waited / compared.span_ns, FindingSeverity::kDegrades);
  }
  const auto stolen = Growth(compared.before.cpu_steal_ns, compared.after.cpu_steal_ns);
  const auto cores = compared.environment.fingerprint.cores;
  if (stolen && cores && *cores > 0) {
    const double share = *stolen / (compared.span_ns * static_cast<double>(*cores));
    if (share > kStealShare) {
      finding.Add("the host took " + Percent(share) + " of this machine's CPU time", "steal_share", share,
                  FindingSeverity::kDegrades);
    }
  }
  return finding.Take();
}

Finding ForeignLoad(const Comparison& compared) {
  FindingBuilder finding("FOREIGN_LOAD");
  if (compared.span_ns <= 0) return std::nullopt;
  const auto busy = Growth(compared.before.cpu_busy_ns, compared.after.cpu_busy_ns);
  const auto own = Growth(compared.before.own_cpu_ns, compared.after.own_cpu_ns);
  const auto cores = compared.environment.fingerprint.cores;
  if (!busy || !own || !cores || *cores == 0) return std::nullopt;
  const auto count = static_cast<double>(*cores);
  const double used = std::max(0.0, *busy - *own - kTickNs * count) / compared.span_ns;
  if (used > kForeignInforms * count) {
    finding.Add("other processes used " + Format("%.2f", used) + " of " + std::to_string(*cores) + " cores",
                "foreign_cores", used,
                used > kForeignDegrades * count ? FindingSeverity::kDegrades : FindingSeverity::kInforms);
  }
  return finding.Take();
}

Finding MemoryPressure(const Comparison& compared) {
  FindingBuilder finding("MEMORY_PRESSURE");
  if (compared.span_ns <= 0) return std::nullopt;
  const auto& before = compared.before;
  const auto& after = compared.after;
  if (before.pressure_memory && after.pressure_memory &&
      after.pressure_memory->total_us > before.pressure_memory->total_us) {
    const auto stalled_us =
        static_cast<double>(after.pressure_memory->total_us - before.pressure_memory->total_us);
    const double share = stalled_us * 1000 / compared.span_ns;
    if (share > kMemoryStallShare) {
      finding.Add("processes waited for memory for " + Percent(share) + " of the time", "memory_stall_share",
                  share, FindingSeverity::kDegrades);
    }
  }
  const auto swapped = Growth(before.swap_used_bytes, after.swap_used_bytes);
  if (swapped && *swapped > static_cast<double>(kSwapGrowthBytes)) {
    finding.Add(Format("%.0f MiB were swapped out", *swapped / (1 << 20)), "swap_used_bytes",
                BeforeAfter(*before.swap_used_bytes, *after.swap_used_bytes), FindingSeverity::kInforms);
  }
  return finding.Take();
}

Finding CanarySlow(const Comparison& compared) {
  FindingBuilder finding("CANARY_SLOW");
  const auto& before = compared.environment.canary_before_ns;
  const auto& after = compared.environment.canary_after_ns;
  if (!before || !after || *before == 0) return std::nullopt;
  const double change = static_cast<double>(*after) / static_cast<double>(*before) - 1;
  if (std::abs(change) > kCanaryTolerance) {
    finding.Add("a fixed loop took " + Format("%+.1f %%", 100 * change) + " after the window", "canary_ns",
                BeforeAfter(*before, *after), FindingSeverity::kDegrades);
  }
  return finding.Take();
}

bool Refused(const Comparison& compared, const std::string& what) {
  const auto& refused = compared.environment.fingerprint.not_permitted;
  return std::find(refused.begin(), refused.end(), what) != refused.end();
}

Finding NotPinned(const Comparison& compared) {
  FindingBuilder finding("NOT_PINNED");
  if (Refused(compared, "affinity"))
    finding.Add("the worker could not be pinned to CPUs", "affinity", "refused", FindingSeverity::kInforms);
  return finding.Take();
}

Finding NoRealtime(const Comparison& compared) {
  FindingBuilder finding("NO_REALTIME");
  if (Refused(compared, "realtime")) {
    finding.Add("the worker may not use a real-time class (CAP_SYS_NICE or RLIMIT_RTPRIO)", "realtime",
                "refused", FindingSeverity::kInforms);
  }
  return finding.Take();
}

// A governor that could move the clock. With the floor at the ceiling of every CPU (jetson_clocks) it cannot.
Finding Governor(const Comparison& compared) {
  FindingBuilder finding("GOVERNOR");
  const auto& before = compared.before;
  if (before.cpus_that_scale.value_or(0) == 0) return std::nullopt;
  for (const std::string& governor : before.governors) {
    if (governor == "performance") continue;
    finding.Add("the governor is " + governor + " and may change the clock; \"performance\" does not",
                governor, *before.cpus_that_scale, FindingSeverity::kDegrades);
  }
  return finding.Take();
}

Finding CooldownTimeout(const Comparison& compared) {
  FindingBuilder finding("COOLDOWN_TIMEOUT");
  const RepetitionEnvironment& environment = compared.environment;
  if (environment.cooldown_reached.value_or(true)) return std::nullopt;
  const double waited = environment.cooldown_s.value_or(0);
  finding.Add("still too hot after cooling down for " + Format("%.0f s", waited), "cooldown_s", waited,
              FindingSeverity::kDegrades);
  return finding.Take();
}

constexpr std::array kRules = {Throttled,   FrequencyDrift, TemperatureDrift, CpuContention,
                               ForeignLoad, MemoryPressure, CanarySlow,       NotPinned,
                               NoRealtime,  Governor,       CooldownTimeout};

}  // namespace

std::vector<EnvironmentFinding> CompareEnvironment(const RepetitionEnvironment& environment,
                                                   std::uint64_t window_ns) {
  const auto between = Growth(environment.before.taken_ns, environment.after.taken_ns);
  const double span_ns = between.value_or(0) > 0 ? *between : static_cast<double>(window_ns);
  const Comparison compared{.environment = environment,
                            .before = environment.before,
                            .after = environment.after,
                            .span_ns = span_ns};
  std::vector<EnvironmentFinding> findings;
  for (const auto rule : kRules) {
    if (auto finding = rule(compared)) findings.push_back(std::move(*finding));
  }
  return findings;
}

}  // namespace paddock
