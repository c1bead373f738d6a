// Jobs and their runs: submit, cancel, preparation, evaluation, end.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/random.h"
#include "base/utc_text.h"
#include "server/core/coordinator.h"
#include "server/core/selector.h"

namespace paddock {
namespace {

// A run's sequence is its job's times this, plus its place in the job.
constexpr std::uint64_t kPlacesPerJob = std::uint64_t{1} << 24;

std::string JoinText(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text.empty() ? "nothing" : text;
}

}  // namespace

void Coordinator::Submit(JobSpec spec, std::string idempotency_key,
                         std::function<void(Result<SubmitAnswer>)> answer) {
  CheckThread();
  auto result = SubmitNow(std::move(spec), idempotency_key);
  AfterCommit([answer = std::move(answer), result = std::move(result)](const Status& commit) {
    answer(commit.ok() ? result : Result<SubmitAnswer>(commit));
  });
}

Result<SubmitAnswer> Coordinator::SubmitNow(JobSpec spec, const std::string& idempotency_key) {
  PADDOCK_RETURN_IF_ERROR(unusable_);
  PADDOCK_ASSIGN_OR_RETURN(auto submitted, FindSubmitted(spec, idempotency_key));
  if (submitted) return *std::move(submitted);
  PADDOCK_ASSIGN_OR_RETURN(Targets targets, ResolveTargets(spec));
  return AddJob(std::move(spec), idempotency_key, std::move(targets));
}

SubmitAnswer Coordinator::AddJob(JobSpec spec, const std::string& idempotency_key, Targets targets) {
  const std::uint64_t number = ++last_job_;
  const JobId id("j-" + std::to_string(number));
  LiveJob& live = jobs_[id];
  live.job.id = id;
  live.job.sequence = number;
  live.job.idempotency_key = idempotency_key;
  live.job.spec = std::move(spec);
  live.job.submitted_wall_ms = ports_.clock.WallMs();
  std::vector<Run> runs;
  for (const auto& [variant, device] : targets.taken) {
    Run& run = runs.emplace_back();
    run.id = RunId("r-" + std::to_string(++last_run_));
    run.job = id;
    run.device = device->record.id;
    run.variant = variant;
    live.job.runs.push_back(run.id);
  }
  Write([&](StorePort& store) { return store.InsertJob(live.job, runs); });
  WriteEvent(id.str(), "submitted", std::to_string(runs.size()) + " runs");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const LiveRun& run = AdoptRun(std::move(runs[i]), live, i);
    AfterCommit([this, request = PreparationOf(run)](const Status& commit) {
      if (commit.ok()) ports_.work.Prepare(request);
    });
  }
  if (!idempotency_key.empty()) idempotency_keys_[idempotency_key] = id;
  changed_jobs_.insert(id);
  return SubmitAnswer{id, live.job.runs, std::move(targets.skipped)};
}

Result<std::optional<SubmitAnswer>> Coordinator::FindSubmitted(const JobSpec& spec,
                                                               const std::string& idempotency_key) {
  if (idempotency_key.empty()) return std::optional<SubmitAnswer>();
  SubmitAnswer answer;
  if (const auto known = idempotency_keys_.find(idempotency_key); known != idempotency_keys_.end()) {
    answer.job = known->second;
    answer.runs = jobs_.at(known->second).job.runs;
    if (auto targets = ResolveTargets(spec); targets.ok()) answer.skipped = std::move(targets->skipped);
    return std::optional(std::move(answer));
  }
  PADDOCK_ASSIGN_OR_RETURN(const auto stored, ports_.store.FindJobByIdempotencyKey(idempotency_key));
  if (!stored) return std::optional<SubmitAnswer>();
  answer.job = *stored;
  return std::optional(std::move(answer));
}

Result<Coordinator::Targets> Coordinator::ResolveTargets(const JobSpec& spec) {
  std::map<DeviceId, Device*> chosen;
  std::vector<std::map<std::string, std::string>> known_labels;
  for (const auto& [id, device] : devices_) known_labels.push_back(device.record.description.labels);
  const std::string known =
      known_labels.empty() ? "no device has ever connected to this coordinator; start a paddock-agent first"
                           : "the devices' labels are " + KnownLabelsText(known_labels);
  if (spec.selectors.empty())
    return InvalidArgumentError("on: names no device; write \"all\" or a selector; " + known);
  for (std::size_t i = 0; i < spec.selectors.size(); ++i) {
    const std::string field = "on[" + std::to_string(i) + "]";
    auto selector = Selector::Parse(spec.selectors[i]);
    if (!selector.ok()) return selector.status().WithContext(field);
    bool matched = false;
    for (auto& [id, device] : devices_) {
      if (!selector->Matches(device.record.description.labels)) continue;
      matched = true;
      chosen[id] = &device;
    }
    if (!matched) {
      return InvalidArgumentError(field + ": \"" + spec.selectors[i] + "\" matches no known device; " +
                                  known);
    }
  }

  Targets targets;
  std::string reasons;
  for (std::uint32_t variant = 0; variant < spec.variants.size(); ++variant) {
    const std::string& name = spec.variants[variant].name;
    const std::string& kind = spec.variants[variant].artifact_kind;
    if (const std::string& obstacle = spec.variants[variant].obstacle; !obstacle.empty()) {
      reasons += (reasons.empty() ? "" : "; ") + name + ": " + obstacle;
      for (const auto& [id, device] : chosen) targets.skipped.push_back({id, name, obstacle});
      continue;
    }
    for (const auto& [id, device] : chosen) {
      if (CanBeGiven(device->record.description, kind)) {
        targets.taken.emplace_back(variant, device);
        continue;
      }
      const std::string reason = "variant " + name + " makes " + kind + ", driver " +
                                 device->record.description.driver + " takes " +
                                 JoinText(device->record.description.artifact_kinds);
      reasons += (reasons.empty() ? "" : "; ") + id.str() + ": " + reason;
      targets.skipped.push_back({id, name, reason});
    }
  }
  if (targets.taken.empty()) return InvalidArgumentError("no selected device takes any variant: " + reasons);
  return targets;
}

void Coordinator::Cancel(const JobId& job, std::function<void(Status)> answer) {
  CheckThread();
  AfterCommit([answer = std::move(answer), result = CancelNow(job)](const Status& commit) {
    answer(commit.ok() ? result : commit);
  });
}

Status Coordinator::CancelNow(const JobId& job) {
  PADDOCK_RETURN_IF_ERROR(unusable_);
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) {
    const auto number = job.str().starts_with("j-") ? std::strtoull(job.str().c_str() + 2, nullptr, 10) : 0;
    if (number == 0 || number > last_job_) return NotFoundError("there is no job " + job.str());
    return FailedPreconditionError("job " + job.str() + " has ended already");
  }
  LiveJob& live = found->second;
  if (live.open_runs == 0) return FailedPreconditionError("job " + job.str() + " has ended already");
  WriteEvent(job.str(), "cancel requested", "");
  for (const RunId& id : live.job.runs) {
    LiveRun& run = runs_.at(id);
    if (run.run.state == RunState::kPreparing || run.run.state == RunState::kQueued) {
      EndRun(run, RunState::kCancelled);
    } else if (run.run.state == RunState::kRunning && !run.run.cancel_requested) {
      run.run.cancel_requested = true;
      WriteRun(run);
      SendCancel(run.device->session, {id, run.run.lease});
    }
  }
  return OkStatus();
}

Coordinator::LiveRun* Coordinator::FindRun(const RunId& run) {
  const auto found = runs_.find(run);
  return found == runs_.end() ? nullptr : &found->second;
}

Coordinator::LiveRun& Coordinator::AdoptRun(Run run, LiveJob& job, std::uint64_t place) {
  LiveRun& live = runs_[run.id];
  live.job = &job;
  live.device = &devices_[run.device];
  live.sequence = job.job.sequence * kPlacesPerJob + place;
  if (!IsTerminal(run.state)) {
    ++job.open_runs;
    ++job.open_runs_on[run.device];
    if (job.job.spec.golden) live.device->golden = &live;
  }
  live.run = std::move(run);
  return live;
}

PreparationRequest Coordinator::PreparationOf(const LiveRun& run) {
  return {run.run.id, run.job->job.spec, run.run.variant, run.device->record.description};
}

EvaluationRequest Coordinator::EvaluationOf(const LiveRun& run) const {
  const JobSpec& spec = run.job->job.spec;
  EvaluationRequest request{run.run.id, spec, run.run.prepared.value_or(PreparedRun()),
                            run.device->record.description.computes_outputs, Digest()};
  if (spec.golden) {
    request.golden_model = spec.model;
  } else if (PolicyOf(*run.device) != nullptr) {
    request.golden_model = settings_.golden->model;
  }
  return request;
}

void Coordinator::OnPrepared(const RunId& id, Result<PreparedRun> prepared, FailureClass failure_class) {
  CheckThread();
  LiveRun* run = FindRun(id);
  // Cancelled meanwhile, or asked for twice over a reload.
  if (run == nullptr || run->run.state != RunState::kPreparing) return;
  if (!prepared.ok()) {
    return EndRun(*run, RunState::kFailed,
                  RunFailure{failure_class, "preparing", prepared.status().message()});
  }
  run->run.prepared = std::move(prepared).value();
  run->run.state = RunState::kQueued;
  StartWaiting(*run);
  WriteRun(*run);
  Write([&](StorePort& store) { return store.SetPrepared(id, *run->run.prepared); });
}

void Coordinator::OnEvaluated(const RunId& id, Result<Evaluation> evaluation) {
  CheckThread();
  LiveRun* run = FindRun(id);
  if (run == nullptr || run->run.state != RunState::kEvaluating) return;
  if (!evaluation.ok()) {
    return EndRun(*run, RunState::kFailed,
                  RunFailure{FailureClass::kFarm, "reporting", evaluation.status().message()});
  }
  Write([&](StorePort& store) { return store.InsertEvaluation(id, *evaluation); });
  EndRun(*run, RunState::kDone);
}

Coordinator::Rank Coordinator::RankOf(const LiveRun& run) {
  const std::uint64_t turn = run.run.repetitions_done;
  Random random(run.job->job.spec.data_spec.seed + (turn << 32) + run.sequence);
  return {run.job->job.sequence, run.run.repetitions_done, random.Next(), run.sequence};
}

void Coordinator::StartWaiting(LiveRun& run) {
  run.device->waiting[run.job->job.spec.priority][RankOf(run)] = &run;
  waited_for_.insert(run.device);
  run.queued_since = ports_.clock.Now();
  grants_due_ = true;
}

void Coordinator::StopWaiting(LiveRun& run) {
  WaitingRuns& waiting = run.device->waiting;
  const auto bucket = waiting.find(run.job->job.spec.priority);
  if (bucket == waiting.end()) return;
  bucket->second.erase(RankOf(run));
  if (bucket->second.empty()) waiting.erase(bucket);
  if (waiting.empty()) waited_for_.erase(run.device);
}

void Coordinator::EndRun(LiveRun& run, RunState state, std::optional<RunFailure> failure) {
  if (run.run.state == RunState::kQueued) StopWaiting(run);
  if (run.run.state != RunState::kEvaluating) CountUse(run);
  held_evaluations_.erase(run.sequence);
  // It may be the last of a group that a golden run comes after.
  if (!held_evaluations_.empty()) grants_due_ = true;
  run.run.state = state;
  run.run.failure = std::move(failure);
  run.run.finished_wall_ms = ports_.clock.WallMs();
  run.run.progress = {};
  WriteRun(run);
  WriteOwnStages(run);
  if (run.run.failure) {
    WriteEvent(run.run.id.str(), std::string(RunStateName(state)),
               std::string(FailureClassName(run.run.failure->failure_class)) + ", " + run.run.failure->stage +
                   ": " + run.run.failure->message);
  }
  if (run.job->job.spec.golden) EndGolden(run);
  --run.job->open_runs_on[run.run.device];
  if (--run.job->open_runs == 0) FinishJob(*run.job);
}

void Coordinator::WriteOwnStages(const LiveRun& run) {
  std::vector<StageTime> stages;
  if (run.run.prepared) {
    stages.push_back({kPrepareStage, std::nullopt, run.run.prepared->preparation_s,
                      run.run.prepared->artifact_bytes, std::nullopt});
  }
  if (run.evaluating_since) {
    stages.push_back(
        {kEvaluateStage, std::nullopt, SecondsSince(*run.evaluating_since), std::nullopt, std::nullopt});
  }
  if (stages.empty()) return;
  Write([&](StorePort& store) { return store.InsertStageTimes(run.run.id, 0, stages); });
}

void Coordinator::FinishJob(LiveJob& live) {
  bool all_done = true;
  bool any_cancelled = false;
  for (const RunId& id : live.job.runs) {
    const RunState state = runs_.at(id).run.state;
    all_done = all_done && state == RunState::kDone;
    any_cancelled = any_cancelled || state == RunState::kCancelled;
  }
  live.job.state = all_done ? JobState::kDone : any_cancelled ? JobState::kCancelled : JobState::kFailed;
  live.job.finished_wall_ms = ports_.clock.WallMs();
  Write([&](StorePort& store) { return store.UpdateJob(live.job); });
  WriteEvent(live.job.id.str(), std::string(JobStateName(live.job.state)), "");
  ended_jobs_.push_back(live.job.id);
}

void Coordinator::EvictEndedJobs() {
  for (const JobId& id : std::exchange(ended_jobs_, {})) {
    const auto found = jobs_.find(id);
    for (const RunId& run : found->second.job.runs) runs_.erase(run);
    idempotency_keys_.erase(found->second.job.idempotency_key);
    jobs_.erase(found);
  }
}

RunProgress Coordinator::ProgressOf(const LiveRun& run) const {
  RunProgress progress = run.run.progress;
  const Device& device = *run.device;
  const std::string name = "device " + device.record.id.str();
  if (run.run.state == RunState::kPreparing) progress.stage = "preparing";
  if (run.run.state == RunState::kEvaluating) progress.stage = "reporting";
  if (held_evaluations_.contains(run.sequence)) {
    progress.detail = device.golden == nullptr
                          ? "waiting for the golden run after it on " + name
                          : "waiting for the golden run " + device.golden->run.id.str() + " of " + name;
  }
  if (run.run.state == RunState::kRunning) {
    if (progress.stage.empty()) progress.stage = "transferring";
    if (run.run.cancel_requested) {
      progress.detail = "cancelled; waiting for " + name + " to stop";
    } else if (device.session == 0) {
      progress.detail = name + " is out of reach; its lease goes on";
    }
  }
  if (run.run.state != RunState::kQueued) return progress;
  progress.stage = "queued";
  std::string wait;
  if (device.session == 0) {
    wait = "waiting for " + name + ", offline since " + UtcText(device.record.last_seen_wall_ms, kUtcSecond);
  } else if (!device.record.problem.empty()) {
    wait = "waiting for " + name + ": " + device.record.problem;
  } else if (device.golden != nullptr && device.golden != &run) {
    wait = "waiting for the golden run " + device.golden->run.id.str() + " of " + name;
  } else if (device.lease != 0) {
    wait = "waiting for " + name + ", busy with " + leases_.at(device.lease).record.run.str();
  } else if (!device.record.shares.empty()) {
    wait = "waiting for what " + name + " shares with others: " + JoinText(device.record.shares);
  } else {
    wait = "about to start on " + name;
  }
  progress.detail = progress.detail.empty() ? wait : wait + "; " + progress.detail;
  return progress;
}

}  // namespace paddock
