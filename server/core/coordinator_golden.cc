// Golden runs: when a device makes one, and what waits for it.
//
//   every N runs      before the first repetition of a user's run, when the device has made none yet, or when N users' runs
//                     have left it since
//   around each run   before the first repetition, unless the last thing that the device did was a golden run not ten minutes
//                     ago, and after the last one. Runs of a job that take turns have both in common: one before the first
//                     of them begins, one after the last of them is through
#include <algorithm>

#include "server/core/coordinator.h"

namespace paddock {
namespace {

constexpr std::int64_t kFreshMs = 10 * 60 * 1000;

JobSpec GoldenSpec(const GoldenModel& golden, const DeviceId& device) {
  JobSpec spec;
  spec.name = "golden";
  spec.golden = true;
  spec.model_path = "golden.onnx";
  spec.model = golden.model;
  spec.data_path = "golden.npz";
  spec.data = golden.data;
  spec.variants = {{"as-is", {}, {}}};
  spec.selectors = {"id=" + device.str()};
  spec.scenario.min_duration_s = 1;
  spec.scenario.max_duration_s = 5;
  spec.scenario.warmup.min_s = 0.5;
  // Less than half of the smallest drift (kpi/golden.h); of the tail nothing is asked.
  spec.scenario.median_precision = 0.02;
  spec.scenario.tail_precision = 0;
  spec.repetitions = 3;
  spec.repetition_timeout_s = 120;
  spec.priority = kGoldenPriority;
  return spec;
}

bool HasBegun(const Run& run) { return run.attempts > 0 || run.repetitions_done > 0; }

}  // namespace

const GoldenPolicy* Coordinator::PolicyOf(const Device& device) const {
  const bool makes_some =
      settings_.golden && device.record.golden && CanBeGiven(device.record.description, kGoldenArtifactKind);
  return makes_some ? &*device.record.golden : nullptr;
}

bool Coordinator::NeedsGoldenBefore(const LiveRun& run) const {
  const Device& device = *run.device;
  const GoldenPolicy* policy = PolicyOf(device);
  if (policy == nullptr || run.job->job.spec.golden || HasBegun(run.run)) return false;
  if (policy->every_runs > 0) {
    return !device.runs_since_golden || *device.runs_since_golden >= policy->every_runs;
  }
  // The wall clock may have been set back since; a restart knows no other.
  if (device.golden_ended_wall_ms) return ports_.clock.WallMs() - *device.golden_ended_wall_ms >= kFreshMs;
  const std::vector<RunId>& others = run.job->job.runs;
  return std::none_of(others.begin(), others.end(), [&](const RunId& id) {
    const LiveRun& other = runs_.at(id);
    return other.device == &device && HasBegun(other.run);
  });
}

bool Coordinator::AwaitsGoldenAfter(const LiveRun& run) const {
  const Device& device = *run.device;
  const GoldenPolicy* policy = PolicyOf(device);
  if (policy == nullptr || policy->every_runs > 0 || run.job->job.spec.golden || run.golden_after)
    return false;
  if (device.session == 0) return ports_.clock.Now() - device.offline_since < settings_.lease_ttl;
  return device.record.problem.empty();
}

void Coordinator::SubmitGolden(Device& device) {
  AddJob(GoldenSpec(*settings_.golden, device.record.id), "", {{{0, &device}}, {}});
}

void Coordinator::CountUse(const LiveRun& run) {
  std::optional<std::uint32_t>& runs_since = run.device->runs_since_golden;
  if (runs_since && !run.job->job.spec.golden && HasBegun(run.run)) ++*runs_since;
}

void Coordinator::EndGolden(LiveRun& run) {
  Device& device = *run.device;
  grants_due_ = true;
  device.golden = nullptr;
  device.runs_since_golden = 0;
  device.golden_ended_wall_ms = run.run.finished_wall_ms;
  for (const auto& [sequence, held] : held_evaluations_) {
    if (held->device == &device) held->golden_after = true;
  }
  if (run.run.state == RunState::kDone) return;
  WriteEvent(device.record.id.str(), "golden run without result",
             run.run.id.str() + " is " + std::string(RunStateName(run.run.state)));
}

void Coordinator::AskForEvaluation(LiveRun& run) {
  if (AwaitsGoldenAfter(run)) {
    held_evaluations_[run.sequence] = &run;
    grants_due_ = true;
    if (run.device->session == 0) TendGoldenRunsWhenGone();
    return;
  }
  AfterCommit([this, request = EvaluationOf(run)](const Status& commit) {
    if (commit.ok()) ports_.work.Evaluate(request);
  });
}

void Coordinator::TendGoldenRuns() {
  for (auto next = held_evaluations_.begin(); next != held_evaluations_.end();) {
    LiveRun& run = *next->second;
    Device& device = *run.device;
    if (!AwaitsGoldenAfter(run)) {
      next = held_evaluations_.erase(next);
      run.evaluating_since = ports_.clock.Now();
      changed_jobs_.insert(run.run.job);
      AskForEvaluation(run);
      continue;
    }
    ++next;
    if (device.golden != nullptr || device.session == 0 || device.lease != 0) continue;
    const std::vector<RunId>& group = run.job->job.runs;
    const bool goes_on = std::any_of(group.begin(), group.end(), [&](const RunId& id) {
      const LiveRun& other = runs_.at(id);
      return other.device == &device &&
             (other.run.state == RunState::kQueued || other.run.state == RunState::kRunning);
    });
    if (!goes_on) SubmitGolden(device);
  }
}

void Coordinator::TendGoldenRunsWhenGone() {
  ports_.queue.PostAfter(settings_.lease_ttl, [this] { grants_due_ = true; });
}

}  // namespace paddock
