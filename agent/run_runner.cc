#include "agent/run_runner.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <thread>

#include "base/file.h"
#include "base/packed_file.h"

namespace paddock::agent {
namespace {

constexpr int kWorkerAttempts = 3;
constexpr int kDamagedTransfers = 3;
constexpr auto kProgressInterval = std::chrono::milliseconds(200);
constexpr auto kRetryFirst = std::chrono::milliseconds(200);
constexpr auto kRetryLongest = std::chrono::milliseconds(5'000);

// Signals that a program raises by what it does; others come from outside.
bool IsCrash(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE || signal == SIGABRT ||
         signal == SIGTRAP || signal == SIGSYS;
}

// "54.2 C"
std::string DegreesText(std::int64_t mdegc) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f C", static_cast<double>(mdegc) / 1000);
  return text.data();
}

}  // namespace

// What a worker said before it ended.
struct RunRunner::Attempt {
  std::string stage = kStageLoading;
  std::optional<Failure> failure;
};

RunRunner::RunRunner(RunnerSettings settings, BlobCache& cache, BlobTransfer& transfer,
                     std::function<void(const Progress&)> on_progress, ThermalGate* thermal_gate)
    : settings_(std::move(settings)),
      cache_(cache),
      transfer_(transfer),
      on_progress_(std::move(on_progress)),
      thermal_gate_(thermal_gate) {}

Report RunRunner::Run(const SpooledRun& run, const std::function<bool()>& interrupted) {
  Report report;
  report.lease = run.assignment.lease;
  report.outcome = Outcome::kFailed;
  interrupted_ = interrupted;
  progress_ = Progress{.lease = run.assignment.lease, .stage = {}, .time_left_s = {}};
  stages_.Finish({});
  repetition_s_.reset();

  const auto decoded = DecodeRunPlan(run.assignment.plan_json);
  if (!decoded.ok()) {
    report.failure = FailureOfFarm(
        decoded.status().WithContext("the coordinator sent a plan that cannot be read"), kStageTransferring);
    return report;
  }
  const RunPlan& plan = *decoded;
  plan_ = &plan;
  progress_.repetitions = plan.repetitions;
  report.repetitions = CompleteRepetitions(run.folder, plan.repetitions);
  const std::uint32_t wanted = plan.RepetitionEnd() - plan.repetition_begin;
  repetitions_left_ =
      plan.repetitions - plan.repetition_begin - static_cast<std::uint32_t>(report.repetitions.size());

  std::vector<BlobCache::Pin> pins;  // until the run has ended
  if (report.repetitions.size() < wanted) {
    EnterStage(kStageTransferring);
    report.failure = Fetch(plan, &pins);
    Result<std::string> artifact_path = std::string();
    if (!report.failure) artifact_path = ArrivedArtifact(pins[0], run.folder);
    if (!artifact_path.ok()) report.failure = FailureOfFarm(artifact_path.status(), kStageTransferring);
    if (!report.failure && !interrupted_()) {
      request_ = WorkerRequest{.driver = settings_.driver,
                               .options = settings_.options,
                               .meter = settings_.meter,
                               .meter_options = settings_.meter_options,
                               .cpus = settings_.cpus,
                               .artifact_path = *artifact_path,
                               .batch_paths = {},
                               .labels_path = {},
                               .plan = plan};
      for (std::size_t i = 0; i < plan.batches.size(); ++i)
        request_.batch_paths.push_back(pins[i + 1].path());
      if (plan.accuracy_interval) request_.labels_path = pins.back().path();
    }
  }
  for (std::uint32_t index = plan.repetition_begin;
       index < plan.RepetitionEnd() && !report.failure && !interrupted_(); ++index) {
    const bool complete = std::any_of(report.repetitions.begin(), report.repetitions.end(),
                                      [&](const RepetitionFiles& files) { return files.index == index; });
    if (complete) continue;
    report.failure = RunRepetition(run.folder, plan, index);
    --repetitions_left_;
  }
  if (Status status = RemoveFile(UnpackedArtifactPath(run.folder)); !status.ok() && !report.failure)
    report.failure = FailureOfFarm(status, kStageReporting);

  report.repetitions = CompleteRepetitions(run.folder, plan.repetitions);
  if (report.repetitions.size() == wanted) {
    report.failure.reset();
    report.outcome = Outcome::kDone;
  } else if (interrupted_()) {
    report.failure.reset();
    report.outcome = Outcome::kCancelled;
  } else if (!report.failure) {
    report.failure = FailureOfFarm(
        DataLossError("a repetition's record in " + run.folder + " cannot be read"), kStageReporting);
  }
  report.stages = stages_.Finish(report.repetitions);
  progress_.time_left_s.reset();
  progress_.stage = kStageReporting;
  progress_.detail.clear();
  Publish(progress_.inferences_done);
  plan_ = nullptr;
  return report;
}

std::optional<Failure> RunRunner::Fetch(const RunPlan& plan, std::vector<BlobCache::Pin>* pins) {
  std::vector<Digest> digests = {plan.artifact};
  digests.insert(digests.end(), plan.batches.begin(), plan.batches.end());
  if (plan.accuracy_interval) digests.push_back(plan.labels);
  for (const Digest& digest : digests) {
    auto pin = FetchBlob(digest);
    if (!pin.ok()) return FailureOfFarm(pin.status(), kStageTransferring);
    pins->push_back(std::move(pin).value());
  }
  return std::nullopt;
}

Result<BlobCache::Pin> RunRunner::FetchBlob(const Digest& digest) {
  auto pause = std::chrono::nanoseconds(kRetryFirst);
  for (int damaged = 0;;) {
    PADDOCK_ASSIGN_OR_RETURN(auto known, cache_.Find(digest));
    if (known) return std::move(*known);
    if (interrupted_()) return CancelledError("interrupted while fetching blob " + digest.ShortHex());
    PADDOCK_ASSIGN_OR_RETURN(const auto partial, cache_.Receive(digest));
    const std::uint64_t offset = partial->offset();
    Status status = transfer_.Download(digest, *partial, damaged > 0, interrupted_);
    stages_.AddBytes(partial->offset() - offset);
    if (status.code() == StatusCode::kDataLoss) {  // the coordinator's own copy
      PADDOCK_RETURN_IF_ERROR(cache_.DropPartial(digest));
      return status;
    }
    if (status.ok()) {
      auto pin = partial->Commit();
      if (pin.ok()) return pin;
      status = pin.status();
    }
    switch (status.code()) {
      case StatusCode::kUnavailable:
      case StatusCode::kDeadlineExceeded:
        for (const Deadline until = Deadline::After(pause); !until.passed() && !interrupted_();) {
          std::this_thread::sleep_for(
              std::min<std::chrono::nanoseconds>(until.remaining(), std::chrono::milliseconds(50)));
        }
        pause = std::min<std::chrono::nanoseconds>(pause * 2, kRetryLongest);
        continue;
      case StatusCode::kDataLoss:
      case StatusCode::kOutOfRange:
      case StatusCode::kInvalidArgument:
        PADDOCK_RETURN_IF_ERROR(cache_.DropPartial(digest));
        if (++damaged < kDamagedTransfers) continue;
        return status.WithContext("blob " + digest.ShortHex() + ", fetched " + std::to_string(damaged) +
                                  " times");
      default:
        return status.WithContext("fetching blob " + digest.ShortHex());
    }
  }
}

Result<std::string> RunRunner::ArrivedArtifact(const BlobCache::Pin& pin, const std::string& folder) {
  PADDOCK_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(pin.path()));
  if (!IsPacked(file.bytes())) return pin.path();
  const auto unpacked = Unpack(file.bytes());
  if (!unpacked.ok()) return unpacked.status().WithContext("artifact " + pin.path());
  std::string path = UnpackedArtifactPath(folder);
  PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(path, *unpacked));
  return path;
}

Status RunRunner::CoolDownAndPrepare(const std::string& folder) {
  progress_.inferences_done = 0;
  repetition_began_ = SystemClock().Now();
  if (thermal_gate_ != nullptr) {
    const auto wait = [&](std::chrono::nanoseconds duration, std::int64_t now_mdegc,
                          std::int64_t allowed_mdegc) {
      if (progress_.stage != kStageCooling) EnterStage(kStageCooling);
      progress_.detail = DegreesText(now_mdegc) + ", waiting for " + DegreesText(allowed_mdegc);
      Publish(0);
      for (const Deadline until = Deadline::After(duration); !until.passed() && !interrupted_();) {
        std::this_thread::sleep_for(
            std::min<std::chrono::nanoseconds>(until.remaining(), std::chrono::milliseconds(50)));
      }
      return !interrupted_();
    };
    const CooldownResult cooled = thermal_gate_->Pass(request_.plan.run_id, wait);
    request_.cooldown_s = cooled.waited_s;
    request_.cooldown_reached = cooled.reached;
    repetition_began_ = SystemClock().Now();
  }
  return WriteFileUnsynced(WorkerRequestPath(folder), EncodeWorkerRequest(request_));
}

std::optional<Failure> RunRunner::RunRepetition(const std::string& folder, const RunPlan& plan,
                                                std::uint32_t index) {
  progress_.repetition = index + 1;
  for (int tries = 1;; ++tries) {
    if (const Status status = CoolDownAndPrepare(folder); !status.ok())
      return FailureOfFarm(status, kStageLoading);
    if (interrupted_()) return std::nullopt;
    Attempt attempt;
    const auto ended = RunWorker(folder, plan, index, &attempt);
    if (!ended.ok()) return FailureOfFarm(ended.status(), kStageLoading);
    if (ended->cancelled) return std::nullopt;
    if (ended->succeeded() && FileSize(RecordPath(folder, index)).ok()) {
      repetition_s_ = std::chrono::duration<double>(SystemClock().Now() - repetition_began_).count();
      return std::nullopt;
    }
    const bool ended_by_itself = !ended->timed_out && !attempt.failure;
    if (ended_by_itself && tries < kWorkerAttempts) continue;
    auto failure = Judge(*ended, attempt, plan, index);
    if (failure && tries > 1) failure->message += " (the same in " + std::to_string(tries) + " processes)";
    return failure;
  }
}

Result<ProcessResult> RunRunner::RunWorker(const std::string& folder, const RunPlan& plan,
                                           std::uint32_t index, Attempt* attempt) {
  PADDOCK_ASSIGN_OR_RETURN(SharedCounter counter, SharedCounter::Open(CounterPath(folder)));
  counter.Store(0);
  progress_.inferences_done = 0;
  EnterStage(kStageLoading);

  ProcessRequest request;
  request.environment = settings_.worker_environment;
  request.memory_limit_bytes =
      plan.memory_limit_bytes != 0 ? plan.memory_limit_bytes : settings_.worker_memory_limit_bytes;
  request.on_stdout_line = [&](const std::string& text) {
    WorkerLine line = ParseWorkerLine(text);
    if (line.failure) attempt->failure = std::move(line.failure);
    if (!line.stage) return;
    attempt->stage = *line.stage;
    EnterStage(*line.stage);
  };
  MonotonicTime published = SystemClock().Now();
  const auto look_around = [&] {
    if (const MonotonicTime now = SystemClock().Now(); now - published >= kProgressInterval) {
      published = now;
      Publish(counter.Load());
    }
    return interrupted_();
  };
  const auto timeout =
      std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(plan.repetition_timeout_s, 1e8) * 1e9));
  request.argv = {settings_.worker_path, folder, std::to_string(index),
                  std::to_string(SystemClock().Now().time_since_epoch().count())};
  auto ended = RunProcess(request, Deadline::After(timeout), look_around);
  if (thermal_gate_ != nullptr) thermal_gate_->Left();
  return ended;
}

std::optional<Failure> RunRunner::Judge(const ProcessResult& ended, const Attempt& attempt,
                                        const RunPlan& plan, std::uint32_t index) const {
  const std::string where = " in stage " + attempt.stage + " of repetition " + std::to_string(index + 1);
  if (ended.timed_out) {
    return Failure{
        .failure_class = FailureClass::kDevice,
        .stage = attempt.stage,
        .message =
            "the worker missed its deadline of " +
            std::to_string(static_cast<std::int64_t>(plan.repetition_timeout_s)) + " s" + where +
            " and was killed; not tried again. Is the device silent, or repetition_timeout_s too short? " +
            ended.LastWords()};
  }
  if (attempt.failure) return attempt.failure;
  Failure failure{.failure_class = FailureClass::kJob,
                  .stage = attempt.stage,
                  .message = "the worker ended with " + ended.Describe() + where + "; " + ended.LastWords()};
  if (ended.signal != 0)
    failure.message = "the worker was " + ended.Describe() + where + "; " + ended.LastWords();
  if (ended.signal != 0 && !IsCrash(ended.signal)) {
    failure.failure_class = FailureClass::kFarm;
    failure.retry = true;
    failure.message += "; the signal came from outside, or from the kernel for lack of memory";
  }
  if (ended.succeeded()) {
    failure.failure_class = FailureClass::kFarm;
    failure.message = "the worker said that all went well but left no record" + where;
  }
  return failure;
}

void RunRunner::EnterStage(const std::string& stage) {
  // Repetitions count from 1 in progress; before the first one the whole lease is meant.
  stages_.Enter(stage, progress_.repetition == 0 ? std::nullopt : std::optional(progress_.repetition - 1));
  progress_.stage = stage;
  progress_.detail.clear();
  Publish(progress_.inferences_done);
}

void RunRunner::Publish(std::uint64_t inferences_done) {
  progress_.inferences_done = inferences_done;
  progress_.time_left_s = TimeLeftS();
  on_progress_(progress_);
}

std::optional<double> RunRunner::TimeLeftS() const {
  if (plan_ == nullptr || progress_.repetition == 0 || repetitions_left_ == 0) return std::nullopt;
  const double each_s = repetition_s_.value_or(plan_->scenario.warmup.min_s + plan_->scenario.min_duration_s);
  const double elapsed_s = std::chrono::duration<double>(SystemClock().Now() - repetition_began_).count();
  return std::max(each_s - elapsed_s, 0.0) + each_s * (repetitions_left_ - 1);
}

}  // namespace paddock::agent
