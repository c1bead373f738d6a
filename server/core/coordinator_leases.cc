// Leases: grant, renewal, end.
#include <algorithm>

#include "server/core/coordinator.h"

namespace paddock {

void Coordinator::GrantRuns() {
  grants_due_ = false;
  TendGoldenRuns();
  std::vector<PendingRun> pending;
  std::vector<SchedulableDevice> devices;
  for (const Device* device : waited_for_) {
    if (device->session == 0 || device->lease != 0 || !device->record.problem.empty()) continue;
    devices.push_back({device->record.id, true, false, device->record.shares});
    if (device->golden != nullptr) {
      if (device->golden->run.state == RunState::kQueued) {
        pending.push_back({device->golden->run.id, device->record.id, kGoldenPriority,
                           device->golden->sequence, device->golden->job->job.submitted_wall_ms});
      }
      continue;
    }
    // Runs of one device and one priority have a rank that does not change with time: only the first can start.
    for (const auto& [priority, runs] : device->waiting) {
      const LiveRun& first = *runs.begin()->second;
      pending.push_back(
          {first.run.id, device->record.id, priority, first.sequence, first.job->job.submitted_wall_ms});
    }
  }
  if (pending.empty()) return;
  for (const auto& [id, lease] : leases_) {
    if (lease.device->record.shares.empty()) continue;
    devices.push_back(
        {lease.device->record.id, lease.device->session != 0, true, lease.device->record.shares});
  }
  for (const Grant& grant : PlanGrants(pending, devices, ports_.clock.WallMs())) {
    LiveRun& run = runs_.at(grant.run);
    if (NeedsGoldenBefore(run)) {
      SubmitGolden(*run.device);
      changed_jobs_.insert(run.run.job);
    } else {
      GrantRun(run);
    }
  }
  ArmLeaseTimer();
}

double Coordinator::SecondsSince(MonotonicTime then) const {
  return std::chrono::duration<double>(ports_.clock.Now() - then).count();
}

void Coordinator::GrantRun(LiveRun& run) {
  StopWaiting(run);
  run.device->golden_ended_wall_ms.reset();
  run.queued_s = run.queued_since ? std::optional(SecondsSince(*run.queued_since)) : std::nullopt;
  Device& device = *run.device;
  const JobSpec& spec = run.job->job.spec;
  const PreparedRun& prepared = *run.run.prepared;
  RunPlan plan;
  plan.run_id = run.run.id.str();
  plan.artifact = prepared.artifact;
  plan.artifact_kind = prepared.artifact_kind;
  plan.batches = prepared.batches;
  plan.sample_count = prepared.sample_count;
  plan.inputs = prepared.inputs;
  plan.outputs = prepared.outputs;
  plan.options = spec.variants.at(run.run.variant).options;
  plan.scenario = spec.scenario;
  plan.repetitions = spec.repetitions;
  plan.repetition_begin = run.run.repetitions_done;
  if (run.job->open_runs_on[device.record.id] > 1) plan.repetition_end = plan.repetition_begin + 1;
  plan.repetition_timeout_s = spec.repetition_timeout_s;
  plan.memory_limit_bytes = settings_.worker_memory_limit_bytes;
  plan.seed = spec.data_spec.seed;
  plan.keep_predictions = device.record.description.computes_outputs;
  plan.accuracy_interval = spec.data_spec.accuracy_interval;
  if (plan.accuracy_interval) plan.labels = prepared.labels;

  const LeaseId id = ++last_lease_;
  run.run.state = RunState::kRunning;
  run.run.lease = id;
  ++run.run.attempts;
  run.run.plan_json = EncodeRunPlan(plan);
  run.run.progress = {};
  const std::int64_t now_ms = ports_.clock.WallMs();
  Lease& lease = leases_[id];
  lease.record = {id, run.run.id, device.record.id, now_ms, now_ms + settings_.lease_ttl.count()};
  lease.instance = device.record.instance;
  lease.device = &device;
  lease.run = &run;
  lease.deadline = ports_.clock.Now() + settings_.lease_ttl;
  device.lease = id;
  WriteRun(run);
  Write([&](StorePort& store) { return store.InsertLease(lease.record); });
  AfterCommit(
      [this, session = device.session,
       assignment = Assignment{run.run.id, id, static_cast<std::uint32_t>(settings_.lease_ttl.count()),
                               run.run.plan_json}](const Status& commit) {
        if (commit.ok()) ports_.agents.SendAssignment(session, assignment);
      });
}

Coordinator::Lease* Coordinator::FindLease(const HeldLease& held, const Device& device) {
  const auto found = leases_.find(held.lease);
  if (found == leases_.end()) return nullptr;
  Lease& lease = found->second;
  const bool theirs = lease.device == &device && lease.instance == device.record.instance;
  return theirs && lease.record.run == held.run ? &lease : nullptr;
}

void Coordinator::RenewLease(Lease& lease) {
  lease.deadline = ports_.clock.Now() + settings_.lease_ttl;
  // The stored deadline is for people: after a restart every lease gets a fresh one. An idle farm should not write.
  const std::int64_t deadline_wall_ms = ports_.clock.WallMs() + settings_.lease_ttl.count();
  if (deadline_wall_ms - lease.record.deadline_wall_ms < settings_.lease_ttl.count() / 2) return;
  lease.record.deadline_wall_ms = deadline_wall_ms;
  Write([&](StorePort& store) { return store.ExtendLease(lease.record.id, deadline_wall_ms); });
}

Coordinator::LiveRun* Coordinator::EndLease(LeaseId id, const std::string& reason) {
  const auto found = leases_.find(id);
  Device& device = *found->second.device;
  LiveRun* run = found->second.run;
  if (device.lease == id) device.lease = 0;
  leases_.erase(found);
  grants_due_ = true;
  Write([&](StorePort& store) { return store.EndLease(id, reason, ports_.clock.WallMs()); });
  return run;
}

void Coordinator::TryAgainOrEnd(LiveRun& run, RunState end_state, RunFailure failure) {
  if (run.run.cancel_requested) return EndRun(run, RunState::kCancelled);
  if (run.run.attempts >= settings_.max_attempts) return EndRun(run, end_state, std::move(failure));
  const std::string why = "attempt " + std::to_string(run.run.attempts) + " of " +
                          std::to_string(settings_.max_attempts) + " failed: " + failure.message;
  run.run.state = RunState::kQueued;
  run.run.lease = 0;
  run.run.progress = {};
  run.run.progress.detail = why;
  StartWaiting(run);
  WriteRun(run);
  WriteEvent(run.run.id.str(), "queued again", why);
}

void Coordinator::ExpireLeases() {
  const MonotonicTime now = ports_.clock.Now();
  std::vector<LeaseId> expired;
  for (const auto& [id, lease] : leases_) {
    if (lease.deadline <= now) expired.push_back(id);
  }
  for (const LeaseId id : expired) {
    const Lease lease = leases_.at(id);
    // An agent that is connected and still works on it must stop: its report would be refused.
    SendCancel(lease.device->session, {lease.record.run, id});
    LiveRun* run = EndLease(id, "expired");
    if (run == nullptr) continue;
    const std::string stage = run->run.progress.stage.empty() ? "transferring" : run->run.progress.stage;
    run->run.lease = 0;
    TryAgainOrEnd(
        *run, RunState::kLost,
        {FailureClass::kFarm, stage,
         "agent unreachable for longer than its lease (" + std::to_string(settings_.lease_ttl.count()) +
             " ms); look at the agent of device " + lease.record.device.str()});
  }
}

void Coordinator::ArmLeaseTimer() {
  if (timer_armed_ || leases_.empty()) return;
  const auto nearest = std::min_element(leases_.begin(), leases_.end(), [](const auto& a, const auto& b) {
    return a.second.deadline < b.second.deadline;
  });
  const auto delay = nearest->second.deadline - ports_.clock.Now();
  timer_armed_ = true;
  // Renewals only move deadlines away, so one timer is enough.
  ports_.queue.PostAfter(std::max<std::chrono::nanoseconds>(delay, std::chrono::milliseconds(1)), [this] {
    timer_armed_ = false;
    ExpireLeases();
    ArmLeaseTimer();
  });
}

}  // namespace paddock
