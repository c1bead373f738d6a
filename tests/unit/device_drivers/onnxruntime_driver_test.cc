#include "device_drivers/onnxruntime/onnxruntime_driver.h"
#include "base/sanitizer.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/fakes/temp_dir.h"
#include "tests/unit/device_drivers/tiny_model.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// A driver with a folder for its models; `driver` is null where ONNX Runtime is not installed.
struct Bench {
  explicit Bench(const DriverOptions& options = {}) {
    if (!LibraryOrSkip()) return;
    auto created = CreateOnnxruntimeDriver(options);
    REQUIRE(created.ok());
    driver = std::move(*created);
  }

  Result<std::unique_ptr<Session>> TryOpen(const std::string& graph, const RuntimeOptions& options = {}) {
    SessionRequest request;
    request.artifact_path = WriteModel(folder / "model.onnx", graph);
    request.artifact_kind = "onnx";
    request.options = options;
    return driver->Open(request, Deadline::Never());
  }

  std::unique_ptr<Session> Open(const std::string& graph) {
    auto session = TryOpen(graph);
    REQUIRE(session.status().ToString() == "OK");
    return std::move(*session);
  }

  TempDir folder;
  std::unique_ptr<DeviceDriver> driver;
};

// The tensors stay the caller's.
std::uint32_t BindAll(Session& session, const std::vector<const Tensor*>& inputs) {
  std::vector<TensorView> views;
  for (const Tensor* input : inputs) views.push_back(input->view());
  const auto query = session.Bind(views);
  REQUIRE(query.status().ToString() == "OK");
  return *query;
}

template <typename T = float>
std::vector<T> Answer(Session& session, std::uint32_t query) {
  REQUIRE(session.Invoke(query).ToString() == "OK");
  const auto outputs = session.ReadOutputs();
  REQUIRE(outputs.ok());
  return ValuesOf<T>(outputs->front());
}

const std::string kDouble = "g (float[N, 2] x) => (float[N, 2] y) { y = Add(x, x) }";

TEST_CASE("the onnxruntime driver describes this machine", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const DeviceDescription& device = bench.driver->Describe();
  CHECK(device.driver == "onnxruntime");
  CHECK_THAT(device.runtime, Catch::Matchers::StartsWith("onnxruntime 1."));
  CHECK(device.labels.at("class") == "cpu");
  CHECK(device.labels.at("os") == "linux");
  CHECK_THAT(device.model, Catch::Matchers::StartsWith(device.labels.at("arch") + " "));
  CHECK(device.artifact_kinds == std::vector<std::string>{"onnx"});
  CHECK(device.computes_outputs);
  CHECK(bench.driver->Probe(Deadline::Never()).ok());
}

TEST_CASE("queries of different batch sizes are answered in any order", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const auto session = bench.Open(kDouble);
  CHECK(TensorText(session->Inputs().at(0)) == "float32 x[?,2]");
  CHECK(TensorText(session->Outputs().at(0)) == "float32 y[?,2]");
  const Tensor one = Floats({1, 2}, {1, 2});
  const Tensor two = Floats({2, 2}, {3, 4, 5, 6});
  const Tensor other = Floats({1, 2}, {7, 8});
  const auto first = BindAll(*session, {&one});
  const auto second = BindAll(*session, {&two});
  const auto third = BindAll(*session, {&other});
  for (int pass = 0; pass < 2; ++pass) {
    CHECK(Answer(*session, first) == std::vector<float>{2, 4});
    CHECK(Answer(*session, second) == std::vector<float>{6, 8, 10, 12});
    CHECK(Answer(*session, third) == std::vector<float>{14, 16});
  }
  CHECK(session->ReadOutputs()->front().shape == Shape{1, 2});
}

TEST_CASE("an output whose shape depends on the data is read as it came", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const auto session = bench.Open("g (float[4] x) => (int64[R, K] y) { y = NonZero(x) }");
  const Tensor sparse = Floats({4}, {0, 1, 0, 0});
  const Tensor dense = Floats({4}, {1, 0, 1, 1});
  const auto first = BindAll(*session, {&sparse});
  const auto second = BindAll(*session, {&dense});
  CHECK(Answer<std::int64_t>(*session, first) == std::vector<std::int64_t>{1});
  CHECK(Answer<std::int64_t>(*session, second) == std::vector<std::int64_t>{0, 2, 3});
  CHECK(session->ReadOutputs()->front().shape == Shape{1, 3});
}

TEST_CASE("a model that states a wrong output shape is run all the same", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const auto session = bench.Open("g (float[N] x, int64[1] shape) => (float[N] y) { y = Expand(x, shape) }");
  const Tensor value = Floats({1}, {5});
  const Tensor shape = MakeTensor<std::int64_t>(ElementType::kInt64, {1}, {3});
  const auto query = BindAll(*session, {&value, &shape});
  CHECK(Answer(*session, query) == std::vector<float>{5, 5, 5});
  CHECK(Answer(*session, query) == std::vector<float>{5, 5, 5});
}

TEST_CASE("inputs stay the caller's even where the model hands them through", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const auto session = bench.Open("g (float[2] x) => (float[2] y) { y = Identity(x) }");
  const Tensor left = Floats({2}, {1, 2});
  const Tensor right = Floats({2}, {3, 4});
  const auto first = BindAll(*session, {&left});
  const auto second = BindAll(*session, {&right});
  CHECK(Answer(*session, first) == std::vector<float>{1, 2});
  CHECK(Answer(*session, second) == std::vector<float>{3, 4});
  CHECK(Answer(*session, first) == std::vector<float>{1, 2});
  CHECK(ValuesOf<float>(left.view()) == std::vector<float>{1, 2});
}

TEST_CASE("inputs that do not fit are refused with the input's name", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const auto session = bench.Open(kDouble);
  const auto refusal = [&](const std::vector<TensorView>& inputs) {
    const Status status = session->Bind(inputs).status();
    CHECK(status.code() == StatusCode::kInvalidArgument);
    return status.message();
  };
  const Tensor wide = Floats({1, 3}, {1, 2, 3});
  const Tensor flat = Floats({2}, {1, 2});
  const Tensor integers = MakeTensor<std::int32_t>(ElementType::kInt32, {1, 2}, {1, 2});
  const Tensor good = Floats({1, 2}, {1, 2});
  TensorView cut = good.view();
  cut.bytes = cut.bytes.first(7);
  CHECK_THAT(refusal({wide.view()}), Contains("float32 x[?,2]") && Contains("float32 x[1,3]"));
  CHECK_THAT(refusal({flat.view()}), Contains("float32 x[2]"));
  CHECK_THAT(refusal({integers.view()}), Contains("int32 x[1,2]"));
  CHECK_THAT(refusal({cut}), Contains("x[1,2]") && Contains("7 bytes"));
  CHECK_THAT(refusal({good.view(), good.view()}), Contains("1 inputs") && Contains("given 2"));
}

TEST_CASE("outputs exist only after a successful run", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const auto session = bench.Open("g (float[N] x, int64[1] shape) => (float[M] y) { y = Reshape(x, shape) }");
  CHECK(session->ReadOutputs().status().code() == StatusCode::kFailedPrecondition);
  CHECK(session->Invoke(0).code() == StatusCode::kInvalidArgument);
  const Tensor values = Floats({4}, {1, 2, 3, 4});
  const Tensor four = MakeTensor<std::int64_t>(ElementType::kInt64, {1}, {4});
  const Tensor five = MakeTensor<std::int64_t>(ElementType::kInt64, {1}, {5});
  const auto good = BindAll(*session, {&values, &four});
  const auto bad = BindAll(*session, {&values, &five});
  CHECK(Answer(*session, good).size() == 4);
  CHECK(session->Invoke(bad).code() == StatusCode::kInvalidArgument);
  CHECK(session->ReadOutputs().status().code() == StatusCode::kFailedPrecondition);
  CHECK(Answer(*session, good).size() == 4);
}

#if !PADDOCK_UNDER_SANITIZER  // their allocators end the process instead
TEST_CASE("a model that wants more memory than there is has exhausted the device", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const auto session = bench.Open("g (int64[1] shape) => (float[N] y) { y = ConstantOfShape(shape) }");
  const Tensor huge = MakeTensor<std::int64_t>(ElementType::kInt64, {1}, {std::int64_t{1} << 45});
  CHECK(session->Invoke(BindAll(*session, {&huge})).code() == StatusCode::kResourceExhausted);
}
#endif

TEST_CASE("what cannot be measured is refused when the model is opened", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const auto strings = bench.TryOpen("g (string[2] words) => (string[2] y) { y = Identity(words) }");
  CHECK(strings.status().code() == StatusCode::kUnimplemented);
  CHECK_THAT(strings.status().message(), Contains("'words'") && Contains("strings"));

  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(ModelBytes("g (float[2] x) => (float[2] y) { y = SequenceConstruct(x) }")));
  onnx::TypeProto* const output_type = model.mutable_graph()->mutable_output(0)->mutable_type();
  const onnx::TypeProto element = *output_type;
  *output_type->mutable_sequence_type()->mutable_elem_type() = element;
  SessionRequest request;
  request.artifact_path = bench.folder / "sequence.onnx";
  request.artifact_kind = "onnx";
  REQUIRE(WriteFileAtomically(request.artifact_path, model.SerializeAsString()).ok());
  const auto sequence = bench.driver->Open(request, Deadline::Never());
  CHECK(sequence.status().code() == StatusCode::kUnimplemented);
  CHECK_THAT(sequence.status().message(), Contains("'y'") && Contains("not a tensor"));

  request.artifact_kind = "tflite";
  const Status other_kind = bench.driver->Open(request, Deadline::Never()).status();
  CHECK(other_kind.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(other_kind.message(), Contains("'tflite'"));
}

TEST_CASE("every option that was used is in the record, defaults too", "[onnxruntime]") {
  Bench bench({{"threads", "2"}, {"memory_arena", "false"}});
  if (!bench.driver) return;
  using Options = std::map<std::string, std::string>;
  CHECK(bench.Open(kDouble)->EffectiveOptions() == Options{{"threads", "2"},
                                                           {"graph_level", "all"},
                                                           {"spinning", "false"},
                                                           {"memory_arena", "false"},
                                                           {"execution_provider", "cpu"}});
  RuntimeOptions variant;
  variant.threads = 3;
  variant.graph_level = "basic";
  variant.spinning = true;
  const auto session = bench.TryOpen(kDouble, variant);
  REQUIRE(session.ok());
  CHECK((*session)->EffectiveOptions() == Options{{"threads", "3"},
                                                  {"graph_level", "basic"},
                                                  {"spinning", "true"},
                                                  {"memory_arena", "false"},
                                                  {"execution_provider", "cpu"}});
}

TEST_CASE("runtime options out of their range blame the job", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  const auto refusal = [&](const RuntimeOptions& options) {
    const Status status = bench.TryOpen(kDouble, options).status();
    CHECK(status.code() == StatusCode::kInvalidArgument);
    return status.message();
  };
  RuntimeOptions threads, level, provider;
  threads.threads = 0;
  level.graph_level = "most";
  provider.provider_options = {{"device_id", "0"}};
  CHECK_THAT(refusal(threads), Contains("threads is 0"));
  CHECK_THAT(refusal(level), Contains("'most'") && Contains("extended"));
  CHECK_THAT(refusal(provider), Contains("provider.device_id"));
}

TEST_CASE("an execution provider that the library lacks is refused with those that it has", "[onnxruntime]") {
  Bench bench;
  if (!bench.driver) return;
  for (const std::string name : {"xnnpack", "NoSuchProvider", "cuda", "tensorrt"}) {
    INFO(name);
    RuntimeOptions options;
    options.execution_provider = name;
    const Status status = bench.TryOpen(kDouble, options).status();
    if (status.ok() && (name == "cuda" || name == "tensorrt")) continue;  // a machine that has one
    CHECK(status.code() == StatusCode::kUnimplemented);
    CHECK_THAT(status.message(), Contains("'" + name + "'") && Contains("CPUExecutionProvider"));
  }
  const Bench configured({{"execution_provider", "NoSuchProvider"}, {"provider.level", "3"}});
  CHECK(configured.driver->Probe(Deadline::Never()).code() == StatusCode::kUnavailable);
}

TEST_CASE("a device option that does not exist or does not fit is refused before the library is opened",
          "[onnxruntime]") {
  const auto refusal = [](const DriverOptions& options) {
    const Status status = CreateOnnxruntimeDriver(options).status();
    CHECK(status.code() == StatusCode::kInvalidArgument);
    return status.message();
  };
  CHECK_THAT(refusal({{"thread", "2"}}), Contains("'thread'") && Contains("threads"));
  CHECK_THAT(refusal({{"threads", "0"}}), Contains("'threads'") && Contains("1 to 1024"));
  CHECK_THAT(refusal({{"spinning", "yes"}}), Contains("true, false"));
  CHECK(CreateOnnxruntimeDriver({{"library", "/nowhere/lib.so"}}).status().code() ==
        StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace paddock
