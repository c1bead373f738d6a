// Waits until a device is as cool as it was when the job began, so that one repetition does not heat the next. MLPerf Mobile
// waits five minutes whatever happens; here the temperature decides and five minutes are the cap.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/clock.h"

namespace paddock::agent {

struct CooldownPolicy {
  std::int64_t band_mdegc = 3000;             // how far above the reference a repetition may start
  std::optional<std::int64_t> highest_mdegc;  // the device's own limit for starting
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

}  // namespace paddock::agent
