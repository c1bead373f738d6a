#include "server/workers/evaluator.h"

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

}  // namespace
}  // namespace paddock
