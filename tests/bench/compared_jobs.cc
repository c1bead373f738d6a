#include "tests/bench/compared_jobs.h"

#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/random.h"
#include "kpi/tensor_file.h"
#include "server/store/store.h"
#include "server/workers/evaluator.h"
#include "tests/bench/report.h"

namespace paddock::bench {
namespace {

constexpr std::int64_t kClasses = 10;
constexpr double kQueryNs = 10.5e6;  // 1,000 queries take more than 10 s

template <typename T>
std::string TensorFile(const std::string& name, ElementType type, Shape shape, const std::vector<T>& values) {
  Tensor tensor{{name, type, std::move(shape)}, std::vector<std::byte>(values.size() * sizeof(T))};
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return Must(EncodeTensorFile({tensor}));
}

class Writer {
 public:
  Writer(const std::string& state, const ComparedJobs& settings)
      : settings_(settings),
        store_(Must(SqliteStore::Open(state + "/paddock.db"))),
        reader_(Must(StoreReader::Open(state + "/paddock.db"))),
        artifacts_(Must(ArtifactStore::Open(state + "/artifacts"))) {
    for (int i = 0; i < settings.answers; ++i)
      classes_.push_back(static_cast<std::int64_t>(random_.Below(kClasses)));
    labels_ = Must(artifacts_->Put(TensorFile("y", ElementType::kInt64, {settings.answers}, classes_)));
    for (int i = 0; i < settings.devices; ++i) {
      DeviceRecord device;
      device.id = DeviceOf(i);
      device.description.driver = "onnxruntime";
      Must(store_->UpsertDevice(device));
    }
  }

  void WriteJob(int number, double slower, const std::string& kernel) {
    Job job;
    job.id = JobId("j-" + std::to_string(number));
    job.sequence = static_cast<std::uint64_t>(number);
    job.spec.name = "nightly";
    job.spec.model = Sha256::Of("model");
    job.spec.data = Sha256::Of("data");
    job.spec.task = Task::kClassification;
    job.spec.variants = {{"as-is", {}, {}}};
    job.spec.repetitions = static_cast<std::uint32_t>(settings_.repetitions);
    std::vector<Run> runs;
    for (int i = 0; i < settings_.devices; ++i) {
      Run& run = runs.emplace_back();
      run.id = RunId("r-" + std::to_string((number - 1) * settings_.devices + i + 1));
      run.job = job.id;
      run.device = DeviceOf(i);
      job.runs.push_back(run.id);
    }
    Must(store_->InsertJob(job, runs));
    for (std::size_t i = 0; i < runs.size(); ++i)
      Measure(job, runs[i], slower, i % 2 == 0 ? kernel : "6.1.0-18-amd64");
    job.state = JobState::kDone;
    Must(store_->UpdateJob(job));
  }

 private:
  static DeviceId DeviceOf(int number) { return DeviceId("board-" + std::to_string(number)); }

  RepetitionRecord MakeRecord(std::uint32_t index, double slower, const std::string& kernel) {
    RepetitionRecord record;
    record.index = index;
    record.runtime = "onnxruntime 1.20.0";
    record.options = {{"threads", "4"}, {"graph_level", "all"}};
    record.timer_floor_ns = 40;
    record.model_load_ns = 30'000'000 + random_.Below(1'000'000);
    record.first_inference_ns = 20'000'000 + random_.Below(1'000'000);
    record.cold_start_ns = 120'000'000 + random_.Below(1'000'000);
    record.peak_memory_bytes = 60'000'000 + random_.Below(1'000'000);
    RepetitionEnvironment& environment = record.environment.emplace();
    environment.fingerprint.kernel = kernel;
    environment.fingerprint.os_image = "Debian GNU/Linux 12 (bookworm)";
    environment.fingerprint.cpu_model = "ARMv8 Processor rev 1 (v8l)";
    environment.fingerprint.affinity = "0-3";
    environment.before.governors = {"performance"};
    environment.after.governors = {"performance"};
    std::uint64_t now_ns = 0;
    const double level = slower * (1 + 0.002 * random_.Normal());
    for (int i = 0; i < settings_.queries; ++i) {
      record.queries.start_offset_ns.push_back(now_ns);
      const auto latency_ns =
          static_cast<std::uint64_t>(kQueryNs * level * std::exp(0.003 * random_.Normal()));
      record.queries.latency_ns.push_back(latency_ns);
      now_ns += latency_ns + 50 + random_.Below(20);
    }
    record.window_ns = now_ns;
    return record;
  }

  Digest MakePredictions() {
    std::vector<float> scores(static_cast<std::size_t>(settings_.answers * kClasses));
    for (float& score : scores) score = static_cast<float>(random_.Uniform());
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      if (random_.Below(10) < 9) scores[i * kClasses + static_cast<std::size_t>(classes_[i])] = 2;
    }
    return Must(
        artifacts_->Put(TensorFile("scores", ElementType::kFloat32, {settings_.answers, kClasses}, scores)));
  }

  void Measure(const Job& job, Run& run, double slower, const std::string& kernel) {
    const LeaseId lease = next_lease_++;
    RunReport report;
    report.run = run.id;
    report.lease = lease;
    const Digest predictions = MakePredictions();
    std::vector<StageTime> stages;
    for (int i = 0; i < settings_.repetitions; ++i) {
      const auto index = static_cast<std::uint32_t>(i);
      report.repetitions.push_back(
          {index, EncodeRepetition(MakeRecord(index, slower, kernel)), {}, i == 0 ? predictions : Digest()});
      for (const char* stage : {"load", "first-inference", "warm-up", "measured", "readout", "upload"})
        stages.push_back({.stage = stage, .repetition = index, .seconds = 1, .bytes = {}, .energy_j = {}});
    }
    run.state = RunState::kDone;
    run.lease = lease;
    PreparedRun& prepared = run.prepared.emplace();
    prepared.artifact = Sha256::Of("artifact");
    prepared.artifact_kind = "onnx";
    prepared.artifact_bytes = 97'220;
    prepared.labels = labels_;
    prepared.sample_count = static_cast<std::uint64_t>(settings_.answers);
    run.agent_version = "0.1.0";
    run.finished_wall_ms = 1;
    Must(store_->Begin());
    Must(store_->InsertLease({lease, run.id, run.device, 1, 30'001}));
    Must(store_->EndLease(lease, "reported", 2));
    Must(store_->UpdateRun(run));
    Must(store_->InsertMeasurements(report));
    Must(store_->InsertStageTimes(run.id, lease, stages));
    Must(store_->Commit());
    EvaluationRequest request;
    request.run = run.id;
    request.spec = job.spec;
    request.prepared = prepared;
    const Evaluation evaluation = Must(Evaluate(request, *artifacts_, *reader_));
    if (evaluation.judgement.verdict != Verdict::kValid)
      GiveUp("a run of the benchmark is not valid: " + evaluation.judgement.reasons.front().detail);
    Must(store_->Begin());
    Must(store_->InsertEvaluation(run.id, evaluation));
    Must(store_->Commit());
  }

  const ComparedJobs settings_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreReader> reader_;
  std::unique_ptr<ArtifactStore> artifacts_;
  Random random_{7};
  std::vector<std::int64_t> classes_;
  Digest labels_;
  LeaseId next_lease_ = 1;
};

}  // namespace

void WriteComparedJobs(const std::string& state, const ComparedJobs& jobs) {
  std::filesystem::create_directories(state);
  Writer writer(state, jobs);
  writer.WriteJob(1, 1, "6.1.0-18-amd64");
  writer.WriteJob(2, 1.02, "6.1.0-25-amd64");
}

}  // namespace paddock::bench
