// Networks of float32 operators against ONNX Runtime.
#include <catch2/catch.hpp>

#include "tests/unit/codegen/graph_builder.h"
#include "tests/unit/codegen/runtime_comparison.h"

namespace paddock {
namespace {

std::vector<LayerKind> KindsOf(const Network& network) {
  std::vector<LayerKind> kinds;
  for (const NetworkLayer& layer : network.layers) kinds.push_back(layer.kind);
  return kinds;
}

TEST_CASE("float convolutions of every shape are those of ONNX", "[codegen]") {
  struct Case {
    Shape input;
    Shape weights;
    std::map<std::string, std::vector<std::int64_t>> attributes;
    std::int64_t groups;
    Shape output;
  };
  const std::vector<Case> cases = {
      {{1, 3, 7, 6}, {5, 3, 3, 2}, {{"pads", {1, 0, 2, 1}}, {"strides", {2, 1}}}, 1, {1, 5, 4, 6}},
      {{1, 4, 6, 5}, {4, 1, 3, 3}, {{"pads", {1, 1, 1, 1}}}, 4, {1, 4, 6, 5}},
      {{1, 2, 5, 5}, {6, 1, 3, 3}, {}, 2, {1, 6, 3, 3}},
      {{1, 4, 6, 6}, {6, 2, 3, 3}, {{"dilations", {2, 1}}}, 2, {1, 6, 2, 4}},
      {{1, 3, 9}, {4, 3, 3}, {{"pads", {1, 1}}, {"strides", {2}}}, 1, {1, 4, 5}},
      {{1, 2, 4, 4}, {3, 2, 1, 1}, {}, 1, {1, 3, 4, 4}},
  };
  for (const Case& one : cases) {
    CAPTURE(ShapeText(one.input), ShapeText(one.weights));
    GraphBuilder graph;
    const std::string x = graph.Input("x", one.input);
    const std::string w = graph.RandomFloats(one.weights);
    const std::string b = graph.RandomFloats({one.weights[0]});
    const std::string y = graph.Node("Conv", {x, w, b}, one.attributes);
    graph.With("group", one.groups);
    graph.Output(y, one.output);
    const Network network = CheckAgainstRuntime(graph.model());
    CHECK(network.values[network.outputs[0]].shape == one.output);
  }
}

TEST_CASE("padding that a convolution leaves to the runtime is worked out", "[codegen]") {
  for (const std::string mode : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    CAPTURE(mode);
    GraphBuilder graph;
    const std::string x = graph.Input("x", {1, 2, 7, 8});
    const std::string y = graph.Node("Conv", {x, graph.RandomFloats({3, 2, 4, 3})}, {{"strides", {2, 2}}});
    graph.WithText("auto_pad", mode);
    graph.Output(y, mode == "VALID" ? Shape{1, 3, 2, 3} : Shape{1, 3, 4, 4});
    CheckAgainstRuntime(graph.model());
  }
}

TEST_CASE("normalisation, bias and activation become part of the convolution before", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 3, 6, 6});
  std::string y = graph.Node("Conv", {x, graph.RandomFloats({4, 3, 3, 3})});
  y = graph.Node("BatchNormalization", {y, graph.RandomFloats({4}), graph.RandomFloats({4}),
                                        graph.RandomFloats({4}), graph.RandomFloats({4}, 0.1F, 2)});
  y = graph.Node("Add", {graph.RandomFloats({1, 4, 1, 1}), y});
  y = graph.Node("Mul", {y, graph.Floats({}, {1.5F})});
  y = graph.Node("Clip", {y, graph.Floats({}, {0}), graph.Floats({}, {6})});
  graph.Output(y, {1, 4, 4, 4});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(KindsOf(network) ==
        std::vector{LayerKind::kTranspose, LayerKind::kConvolution, LayerKind::kTranspose});
  CHECK(network.layers[1].operators == "Conv+BatchNormalization+Add+Mul+Clip");
  CHECK(network.layers[1].float_clamp_high == 6);
  CHECK(network.layers[1].multiply_accumulates == 16 * 4 * 27);
}

TEST_CASE("normalisation that stands alone is done by itself", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 3, 5, 4});
  std::string y =
      graph.Node("BatchNormalization", {x, graph.RandomFloats({3}), graph.RandomFloats({3}),
                                        graph.RandomFloats({3}), graph.RandomFloats({3}, 0.1F, 2)});
  y = graph.Node("Relu", {y});
  y = graph.Node("Div", {y, graph.Floats({1}, {3})});
  y = graph.Node("Sub", {graph.RandomFloats({3, 1, 1}), y});
  graph.Output(y, {1, 3, 5, 4});
  CheckAgainstRuntime(graph.model());
}

TEST_CASE("every activation is computed", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 12});
  std::string y = graph.Node("LeakyRelu", {x});
  graph.WithFloat("alpha", 0.25F);
  y = graph.Node("Tanh", {graph.Node("Sigmoid", {y})});
  graph.Output(y, {1, 12});
  graph.Output(graph.Node("Relu", {x}), {1, 12});
  graph.Output(graph.Node("Clip", {x, "", graph.Floats({}, {1.25F})}), {1, 12});
  graph.Output(graph.Node("Clip", {x, graph.Floats({}, {0}), graph.Floats({}, {6})}), {1, 12});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(network.layers.size() == 6);
}

TEST_CASE("pools keep to what ONNX says of padding and of rounding up", "[codegen]") {
  for (const bool rounds_up : {false, true}) {
    for (const bool counts : {false, true}) {
      CAPTURE(rounds_up, counts);
      GraphBuilder graph;
      const std::string x = graph.Input("x", {1, 3, 7, 8});
      std::string y =
          graph.Node("MaxPool", {x}, {{"kernel_shape", {3, 2}}, {"strides", {2, 3}}, {"pads", {1, 0, 0, 1}}});
      graph.With("ceil_mode", rounds_up ? 1 : 0);
      graph.Output(y, rounds_up ? Shape{1, 3, 4, 4} : Shape{1, 3, 3, 3});
      y = graph.Node("AveragePool", {x},
                     {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, {"pads", {1, 1, 1, 1}}});
      graph.With("count_include_pad", counts ? 1 : 0);
      graph.With("ceil_mode", rounds_up && !counts ? 1 : 0);
      graph.Output(y, rounds_up && !counts ? Shape{1, 3, 4, 5} : Shape{1, 3, 4, 4});
      CheckAgainstRuntime(graph.model());
    }
  }
}

TEST_CASE("a dilated pool and one over a line are computed", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 2, 7, 7});
  graph.Output(graph.Node("MaxPool", {x}, {{"kernel_shape", {2, 2}}, {"dilations", {3, 2}}}), {1, 2, 4, 5});
  const std::string line = graph.Input("line", {1, 4, 9});
  graph.Output(graph.Node("AveragePool", {line}, {{"kernel_shape", {3}}, {"strides", {2}}}), {1, 4, 4});
  CheckAgainstRuntime(graph.model());
}

TEST_CASE("means over any axes are computed", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 4, 5, 6});
  graph.Output(graph.Node("GlobalAveragePool", {x}), {1, 4, 1, 1});
  graph.Output(graph.Node("ReduceMean", {x}, {{"axes", {2, 3}}}), {1, 4, 1, 1});
  graph.Output(graph.Node("ReduceMean", {x}, {{"axes", {1}}}), {1, 1, 5, 6});
  const std::string y = graph.Node("ReduceMean", {x}, {{"axes", {-1, 1}}});
  graph.With("keepdims", 0);
  graph.Output(y, {1, 5});
  CheckAgainstRuntime(graph.model());
}

TEST_CASE("a dense layer takes an image as it lies, and moves its weights instead", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 2, 6, 6});
  std::string y = graph.Node("Conv", {x, graph.RandomFloats({3, 2, 3, 3})});
  y = graph.Node("Flatten", {y});
  y = graph.Node("Gemm", {y, graph.RandomFloats({48, 7}), graph.RandomFloats({7})});
  graph.Output(y, {1, 7});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(KindsOf(network) == std::vector{LayerKind::kTranspose, LayerKind::kConvolution, LayerKind::kDense});
}

TEST_CASE("Gemm and MatMul with all their parameters are computed", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 6});
  std::string y = graph.Node("Gemm", {x, graph.RandomFloats({5, 6}), graph.RandomFloats({1, 5})});
  graph.With("transB", 1).WithFloat("alpha", 0.5F).WithFloat("beta", 2);
  y = graph.Node("Add", {graph.Node("MatMul", {y, graph.RandomFloats({5, 4})}), graph.RandomFloats({4})});
  graph.Output(graph.Node("Relu", {y}), {1, 4});
  const std::string rows = graph.Input("rows", {1, 3, 6});
  graph.Output(graph.Node("MatMul", {rows, graph.RandomFloats({6, 2})}), {1, 3, 2});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(KindsOf(network) == std::vector{LayerKind::kDense, LayerKind::kDense, LayerKind::kConvolution});
  CHECK(network.layers[1].operators == "MatMul+Add+Relu");
}

TEST_CASE("sums and products of computed values are broadcast", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 4, 5, 5});
  const std::string y = graph.Node("Conv", {x, graph.RandomFloats({4, 4, 1, 1})});
  const std::string z = graph.Node("Add", {x, y});
  const std::string gate = graph.Node("Sigmoid", {graph.Node("GlobalAveragePool", {z})});
  graph.Output(graph.Node("Mul", {gate, z}), {1, 4, 5, 5});
  const std::string all = graph.Node("ReduceMean", {x}, {{"axes", {1, 2, 3}}});
  graph.Output(graph.Node("Add", {x, all}), {1, 4, 5, 5});
  graph.Output(graph.Node("Add", {x, graph.RandomFloats({1, 4, 5, 5})}), {1, 4, 5, 5});
  graph.Output(graph.Node("Mul", {y, graph.RandomFloats({4, 5, 5})}), {1, 4, 5, 5});
  graph.Output(graph.Node("Add", {y, y}), {1, 4, 5, 5});
  CheckAgainstRuntime(graph.model());
}

TEST_CASE("values are put beside each other along any axis", "[codegen]") {
  for (const std::int64_t axis : {1, 2, 3, -1}) {
    CAPTURE(axis);
    GraphBuilder graph;
    const std::string x = graph.Input("x", {1, 2, 3, 4});
    const std::string a = graph.Node("Conv", {x, graph.RandomFloats({2, 2, 1, 1})});
    const std::string y = graph.Node("Concat", {a, x, a});
    graph.With("axis", axis);
    Shape shape = {1, 2, 3, 4};
    shape[axis < 0 ? 3 : static_cast<std::size_t>(axis)] *= 3;
    graph.Output(y, shape);
    CheckAgainstRuntime(graph.model());
  }
}

TEST_CASE("padding is a layer, or zeros of the convolution behind it", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 2, 4, 5});
  const std::string zeros = graph.Node("Pad", {x, graph.List({0, 0, 1, 0, 0, 0, 2, 3})});
  graph.Output(graph.Node("Conv", {zeros, graph.RandomFloats({2, 2, 3, 3})}, {{"pads", {1, 0, 0, 0}}}),
               {1, 2, 6, 6});
  const std::string ones =
      graph.Node("Pad", {x, graph.List({0, 1, 0, 2, 0, 0, 1, 0}), graph.Floats({}, {1.5F})});
  graph.Output(ones, {1, 3, 5, 7});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(std::ranges::count(KindsOf(network), LayerKind::kPad) == 1);
}

TEST_CASE("softmax runs along any axis, and over everything behind it before opset 13", "[codegen]") {
  for (const std::int64_t opset : {11, 13}) {
    for (const std::int64_t axis : {1, 2, 3}) {
      CAPTURE(opset, axis);
      GraphBuilder graph(opset);
      const std::string x = graph.Input("x", {1, 3, 4, 2});
      const std::string y = graph.Node("Conv", {x, graph.RandomFloats({3, 3, 1, 1})});
      graph.Node("Softmax", {y});
      graph.With("axis", axis).Output(graph.last().output(0), {1, 3, 4, 2});
      graph.Node("Softmax", {x});
      graph.With("axis", axis).Output(graph.last().output(0), {1, 3, 4, 2});
      CheckAgainstRuntime(graph.model());
    }
  }
}

TEST_CASE("what only names elements anew costs nothing", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 4, 4, 3});
  std::string y = graph.Node("Transpose", {x}, {{"perm", {0, 3, 1, 2}}});
  y = graph.Node("Conv", {y, graph.RandomFloats({8, 3, 2, 2})}, {{"strides", {2, 2}}});
  y = graph.Node("Identity", {graph.Node("Dropout", {y})});
  y = graph.Node("Transpose", {y}, {{"perm", {0, 2, 3, 1}}});
  y = graph.Node("Reshape", {y, graph.List({0, -1, 1, 8})});
  y = graph.Node("Squeeze", {y, graph.List({2})});
  y = graph.Node("Unsqueeze", {y, graph.List({0})});
  graph.Output(y, {1, 1, 4, 8});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(KindsOf(network) == std::vector{LayerKind::kConvolution});
}

TEST_CASE("channels are shuffled by one transposition", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 6, 3, 3});
  std::string y = graph.Node("Conv", {x, graph.RandomFloats({6, 6, 1, 1})});
  y = graph.Node("Reshape", {y, graph.List({1, 2, 3, 3, 3})});
  y = graph.Node("Transpose", {y}, {{"perm", {0, 2, 1, 3, 4}}});
  y = graph.Node("Reshape", {y, graph.List({1, 6, 3, 3})});
  y = graph.Node("Conv", {y, graph.RandomFloats({2, 6, 3, 3})});
  graph.Output(y, {1, 2, 1, 1});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(KindsOf(network) == std::vector{LayerKind::kTranspose, LayerKind::kConvolution, LayerKind::kTranspose,
                                        LayerKind::kConvolution});
}

TEST_CASE("reshapes that mix dimensions are still right", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 6, 2, 5});
  std::string y = graph.Node("Conv", {x, graph.RandomFloats({6, 6, 1, 1})});
  y = graph.Node("Reshape", {y, graph.List({1, 4, 3, 5})});
  y = graph.Node("Conv", {y, graph.RandomFloats({4, 4, 1, 1})});
  y = graph.Node("Reshape", {y, graph.List({15, 4})});
  y = graph.Node("Transpose", {y});
  graph.Output(graph.Node("Relu", {y}), {4, 15});
  CheckAgainstRuntime(graph.model());
}

TEST_CASE("inputs that are outputs, and outputs that are one value, are copied", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 5});
  const std::string y = graph.Node("Tanh", {x});
  graph.Output(graph.Node("Identity", {x}), {1, 5});
  graph.Output(y, {1, 5});
  graph.Output(graph.Node("Reshape", {y, graph.List({5, 1})}), {5, 1});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(std::ranges::count(KindsOf(network), LayerKind::kCopy) == 2);
}

TEST_CASE("an open batch is one sample, and shapes that the model computes from it are known", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {-1, 3, 4, 4});
  const std::string y = graph.Node("GlobalAveragePool", {x});
  const std::string batch = graph.Node("Gather", {graph.Node("Shape", {y}), graph.List({0})});
  const std::string shape = graph.Node("Concat", {batch, graph.List({-1})});
  graph.With("axis", 0);
  graph.Output(graph.Node("Reshape", {y, shape}), {-1, 3});
  const auto network = Imported(graph.model());
  INFO(network.status().ToString());
  REQUIRE(network.ok());
  CHECK(network->values[network->inputs[0]].shape == Shape{1, 3, 4, 4});
  CHECK(network->values[network->outputs[0]].shape == Shape{1, 3});
}

}  // namespace
}  // namespace paddock
