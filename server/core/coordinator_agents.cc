// What agents say: greeting, heartbeat, progress, report, the end of a session.
#include <algorithm>

#include "server/core/coordinator.h"

namespace paddock {

void Coordinator::OnGreeting(SessionId session, std::uint64_t message_id, AgentGreeting greeting) {
  CheckThread();
  if (!unusable_.ok()) return CloseSession(session, UnavailableError(unusable_.message()));
  const DeviceId id = greeting.device.id;
  if (const Device* greeted = DeviceOfSession(session); greeted != nullptr && greeted->record.id != id) {
    return CloseSession(session,
                        InvalidArgumentError("this session belongs to device " + greeted->record.id.str() +
                                             " already; open another one for " + id.str()));
  }
  Device& device = devices_[id];
  if (device.session != 0 && device.session != session) {
    if (device.record.instance != greeting.device.instance) {
      return CloseSession(
          session,
          AlreadyExistsError("device " + id.str() + " is held by another agent (instance " +
                             device.record.instance.str() + ", not " + greeting.device.instance.str() +
                             "); stop that one, or start this one with another --id"));
    }
    sessions_.erase(device.session);
    CloseSession(device.session,
                 Status(StatusCode::kAborted, "replaced by a newer session of the same agent"));
  }

  device.record = std::move(greeting.device);
  device.record.description.labels["id"] = id.str();
  device.record.description.labels["driver"] = device.record.description.driver;
  device.record.last_seen_wall_ms = ports_.clock.WallMs();
  device.session = session;
  sessions_[session] = &device;
  grants_due_ = true;
  Write([&](StorePort& store) { return store.UpsertDevice(device.record); });
  WriteEvent(id.str(), "connected", device.record.instance.str());
  if (device.record.golden && settings_.golden &&
      !CanBeGiven(device.record.description, kGoldenArtifactKind)) {
    WriteEvent(id.str(), "no golden runs",
               "driver " + device.record.description.driver + " does not take the golden model");
  }

  DropUnknownLease(device, greeting.held);
  std::vector<HeldLease> revoked;
  std::vector<HeldLease> cancelled;
  for (const HeldLease& held : greeting.held) {
    Lease* lease = FindLease(held, device);
    if (lease == nullptr) {
      revoked.push_back(held);
      continue;
    }
    RenewLease(*lease);
    if (lease->run == nullptr || lease->run->run.cancel_requested) cancelled.push_back(held);
  }
  AfterCommit([this, session, message_id, revoked = std::move(revoked)](const Status& commit) {
    if (commit.ok()) ports_.agents.SendWelcome(session, message_id, revoked);
  });
  for (HeldLease& held : cancelled) SendCancel(session, std::move(held));
}

void Coordinator::DropUnknownLease(Device& device, const std::vector<HeldLease>& held) {
  if (device.lease == 0) return;
  const Lease& lease = leases_.at(device.lease);
  // Another agent's: that one may still be at work, until its lease runs out.
  if (lease.instance != device.record.instance) return;
  if (std::any_of(held.begin(), held.end(),
                  [&](const HeldLease& known) { return known.lease == device.lease; }))
    return;
  LiveRun* run = EndLease(device.lease, "superseded");
  if (run == nullptr) return;
  run->run.lease = 0;
  TryAgainOrEnd(*run, RunState::kLost,
                {FailureClass::kFarm, "transferring",
                 "the agent of device " + device.record.id.str() +
                     " came back without the run; see its log and its state folder"});
}

void Coordinator::OnHeartbeat(SessionId session, const std::vector<HeldLease>& held,
                              const std::string& problem) {
  CheckThread();
  Device* device = DeviceOfSession(session);
  if (device == nullptr) return;
  device->record.last_seen_wall_ms = ports_.clock.WallMs();
  SetProblem(*device, problem);
  for (const HeldLease& claimed : held) {
    if (Lease* lease = FindLease(claimed, *device)) {
      RenewLease(*lease);
      continue;
    }
    // Its report may have been accepted while this was on its way; otherwise the agent works for nothing.
    const LiveRun* run = FindRun(claimed.run);
    if (run == nullptr || run->run.lease != claimed.lease) SendCancel(session, claimed);
  }
}

void Coordinator::SetProblem(Device& device, const std::string& problem) {
  if (device.record.problem == problem) return;
  device.record.problem = problem;
  grants_due_ = true;
  Write([&](StorePort& store) { return store.UpsertDevice(device.record); });
  WriteEvent(device.record.id.str(), problem.empty() ? "problem solved" : "problem", problem);
}

void Coordinator::OnProgress(SessionId session, const RunId& run, LeaseId lease_id, RunProgress progress) {
  CheckThread();
  Device* device = DeviceOfSession(session);
  if (device == nullptr) return;
  device->record.last_seen_wall_ms = ports_.clock.WallMs();
  Lease* lease = FindLease({run, lease_id}, *device);
  if (lease == nullptr) return;
  RenewLease(*lease);
  if (lease->run == nullptr) return;
  lease->run->run.progress = std::move(progress);
  changed_jobs_.insert(lease->run->run.job);
}

void Coordinator::OnReport(SessionId session, std::uint64_t message_id, RunReport report) {
  CheckThread();
  Device* device = DeviceOfSession(session);
  Status status;
  if (!unusable_.ok()) {
    status = UnavailableError(unusable_.message());
  } else if (device == nullptr) {
    status = UnavailableError("this session has not greeted, or was replaced; report again after a greeting");
  } else {
    device->record.last_seen_wall_ms = ports_.clock.WallMs();
    status = AcceptReport(*device, std::move(report));
  }
  AfterCommit([this, session, message_id, status = std::move(status)](const Status& commit) {
    // Whatever keeps the coordinator from storing it, the agent shall keep the report and send it again.
    ports_.agents.SendReportAnswer(session, message_id,
                                   commit.ok() ? status : UnavailableError(commit.message()));
  });
}

Status Coordinator::AcceptReport(Device& device, RunReport report) {
  const bool cancelled = report.outcome == RunOutcome::kCancelled;
  if (FindLease({report.run, report.lease}, device) == nullptr) {
    const LiveRun* known = FindRun(report.run);
    // Accepted before, and the answer was lost.
    if (known != nullptr && known->run.lease == report.lease && known->run.state != RunState::kRunning)
      return OkStatus();
    return FailedPreconditionError(
        "lease " + std::to_string(report.lease) + " of " + report.run.str() +
        " is not the current one (it ended or was never granted to this agent); drop the "
        "report");
  }
  LiveRun* run = EndLease(report.lease, cancelled ? "cancelled" : "reported");
  if (run == nullptr) return FailedPreconditionError(report.run.str() + " has ended; drop the report");
  run->run.agent_version = device.record.agent_version;
  WriteStages(*run, report);
  if (cancelled || run->run.cancel_requested) {
    EndRun(*run, RunState::kCancelled);
  } else if (report.outcome == RunOutcome::kFailed) {
    RunFailure failure =
        std::move(report.failure)
            .value_or(RunFailure{FailureClass::kFarm, "reporting", "the agent gave no cause"});
    if (report.retry && failure.failure_class != FailureClass::kJob) {
      TryAgainOrEnd(*run, RunState::kFailed, std::move(failure));
    } else {
      EndRun(*run, RunState::kFailed, std::move(failure));
    }
  } else {
    AcceptMeasurements(*run, report);
  }
  return OkStatus();
}

void Coordinator::WriteStages(LiveRun& run, const RunReport& report) {
  std::vector<StageTime> stages;
  if (run.queued_s) stages.push_back({kQueueStage, std::nullopt, *run.queued_s, std::nullopt, std::nullopt});
  stages.insert(stages.end(), report.stages.begin(), report.stages.end());
  if (stages.empty()) return;
  Write([&](StorePort& store) { return store.InsertStageTimes(report.run, report.lease, stages); });
}

void Coordinator::AcceptMeasurements(LiveRun& run, const RunReport& report) {
  Write([&](StorePort& store) { return store.InsertMeasurements(report); });
  run.run.repetitions_done += static_cast<std::uint32_t>(report.repetitions.size());
  run.run.progress = {};
  // A report without repetitions is evaluated, and found wanting, rather than asked for again for ever.
  if (run.run.repetitions_done < run.job->job.spec.repetitions && !report.repetitions.empty()) {
    run.run.state = RunState::kQueued;
    --run.run.attempts;  // the next lease goes on
    StartWaiting(run);
    WriteRun(run);
    return;
  }
  CountUse(run);
  run.run.state = RunState::kEvaluating;
  run.evaluating_since = ports_.clock.Now();
  WriteRun(run);
  AskForEvaluation(run);
}

void Coordinator::OnSessionEnded(SessionId session) {
  CheckThread();
  Device* device = DeviceOfSession(session);
  if (device == nullptr) return;
  sessions_.erase(session);
  device->session = 0;
  device->offline_since = ports_.clock.Now();
  if (!held_evaluations_.empty()) TendGoldenRunsWhenGone();
  device->record.last_seen_wall_ms = ports_.clock.WallMs();
  Write([&](StorePort& store) { return store.UpsertDevice(device->record); });
  WriteEvent(device->record.id.str(), "disconnected", "");
}

Coordinator::Device* Coordinator::DeviceOfSession(SessionId session) {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : found->second;
}

void Coordinator::SendCancel(SessionId session, HeldLease lease) {
  if (session == 0) return;
  AfterCommit([this, session, lease = std::move(lease)](const Status& commit) {
    if (commit.ok()) ports_.agents.SendCancel(session, lease);
  });
}

void Coordinator::CloseSession(SessionId session, Status status) {
  AfterCommit([this, session, status = std::move(status)](const Status&) {
    ports_.agents.CloseSession(session, status);
  });
}

}  // namespace paddock
