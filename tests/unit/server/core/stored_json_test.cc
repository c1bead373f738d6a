#include <catch2/catch.hpp>

#include "base/strict_json.h"
#include "server/core/farm.h"
#include "server/core/job_spec.h"

namespace paddock {

TEST_CASE("a job spec comes back from its JSON as it was", "[core][json]") {
  JobSpec spec;
  spec.name = "kws";
  spec.model_path = "m.onnx";
  spec.model = Sha256::Of("model");
  spec.data_path = "d.npz";
  spec.data = Sha256::Of("data");
  spec.data_spec = {{{"x", "a"}},
                    "y",
                    500,
                    {},
                    7,
                    {{"x", CastStep{ElementType::kInt8}},
                     {"", ScaleStep{0.5, 1}},
                     {"", NormalizeStep{{0.1, 0.2}, {1, 2}, 3}},
                     {"", DequantizeStep{0.58, 83}},
                     {"", QuantizeStep{0.25, -3, ElementType::kUint8}},
                     {"", TransposeStep{{1, 0}}},
                     {"", ReshapeStep{{-1, 4}}},
                     {"", ResizeStep{8, 9, ResizeMethod::kNearest}},
                     {"", CropStep{6, 7}},
                     {"", ColorStep{ColorOrder::kBgr}},
                     {"", MelStep{MelKind::kMfcc, 8000, .5, .25, 30, 10, 1, 2, 512, 1.5}}},
                    RawLayout{ElementType::kInt8, {49, 10, 1}, 16, ElementType::kUint8, true}};
  spec.task = Task::kClassification;
  Variant variant{"int8", {"optimize"}, {}};
  variant.options.threads = 2;
  variant.options.graph_level = "all";
  variant.options.spinning = false;
  variant.options.memory_arena = true;
  variant.options.execution_provider = "cuda";
  variant.options.provider_options = {{"device_id", "0"}};
  variant.model_path = "other.tflite";
  variant.model = Sha256::Of("other");
  variant.encodings_path = "other.encodings";
  variant.encodings = Sha256::Of("encodings");
  variant.artifact_kind = "tflite";
  spec.variants = {{"as-is", {}, {}}, variant};
  spec.calibration = {.path = "train.npz", .data = Sha256::Of("train"), .samples = 64, .seed = 5};
  spec.selectors = {"class=cpu", "all"};
  spec.scenario = {ScenarioKind::kOffline, 1.5, 10, 20, {3, 0.25}, 8};
  spec.repetitions = 3;
  spec.priority = -4;
  spec.reference_run = "r-1";
  spec.repetition_timeout_s = 12.5;
  spec.budgets = {{"latency_p99", {.max = 0.02, .min = {}}}, {"accuracy_top1", {.max = {}, .min = 0.9}}};
  spec.rerun_of = "r-12";
  spec.golden = true;

  const std::string json = EncodeJobSpec(spec);
  const auto decoded = DecodeJobSpec(json);
  INFO(decoded.status().ToString());
  REQUIRE(decoded.ok());
  CHECK(EncodeJobSpec(*decoded) == json);
  CHECK(decoded->variants[1].options == variant.options);
  CHECK(decoded->variants[1].artifact_kind == "tflite");
  CHECK(decoded->ModelOf(decoded->variants[1]) == Sha256::Of("other"));
  CHECK(decoded->ModelOf(decoded->variants[0]) == decoded->model);
  CHECK(decoded->calibration.data == Sha256::Of("train"));
  CHECK(decoded->calibration.samples == 64);
  CHECK(decoded->data_spec.samples == 500);
  CHECK_FALSE(decoded->data_spec.accuracy_interval);
  JobSpec until = spec;
  until.data_spec.accuracy_interval = 0.02;
  CHECK(DecodeJobSpec(EncodeJobSpec(until))->data_spec.accuracy_interval == 0.02);
  CHECK(std::get<QuantizeStep>(decoded->data_spec.preprocess[4].action).to == ElementType::kUint8);
  CHECK(std::get<ReshapeStep>(decoded->data_spec.preprocess[6].action).shape == Shape{-1, 4});
  REQUIRE(decoded->data_spec.raw);
  CHECK(decoded->data_spec.raw->shape == Shape{49, 10, 1});
  CHECK(decoded->data_spec.raw->label_type == ElementType::kUint8);
  CHECK(decoded->scenario.kind == ScenarioKind::kOffline);
  CHECK(decoded->scenario.warmup.min_s == 0.25);
  CHECK(decoded->priority == -4);
  CHECK(decoded->budgets == spec.budgets);
  CHECK(decoded->rerun_of == "r-12");
  CHECK(decoded->golden);
}

TEST_CASE("a job spec that was stored before there were budgets, reruns and golden runs is read",
          "[core][json]") {
  JobSpec spec;
  spec.name = "of yesterday";
  Json json = Json::parse(EncodeJobSpec(spec));
  json.erase("budgets");
  json.erase("rerun_of");
  json.erase("golden");
  const auto decoded = DecodeJobSpec(json.dump());
  INFO(decoded.status().ToString());
  REQUIRE(decoded.ok());
  CHECK(decoded->budgets.empty());
  CHECK(decoded->rerun_of.empty());
  CHECK_FALSE(decoded->golden);
}

TEST_CASE("a prepared run comes back from its JSON as it was", "[core][json]") {
  const PreparedRun prepared{Sha256::Of("a"),
                             "onnx",
                             9,
                             {{"x", ElementType::kFloat32, {-1, 3}}},
                             {{"y", ElementType::kInt64, {-1}}},
                             {Sha256::Of("b"), Sha256::Of("c")},
                             Digest(),
                             70,
                             {"folded 3 nodes"},
                             0.125};
  const auto decoded = DecodePreparedRun(EncodePreparedRun(prepared));
  INFO(decoded.status().ToString());
  REQUIRE(decoded.ok());
  CHECK(*decoded == prepared);
}

TEST_CASE("a device record comes back from its JSON as it was", "[core][json]") {
  DeviceRecord record;
  record.id = DeviceId("jetson-1");
  record.instance = AgentInstanceId("i");
  record.agent_version = "0.1.0";
  record.description.driver = "onnxruntime";
  record.description.model = "x86";
  record.description.serial = "s";
  record.description.runtime = "ort 1";
  record.description.labels = {{"class", "cpu"}};
  record.description.artifact_kinds = {"onnx"};
  record.description.last_steps = {{"tflite", {"to-onnx", "optimize"}}};
  record.description.limits = {1024, {}, 4};
  record.description.computes_outputs = false;
  record.description.link_cuts_s = {{"loading", 1.5}};
  record.shares = {"host"};
  record.drivers = {{"simulated", "a model", {{"seed", "of it"}}}};
  record.problem = "no disk";
  record.last_seen_wall_ms = 17;
  const std::string json = EncodeDeviceRecord(record);
  const auto decoded = DecodeDeviceRecord(json);
  INFO(decoded.status().ToString());
  REQUIRE(decoded.ok());
  CHECK(EncodeDeviceRecord(*decoded) == json);
  CHECK(decoded->description.limits.batch_bytes == 1024);
  CHECK_FALSE(decoded->description.limits.artifact_bytes.has_value());
  CHECK_FALSE(decoded->description.computes_outputs);
  CHECK(decoded->description.last_steps == record.description.last_steps);
  CHECK(decoded->drivers[0].options[0].second == "of it");
  CHECK_FALSE(decoded->golden);
  record.golden = GoldenPolicy{.every_runs = 3};
  CHECK(DecodeDeviceRecord(EncodeDeviceRecord(record))->golden == record.golden);
}

TEST_CASE("damaged JSON is refused with the path of the damage", "[core][json]") {
  CHECK_THAT(DecodeJobSpec("{}").status().message(), Catch::Contains("job_spec"));
  CHECK_THAT(DecodeDeviceRecord(R"({"id": 3})").status().message(), Catch::Contains("device.id"));
  CHECK_FALSE(DecodePreparedRun("{").ok());
  std::string json = EncodePreparedRun({});
  json.replace(json.find("\"batches\":[]"), 12, "\"batches\":[\"zz\"]");
  CHECK_THAT(DecodePreparedRun(json).status().message(), Catch::Contains("batches"));
}

TEST_CASE("text that is not UTF-8 can be stored", "[core][json]") {
  PreparedRun prepared;
  prepared.report = {"node \xff\xfe"};
  CHECK(DecodePreparedRun(EncodePreparedRun(prepared)).ok());
}

TEST_CASE("state and class names can be read back", "[core][json]") {
  for (const auto state : {RunState::kPreparing, RunState::kQueued, RunState::kRunning, RunState::kEvaluating,
                           RunState::kDone, RunState::kFailed, RunState::kCancelled, RunState::kLost}) {
    CHECK(*ParseRunState(RunStateName(state)) == state);
  }
  for (const auto state : {JobState::kRunning, JobState::kDone, JobState::kFailed, JobState::kCancelled}) {
    CHECK(*ParseJobState(JobStateName(state)) == state);
  }
  for (const auto failure : {FailureClass::kJob, FailureClass::kDevice, FailureClass::kFarm}) {
    CHECK(*ParseFailureClass(FailureClassName(failure)) == failure);
  }
  CHECK_THAT(ParseRunState("gone").status().message(), Catch::Contains("known are preparing"));
}

}  // namespace paddock
