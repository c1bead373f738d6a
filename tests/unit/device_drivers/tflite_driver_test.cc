#include "device_drivers/tflite/tflite_driver.h"

#include <catch2/catch.hpp>

#include "tests/unit/device_drivers/tflite_bench.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

constexpr std::int32_t kCustom = 32, kReshape = 22, kWhere = 109;

const std::vector<TensorInfo> kDoubleInputs = {{"serving_default_x:0", ElementType::kFloat32, {-1, 2}}};
const std::vector<TensorInfo> kDoubleOutputs = {{"y", ElementType::kFloat32, {-1, 2}}};

SessionRequest RequestFor(std::vector<TensorInfo> inputs, std::vector<TensorInfo> outputs) {
  SessionRequest request;
  request.inputs = std::move(inputs);
  request.outputs = std::move(outputs);
  return request;
}

TEST_CASE("the tflite driver describes this machine", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const DeviceDescription& device = bench.driver->Describe();
  CHECK(device.driver == "tflite");
  CHECK_THAT(device.runtime, Catch::Matchers::StartsWith("tflite 2."));
  CHECK(device.labels.at("class") == "cpu");
  CHECK(device.labels.at("os") == "linux");
  CHECK_THAT(device.model, Catch::Matchers::StartsWith(device.labels.at("arch") + " "));
  CHECK(device.artifact_kinds == std::vector<std::string>{"tflite"});
  CHECK(device.computes_outputs);
  CHECK(bench.driver->Probe(Deadline::Never()).ok());
}

TEST_CASE("tflite answers queries of different batch sizes in any order", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const std::string provider = GENERATE("cpu", "xnnpack");
  SessionRequest request = With(provider);
  request.inputs = kDoubleInputs;
  request.outputs = kDoubleOutputs;
  const auto session = bench.Open(DoubleBytes(), request);
  CHECK(session->Inputs() == kDoubleInputs);
  CHECK(session->Outputs() == kDoubleOutputs);
  const Tensor two = Floats({2, 2}, {3, 4, 5, 6});
  const Tensor one = Floats({1, 2}, {1, 2});
  const Tensor other = Floats({1, 2}, {7, 8});
  const auto second = BindOne(*session, two);
  const auto first = BindOne(*session, one);
  const auto third = BindOne(*session, other);
  for (int pass = 0; pass < 2; ++pass) {
    CHECK(AnswerTo(*session, first) == std::vector<float>{2, 4});
    CHECK(AnswerTo(*session, second) == std::vector<float>{6, 8, 10, 12});
    CHECK(session->ReadOutputs()->front().shape == Shape{2, 2});
    CHECK(AnswerTo(*session, third) == std::vector<float>{14, 16});
  }
  CHECK(session->ReadOutputs()->front().shape == Shape{1, 2});
  CHECK(ValuesOf<float>(one.view()) == std::vector<float>{1, 2});
}

TEST_CASE("a tflite model whose shapes nobody states as open has fixed ones", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const auto session = bench.Open(DoubleBytes());
  CHECK(TensorText(session->Inputs().at(0)) == "float32 serving_default_x:0[1,2]");
  const Tensor two = Floats({2, 2}, {3, 4, 5, 6});
  const TensorView view = two.view();
  CHECK(session->Bind(std::span(&view, 1)).status().code() == StatusCode::kInvalidArgument);
  const Tensor one = Floats({1, 2}, {1, 2});
  CHECK(AnswerTo(*session, BindOne(*session, one)) == std::vector<float>{2, 4});
}

TEST_CASE("a tflite model that cannot take a batch says so when a query of that size is bound", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  // y = x + c with a c of three numbers: two rows of x do not fit.
  const std::string bytes = TfliteBytes({{"x", 0, {1, 3}, {}, {-1, 3}}, {"c", 0, {1, 3}}, {"y", 0, {2, 3}}},
                                        {{2, {0, 1}, {2}}}, {0, 1}, {2});  // CONCATENATION
  const auto session = bench.Open(
      bytes, RequestFor({{"x", ElementType::kFloat32, {-1, 3}}, {"c", ElementType::kFloat32, {-1, -1}}}, {}));
  const Tensor x = Floats({2, 3}, std::vector<float>(6));
  const Tensor narrow = Floats({2, 2}, std::vector<float>(4));
  const std::vector<TensorView> views = {x.view(), narrow.view()};
  const Status status = session->Bind(views).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Contains("float32 x[2,3]"));
  const Tensor wide = Floats({2, 3}, std::vector<float>(6, 1));
  const std::vector<TensorView> good = {x.view(), wide.view()};
  const auto query = session->Bind(good);
  REQUIRE(query.status().ToString() == "OK");
  CHECK(AnswerTo(*session, *query).size() == 12);
}

TEST_CASE("quantised tensors say what their integers stand for, and are computed so", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const std::string bytes =
      TfliteBytes({{"x", 9, {1, 2}, Quantization{0.5, 3}}, {"y", 9, {1, 2}, Quantization{1, -1}}},
                  {{kTfliteAdd, {0, 0}, {1}}}, {0}, {1});
  const auto session = bench.Open(bytes, With(GENERATE("cpu", "xnnpack")));
  CHECK(session->Inputs().at(0).quantization == Quantization{0.5, 3});
  CHECK(session->Outputs().at(0).quantization == Quantization{1, -1});
  const Tensor input = MakeTensor<std::int8_t>(ElementType::kInt8, {1, 2}, {10, 3});
  CHECK(AnswerTo<std::int8_t>(*session, BindOne(*session, input)) == std::vector<std::int8_t>{6, -1});
  CHECK_FALSE(bench.Open(DoubleBytes())->Inputs().at(0).quantization);
}

TEST_CASE("tflite reads an output whose shape depends on the data as it came", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const auto session = bench.Open(
      TfliteBytes({{"x", 6, {4}}, {"y", 4, {0, 1}}}, {{kWhere, {0}, {1}}}, {0}, {1}), With("xnnpack"));
  CHECK(session->EffectiveOptions().at("execution_provider") == "xnnpack");
  CHECK(session->EffectiveOptions().at("delegated_nodes") == "none");
  const Tensor sparse = MakeTensor<std::uint8_t>(ElementType::kBool, {4}, {0, 1, 0, 0});
  const Tensor dense = MakeTensor<std::uint8_t>(ElementType::kBool, {4}, {1, 0, 1, 1});
  const auto first = BindOne(*session, sparse);
  const auto second = BindOne(*session, dense);
  CHECK(AnswerTo<std::int64_t>(*session, first) == std::vector<std::int64_t>{1});
  CHECK(AnswerTo<std::int64_t>(*session, second) == std::vector<std::int64_t>{0, 2, 3});
  CHECK(session->ReadOutputs()->front().shape == Shape{3, 1});
}

TEST_CASE("tflite refuses inputs that do not fit with the input's name", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const auto session = bench.Open(DoubleBytes(), RequestFor(kDoubleInputs, kDoubleOutputs));
  const auto refusal = [&](const std::vector<TensorView>& inputs) {
    const Status status = session->Bind(inputs).status();
    CHECK(status.code() == StatusCode::kInvalidArgument);
    return status.message();
  };
  const Tensor wide = Floats({1, 3}, {1, 2, 3});
  const Tensor integers = MakeTensor<std::int32_t>(ElementType::kInt32, {1, 2}, {1, 2});
  const Tensor good = Floats({1, 2}, {1, 2});
  TensorView cut = good.view();
  cut.bytes = cut.bytes.first(7);
  CHECK_THAT(refusal({wide.view()}), Contains("serving_default_x:0[?,2]") && Contains("[1,3]"));
  CHECK_THAT(refusal({integers.view()}), Contains("int32 serving_default_x:0[1,2]"));
  CHECK_THAT(refusal({cut}), Contains("7 bytes"));
  CHECK_THAT(refusal({good.view(), good.view()}), Contains("1 inputs") && Contains("given 2"));
}

TEST_CASE("tflite refuses a model that is not the one that the job was prepared for", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const auto refusal = [&](std::vector<TensorInfo> inputs, std::vector<TensorInfo> outputs) {
    const Status status =
        bench.TryOpen(DoubleBytes(), RequestFor(std::move(inputs), std::move(outputs))).status();
    CHECK(status.code() == StatusCode::kInvalidArgument);
    return status.message();
  };
  const TensorInfo input = kDoubleInputs[0];
  CHECK_THAT(refusal({{"x", input.type, input.shape}}, {}),
             Contains("prepared for float32 x[?,2]") && Contains("serving_default_x:0"));
  CHECK_THAT(refusal({{input.name, ElementType::kInt8, input.shape}}, {}), Contains("int8"));
  CHECK_THAT(refusal({{input.name, input.type, {-1, 3}}}, {}), Contains("[?,3]"));
  CHECK_THAT(refusal({{input.name, input.type, {2}}}, {}), Contains("[2]"));
  CHECK_THAT(refusal({input, input}, {}), Contains("2 inputs"));
  CHECK_THAT(refusal({input}, {{"z", input.type, input.shape}}), Contains("float32 y"));
}

TEST_CASE("tflite has outputs only after a successful run", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  // RESHAPE to a shape that is an input.
  const auto session = bench.Open(
      TfliteBytes({{"x", 0, {4}}, {"shape", 2, {1}}, {"y", 0, {4}}}, {{kReshape, {0, 1}, {2}}}, {0, 1}, {2}));
  CHECK(session->ReadOutputs().status().code() == StatusCode::kFailedPrecondition);
  CHECK(session->Invoke(0).code() == StatusCode::kInvalidArgument);
  const Tensor values = Floats({4}, {1, 2, 3, 4});
  const Tensor four = MakeTensor<std::int32_t>(ElementType::kInt32, {1}, {4});
  const Tensor five = MakeTensor<std::int32_t>(ElementType::kInt32, {1}, {5});
  const std::vector<TensorView> fits = {values.view(), four.view()};
  const std::vector<TensorView> not_fits = {values.view(), five.view()};
  const auto good = session->Bind(fits);
  const auto bad = session->Bind(not_fits);
  REQUIRE(good.ok());
  REQUIRE(bad.ok());
  CHECK(AnswerTo(*session, *good).size() == 4);
  const Status failed = session->Invoke(*bad);
  CHECK(failed.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(failed.message(), Contains("num_input_elements"));
  CHECK(session->ReadOutputs().status().code() == StatusCode::kFailedPrecondition);
  CHECK(AnswerTo(*session, *good).size() == 4);
}

TEST_CASE("tflite refuses bytes that are no whole model, and says of which file", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const auto refusal = [&](const std::string& bytes) {
    const Status status = bench.TryOpen(bytes).status();
    CHECK(status.code() == StatusCode::kInvalidArgument);
    CHECK_THAT(status.message(), Contains("model.tflite"));
  };
  refusal("");
  refusal("TFL3");
  refusal("these are no bytes of a model, but there are quite a few of them");
  const std::string whole = AddNegateAddBytes();
  for (std::size_t size = 1; size < whole.size() - 4; size += whole.size() / 60) {
    INFO(size << " of " << whole.size() << " bytes");
    refusal(whole.substr(0, size));
  }
  SessionRequest request;
  request.artifact_kind = "tflite";
  request.artifact_path = bench.folder / "absent.tflite";
  CHECK(bench.driver->Open(request, Deadline::Never()).status().code() == StatusCode::kNotFound);
}

TEST_CASE("what tflite cannot measure is refused when the model is opened", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const auto strings = bench.TryOpen(TfliteBytes({{"words", 5, {2}}}, {}, {0}, {0}));
  CHECK(strings.status().code() == StatusCode::kUnimplemented);
  CHECK_THAT(strings.status().message(), Contains("'words'") && Contains("strings"));

  for (const std::string provider : {"cpu", "xnnpack"}) {
    const auto unknown = bench.TryOpen(
        TfliteBytes({{"x", 0, {2}}, {"y", 0, {2}}}, {{kCustom, {0}, {1}, "NoSuchOperator"}}, {0}, {1}),
        With(provider));
    CHECK(unknown.status().code() == StatusCode::kUnimplemented);
    CHECK_THAT(unknown.status().message(), Contains("NoSuchOperator"));
    const auto newer = bench.TryOpen(
        TfliteBytes({{"x", 0, {2}}, {"y", 0, {2}}}, {{9999, {0}, {1}}}, {0}, {1}), With(provider));
    CHECK(newer.status().code() == StatusCode::kUnimplemented);
    CHECK_THAT(newer.status().message(), Contains("9999"));
  }

  SessionRequest request;
  request.artifact_kind = "onnx";
  const Status other_kind = bench.driver->Open(request, Deadline::Never()).status();
  CHECK(other_kind.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(other_kind.message(), Contains("'onnx'"));
}

TEST_CASE("a tflite model with a tensor of absurd size is refused", "[tflite]") {
  TfliteBench bench;
  if (!bench.driver) return;
  const auto opened = [&](std::vector<std::int32_t> shape) {
    return bench
        .TryOpen(TfliteBytes({{"x", 0, shape}, {"y", 0, shape}}, {{kTfliteAdd, {0, 0}, {1}}}, {0}, {1}),
                 With(GENERATE("cpu", "xnnpack")))
        .status();
  };
  CHECK(opened({1 << 30, 1 << 30, 1 << 30}).code() == StatusCode::kInvalidArgument);
  CHECK(opened({-5, 2}).code() == StatusCode::kInvalidArgument);
#if !PADDOCK_UNDER_SANITIZER  // their allocators end the process instead
  CHECK(opened({1 << 30, 1 << 14}).code() == StatusCode::kResourceExhausted);
#endif
}

}  // namespace
}  // namespace paddock
