// What conversions refuse, and what they write; that both runtimes agree is tested in tests/conformance.
#include <onnx/defs/parser.h>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "prepare/onnx_graph.h"
#include "prepare/steps.h"
#include "prepare/tflite/tflite_model.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

onnx::ModelProto Parsed(const std::string& graph, const std::map<std::string, Shape>& weights = {}) {
  onnx::ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(13);
  const auto status = onnx::OnnxParser::Parse(*model.mutable_graph(), graph.c_str());
  INFO(status.ErrorMessage());
  REQUIRE(status.IsOK());
  for (const auto& [name, shape] : weights) AddFloatInitializer(model.mutable_graph(), name, shape);
  return model;
}

Status Convert(const TempDir& folder, const std::string& step, const std::string& bytes) {
  WriteBytes(folder / "in", bytes);
  StepRequest request;
  request.in_path = folder / "in";
  request.out_path = folder / "out";
  return RunStep(step, request).status();
}

std::string RefusalOf(const onnx::ModelProto& model) {
  const TempDir folder;
  const Status status = Convert(folder, "to-tflite", model.SerializeAsString());
  CHECK(status.code() == StatusCode::kInvalidArgument);
  return status.message();
}

TEST_CASE("what TensorFlow Lite cannot do is refused by node and operator", "[convert]") {
  CHECK_THAT(
      RefusalOf(Parsed("g (float[1,4] x) => (float[1,4] y) { y = Erf (x) }")),
      Contains("Erf 'y'") && Contains("cannot be converted") && Contains("run the ONNX model as it is"));
  CHECK_THAT(RefusalOf(Parsed("g (float[1,4,8,8] x) => (float[1,4,8,8] y) { y = Conv <group = 2> (x, w) }",
                              {{"w", {4, 2, 1, 1}}})),
             Contains("Conv 'y'") && Contains("2 groups"));
  CHECK_THAT(
      RefusalOf(Parsed("g (float[1,4,8] x) => (float[1,4,8] y) { y = Conv (x, w) }", {{"w", {4, 4, 1}}})),
      Contains("Conv 'y'") && Contains("two dimensions"));
  CHECK_THAT(RefusalOf(Parsed("g (float[1,4] x, float[4,4] z) => (float[1,4] y) { y = MatMul (x, z) }")),
             Contains("MatMul 'y'") && Contains("two activations"));
  CHECK_THAT(
      RefusalOf(Parsed("g (float[1,1,4,4] x) => (float[1,1,2,2] y) { y = AveragePool <kernel_shape = [3,3], "
                       "pads = [1,1,1,1], strides = [2,2]> (x) }")),
      Contains("AveragePool 'y'"));
  auto model = Parsed("g (float[1,4] x) => (float[1,4] y) { y = Relu (x) }");
  model.mutable_graph()->mutable_node(0)->set_domain("com.example");
  model.add_opset_import()->set_domain("com.example");
  CHECK_THAT(RefusalOf(model), Contains("com.example"));
  // Also behind nodes whose shapes do not follow from it.
  model = Parsed("g (float[1,4] x) => (float[1,4] y) { a = Relu (x) b = Relu (a) y = Relu (b) }");
  model.mutable_graph()->mutable_node(1)->set_domain("com.example");
  model.add_opset_import()->set_domain("com.example");
  CHECK_THAT(RefusalOf(model), Contains("Relu 'b'") && Contains("com.example"));
}

TEST_CASE("an open batch is bound to one sample, and no other dimension may be open", "[convert]") {
  const TempDir folder;
  const auto model = Parsed("g (float[N,3,4,5] x) => (float[N,3,4,5] y) { y = Relu (x) }");
  REQUIRE(Convert(folder, "to-tflite", model.SerializeAsString()).ToString() == "OK");
  const auto info = ReadModelInfo(folder / "out");
  REQUIRE(info.ok());
  CHECK(info->inputs == std::vector<TensorInfo>{{"x", ElementType::kFloat32, {1, 4, 5, 3}}});
  CHECK(info->outputs == std::vector<TensorInfo>{{"y", ElementType::kFloat32, {1, 4, 5, 3}}});
  CHECK_THAT(RefusalOf(Parsed("g (float[N,T] x) => (float[N,T] y) { y = Relu (x) }")),
             Contains("input 'x'") && Contains("dimension 1") && Contains("fixed sizes"));
}

TEST_CASE("opsets of the future, NaN weights and impossible shapes are refused before anything is written",
          "[convert]") {
  auto model = Parsed("g (float[1,4] x) => (float[1,4] y) { y = Relu (x) }");
  model.mutable_opset_import(0)->set_version(99);
  CHECK_THAT(RefusalOf(model), Contains("opset 99"));
  model = Parsed("g (float[1,4] x) => (float[1,4] y) { y = Mul (x, w) }");
  *model.mutable_graph()->add_initializer() = MakeFloats("w", {1}, {std::nanf("")});
  CHECK_THAT(RefusalOf(model), Contains("'w'") && Contains("NaN"));
  model = Parsed("g (float[1,4] x) => (float[1,1073741824,1073741824] y) { y = Expand (x, s) }");
  *model.mutable_graph()->add_initializer() =
      MakeIntegers("s", ElementType::kInt64, {3}, {1, std::int64_t{1} << 30, std::int64_t{1} << 30});
  CHECK_FALSE(RefusalOf(model).empty());
  model = Parsed("g (float[1,1152921504606846976] x) => (float[1,1152921504606846976] y) { y = Relu (x) }");
  CHECK_THAT(RefusalOf(model), Contains("impossible shape"));
}

TEST_CASE("activations are part of the operator before them, and equal models give equal bytes",
          "[convert]") {
  const TempDir folder;
  const auto model = Parsed(
      "g (float[1,2,6,6] x) => (float[1,3] y) { c = Conv (x, w, b) r = Relu (c) p = "
      "GlobalAveragePool (r) y = Flatten (p) }",
      {{"w", {3, 2, 3, 3}}, {"b", {3}}});
  REQUIRE(Convert(folder, "to-tflite", model.SerializeAsString()).ToString() == "OK");
  const std::string once = ReadFile(folder / "out").value();
  const auto made = ParseTflite(once);
  REQUIRE(made.ok());
  REQUIRE(made->operators.size() == 3);
  CHECK(made->operators[0].op == TfliteOp::kConv2d);
  CHECK(made->operators[0].options.activation == TfliteActivation::kRelu);
  CHECK(made->operators[1].op == TfliteOp::kMean);
  CHECK(made->operators[2].op == TfliteOp::kReshape);
  REQUIRE(Convert(folder, "to-tflite", model.SerializeAsString()).ToString() == "OK");
  CHECK(ReadFile(folder / "out").value() == once);
}

TEST_CASE("a mean keeps its dimensions when keepdims is 1, and at no other number", "[convert]") {
  const TempDir folder;
  const auto model = Parsed(
      "g (float[1,3,4,5] x) => (float[1,3,4] y) { a = Relu (x) b = MaxPool <kernel_shape = [1,1]> (a) "
      "y = ReduceMean <axes = [3], keepdims = 100> (b) }");
  REQUIRE(Convert(folder, "to-tflite", model.SerializeAsString()).ToString() == "OK");
  CHECK(ReadModelInfo(folder / "out")->outputs[0].shape == Shape{1, 3, 4});
}

TEST_CASE("an input that is an output too is copied in its own shape", "[convert]") {
  const TempDir folder;
  const auto model =
      Parsed("g (float[1,2,3] x) => (float[1,2,3] y, float[1,2,3] z) { y = Identity (x) z = Relu (x) }");
  REQUIRE(Convert(folder, "to-tflite", model.SerializeAsString()).ToString() == "OK");
  const auto converted = ParseTflite(ReadFile(folder / "out").value());
  REQUIRE(converted.ok());
  const TfliteOperator& copy = converted->operators.back();
  CHECK(copy.op == TfliteOp::kReshape);
  CHECK(copy.options.dims == std::vector<std::int32_t>{1, 2, 3});
}

TEST_CASE("a quantised input and output are int8 unless float32 is asked for", "[convert]") {
  auto model = Parsed(
      "g (float[1,4] x) => (float[1,4] y) { q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z) r = "
      "Relu "
      "(d) p = QuantizeLinear (r, s, z) y = DequantizeLinear (p, s, z) }");
  *model.mutable_graph()->add_initializer() = MakeFloats("s", {}, {0.5F});
  *model.mutable_graph()->add_initializer() = MakeIntegers("z", ElementType::kUint8, {}, {100});
  const TempDir folder;
  REQUIRE(Convert(folder, "to-tflite", model.SerializeAsString()).ToString() == "OK");
  auto info = ReadModelInfo(folder / "out");
  CHECK(info->inputs == std::vector<TensorInfo>{{"x", ElementType::kInt8, {1, 4}, Quantization{0.5, -28}}});
  CHECK(info->outputs == std::vector<TensorInfo>{{"y", ElementType::kInt8, {1, 4}, Quantization{0.5, -28}}});
  CHECK(info->operators == std::map<std::string, std::uint64_t>{{"RELU", 1}});
  REQUIRE(Convert(folder, "to-tflite io=float32", model.SerializeAsString()).ToString() == "OK");
  info = ReadModelInfo(folder / "out");
  CHECK(info->inputs[0].type == ElementType::kFloat32);
  CHECK(info->operators ==
        std::map<std::string, std::uint64_t>{{"DEQUANTIZE", 1}, {"QUANTIZE", 1}, {"RELU", 1}});
  CHECK_THAT(ParseStep("to-tflite io=int16").status().message(), Contains("io") && Contains("float32"));
}

TEST_CASE("int8 of TensorFlow Lite is uint8 inside the ONNX model, and int8 again on the way back",
          "[convert]") {
  auto model = Parsed(
      "g (float[1,4] x) => (float[1,4] y) { q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z) r = "
      "Relu (d) p = QuantizeLinear (r, s, z) y = DequantizeLinear (p, s, z) }");
  *model.mutable_graph()->add_initializer() = MakeFloats("s", {}, {0.5F});
  *model.mutable_graph()->add_initializer() = MakeIntegers("z", ElementType::kInt8, {}, {-28});
  const TempDir folder;
  REQUIRE(Convert(folder, "to-tflite", model.SerializeAsString()).ToString() == "OK");
  const ModelInfo tflite = ReadModelInfo(folder / "out").value();
  REQUIRE(Convert(folder, "to-onnx", ReadFile(folder / "out").value()).ToString() == "OK");
  const OnnxGraph made = OnnxGraph::Read(folder / "out").value();
  CHECK(made.Value("x")->type == ElementType::kInt8);
  CHECK(made.Value("y")->type == ElementType::kInt8);
  for (const onnx::NodeProto& node : made.graph().node()) {
    if (node.op_type() != "Relu") continue;
    const onnx::NodeProto& above = made.graph().node(made.Producers().at(node.input(0)));
    REQUIRE(above.op_type() == "DequantizeLinear");
    CHECK(IntegersOf(*made.Initializer(above.input(2))).value() == std::vector<std::int64_t>{100});
    CHECK(made.Value(above.input(2))->type == ElementType::kUint8);
  }
  REQUIRE(Convert(folder, "to-tflite", ReadFile(folder / "out").value()).ToString() == "OK");
  const ModelInfo again = ReadModelInfo(folder / "out").value();
  CHECK(again.inputs == tflite.inputs);
  CHECK(again.outputs == tflite.outputs);
  CHECK(again.operators == tflite.operators);
}

TEST_CASE("an operator of TensorFlow Lite that ONNX's side lacks is refused by name", "[convert]") {
  TfliteModel model;
  model.tensors.resize(2);
  for (std::size_t i = 0; i < 2; ++i) {
    model.tensors[i].name = i == 0 ? "in" : "out";
    model.tensors[i].type = ElementType::kFloat32;
    model.tensors[i].shape = {1, 4};
  }
  model.inputs = {0};
  model.outputs = {1};
  TfliteOperator op;
  op.op = static_cast<TfliteOp>(16);
  op.inputs = {0};
  op.outputs = {1};
  model.operators = {op};
  const TempDir folder;
  const Status status = Convert(folder, "to-onnx", SerializeTflite(model).value());
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Contains("LSTM 'out'") && Contains("cannot be converted to ONNX"));
}

// in[1,2,2,4] -> `op`, whose other inputs are float32 constants of these shapes -> out
Status ConvertOperator(TfliteOp kind, const std::vector<Shape>& constants, const Shape& out,
                       bool leaves_one_out = false) {
  TfliteModel model;
  TfliteOperator op;
  op.op = kind;
  model.tensors.resize(2);
  for (const Shape& shape : constants) {
    model.tensors.push_back({.name = "c" + std::to_string(model.tensors.size()),
                             .type = ElementType::kFloat32,
                             .shape = shape,
                             .signature = {},
                             .scales = {},
                             .zero_points = {}});
    model.tensors.back().buffer = static_cast<std::int32_t>(model.buffers.size());
    model.buffers.emplace_back(4 * *ElementCount(shape), std::byte{0});
  }
  model.tensors[0].name = "in";
  model.tensors[0].shape = {1, 2, 2, 4};
  model.tensors[1].name = "out";
  model.tensors[1].shape = out;
  for (std::size_t i = 0; i < 2; ++i) model.tensors[i].type = ElementType::kFloat32;
  op.inputs = {0};
  for (std::size_t i = 0; i < constants.size(); ++i) op.inputs.push_back(static_cast<std::int32_t>(i) + 2);
  if (leaves_one_out) op.inputs.push_back(-1);
  op.outputs = {1};
  model.operators = {op};
  model.inputs = {0};
  model.outputs = {1};
  const TempDir folder;
  return Convert(folder, "to-onnx", SerializeTflite(model).value());
}

TEST_CASE("a TensorFlow Lite operator with a shape or a gap that it cannot have is refused by name",
          "[convert]") {
  CHECK(ConvertOperator(TfliteOp::kConcatenation, {{1, 2, 2, 4}}, {2, 2, 2, 4}).ToString() == "OK");
  CHECK_THAT(ConvertOperator(TfliteOp::kConcatenation, {{1, 2, 2, 4}}, {2, 2, 2, 4}, true).message(),
             Contains("CONCATENATION 'out'") && Contains("number of inputs"));
  CHECK(ConvertOperator(TfliteOp::kConv2d, {{3, 1, 1, 4}, {3}}, {1, 2, 2, 3}).ToString() == "OK");
  for (const Shape& bias : {Shape{}, Shape{1, 3}}) {
    CHECK_THAT(ConvertOperator(TfliteOp::kConv2d, {{3, 1, 1, 4}, bias}, {1, 2, 2, 3}).message(),
               Contains("CONV_2D 'out'") && Contains("'c3'"));
  }
}

TEST_CASE("int8 weights beside float32 activations become float32 in ONNX", "[convert]") {
  TfliteModel model;
  model.buffers.emplace_back(8, std::byte{3});
  model.tensors.resize(3);
  const char* const names[] = {"in", "w", "out"};
  const Shape shapes[] = {{1, 4}, {2, 4}, {1, 2}};
  for (std::size_t i = 0; i < 3; ++i) {
    model.tensors[i].name = names[i];
    model.tensors[i].type = ElementType::kFloat32;
    model.tensors[i].shape = shapes[i];
  }
  model.tensors[1].type = ElementType::kInt8;
  model.tensors[1].scales = {0.5F};
  model.tensors[1].zero_points = {0};
  model.tensors[1].buffer = 1;
  TfliteOperator op;
  op.op = TfliteOp::kFullyConnected;
  op.inputs = {0, 1};
  op.outputs = {2};
  model.operators = {op};
  model.inputs = {0};
  model.outputs = {2};
  const TempDir folder;
  REQUIRE(Convert(folder, "to-onnx", SerializeTflite(model).value()).ToString() == "OK");
  auto graph = OnnxGraph::Read(folder / "out");
  REQUIRE(graph.ok());
  REQUIRE(graph->graph().node_size() == 1);
  CHECK(graph->graph().node(0).op_type() == "Gemm");
  CHECK(graph->graph().node(0).output(0) == "out");
  CHECK(FiniteFloatsOf(*graph->Initializer(graph->graph().node(0).input(1))).value() ==
        std::vector<float>(8, 1.5F));
}

}  // namespace
}  // namespace paddock
