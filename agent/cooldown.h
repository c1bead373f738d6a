// Waits until a device is as cool as it was when its runs began, so that one repetition does not heat the next. MLPerf Mobile
// waits five minutes whatever happens; here the temperature decides and five minutes are the cap.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "agent/environment_probe.h"
#include "base/clock.h"

namespace paddock::agent {

struct CooldownPolicy {
  std::int64_t band_mdegc = 3000;               // how far above the reference a repetition may start
  std::optional<std::int64_t> highest_mdegc{};  // the device's own limit for starting
  std::chrono::nanoseconds cap = std::chrono::minutes(5);
  std::chrono::nanoseconds poll = std::chrono::seconds(1);
};

enum class CooldownStep { kStart, kWait, kGiveUp };

// Pure. Without a reference only the policy's own limit counts; without either there is nothing to wait for.
CooldownStep DecideCooldown(const CooldownPolicy& policy, std::optional<std::int64_t> reference_mdegc,
                            std::int64_t now_mdegc, std::chrono::nanoseconds waited);

struct CooldownResult {
  std::optional<double> waited_s;  // both absent: the device has no temperature
  std::optional<bool> reached;
};

// `read_mdegc` gives the hottest zone. `wait` sleeps and returns false when it was told to stop, which ends this as not reached.
CooldownResult CoolDown(const CooldownPolicy& policy, std::optional<std::int64_t> reference_mdegc,
                        const std::function<std::optional<std::int64_t>()>& read_mdegc, const Clock& clock,
                        const std::function<bool(std::chrono::nanoseconds)>& wait);

// Lets the repetitions of a machine through when it is cool enough, and remembers what that is: all repetitions of a run begin
// at most the policy's band above the temperature at which the run began, and a new run that of the run before it. A device
// that has not measured for the policy's cap is as cool as it gets, and a run that waited that long in vain keeps the temperature
// it found. Nothing is remembered over a restart. One thread.
class ThermalGate {
 public:
  // Sleeps; is told how warm it is and how warm it may be. False: told to stop.
  using Wait = std::function<bool(std::chrono::nanoseconds duration, std::int64_t now_mdegc,
                                  std::int64_t allowed_mdegc)>;

  explicit ThermalGate(const Clock& clock = SystemClock(), const std::string& root = "",
                       const CooldownPolicy& policy = {})
      : clock_(clock), probe_(clock, root), policy_(policy) {}

  // Before a repetition of `run`. `wait` is called when there is something to wait for, as often as the policy polls.
  CooldownResult Pass(const std::string& run, const Wait& wait);
  // What was let through has ended.
  void Left() { idle_since_ = clock_.Now(); }

 private:
  const Clock& clock_;
  const EnvironmentProbe probe_;
  const CooldownPolicy policy_;
  std::deque<std::pair<std::string, std::int64_t>> references_mdegc_;  // by run, the latest last
  std::optional<MonotonicTime> idle_since_;                            // absent: nothing was let through yet
};

}  // namespace paddock::agent
