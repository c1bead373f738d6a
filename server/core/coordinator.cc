#include "server/core/coordinator.h"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace paddock {
namespace {

constexpr std::chrono::seconds kWorkRetry{1};

}  // namespace

Coordinator::Coordinator(CoordinatorSettings settings, Ports ports) : settings_(settings), ports_(ports) {}

void Coordinator::CheckThread() const {
  PADDOCK_CHECK(ports_.queue.RunsHere(), "the coordinator may only be used on the core queue's thread");
}

Status Coordinator::Start() {
  CheckThread();
  PADDOCK_RETURN_IF_ERROR(LoadState());
  AskForWork();
  started_ = true;
  return OkStatus();
}

void Coordinator::BeforeBatch() {
  CheckThread();
  if (!started_ || unusable_.ok()) return;
  unusable_ = LoadState();
  AskForWorkSoon();
}

void Coordinator::AfterBatch() {
  CheckThread();
  if (grants_due_ && batch_error_.ok()) GrantRuns();
  if (transaction_open_ && batch_error_.ok()) batch_error_ = ports_.store.Commit();
  if (!batch_error_.ok()) return FailBatch(std::exchange(batch_error_, OkStatus()));
  if (std::exchange(transaction_open_, false) && std::exchange(storing_fails_, false)) {
    spdlog::info("changes can be stored again");
  }
  for (const Effect& effect : std::exchange(effects_, {})) effect(OkStatus());
  for (const JobId& job : std::exchange(changed_jobs_, {})) ports_.observer.OnJobChanged(job);
  EvictEndedJobs();
}

void Coordinator::FailBatch(const Status& error) {
  if (std::exchange(transaction_open_, false)) ports_.store.Rollback();
  const Status told = error.WithContext("the coordinator could not store the change, so nothing was changed");
  if (!std::exchange(storing_fails_, true)) spdlog::error("{}", told.message());
  for (const Effect& effect : std::exchange(effects_, {})) effect(told);
  const Status closed = UnavailableError(told.message() + "; connect again");
  for (const auto& [session, device] : sessions_) ports_.agents.CloseSession(session, closed);
  std::set<JobId> changed = std::exchange(changed_jobs_, {});
  pinned_before_failure_ = PinnedBlobs();
  unusable_ = LoadState();
  AskForWorkSoon();
  for (const auto& [id, job] : jobs_) changed.insert(id);
  for (const JobId& job : changed) ports_.observer.OnJobChanged(job);
}

void Coordinator::ForgetState() {
  sessions_.clear();
  leases_.clear();
  waited_for_.clear();
  held_evaluations_.clear();
  runs_.clear();
  jobs_.clear();
  devices_.clear();
  idempotency_keys_.clear();
  ended_jobs_.clear();
}

Status Coordinator::LoadState() {
  ForgetState();
  auto loaded = ports_.store.Load();
  Status status = loaded.ok() ? AdoptSnapshot(std::move(loaded).value()) : loaded.status();
  if (!status.ok()) ForgetState();
  return status.WithContext("the coordinator's state cannot be read");
}

Status Coordinator::AdoptSnapshot(StorePort::Snapshot snapshot) {
  // Numbers that were given out and not stored are not given out again.
  last_job_ = std::max(last_job_, snapshot.last_job);
  last_run_ = std::max(last_run_, snapshot.last_run);
  last_lease_ = std::max(last_lease_, snapshot.last_lease);

  for (DeviceRecord& record : snapshot.devices) {
    const DeviceId id = record.id;
    devices_[id].record = std::move(record);
    devices_[id].offline_since = ports_.clock.Now();
  }
  for (const StorePort::GoldenUse& use : snapshot.golden_uses) {
    devices_[use.device].runs_since_golden = use.runs_since;
    devices_[use.device].golden_ended_wall_ms = use.ended_wall_ms;
  }
  std::unordered_map<RunId, std::uint64_t> places;
  for (Job& job : snapshot.jobs) {
    for (std::size_t i = 0; i < job.runs.size(); ++i) places[job.runs[i]] = i;
    if (!job.idempotency_key.empty()) idempotency_keys_[job.idempotency_key] = job.id;
    const JobId id = job.id;
    jobs_[id].job = std::move(job);
  }
  std::map<std::uint64_t, LiveRun*> in_order;
  for (Run& run : snapshot.runs) {
    const auto job = jobs_.find(run.job);
    if (job == jobs_.end()) return InternalError(run.id.str() + " belongs to no live job");
    const std::uint64_t place = places[run.id];
    LiveRun& adopted = AdoptRun(std::move(run), job->second, place);
    in_order[adopted.sequence] = &adopted;
  }
  for (LeaseRecord& record : snapshot.leases) {
    Lease& lease = leases_[record.id];
    lease.device = &devices_[record.device];
    lease.instance = lease.device->record.instance;
    lease.deadline = ports_.clock.Now() + settings_.lease_ttl;
    lease.device->lease = record.id;
    LiveRun* run = FindRun(record.run);
    if (run != nullptr && run->run.state == RunState::kRunning && run->run.lease == record.id)
      lease.run = run;
    lease.record = std::move(record);
  }
  for (const auto& [sequence, run] : in_order) {
    if (run->run.state == RunState::kRunning && !leases_.contains(run->run.lease)) {
      return InternalError(run->run.id.str() + " is stored as running without an open lease");
    }
  }
  for (const auto& [sequence, run] : in_order) {
    if (run->run.state == RunState::kQueued) StartWaiting(*run);
    run->queued_since.reset();
    run->golden_after = run->device->golden_ended_wall_ms.has_value();
  }
  ArmLeaseTimer();
  return OkStatus();
}

void Coordinator::AskForWork() {
  std::map<std::uint64_t, LiveRun*> in_order;
  for (auto& [id, run] : runs_) in_order[run.sequence] = &run;
  for (const auto& [sequence, run] : in_order) {
    if (run->run.state == RunState::kPreparing) {
      AfterCommit([this, request = PreparationOf(*run)](const Status& commit) {
        if (commit.ok()) ports_.work.Prepare(request);
      });
    }
    if (run->run.state == RunState::kEvaluating) AskForEvaluation(*run);
  }
}

void Coordinator::AskForWorkSoon() {
  if (std::exchange(work_timer_armed_, true)) return;
  ports_.queue.PostAfter(kWorkRetry, [this] {
    work_timer_armed_ = false;
    AskForWork();
  });
}

void Coordinator::Write(const std::function<Status(StorePort&)>& write) {
  if (!batch_error_.ok()) return;
  if (!transaction_open_) {
    batch_error_ = ports_.store.Begin();
    if (!batch_error_.ok()) return;
    transaction_open_ = true;
  }
  batch_error_ = write(ports_.store);
}

void Coordinator::WriteRun(const LiveRun& run) {
  Write([&](StorePort& store) { return store.UpdateRun(run.run); });
  changed_jobs_.insert(run.run.job);
}

void Coordinator::WriteEvent(const std::string& subject, const std::string& kind, const std::string& detail) {
  Write([&](StorePort& store) { return store.InsertEvent(subject, kind, detail, ports_.clock.WallMs()); });
}

Result<JobView> Coordinator::ViewJob(const JobId& job) const {
  CheckThread();
  PADDOCK_RETURN_IF_ERROR(unusable_);
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return NotFoundError("job " + job.str() + " is not under way");
  JobView view{found->second.job, {}, {}};
  view.runs.reserve(view.job.runs.size());
  for (const RunId& id : view.job.runs) {
    const LiveRun& run = runs_.at(id);
    view.runs.push_back(run.run);
    view.runs.back().progress = ProgressOf(run);
    view.drivers.emplace(run.run.device, run.device->record.description.driver);
  }
  return view;
}

void Coordinator::ShowJob(const JobId& job, std::function<void(Result<JobView>)> answer) {
  AfterCommit([answer = std::move(answer), view = ViewJob(job)](const Status& commit) {
    answer(commit.ok() ? view : Result<JobView>(UnavailableError(commit.message())));
  });
}

std::vector<DeviceView> Coordinator::ViewDevices() const {
  CheckThread();
  std::vector<DeviceView> views;
  views.reserve(devices_.size());
  for (const auto& [id, device] : devices_) {
    DeviceView& view = views.emplace_back();
    view.record = device.record;
    view.state = device.session == 0              ? "offline"
                 : device.lease != 0              ? "busy"
                 : !device.record.problem.empty() ? "faulty"
                                                  : "idle";
    if (device.lease != 0) view.run = leases_.at(device.lease).record.run;
  }
  std::sort(views.begin(), views.end(),
            [](const auto& a, const auto& b) { return a.record.id < b.record.id; });
  return views;
}

std::set<Digest> Coordinator::PinnedBlobs() const {
  CheckThread();
  if (!unusable_.ok()) return pinned_before_failure_;
  std::set<Digest> pinned;
  if (settings_.golden) pinned = {settings_.golden->model, settings_.golden->data};
  for (const auto& [id, job] : jobs_) {
    pinned.insert(job.job.spec.model);
    pinned.insert(job.job.spec.data);
    if (!job.job.spec.calibration.data.empty()) pinned.insert(job.job.spec.calibration.data);
    for (const Variant& variant : job.job.spec.variants) {
      pinned.insert(job.job.spec.ModelOf(variant));
      pinned.insert(variant.encodings);
    }
  }
  for (const auto& [id, run] : runs_) {
    if (!run.run.prepared) continue;
    pinned.insert(run.run.prepared->artifact);
    pinned.insert(run.run.prepared->labels);
    pinned.insert(run.run.prepared->batches.begin(), run.run.prepared->batches.end());
  }
  pinned.erase(Digest());
  return pinned;
}

Coordinator::Counts Coordinator::Count() const {
  CheckThread();
  Counts counts;
  for (const auto& [id, device] : devices_) {
    ++counts.devices_known;
    if (device.session != 0) ++counts.devices_online;
  }
  for (const auto& [id, run] : runs_) {
    if (run.run.state == RunState::kQueued) ++counts.runs_queued;
    if (run.run.state == RunState::kRunning) ++counts.runs_running;
  }
  return counts;
}

}  // namespace paddock
