// Which pending runs start now: a pure function.
//
// Runs are considered by effective priority (priority + one for each `kAgeingStep` waited, so that nothing starves), then in
// submit order. A run starts when its device is free and no resource that the device shares is in use. A run that must wait
// for a part of what it needs keeps the rest for itself: nothing of lower rank takes it meanwhile, so a device that shares
// two resources is not starved by two that share one each.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"

namespace paddock {

struct PendingRun {
  RunId run;
  DeviceId device;
  std::int32_t priority = 0;
  std::uint64_t sequence = 0;         // job's submit order, then the run's place in it
  std::int64_t waiting_since_ms = 0;  // wall
};

struct SchedulableDevice {
  DeviceId id;
  bool online = false;  // has a session and no problem
  bool busy = false;    // holds a lease
  std::vector<std::string> shares;
};

struct Grant {
  RunId run;
  DeviceId device;
  bool operator==(const Grant&) const = default;
};

inline constexpr std::chrono::minutes kAgeingStep{10};

// Runs on devices that are not in `devices` wait. The answer does not depend on the order of the inputs.
std::vector<Grant> PlanGrants(const std::vector<PendingRun>& pending,
                              const std::vector<SchedulableDevice>& devices, std::int64_t now_ms);

}  // namespace paddock
