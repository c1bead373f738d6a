// What a run needs, made small: an artifact, two batches with five samples together, a plan for the simulated
// driver; and a coordinator's blobs and answers without a network.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/link.h"
#include "agent/run_runner.h"
#include "base/file.h"
#include "base/subprocess.h"
#include "kpi/run_plan.h"
#include "kpi/tensor_file.h"

namespace paddock::agent {

inline Tensor FloatTensor(const std::string& name, Shape shape, const std::vector<float>& values) {
  Tensor tensor{{name, ElementType::kFloat32, std::move(shape)}, {}};
  const auto bytes = std::as_bytes(std::span(values));
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

struct SmallRun {
  std::string model = "not a network: the simulated board does not look";
  std::vector<std::string> batches = {
      EncodeTensorFile({FloatTensor("x", {3, 2}, {0, 1, 2, 3, 4, 5})}).value(),
      EncodeTensorFile({FloatTensor("x", {2, 2}, {6, 7, 8, 9})}).value()};
  RunPlan plan;

  SmallRun() {
    plan.run_id = "r-1";
    plan.artifact = Sha256::Of(model);
    plan.artifact_kind = "onnx";
    for (const std::string& batch : batches) plan.batches.push_back(Sha256::Of(batch));
    plan.sample_count = 5;
    plan.inputs = {{"x", ElementType::kFloat32, {-1, 2}}};
    plan.outputs = {{"y", ElementType::kFloat32, {-1, 3}}};
    plan.scenario.min_duration_s = 0.05;
    plan.scenario.min_inferences = 20;
    plan.scenario.warmup = {.min_inferences = 4, .min_s = 0};
    plan.repetitions = 2;
    plan.repetition_timeout_s = 60;
  }

  Assignment AssignmentFor(LeaseId lease) const {
    return {.lease = {.run = RunId(plan.run_id), .lease = lease}, .plan_json = EncodeRunPlan(plan)};
  }
};

// Serves blobs from memory, keeps what it is told, and answers reports with what `answer` says.
class FakeLink final : public Link {
 public:
  void AddBlob(const std::string& bytes) { blobs_[Sha256::Of(bytes)] = bytes; }
  void AddBlobsOf(const SmallRun& run) {
    AddBlob(run.model);
    for (const std::string& batch : run.batches) AddBlob(batch);
  }

  Status Download(const Digest& digest, BlobCache::Partial& into, bool check_again,
                  const std::function<bool()>&) override {
    const std::lock_guard lock(mutex_);
    offsets.push_back(into.offset());
    checks.push_back(check_again);
    if (on_download) PADDOCK_RETURN_IF_ERROR(on_download(digest, into));
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) return NotFoundError("no blob " + digest.ShortHex());
    PADDOCK_RETURN_IF_ERROR(into.ExpectSize(found->second.size()));
    sent_bytes += found->second.size() - into.offset();
    return into.Append(found->second.substr(into.offset()));
  }
  void SendProgress(const Progress& sent) override {
    const std::lock_guard lock(mutex_);
    progress.push_back(sent);
    changed_.notify_all();
  }
  Status DeliverReport(const Report& report) override {
    const std::lock_guard lock(mutex_);
    reports.push_back(report);
    const Status status = answer ? answer(report) : OkStatus();
    if (status.ok()) ++stored;
    changed_.notify_all();
    return status;
  }
  void CutFor(std::chrono::nanoseconds duration) override {
    const std::lock_guard lock(mutex_);
    cuts.push_back(duration);
  }
  void Regreet() override {
    const std::lock_guard lock(mutex_);
    ++regreetings;
    changed_.notify_all();
  }

  // Blocks until `condition`, asked under the lock, holds. False after a minute.
  bool WaitUntil(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), condition);
  }
  bool HasStage(const std::string& stage) const {
    for (const Progress& sent : progress) {
      if (sent.stage == stage) return true;
    }
    return false;
  }

  // Read these inside WaitUntil() while an agent lives.
  std::vector<Progress> progress;
  std::vector<Report> reports;
  std::vector<std::chrono::nanoseconds> cuts;
  std::vector<std::uint64_t> offsets;
  std::vector<bool> checks;  // check_again of each download
  std::uint64_t sent_bytes = 0;
  int stored = 0;
  int regreetings = 0;
  // Set before the agent starts.
  std::function<Status(const Report&)> answer;
  std::function<Status(const Digest&, BlobCache::Partial&)> on_download;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Digest, std::string> blobs_;
};

inline RunnerSettings SimulatedSettingsFor(DriverOptions options) {
  RunnerSettings settings;
  settings.worker_path = PADDOCK_WORKER_PATH;
  settings.worker_environment = CleanEnvironment();
  settings.driver = "simulated";
  settings.options = std::move(options);
  return settings;
}

}  // namespace paddock::agent
