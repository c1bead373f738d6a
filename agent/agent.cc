#include "agent/agent.h"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace paddock::agent {
namespace {

constexpr auto kProbeInterval = std::chrono::seconds(10);
constexpr auto kProbeTimeout = std::chrono::seconds(30);
constexpr auto kDeliveryRetryFirst = std::chrono::milliseconds(200);
constexpr auto kDeliveryRetryLongest = std::chrono::milliseconds(5'000);
constexpr auto kRefusedDeliveryRetry = std::chrono::seconds(10);

std::string Name(const HeldLease& lease) {
  return lease.run.str() + " (lease " + std::to_string(lease.lease) + ")";
}

}  // namespace

Agent::Agent(AgentSettings settings, const DriverEntry& entry, Spool spool, std::unique_ptr<BlobCache> cache)
    : settings_(std::move(settings)), entry_(entry), cache_(std::move(cache)), spool_(std::move(spool)) {
  const std::lock_guard lock(mutex_);
  for (SpooledRun& run : spool_.TakeFound()) {
    const HeldLease lease = run.assignment.lease;
    if (run.report) {
      Report report = *run.report;
      finished_.emplace(lease, Finished{.report = std::move(report), .spooled = std::move(run)});
      continue;
    }
    if (waiting_) RemoveFolder(*waiting_);  // by lease, so this one is newer
    waiting_ = std::move(run);
  }
}

Agent::~Agent() { Stop(); }

void Agent::Start(Link& link) {
  link_ = &link;
  ProbeDevice();
  runner_ = std::thread([this] { RunnerLoop(); });
  reporter_ = std::thread([this] { ReporterLoop(); });
}

void Agent::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (runner_.joinable()) runner_.join();
  if (reporter_.joinable()) reporter_.join();
}

// ---- the device

void Agent::ProbeDevice() {
  std::string problem;
  if (!driver_) {
    auto driver = entry_.create(settings_.runner.options);
    if (driver.ok()) {
      driver_ = std::move(driver).value();
    } else {
      problem = driver.status().ToString();
    }
  }
  if (driver_) {
    const Status status = driver_->Probe(Deadline::After(kProbeTimeout));
    if (!status.ok()) problem = status.ToString();
    if (driver_->Describe().time_source != TimeSource::kHost &&
        driver_->Describe().time_source != TimeSource::kDevice && !settings_.runner.meter.empty()) {
      problem = "meter " + settings_.runner.meter + " measures this machine, but driver " +
                settings_.runner.driver + " models its device's time and energy; remove the meter";
    }
  }

  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    DeviceDescription description;
    if (driver_) description = driver_->Describe();
    description.driver = settings_.runner.driver;
    for (const auto& [key, value] : settings_.labels) description.labels[key] = value;
    description.labels["id"] = settings_.device.str();
    description.labels["driver"] = settings_.runner.driver;
    changed = problem != problem_;
    problem_ = problem;
    description_ = std::move(description);
    probe_wanted_ = false;
  }
  if (changed && !problem.empty())
    spdlog::warn("the device cannot take runs; asking again every 10 s: {}", problem);
  if (changed && problem.empty()) spdlog::info("the device answers");
  if (changed && runner_.joinable()) link_->Regreet();
}

// ---- the runner thread

void Agent::RunnerLoop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (waiting_ && welcomed_) {
      const SpooledRun run = *std::exchange(waiting_, std::nullopt);
      active_ = run.assignment.lease;
      interrupt_ = Interrupt::kNone;
      lock.unlock();
      stages_seen_.clear();
      link_cuts_s_ = driver_ ? driver_->Describe().link_cuts_s : std::map<std::string, double>();
      spdlog::info("run {} begins", Name(run.assignment.lease));
      const bool is_this_machine = driver_ && driver_->Describe().time_source == TimeSource::kHost;
      RunRunner runner(
          settings_.runner, *cache_, *link_, [this](const Progress& progress) { OnProgress(progress); },
          is_this_machine ? &thermal_gate_ : nullptr);
      Report report = runner.Run(run, [this] { return stopping_ || interrupt_ != Interrupt::kNone; });
      lock.lock();
      active_.reset();
      if (interrupt_ == Interrupt::kDrop) {
        spdlog::info("run {} is dropped: its lease is no longer ours", Name(report.lease));
        RemoveFolder(run);
      } else if (stopping_ && interrupt_ == Interrupt::kNone && report.outcome == Outcome::kCancelled) {
        spdlog::info("run {} is kept for the next start", Name(report.lease));
      } else {
        probe_wanted_ = report.failure && report.failure->failure_class == FailureClass::kDevice;
        Finish(std::move(report), run);
      }
      continue;
    }
    if (probe_wanted_) {
      lock.unlock();
      ProbeDevice();
      lock.lock();
      continue;
    }
    const auto something_to_do = [this] { return stopping_ || (waiting_ && welcomed_); };
    if (problem_.empty()) {
      changed_.wait(lock, something_to_do);
    } else if (!changed_.wait_for(lock, kProbeInterval, something_to_do)) {
      probe_wanted_ = true;
    }
  }
}

void Agent::OnProgress(const Progress& progress) {
  if (stages_seen_.insert(progress.stage).second) {
    const auto cut = link_cuts_s_.find(progress.stage);
    if (cut != link_cuts_s_.end() && driver_->MayCutLink()) {
      spdlog::warn("fault: the link is cut for {} s at stage {}", cut->second, progress.stage);
      link_->CutFor(std::chrono::nanoseconds(static_cast<std::int64_t>(cut->second * 1e9)));
    }
  }
  link_->SendProgress(progress);
}

void Agent::Finish(Report report, std::optional<SpooledRun> spooled) {
  if (report.failure) {
    spdlog::error("run {} failed in stage {}: {}", Name(report.lease), report.failure->stage,
                  report.failure->message);
  } else {
    spdlog::info("run {} is {}", Name(report.lease), OutcomeName(report.outcome));
  }
  if (spooled) {
    const Status status = spool_.WriteReport(*spooled, report);
    // It is still delivered from memory; a restart before that does the missing repetitions again.
    if (!status.ok())
      spdlog::error("cannot keep the report of run {} on disk: {}", Name(report.lease), status.ToString());
  }
  const HeldLease lease = report.lease;
  finished_.insert_or_assign(lease, Finished{.report = std::move(report), .spooled = std::move(spooled)});
  next_delivery_ = SystemClock().Now();
  changed_.notify_all();
}

// ---- the reporter thread

void Agent::ReporterLoop() {
  std::unique_lock lock(mutex_);
  auto pause = std::chrono::nanoseconds(kDeliveryRetryFirst);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || (welcomed_ && !finished_.empty()); });
    if (stopping_) return;
    if (changed_.wait_until(lock, next_delivery_,
                            [this] { return stopping_ || next_delivery_ <= SystemClock().Now(); });
        stopping_) {
      return;
    }
    if (finished_.empty()) continue;
    const Report report = finished_.begin()->second.report;
    lock.unlock();
    const Status status = link_->DeliverReport(report);
    lock.lock();
    if (status.ok() || status.code() == StatusCode::kFailedPrecondition) {
      if (!status.ok())
        spdlog::warn("the report of run {} was refused: {}", Name(report.lease), status.message());
      Forget(report.lease);
      pause = kDeliveryRetryFirst;
      continue;
    }
    const auto undeliverable = finished_.find(report.lease);
    if (status.code() == StatusCode::kInvalidArgument && report.outcome != Outcome::kFailed &&
        undeliverable != finished_.end()) {
      spdlog::error("the report of run {} was refused, it is reported as failed: {}", Name(report.lease),
                    status.message());
      undeliverable->second.report = Report{
          .lease = report.lease,
          .outcome = Outcome::kFailed,
          .failure = Failure{.failure_class = FailureClass::kFarm,
                             .stage = "reporting",
                             .message = "the coordinator refused the measurements: " + status.message()},
          .repetitions = {}};
      continue;
    }
    const bool try_soon = status.code() == StatusCode::kUnavailable;
    if (!try_soon && !stopping_) {
      spdlog::error("the report of run {} could not be delivered; again in 10 s: {}", Name(report.lease),
                    status.ToString());
    }
    next_delivery_ =
        SystemClock().Now() + (try_soon ? pause : std::chrono::nanoseconds(kRefusedDeliveryRetry));
    pause = std::min<std::chrono::nanoseconds>(pause * 2, kDeliveryRetryLongest);
  }
}

void Agent::RemoveFolder(const SpooledRun& run) {
  const Status status = spool_.Remove(run);
  if (!status.ok()) spdlog::error("{}", status.ToString());
}

void Agent::Forget(const HeldLease& lease) {
  if (active_ == lease) {
    interrupt_ = Interrupt::kDrop;
  } else if (waiting_ && waiting_->assignment.lease == lease) {
    RemoveFolder(*waiting_);
    waiting_.reset();
  } else if (const auto found = finished_.find(lease); found != finished_.end()) {
    if (found->second.spooled) RemoveFolder(*found->second.spooled);
    finished_.erase(found);
  }
}

// ---- called by the link

Greeting Agent::MakeGreeting() {
  const std::lock_guard lock(mutex_);
  return {.device = settings_.device,
          .instance = spool_.instance(),
          .description = description_,
          .shares = settings_.shares,
          .golden = settings_.golden,
          .held = HeldLocked(),
          .problem = problem_};
}

std::vector<HeldLease> Agent::HeldLocked() const {
  std::vector<HeldLease> held;
  for (const auto& [lease, finished] : finished_) held.push_back(lease);
  if (active_) held.push_back(*active_);
  if (waiting_) held.push_back(waiting_->assignment.lease);
  return held;
}

std::vector<HeldLease> Agent::Held() {
  const std::lock_guard lock(mutex_);
  return HeldLocked();
}

std::string Agent::Problem() {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void Agent::OnWelcome(const std::vector<HeldLease>& revoked) {
  const std::lock_guard lock(mutex_);
  for (const HeldLease& lease : revoked) {
    spdlog::warn("run {} is no longer ours: dropped", Name(lease));
    Forget(lease);
  }
  welcomed_ = true;
  next_delivery_ = SystemClock().Now();
  changed_.notify_all();
}

void Agent::OnAssignment(const Assignment& assignment) {
  const std::lock_guard lock(mutex_);
  const auto held = HeldLocked();
  if (std::find(held.begin(), held.end(), assignment.lease) != held.end()) return;
  if (waiting_) Forget(HeldLease(waiting_->assignment.lease));
  if (active_) Forget(HeldLease(*active_));
  auto run = spool_.Accept(assignment);
  if (!run.ok()) {
    Report report;
    report.lease = assignment.lease;
    report.outcome = Outcome::kFailed;
    report.failure =
        FailureOfFarm(run.status().WithContext("the agent cannot take the run"), kStageTransferring);
    Finish(std::move(report), std::nullopt);
    return;
  }
  waiting_ = std::move(run).value();
  changed_.notify_all();
}

void Agent::OnCancel(const HeldLease& lease) {
  const std::lock_guard lock(mutex_);
  if (active_ == lease) {
    interrupt_ = Interrupt::kCancel;
    return;
  }
  if (finished_.count(lease) != 0) return;
  Report report;
  report.lease = lease;
  report.outcome = Outcome::kCancelled;
  std::optional<SpooledRun> spooled;
  if (waiting_ && waiting_->assignment.lease == lease) spooled = std::exchange(waiting_, std::nullopt);
  Finish(std::move(report), std::move(spooled));
}

}  // namespace paddock::agent
