#include "server/workers/evaluator.h"

#include <algorithm>
#include <cstring>

#include "kpi/tensor_file.h"
#include "tests/unit/server/workers/workers_fixture.h"

namespace paddock {
namespace {

template <typename T>
Tensor MakeTensor(const std::string& name, ElementType type, Shape shape, const std::vector<T>& values) {
  Tensor tensor{{name, type, std::move(shape)}, std::vector<std::byte>(values.size() * sizeof(T))};
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

// A measured run r-1 of three samples and two classes, of which two are answered rightly.
struct EvaluatorFixture : WorkersFixture {
  EvaluationRequest request;
  RunReport report;

  EvaluatorFixture() {
    DeviceRecord device;
    device.id = DeviceId("board-1");
    device.description.driver = "simulated";
    REQUIRE(store->UpsertDevice(device).ok());
    request.run = RunId("r-1");
    request.spec.task = Task::kClassification;
    request.spec.repetitions = 2;
    request.spec.variants = {{"as-is", {}, {}}};
    request.prepared.artifact_bytes = 1234;
    request.prepared.labels =
        PutTensor(MakeTensor<std::int64_t>("labels", ElementType::kInt64, {3}, {0, 1, 1}));
    Job job;
    job.id = JobId("j-1");
    job.sequence = 1;
    job.spec = request.spec;
    Run run;
    run.id = request.run;
    run.job = job.id;
    run.device = device.id;
    REQUIRE(store->InsertJob(job, {run}).ok());
    REQUIRE(store->InsertLease({1, run.id, device.id, 0, 1}).ok());
    report.run = run.id;
    report.lease = 1;
    const Digest predictions =
        PutTensor(MakeTensor<float>("out", ElementType::kFloat32, {3, 2}, {2, 1, 0, 3, 5, 1}));
    report.repetitions = {{0, EncodeRepetition(Record(0)), {}, predictions},
                          {1, "", artifacts->Put(EncodeRepetition(Record(1))).value(), {}}};
    REQUIRE(store->InsertMeasurements(report).ok());
  }

  Digest PutTensor(const Tensor& tensor) {
    return artifacts->Put(EncodeTensorFile({tensor}).value()).value();
  }

  static RepetitionRecord Record(std::uint32_t index) {
    RepetitionRecord record;
    record.index = index;
    record.runtime = "onnxruntime 1.30.0";
    record.options = {{"threads", "1"}};
    record.environment.emplace().fingerprint.kernel = "6.1.0-25";
    for (std::uint64_t i = 0; i < 100; ++i) {
      record.queries.start_offset_ns.push_back(i * 1'000'000);
      record.queries.latency_ns.push_back(1'000'000);
    }
    record.window_ns = 100'000'000;
    return record;
  }
};

TEST_CASE_METHOD(EvaluatorFixture, "KPIs come from records in the store and blobs beside it", "[workers]") {
  const auto evaluation = Evaluate(request, *artifacts, *reader);
  REQUIRE(evaluation.ok());
  CHECK(evaluation->machine.at("kernel") == "6.1.0-25");
  CHECK(evaluation->kpis.values.at("accuracy_top1").value == Approx(2.0 / 3));
  CHECK(evaluation->kpis.values.at("latency_p50").value == Approx(0.001));
  CHECK(evaluation->kpis.values.at("artifact_size").value == 1234);
  CHECK(evaluation->runtime == "onnxruntime 1.30.0");
  CHECK(evaluation->options.at("threads") == "1");
  CHECK(evaluation->kpis.missing.contains("output_agreement"));
  REQUIRE(evaluation->latency_histograms.size() == 2);
  CHECK(Histogram::Decode(evaluation->latency_histograms.at(1).encoded)->total_count() == 100);
}

TEST_CASE_METHOD(EvaluatorFixture, "outputs of a device that computes none are not judged", "[workers]") {
  request.computes_outputs = false;
  const auto evaluation = Evaluate(request, *artifacts, *reader);
  REQUIRE(evaluation.ok());
  CHECK(evaluation->kpis.missing.at("accuracy_top1") == "not_computed");
}

TEST_CASE_METHOD(EvaluatorFixture, "a reference run's predictions are compared with", "[workers]") {
  request.spec.reference_run = "r-1";
  CHECK(Evaluate(request, *artifacts, *reader)->kpis.values.at("output_agreement").value == 1);
  request.spec.reference_run = "r-77";
  CHECK(Evaluate(request, *artifacts, *reader).status().code() == StatusCode::kNotFound);
}

TEST_CASE_METHOD(EvaluatorFixture, "evidence that is gone or damaged is named", "[workers]") {
  REQUIRE(RemoveFile(artifacts->root() + "/blobs/" + report.repetitions[1].record_blob.hex()).ok());
  CHECK(Evaluate(request, *artifacts, *reader).status().message().find("record of repetition 1") !=
        std::string::npos);
  report.repetitions.resize(1);
  report.repetitions[0].record_inline = "junk";
  REQUIRE(store->InsertMeasurements(report).ok());
  CHECK(Evaluate(request, *artifacts, *reader).status().message().find("record of repetition 0") !=
        std::string::npos);
}

// Golden runs of board-1, one after the other; the job r-1 of the fixture was measured under lease 1.
struct GoldenFixture : EvaluatorFixture {
  const Digest golden_model = Sha256::Of("golden model");

  GoldenFixture() { REQUIRE(store->EndLease(1, "reported", 2).ok()); }

  // Measures and evaluates a golden run, with latencies of `latency_ns`.
  Evaluation MakeGolden(std::uint64_t number, std::uint64_t latency_ns) {
    EvaluationRequest golden = request;
    golden.run = RunId("r-" + std::to_string(number));
    golden.spec.golden = true;
    golden.spec.task = Task::kNone;
    golden.spec.model = golden.golden_model = golden_model;
    golden.prepared.labels = Digest();
    Job job;
    job.id = JobId("j-" + std::to_string(number));
    job.sequence = number;
    job.spec = golden.spec;
    Run run;
    run.id = golden.run;
    run.job = job.id;
    run.device = DeviceId("board-1");
    REQUIRE(store->InsertJob(job, {run}).ok());
    Measure(golden.run, number, latency_ns);
    auto evaluation = Evaluate(golden, *artifacts, *reader);
    REQUIRE(evaluation.ok());
    REQUIRE(store->InsertEvaluation(golden.run, *evaluation).ok());
    run.state = RunState::kDone;
    run.lease = number;
    REQUIRE(store->UpdateRun(run).ok());
    return *std::move(evaluation);
  }
  void Measure(const RunId& run, LeaseId lease, std::uint64_t latency_ns) {
    REQUIRE(store->InsertLease({lease, run, DeviceId("board-1"), 0, 1}).ok());
    REQUIRE(store->EndLease(lease, "reported", 2).ok());
    RunReport measured;
    measured.run = run;
    measured.lease = lease;
    for (std::uint32_t index = 0; index < 2; ++index) {
      RepetitionRecord record = Record(index);
      record.queries.latency_ns.assign(record.queries.latency_ns.size(), latency_ns);
      // Longer than the shortest window that is asked for.
      for (std::uint64_t i = 0; i < 100; ++i) record.queries.start_offset_ns[i] = i * 110'000'000;
      record.window_ns = 11'000'000'000;
      measured.repetitions.push_back({index, EncodeRepetition(record), {}, {}});
    }
    REQUIRE(store->InsertMeasurements(measured).ok());
  }
  // The fixture's run again, measured now under a lease of this number.
  void MeasureRunNow(LeaseId lease) {
    Measure(RunId("r-1"), lease, 3'000'000);
    request.golden_model = golden_model;
    request.spec.task = Task::kNone;
  }
  static bool Drifts(const Evaluation& evaluation) {
    const auto& reasons = evaluation.judgement.reasons;
    return std::any_of(reasons.begin(), reasons.end(),
                       [](const Reason& reason) { return reason.code == kDeviceDrift; });
  }
};

TEST_CASE_METHOD(GoldenFixture, "a run is put in relation to the golden runs around it and before",
                 "[workers][golden]") {
  for (std::uint64_t number = 2; number <= 7; ++number) CHECK_FALSE(Drifts(MakeGolden(number, 1'000'000)));
  MeasureRunNow(8);
  MakeGolden(9, 1'020'000);
  const auto evaluation = Evaluate(request, *artifacts, *reader);
  REQUIRE(evaluation.ok());
  REQUIRE(evaluation->golden);
  CHECK(evaluation->golden->near_runs == std::vector<std::string>{"r-7", "r-9"});
  CHECK(evaluation->golden->history == 5);
  CHECK(evaluation->golden->farthest == "r-9");
  CHECK(*evaluation->golden->ratio == Approx(1.02));
  CHECK_FALSE(Drifts(*evaluation));
  CHECK(*evaluation->kpis.values.at("latency_p50").relative == Approx(3));
  CHECK_FALSE(evaluation->kpis.values.at("artifact_size").relative);
  // A device that makes no golden runs any more is not judged by old ones.
  request.golden_model = Digest();
  const auto without = Evaluate(request, *artifacts, *reader);
  CHECK_FALSE(without->golden);
  CHECK_FALSE(without->kpis.values.at("latency_p50").relative);
}

TEST_CASE_METHOD(GoldenFixture, "a golden run that is slower makes the runs beside it degraded, and itself",
                 "[workers][golden]") {
  for (std::uint64_t number = 2; number <= 7; ++number) MakeGolden(number, 1'000'000);
  MeasureRunNow(8);
  request.spec.budgets = {{"latency_p50", {.max = 1, .min = {}}}};
  const Evaluation slow = MakeGolden(9, 1'200'000);
  CHECK(Drifts(slow));
  CHECK(slow.verdict_without_drift < slow.judgement.verdict);
  const auto evaluation = Evaluate(request, *artifacts, *reader);
  REQUIRE(evaluation.ok());
  CHECK(Drifts(*evaluation));
  CHECK(evaluation->judgement.verdict >= Verdict::kDegraded);
  CHECK(evaluation->verdict_without_drift == Verdict::kValid);
  // A run that is not valid decides nothing.
  CHECK(evaluation->budgets.at(0).outcome == BudgetOutcome::kUndecidable);
  // One that is not valid anyway is no witness of a drift.
  request.spec.scenario.min_inferences = 1000;
  const Evaluation disturbed = MakeGolden(11, 1'200'000);
  CHECK(disturbed.judgement.verdict == Verdict::kInconclusive);
  CHECK_FALSE(Drifts(disturbed));
  CHECK(disturbed.golden->ratio.has_value());
  request.spec.scenario.min_inferences = 64;
  // What drifted is in the history that the next one is compared with.
  CHECK(MakeGolden(12, 1'200'000).golden->history == 7);
}

TEST_CASE_METHOD(GoldenFixture, "the first golden runs of a device are compared with nothing",
                 "[workers][golden]") {
  MeasureRunNow(2);
  CHECK_FALSE(Evaluate(request, *artifacts, *reader)->golden);
  const Evaluation first = MakeGolden(3, 1'000'000);
  CHECK(first.golden->history == 0);
  CHECK(*first.kpis.values.at("latency_p50").relative == Approx(1));
  const auto evaluation = Evaluate(request, *artifacts, *reader);
  CHECK(evaluation->golden->near_runs == std::vector<std::string>{"r-3"});
  CHECK(*evaluation->kpis.values.at("latency_p50").relative == Approx(3));
}

}  // namespace
}  // namespace paddock
