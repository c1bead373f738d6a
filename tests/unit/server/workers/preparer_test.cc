#include "server/workers/preparer.h"

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

#include "kpi/tensor_file.h"
#include "tests/unit/server/workers/workers_fixture.h"

namespace paddock {
namespace {

bool Says(const PreparedRun& prepared, const std::string& line) {
  return std::find(prepared.report.begin(), prepared.report.end(), line) != prepared.report.end();
}

TEST_CASE_METHOD(WorkersFixture, "a model as it is becomes its own artifact and the data batches",
                 "[workers]") {
  const auto preparer = MakePreparer();
  const PreparationRequest request = MakeRequest({});
  const auto prepared = preparer->Prepare(request);
  REQUIRE(prepared.ok());
  CHECK(prepared->artifact == request.spec.model);
  CHECK(prepared->artifact_kind == "onnx");
  CHECK(prepared->artifact_bytes == model.size());
  CHECK(prepared->inputs.at(0).name == "image");
  CHECK(prepared->sample_count == 100);
  CHECK(Says(*prepared, "model as it is"));
  CHECK(prepared->preparation_s > 0);
  const auto batch = artifacts->Map(prepared->batches.at(0));
  REQUIRE(batch.ok());
  CHECK(DecodeTensorFile(batch->bytes())->at(0).tensor.shape == Shape{100, 1, 8, 8});
  const auto labels = artifacts->Map(prepared->labels);
  CHECK(DecodeTensorFile(labels->bytes())->at(0).tensor.shape == Shape{100});
  CHECK(StepCalls() == 0);
  CHECK(std::filesystem::is_empty(folder / "scratch"));
}

TEST_CASE_METHOD(WorkersFixture, "the same key is prepared once, also after a restart", "[workers]") {
  const PreparationRequest request = MakeRequest({"optimize"});
  const auto first = MakePreparer()->Prepare(request);
  REQUIRE(first.ok());
  CHECK(Says(*first, "optimize (cp): copied"));
  CHECK_FALSE(Says(*first, "model from cache"));
  REQUIRE(StepCalls() == 1);
  const auto preparer = MakePreparer();
  for (int i = 0; i < 2; ++i) {
    const auto again = preparer->Prepare(request);
    REQUIRE(again.ok());
    CHECK(again->artifact == first->artifact);
    CHECK(again->batches == first->batches);
    CHECK(Says(*again, "model from cache"));
    CHECK(Says(*again, "data from cache"));
  }
  CHECK(StepCalls() == 1);
}

TEST_CASE_METHOD(WorkersFixture, "runs that ask for the same key at once share one preparation",
                 "[workers]") {
  const auto preparer = MakePreparer();
  const PreparationRequest request = MakeRequest({"optimize"});
  std::vector<std::thread> threads;
  std::vector<Result<PreparedRun>> answers(4, Status());
  for (Result<PreparedRun>& answer : answers)
    threads.emplace_back([&] { answer = preparer->Prepare(request); });
  for (std::thread& thread : threads) thread.join();
  for (const Result<PreparedRun>& answer : answers) {
    REQUIRE(answer.ok());
    CHECK(answer->artifact == answers[0]->artifact);
  }
  CHECK(StepCalls() == 1);
}

TEST_CASE_METHOD(WorkersFixture, "a recipe whose blob is gone or damaged is prepared anew", "[workers]") {
  const PreparationRequest request = MakeRequest({});
  const auto first = MakePreparer()->Prepare(request);
  REQUIRE(first.ok());
  const std::string batch = artifacts->root() + "/blobs/" + first->batches.at(0).hex();
  SECTION("gone") { REQUIRE(RemoveFile(batch).ok()); }
  SECTION("damaged") {
    std::string bytes = ReadFile(batch).value();
    bytes.back() ^= 1;
    REQUIRE(WriteFileAtomically(batch, bytes).ok());
    artifacts = ArtifactStore::Open(folder / "artifacts").value();
  }
  const auto again = MakePreparer()->Prepare(request);
  REQUIRE(again.ok());
  CHECK_FALSE(Says(*again, "data from cache"));
  CHECK(again->batches == first->batches);
  CHECK(artifacts->Has(again->batches.at(0)));
}

TEST_CASE_METHOD(WorkersFixture, "a step that a signal ends is tried three times, then blames the job",
                 "[workers]") {
  SetStep("echo 'bad node' >&2; kill -SEGV $$");
  const Status status = MakePreparer()->Prepare(MakeRequest({"optimize"})).status();
  CHECK(status.message().find("signal 11") != std::string::npos);
  CHECK(status.message().find("'optimize'") != std::string::npos);
  CHECK(status.message().find("bad node") != std::string::npos);
  CHECK(Preparer::ClassOf(status) == FailureClass::kJob);
  CHECK(StepCalls() == 3);
}

TEST_CASE_METHOD(WorkersFixture, "a step that crashes once and then works is a success", "[workers]") {
  SetStep("[ -e '" + (folder / "crashed") + "' ] || { touch '" + (folder / "crashed") +
          "'; kill -ABRT $$; }\n" + kCopyStep);
  CHECK(MakePreparer()->Prepare(MakeRequest({"optimize"})).ok());
  CHECK(StepCalls() == 2);
}

TEST_CASE_METHOD(WorkersFixture, "a step's own error comes through and is not tried again", "[workers]") {
  SetStep(R"(printf '{"code":3,"message":"step optimize: bad graph","report":""}' > "$5")");
  const Status status = MakePreparer()->Prepare(MakeRequest({"optimize"})).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("bad graph") != std::string::npos);
  CHECK(StepCalls() == 1);
}

TEST_CASE_METHOD(WorkersFixture, "a full disk blames the farm, a wrong model the job", "[workers]") {
  SetStep(R"(printf '{"code":8,"message":"no space left","report":""}' > "$5")");
  CHECK(Preparer::ClassOf(MakePreparer()->Prepare(MakeRequest({"optimize"})).status()) ==
        FailureClass::kFarm);
  model = "this is no model";
  const Status status = MakePreparer()->Prepare(MakeRequest({})).status();
  CHECK(Preparer::ClassOf(status) == FailureClass::kJob);
  CHECK(status.message().find("digits.onnx") != std::string::npos);
}

TEST_CASE_METHOD(WorkersFixture, "a device that does not take the artifact is the job's mistake",
                 "[workers]") {
  const auto preparer = MakePreparer();
  PreparationRequest request = MakeRequest({});
  request.device.limits.artifact_bytes = 100;
  Status status = preparer->Prepare(request).status();
  CHECK(status.message().find("the device takes 100") != std::string::npos);
  request.device.artifact_kinds = {"tflite"};
  status = preparer->Prepare(request).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("kind 'onnx'") != std::string::npos);
}

TEST_CASE_METHOD(WorkersFixture, "a device's last steps follow the variant's where it needs them",
                 "[workers]") {
  const auto preparer = MakePreparer();
  PreparationRequest request = MakeRequest({"optimize"});
  request.device.last_steps = {{"onnx", {"prune"}}};
  auto prepared = preparer->Prepare(request);
  REQUIRE(prepared.ok());
  CHECK(StepCalls() == 1);  // it takes ONNX as it is

  request.device.artifact_kinds = {"onnx+board"};
  CHECK(preparer->Prepare(request).status().message().find("kind 'onnx'") != std::string::npos);
  CHECK(StepCalls() == 3);
  CHECK(CanBeGiven(request.device, "onnx"));
  CHECK_FALSE(CanBeGiven(request.device, "tflite"));

  request.device.last_steps = {{"onnx", {"no-such-step"}}};
  CHECK(preparer->Prepare(request).status().message().find("no-such-step") != std::string::npos);
}

TEST_CASE_METHOD(WorkersFixture, "a step is given the variant's encodings, and others make another model",
                 "[workers]") {
  SetStep("cat \"$8\" >> '" + (folder / "given") + "'\n" + kCopyStep);
  const auto preparer = MakePreparer();
  PreparationRequest request = MakeRequest({"import-encodings"});
  for (const char* const encodings : {"first", "second", "first"}) {
    request.spec.variants[0].encodings = artifacts->Put(encodings).value();
    CHECK(preparer->Prepare(request).ok());
  }
  CHECK(ReadFile(folder / "given").value() == "firstsecond");
}

TEST_CASE_METHOD(WorkersFixture,
                 "a step's child is told of the converter that the step names and of no other", "[workers]") {
  SetStep("printf %s \"$9\" > '" + (folder / "told") + "'\n" + kCopyStep);
  StepProcessSettings settings;
  settings.program = folder / "step";
  for (int i = 0; i < 300; ++i) {
    settings.tools.converters.push_back({.name = "tool" + std::to_string(i),
                                         .command = {"tool"},
                                         .from_kind = "onnx",
                                         .to_kind = "onnx",
                                         .output = "o",
                                         .version = {"tool"},
                                         .licence = std::string(1000, 'x'),
                                         .options = {}});
  }
  StepRequest files;
  files.in_path = folder / "step";
  files.out_path = folder / "out";
  const auto told = [&](const std::string& step) {
    const Status ran = RunStepInChild(step, files, settings, [] { return false; }).status();
    CHECK(ran.ToString() == "OK");
    return ParseConverters(ReadFile(folder / "told").value(), "told").value();
  };
  CHECK(told("optimize").empty());
  const std::vector<Converter> one = told("external tool=tool7");
  REQUIRE(one.size() == 1);
  CHECK(one[0].name == "tool7");
}

TEST_CASE("the child of a step writes its answer, also when it is an error", "[workers]") {
  const TempDir folder;
  CHECK(PrepareStepMain({kPrepareStepFlag, "no-such-step", folder / "in", folder / "out", folder / "answer",
                         "", "", "", EncodeConverters({})}) == 0);
  CHECK(ReadFile(folder / "answer")->find("no-such-step") != std::string::npos);
  CHECK(PrepareStepMain({kPrepareStepFlag, "optimize"}) == 2);
}

}  // namespace
}  // namespace paddock
