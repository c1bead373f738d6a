// Models that the project's own steps make: TensorFlow Lite through `to-onnx`, and float models through `int8`.
#include <catch2/catch.hpp>

#include <algorithm>

#include "prepare/tflite/convert.h"
#include "tests/unit/codegen/graph_builder.h"
#include "tests/unit/codegen/runtime_comparison.h"
#include "tests/unit/prepare/passes/pass_fixture.h"

namespace paddock {
namespace {

std::size_t CountKind(const Network& network, LayerKind kind) {
  return static_cast<std::size_t>(std::ranges::count(network.layers, kind, &NetworkLayer::kind));
}

TEST_CASE("public TensorFlow Lite models import by way of ONNX", "[codegen][public]") {
  struct TfliteCase {
    std::string file;
    std::uint64_t arena_bytes;
    std::size_t layers;
    int samples;
    double steps;
    std::size_t unequal;
  };
  for (const TfliteCase& one : std::vector<TfliteCase>{{"ic_resnet8_int8.tflite", 53'400, 17, 1, 0, 0},
                                                       {"kws_int8.tflite", 9'100, 14, 2, 0, 0},
                                                       {"vww_mobilenet_int8.tflite", 83'100, 32, 1, 0, 0},
                                                       {"ad_autoencoder_int8.tflite", 2'600, 10, 5, 0, 0}}) {
    CAPTURE(one.file);
    StepRequest request;
    request.in_path = SharedFileOrSkip(one.file);
    const auto library = RuntimeOrSkip();
    if (request.in_path.empty() || library == nullptr) return;
    const TempDir folder;
    request.out_path = folder / "model.onnx";
    REQUIRE(RunToOnnx(request).ok());
    const auto network = ImportedFile(request.out_path);
    INFO(network.status().ToString());
    REQUIRE(network.ok());
    CHECK(network->values[network->inputs[0]].type == ElementType::kInt8);
    CHECK(network->values[network->outputs[0]].type == ElementType::kInt8);
    CHECK(CountKind(*network, LayerKind::kQuantize) <= 1);  // behind the softmax
    CHECK(network->arena_bytes <= one.arena_bytes);
    CHECK(network->layers.size() == one.layers);
    const Difference worst =
        Compare(library, OnnxGraph::Read(request.out_path).value().model(), *network, one.samples);
    CHECK(worst.steps <= one.steps);
    CHECK(worst.unequal <= one.unequal);
  }
}

// Through `int8`, then imported and compared.
Network MadeInt8(const onnx::ModelProto& model, unsigned seed) {
  StepBench bench;
  WriteModel(bench.model(), model);
  WriteRandomSamples(bench.samples(), bench.model(), 30, seed, -1, 1);
  const auto report = bench.Run("int8");
  INFO(report.status().ToString());
  REQUIRE(report.ok());
  auto network = ImportedFile(bench.out());
  INFO(network.status().ToString());
  REQUIRE(network.ok());
  const Difference worst =
      Compare(RuntimeOrSkip(), OnnxGraph::Read(bench.out()).value().model(), *network, 5);
  CHECK(worst.steps < 1.01);
  CHECK(worst.relative < 1e-5);
  CHECK(worst.unequal * 50 <= worst.elements);
  return *std::move(network);
}

TEST_CASE("what `int8` makes has integers from end to end", "[codegen]") {
  if (RuntimeOrSkip() == nullptr) return;
  onnx::ModelProto digits;
  REQUIRE(digits.ParseFromString(ReadBytes(PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx")));
  for (const onnx::ModelProto& model : {digits, SmallNetwork()}) {
    const Network network = MadeInt8(model, 3);
    CHECK(CountKind(network, LayerKind::kQuantize) == 0);
    CHECK(CountKind(network, LayerKind::kDequantize) == 0);
    for (const NetworkValue& value : network.values) CHECK(value.type == ElementType::kInt8);
  }
}

TEST_CASE("`int8` of every operator that it knows imports", "[codegen]") {
  if (RuntimeOrSkip() == nullptr) return;
  GraphBuilder graph;
  const std::string x = graph.Input("x", {-1, 4, 8, 8});
  std::string y = graph.Node("Conv", {x, graph.RandomFloats({8, 4, 3, 3})}, {{"pads", {1, 1, 1, 1}}});
  y = graph.Node("LeakyRelu", {y});
  const std::string squeezed = graph.Node("GlobalAveragePool", {y});
  const std::string gate =
      graph.Node("Sigmoid", {graph.Node("Conv", {squeezed, graph.RandomFloats({8, 8, 1, 1})})});
  y = graph.Node("Mul", {y, gate});
  y = graph.Node("Add", {y, graph.RandomFloats({8, 1, 1})});
  // A mean of nine integers is never half way between two.
  const std::string pooled = graph.Node("AveragePool", {y}, {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}});
  const std::string most = graph.Node("MaxPool", {y}, {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}});
  y = graph.Node("Concat", {pooled, most});
  graph.With("axis", 1);
  y = graph.Node("Conv", {y, graph.RandomFloats({4, 8, 3, 3})});
  graph.With("group", 2);
  y = graph.Node("Tanh", {y});
  y = graph.Node("Flatten", {y});
  y = graph.Node("MatMul", {y, graph.RandomFloats({4, 5})});
  graph.Output(graph.Node("Softmax", {y}), {-1, 5});
  MadeInt8(graph.model(), 4);
}

}  // namespace
}  // namespace paddock
