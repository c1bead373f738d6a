// Networks of quantised operators against ONNX Runtime, which computes what the QuantizeLinear nodes say in float32.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/unit/codegen/graph_builder.h"
#include "tests/unit/codegen/runtime_comparison.h"

namespace paddock {
namespace {

std::string Layers(const Network& network) {
  static const char* const kNames[] = {"conv",     "dense",      "add",       "mul", "concat",
                                       "pad",      "act",        "average",   "max", "softmax",
                                       "quantize", "dequantize", "transpose", "copy"};
  std::string text;
  for (const NetworkLayer& layer : network.layers)
    text += (text.empty() ? "" : " ") + std::string(kNames[static_cast<std::size_t>(layer.kind)]);
  return text;
}

ElementType TypeOf(const Network& network, std::uint32_t value) { return network.values[value].type; }

TEST_CASE("integer convolutions of every shape are those of ONNX", "[codegen]") {
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
      {{1, 4, 6, 6}, {6, 2, 3, 3}, {{"dilations", {2, 1}}}, 2, {1, 6, 2, 4}},
      {{1, 3, 9}, {4, 3, 3}, {{"pads", {1, 1}}, {"strides", {2}}}, 1, {1, 4, 5}},
  };
  for (const Case& one : cases) {
    for (const bool is_unsigned : {false, true}) {
      for (const bool by_channel : {false, true}) {
        CAPTURE(ShapeText(one.input), ShapeText(one.weights), is_unsigned, by_channel);
        const ElementType type = is_unsigned ? ElementType::kUint8 : ElementType::kInt8;
        GraphBuilder graph;
        const std::string x =
            graph.Quantised(graph.Input("x", one.input), 0.02F, is_unsigned ? 131 : 7, type);
        const std::string w = graph.Weights(one.weights, by_channel ? 0 : -1);
        const std::string b = graph.Bias(one.weights[0], 0.02F * 0.01F);
        std::string y = graph.Node("Conv", {x, w, b}, one.attributes);
        graph.With("group", one.groups);
        y = graph.Quantised(graph.Node("Relu", {y}), 0.05F, is_unsigned ? 0 : -128, type);
        graph.Output(y, one.output);
        const Network network = CheckAgainstRuntime(graph.model());
        CHECK(TypeOf(network, network.inputs[0]) == ElementType::kInt8);
        CHECK(TypeOf(network, network.outputs[0]) == ElementType::kInt8);
        CHECK(network.values[network.inputs[0]].quantization->zero_point == (is_unsigned ? 3 : 7));
        CHECK(Layers(network).find("quantize") == std::string::npos);
      }
    }
  }
}

TEST_CASE("an activation between layers clamps what it can and reads the rest from a table", "[codegen]") {
  for (const std::string type : {"Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh"}) {
    CAPTURE(type);
    GraphBuilder graph;
    std::string x = graph.Quantised(graph.Input("x", {1, 16}), 0.03F, -11);
    x = graph.Quantised(graph.Node("Gemm", {x, graph.Weights({16, 8}, 1), graph.Bias(8, 0.0003F)}), 0.04F, 9);
    std::vector<std::string> inputs = {x};
    if (type == "Clip") inputs = {x, graph.Floats({}, {-1}), graph.Floats({}, {2})};
    x = graph.Node(type, inputs);
    const bool is_clamp = type == "Relu" || type == "Clip";
    x = graph.Quantised(x, is_clamp ? 0.04F : 0.02F, is_clamp ? 9 : -3);
    graph.Output(x, {1, 8});
    const Network network = CheckAgainstRuntime(graph.model());
    CHECK(Layers(network) == (is_clamp ? "dense" : "dense act"));
    if (type == "Relu") CHECK(network.layers[0].clamp_low == 9);
    if (type == "Clip") CHECK(network.layers[0].clamp_low == 9 - 25);
    if (type == "Clip") CHECK(network.layers[0].clamp_high == 9 + 50);
  }
}

TEST_CASE("integers are added, multiplied and broadcast", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Quantised(graph.Input("x", {1, 4, 3, 3}), 0.02F, 5);
  const std::string y = graph.Quantised(graph.Input("y", {1, 4, 3, 3}), 0.07F, -30);
  const std::string gate = graph.Quantised(graph.Node("GlobalAveragePool", {y}), 0.05F, 2);
  graph.Output(graph.Quantised(graph.Node("Relu", {graph.Node("Add", {x, y})}), 0.06F, -128), {1, 4, 3, 3});
  graph.Output(graph.Quantised(graph.Node("Mul", {gate, x}), 0.09F, 0), {1, 4, 3, 3});
  graph.Output(graph.Quantised(graph.Node("Add", {x, x}), 0.04F, 1), {1, 4, 3, 3});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(Layers(network).find("quantize") == std::string::npos);
}

TEST_CASE("factors and offsets of what is quantised stay integers", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Quantised(graph.Input("x", {1, 4, 3, 3}), 0.02F, 5);
  const std::string normalised =
      graph.Node("BatchNormalization", {x, graph.RandomFloats({4}), graph.RandomFloats({4}),
                                        graph.RandomFloats({4}), graph.RandomFloats({4}, 0.1F, 2)});
  graph.Output(graph.Quantised(normalised, 0.02F, 3), {1, 4, 3, 3});
  const std::string doubled = graph.Node("Mul", {x, graph.Floats({}, {2})});
  graph.Output(graph.Quantised(graph.Node("Relu", {doubled}), 0.03F, -100), {1, 4, 3, 3});
  const std::string shifted = graph.Node("Add", {x, graph.Floats({4, 1, 1}, {1, 0, -3, 400})});
  graph.Output(graph.Quantised(shifted, 0.05F, -100), {1, 4, 3, 3});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(Layers(network).find("quantize") == std::string::npos);
}

TEST_CASE("a channel that normalisation turns round or switches off is right", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Quantised(graph.Input("x", {1, 2, 3, 3}), 0.02F, 5);
  std::string y = graph.Node("Conv", {x, graph.Weights({3, 2, 1, 1}, 0)});
  y = graph.Node("BatchNormalization",
                 {y, graph.Floats({3}, {-1.5F, 0, 2}), graph.Floats({3}, {0.3F, 0.7F, -0.2F}),
                  graph.Floats({3}, {0, 1, 2}), graph.Floats({3}, {1, 2, 3})});
  graph.Output(graph.Quantised(y, 0.02F, 3), {1, 3, 3, 3});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(Layers(network) == "transpose conv transpose");
}

TEST_CASE("quantisation passes through what only moves or chooses elements", "[codegen]") {
  GraphBuilder graph;
  // Quantised behind the pool and the flattening only.
  const std::string x = graph.Quantised(graph.Input("x", {1, 3, 6, 6}), 0.02F, 5);
  std::string y = graph.Node("Relu", {graph.Node("Conv", {x, graph.Weights({4, 3, 3, 3}, 0)})});
  y = graph.Node("MaxPool", {y}, {{"kernel_shape", {2, 2}}, {"strides", {2, 2}}});
  y = graph.Quantised(graph.Node("Flatten", {y}), 0.05F, -128);
  // Nothing quantised behind the Reshape and the Relu.
  y = graph.Node("Relu", {graph.Node("Reshape", {y, graph.List({1, 16})})});
  y = graph.Quantised(graph.Node("MatMul", {y, graph.Weights({16, 6}, 1)}), 0.07F, 4);
  graph.Output(graph.Node("Softmax", {y}), {1, 6});
  const Network network = CheckAgainstRuntime(graph.model(), 0.02);
  CHECK(Layers(network) == "transpose conv max act dense dequantize softmax");
}

TEST_CASE("integers of several scales are put beside each other with one rounding", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Quantised(graph.Input("x", {1, 3, 4, 4}), 0.02F, 5);
  const std::string a = graph.Node("Conv", {x, graph.Weights({2, 3, 1, 1}, 0)});
  const std::string b = graph.Quantised(graph.Node("Conv", {x, graph.Weights({4, 3, 1, 1}, 0)}), 0.05F, 9);
  const std::string y = graph.Node("Concat", {a, x, b});
  graph.With("axis", 1);
  graph.Output(graph.Quantised(y, 0.0413F, -7), {1, 9, 4, 4});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(Layers(network) == "transpose conv conv concat transpose");
}

TEST_CASE("integer pools, means and padding are those of ONNX", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Quantised(graph.Input("x", {1, 3, 7, 7}), 0.02F, 5);
  std::string y =
      graph.Node("AveragePool", {x}, {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, {"pads", {1, 1, 1, 1}}});
  graph.Output(graph.Quantised(y, 0.015F, 0), {1, 3, 4, 4});
  y = graph.Node("AveragePool", {x}, {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, {"pads", {1, 1, 1, 1}}});
  graph.With("count_include_pad", 1);
  graph.Output(graph.Quantised(y, 0.02F, 5), {1, 3, 4, 4});
  y = graph.Node("MaxPool", {x}, {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, {"pads", {1, 1, 1, 1}}});
  graph.Output(graph.Quantised(y, 0.03F, 1), {1, 3, 4, 4});
  y = graph.Node("ReduceMean", {x}, {{"axes", {1, 2}}});
  graph.Output(graph.Quantised(y, 0.01F, 1), {1, 1, 1, 7});
  y = graph.Node("Pad", {x, graph.List({0, 0, 1, 1, 0, 0, 2, 0}), graph.Floats({}, {0.5F})});
  graph.Output(graph.Quantised(y, 0.02F, 5), {1, 3, 10, 8});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(Layers(network).find("dequantize") == std::string::npos);
}

TEST_CASE("what cannot be integers is computed in float between them", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Quantised(graph.Input("x", {1, 8}), 0.02F, 5);
  const std::string y =
      graph.Node("Gemm", {x, graph.RandomFloats({8, 4})});  // weights that are not quantised
  const std::string z = graph.Quantised(graph.Node("Softmax", {y}), 1.0F / 256, -128);
  graph.Output(z, {1, 4});
  graph.Output(graph.Node("Gemm", {x, graph.Weights({8, 3}, 1)}), {1, 3});  // an output that is not
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(Layers(network) == "dequantize dense softmax quantize dense");
}

TEST_CASE("a value is quantised anew where its readers want another scale", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Quantised(graph.Input("x", {1, 8}), 0.02F, 5);
  graph.Output(graph.Quantised(x, 0.03F, -9), {1, 8});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(Layers(network) == "quantize");
}

TEST_CASE("an input that is read as float and quantised stays float", "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Input("x", {1, 8});
  graph.Output(graph.Quantised(graph.Node("Sigmoid", {graph.Quantised(x, 0.03125F, 0)}), 1.0F / 256, -128),
               {1, 8});
  graph.Output(graph.Node("Tanh", {x}), {1, 8});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(TypeOf(network, network.inputs[0]) == ElementType::kFloat32);
  CHECK(Layers(network) == "quantize act act");
}

TEST_CASE("inputs and outputs that are integers in the model keep their type", "[codegen]") {
  for (const bool is_unsigned : {false, true}) {
    CAPTURE(is_unsigned);
    const ElementType type = is_unsigned ? ElementType::kUint8 : ElementType::kInt8;
    GraphBuilder graph;
    const std::string x = graph.Input("x", {1, 2, 4, 4}, OnnxTypeOf(type));
    const std::string zero = graph.Integers(type, {}, {is_unsigned ? 130 : 2});
    const std::string scale = graph.Floats({}, {0.02F});
    std::string y = graph.Node("DequantizeLinear", {graph.Node("Identity", {x}), scale, zero});
    y = graph.Node("Conv", {y, graph.Weights({3, 2, 1, 1}, 0)});
    y = graph.Node("QuantizeLinear", {y, graph.Floats({}, {0.05F}), zero});
    graph.Output(y, {1, 3, 4, 4}, OnnxTypeOf(type));
    const Network network = CheckAgainstRuntime(graph.model());
    CHECK(TypeOf(network, network.inputs[0]) == type);
    CHECK(TypeOf(network, network.outputs[0]) == type);
    CHECK(network.values[network.inputs[0]].quantization->zero_point == (is_unsigned ? 130 : 2));
    CHECK(Layers(network) ==
          (is_unsigned ? "quantize transpose conv quantize transpose" : "transpose conv transpose"));
  }
}

TEST_CASE(
    "weights that are transposed behind their DequantizeLinear, or quantised by the model, stay integers",
    "[codegen]") {
  GraphBuilder graph;
  const std::string x = graph.Quantised(graph.Input("x", {1, 8}), 0.02F, 5);
  const std::string turned = graph.Node("Transpose", {graph.Weights({4, 8}, 0)});
  graph.Output(graph.Quantised(graph.Node("MatMul", {x, turned}), 0.05F, 1), {1, 4});
  const std::string fake = graph.Quantised(graph.RandomFloats({8, 4}), 1.0F / 127, 0);
  graph.Output(graph.Quantised(graph.Node("MatMul", {x, fake}), 0.05F, 1), {1, 4});
  const Network network = CheckAgainstRuntime(graph.model());
  CHECK(Layers(network) == "dense dense");
}

}  // namespace
}  // namespace paddock
