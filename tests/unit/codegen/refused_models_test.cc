// What cannot be generated is refused: node, reason and what to do. Nothing wrong is computed, and hostile sizes cost nothing.
#include <catch2/catch.hpp>

#include <functional>

#include "tests/unit/codegen/graph_builder.h"
#include "tests/unit/codegen/runtime_comparison.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Ints = std::map<std::string, std::vector<std::int64_t>>;

Status RefusalOf(const std::function<void(GraphBuilder&)>& build, std::int64_t opset = 13) {
  GraphBuilder graph(opset);
  build(graph);
  const auto network = Imported(graph.model());
  return network.status();
}

// A model of one node on an image.
Status RefusalOfNode(const std::string& type, const Ints& attributes,
                     const std::vector<float>& constant = {}) {
  return RefusalOf([&](GraphBuilder& graph) {
    std::vector<std::string> inputs = {graph.Input("x", {1, 2, 4, 4})};
    if (!constant.empty())
      inputs.push_back(graph.Floats({static_cast<std::int64_t>(constant.size())}, constant));
    graph.Output(graph.Node(type, inputs, attributes), {-1, -1, -1, -1});
  });
}

TEST_CASE("operators without code are named, with what to do", "[codegen]") {
  const Status unknown = RefusalOfNode("Erf", {});
  CHECK(unknown.code() == StatusCode::kUnimplemented);
  CHECK_THAT(unknown.message(),
             Contains("Erf 'Erf_1': no code is generated for the operator Erf; change the model, "
                      "or run it with a driver that interprets it"));
  const Status foreign = RefusalOf([](GraphBuilder& graph) {
    graph.Output(graph.Node("Relu", {graph.Input("x", {1, 4})}), {1, 4});
    graph.last().set_domain("com.example");
    graph.Import("com.example");
  });
  CHECK_THAT(foreign.message(), Contains("the operator 'com.example'.Relu"));
  const Status fused = RefusalOf([](GraphBuilder& graph) {
    const std::string x = graph.Input("x", {1, 4}, onnx::TensorProto::INT8);
    const std::string scale = graph.Floats({}, {1});
    const std::string zero = graph.Integers(ElementType::kInt8, {}, {0});
    const std::string weights = graph.Integers(ElementType::kInt8, {4, 1}, {1, 2, 3, 4});
    graph.Output(graph.Node("QLinearMatMul", {x, scale, zero, weights, scale, zero, scale, zero}), {1, 1},
                 onnx::TensorProto::INT8);
  });
  CHECK_THAT(fused.message(), Contains("give the model with QuantizeLinear and DequantizeLinear nodes"));
  CHECK_THAT(
      RefusalOf([](GraphBuilder& graph) { graph.Output(graph.Node("Relu", {graph.Input("x", {4})}), {4}); },
                6)
          .message(),
      Contains("opset 6") && Contains("export it with opset 13"));
}

TEST_CASE("parameters without code are named", "[codegen]") {
  const auto refused = [](const std::string& type, const Ints& attributes, const std::string& reason,
                          const std::vector<float>& constant = {}) {
    const Status status = RefusalOfNode(type, attributes, constant);
    CAPTURE(type, reason, status.ToString());
    CHECK((status.code() == StatusCode::kUnimplemented || status.code() == StatusCode::kInvalidArgument));
    CHECK_THAT(status.message(), Contains(type + " '") && Contains(reason) && Contains("; "));
  };
  refused("MaxPool", {{"kernel_shape", {5, 1}}}, "reaches over 5 elements where there are 4");
  refused("MaxPool", {{"kernel_shape", {2, 2}}, {"pads", {2, 0, 0, 0}}}, "wholly in its padding");
  refused("MaxPool", {{"kernel_shape", {2}}}, "kernel_shape does not fit");
  refused("AveragePool", {{"kernel_shape", {2, 2}}, {"strides", {1, 0}}}, "strides hold 0");
  refused("AveragePool", {{"kernel_shape", {2, 2}}, {"pads", {0, 0, 0}}}, "pads");
  refused("Transpose", {{"perm", {0, 1, 2, 2}}}, "perm");
  refused("Mul", {}, "not finite", {1, 2, std::numeric_limits<float>::infinity(), 1});
  refused("Mul", {}, "neither equal shapes nor one number per channel", {1, 2, 3});
}

TEST_CASE("convolutions that do not fit their input are refused", "[codegen]") {
  const auto refused = [](const Shape& weights, std::int64_t groups, const Ints& attributes) {
    return RefusalOf([&](GraphBuilder& graph) {
      const std::string x = graph.Input("x", {1, 6, 4, 4});
      const std::string y = graph.Node("Conv", {x, graph.RandomFloats(weights)}, attributes);
      graph.With("group", groups);
      graph.Output(y, {-1, -1, -1, -1});
    });
  };
  CHECK_FALSE(refused({4, 6, 1, 1}, 4, {}).ok());
  CHECK_FALSE(refused({4, 3, 1, 1}, 1, {}).ok());
  CHECK_FALSE(refused({3, 3, 1, 1}, 2, {}).ok());
  CHECK_FALSE(refused({4, 6, 1, 1}, 0, {}).ok());
  CHECK_FALSE(refused({4, 6, 1, 1}, -1, {}).ok());
  CHECK_FALSE(refused({4, 6, 5, 5}, 1, {}).ok());
  CHECK_FALSE(refused({4, 6, 1}, 1, {}).ok());
  CHECK_FALSE(refused({4, 6, 1, 1}, 1, {{"pads", {1'000'000'000, 0, 0, 0}}}).ok());
  CHECK_FALSE(refused({4, 6, 1, 1}, 1, {{"pads", {-1, 0, 0, 0}}}).ok());
  CHECK_FALSE(refused({4, 6, 2, 2}, 1, {{"dilations", {2'000'000'000, 1}}}).ok());
  CHECK_FALSE(refused({4, 6, 1, 1}, 1, {{"kernel_shape", {2, 1}}}).ok());
  CHECK(refused({4, 6, 3, 3}, 1, {}).ok());
}

TEST_CASE("sizes beyond every device are refused before anything is made of them", "[codegen]") {
  const Status input = RefusalOf([](GraphBuilder& graph) {
    graph.Output(graph.Node("Relu", {graph.Input("x", {1, 1 << 20, 1 << 20})}), {-1, -1, -1});
  });
  CHECK_THAT(input.message(), Contains("input 'x'") && Contains("fixed sizes of at most 2^28 elements"));
  const Status open = RefusalOf([](GraphBuilder& graph) {
    graph.Output(graph.Node("Relu", {graph.Input("x", {1, -1, 4})}), {-1, -1, -1});
  });
  CHECK_THAT(open.message(), Contains("[1,?,4]"));
  const Status padded = RefusalOf([](GraphBuilder& graph) {
    const std::string x = graph.Input("x", {1, 1, 4096, 4096});
    graph.Output(graph.Node("Pad", {x, graph.List({0, 0, 65536, 65536, 0, 0, 0, 0})}), {-1, -1, -1, -1});
  });
  CHECK_THAT(padded.message(), Contains("over 2^28 elements"));
  const Status batch = RefusalOf([](GraphBuilder& graph) {
    const std::string x = graph.Input("x", {8, 2, 4, 4});
    graph.Output(graph.Node("Conv", {x, graph.RandomFloats({2, 2, 1, 1})}), {-1, -1, -1, -1});
  });
  CHECK_THAT(batch.message(), Contains("a batch of 8 samples"));
}

TEST_CASE("constants that grow without end are refused", "[codegen]") {
  const Status lists = RefusalOf([](GraphBuilder& graph) {
    const std::string x = graph.Input("x", {1, 4});
    std::string list = graph.List({1, 4});
    for (int i = 0; i < 40; ++i) {
      list = graph.Node("Concat", {list, list});
      graph.With("axis", 0);
    }
    graph.Output(graph.Node("Reshape", {x, list}), {-1, -1});
  });
  CHECK_FALSE(lists.ok());
  const Status copies = RefusalOf([](GraphBuilder& graph) {
    std::string x = graph.Input("x", {1, 1000});
    const std::string weights = graph.RandomFloats({1000, 1000});
    for (int i = 0; i < 20; ++i) x = graph.Node("MatMul", {x, weights});
    graph.Output(x, {1, 1000});
  });
  CHECK_THAT(copies.message(), Contains("over 2^24 numbers"));
}

TEST_CASE("quantisation that integers cannot follow is refused or computed in float", "[codegen]") {
  const auto build = [](const std::function<std::string(GraphBuilder&, const std::string&)>& between) {
    GraphBuilder graph;
    const std::string x = graph.Input("x", {1, 4});
    graph.Output(between(graph, x), {1, 4});
    return Imported(graph.model());
  };
  const auto by_axis = build([](GraphBuilder& graph, const std::string& x) {
    const std::string scales = graph.Floats({4}, {1, 2, 3, 4});
    const std::string zeros = graph.Integers(ElementType::kInt8, {4}, {0, 0, 0, 0});
    return graph.Node("DequantizeLinear", {graph.Node("QuantizeLinear", {x, scales, zeros}), scales, zeros});
  });
  CHECK_THAT(by_axis.status().message(), Contains("several scales for what is computed"));
  const auto other_scale = build([](GraphBuilder& graph, const std::string& x) {
    const std::string zero = graph.Integers(ElementType::kInt8, {}, {0});
    const std::string integers = graph.Node("QuantizeLinear", {x, graph.Floats({}, {0.1F}), zero});
    return graph.Node("DequantizeLinear", {integers, graph.Floats({}, {0.2F}), zero});
  });
  CHECK_THAT(other_scale.status().message(), Contains("another scale"));
  const auto no_scale =
      build([](GraphBuilder& graph, const std::string& x) { return graph.Quantised(x, 0, 0); });
  CHECK_THAT(no_scale.status().message(), Contains("not above 0"));
  const auto far_off = build([](GraphBuilder& graph, const std::string& x) {
    const std::string y = graph.Node("MatMul", {graph.Quantised(x, 1e6F, 0), graph.Weights({4, 4}, 1)});
    return graph.Quantised(y, 1e-6F, 0);
  });
  CHECK_THAT(far_off.status().message(), Contains("out of proportion"));
}

TEST_CASE("an output that no input reaches is refused", "[codegen]") {
  const Status status = RefusalOf([](GraphBuilder& graph) {
    graph.Output(graph.Node("Relu", {graph.Input("x", {1, 4})}), {1, 4});
    graph.Output(graph.Node("Identity", {graph.Floats({2}, {1, 2})}), {2});
  });
  CHECK_THAT(status.message(), Contains("does not depend on the model's inputs"));
}

}  // namespace
}  // namespace paddock
