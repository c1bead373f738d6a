#include "agent/machine_watch.h"

#include "agent/canary.h"

namespace paddock::agent {

MachineWatch::MachineWatch(const Clock& clock, const PlacementRequest& placement)
    : clock_(clock),
      files_(""),
      probe_(clock),
      placement_(PlaceProcess(placement, files_)),
      counters_(PerformanceCounters::Open()) {}

Status MachineWatch::BeforeWarmup(bool sleeps_between_queries, std::optional<std::uint64_t> timer_floor_ns) {
  timer_floor_ns_ = timer_floor_ns;
  EnterRealtime(sleeps_between_queries, files_, &placement_);
  environment_.fingerprint = probe_.Identify();
  environment_.fingerprint.not_permitted = placement_.not_permitted;
  PADDOCK_ASSIGN_OR_RETURN(environment_.canary_before_ns, RunCanary(clock_));
  return OkStatus();
}

void MachineWatch::BeginWindow() {
  environment_.before = probe_.TakeSnapshot();
  environment_.before.timer_floor_ns = timer_floor_ns_;
  counters_.Begin();
}

Status MachineWatch::EndWindow() {
  readings_ = counters_.End();
  environment_.after = probe_.TakeSnapshot();
  environment_.after.timer_floor_ns = timer_floor_ns_;
  PADDOCK_ASSIGN_OR_RETURN(environment_.canary_after_ns, RunCanary(clock_));
  return OkStatus();
}

}  // namespace paddock::agent
