// What a worker does about the machine it measures on: it takes its processors, opens the counters, and looks at clocks,
// temperatures, load and a canary before and after the measured window, so that the record says what the window was like.
// Not for devices that model time: there the host means nothing. Nothing here fails but the canary; what the machine does not
// have or the kernel refuses is absent or listed.
//
// Order: the constructor before the runtime starts its threads, then BeforeWarmup(), BeginWindow(), EndWindow(). One thread, the
// one that issues queries.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "agent/environment_probe.h"
#include "agent/performance_counters.h"
#include "agent/processor_placement.h"
#include "base/clock.h"
#include "base/status.h"
#include "kpi/counters.h"
#include "kpi/environment.h"

namespace paddock::agent {

class MachineWatch {
 public:
  MachineWatch(const Clock& clock, const PlacementRequest& placement);

  // INTERNAL when the canary computes something else than it must.
  Status BeforeWarmup(bool sleeps_between_queries, std::optional<std::uint64_t> timer_floor_ns);
  // Calls what starts threads that are not to be measured.
  void StartElsewhere(const std::function<void()>& start) const {
    paddock::agent::StartElsewhere(placement_, files_, start);
  }
  // A millisecond; nothing but the window may follow.
  void BeginWindow();
  Status EndWindow();

  const RepetitionEnvironment& environment() const { return environment_; }
  const CounterReadings& counters() const { return readings_; }

 private:
  const Clock& clock_;
  const MachineFiles files_;
  const EnvironmentProbe probe_;
  Placement placement_;
  PerformanceCounters counters_;
  RepetitionEnvironment environment_;
  CounterReadings readings_;
  std::optional<std::uint64_t> timer_floor_ns_;
};

}  // namespace paddock::agent
