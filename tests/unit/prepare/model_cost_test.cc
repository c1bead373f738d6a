#include "prepare/model_cost.h"

#include <catch2/catch.hpp>

#include <cstdlib>

#include "prepare/onnx_graph.h"
#include "prepare/tflite/tflite_model.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

ModelCost CostOfFile(const std::string& path) {
  return ReadModelCost(path, ReadModelInfo(path).value()).value();
}

TEST_CASE("the cost of a model counts products and what is alive at once", "[cost]") {
  onnx::ModelProto model = ReluModel({-1, 4});
  onnx::GraphProto& graph = *model.mutable_graph();
  AddFloatInitializer(&graph, "w", {4, 100});
  auto* product = graph.add_node();
  product->set_op_type("MatMul");
  product->add_input("in");
  product->add_input("w");
  product->add_output("wide");
  auto* narrow = graph.add_node();
  narrow->set_op_type("ReduceMean");
  narrow->add_input("wide");
  narrow->add_output("mean");
  SetTensorType(graph.add_output(), "mean", onnx::TensorProto::FLOAT, {-1, 1});
  const TempDir folder;
  WriteBytes(folder / "in.onnx", model.SerializeAsString());
  const ModelCost cost = CostOfFile(folder / "in.onnx");
  CHECK(cost.multiply_accumulates == 400);
  // in (4), out (4) and wide (100) while MatMul runs; then out, wide and mean.
  CHECK(cost.activation_peak_bytes == 4 * (4 + 4 + 100));
}

TEST_CASE("the demo's model has the products that can be counted by hand", "[cost]") {
  const ModelCost cost = CostOfFile(PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx");
  const std::uint64_t convolutions = 64 * 16 * 9 + 64 * 32 * 16 * 9 + 16 * 64 * 32 * 9;
  CHECK(cost.multiply_accumulates == convolutions + 64 * 10);
  CHECK(cost.activation_peak_bytes == 4 * (2 * 32 * 64));
}

// x -> `node` (which reads x and w) -> y
std::optional<std::uint64_t> ProductsOf(const onnx::NodeProto& node, const Shape& weights) {
  onnx::ModelProto model = ReluModel({1, 2, 4, 4});
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.clear_output();
  SetTensorType(graph.add_output(), "y", onnx::TensorProto::UINT8, {1, 3, 4, 4});
  graph.clear_node();
  for (const std::string name : {"s", "t"}) *graph.add_initializer() = MakeFloats(name, {}, {0.5F});
  *graph.add_initializer() = MakeIntegers("z", ElementType::kUint8, {}, {0});
  *graph.add_initializer() =
      MakeIntegers("w", ElementType::kUint8, weights, std::vector<std::int64_t>(*ElementCount(weights), 1));
  *graph.add_node() = MakeNode("QuantizeLinear", "q", {"in", "s", "z"}, {"x"});
  *graph.add_node() = node;
  if (!node.domain().empty()) model.add_opset_import()->set_domain(node.domain());
  const TempDir folder;
  WriteBytes(folder / "in.onnx", model.SerializeAsString());
  return CostOfFile(folder / "in.onnx").multiply_accumulates;
}

TEST_CASE("products of integers count too, and of operators that nobody can count the number is not known",
          "[cost]") {
  onnx::NodeProto node = MakeNode("QLinearConv", "conv", {"x", "s", "z", "w", "s", "z", "s", "z"}, {"y"});
  CHECK(ProductsOf(node, {3, 2, 1, 1}) == 3 * 16 * 2);
  node.set_domain("com.example");
  CHECK_FALSE(ProductsOf(node, {3, 2, 1, 1}));
  node = MakeNode("Einsum", "sum", {"x", "x"}, {"y"});
  SetTextAttribute(&node, "equation", "abcd,aecd->aecd");
  CHECK_FALSE(ProductsOf(node, {1}));
}

TEST_CASE("of TensorFlow Lite's recurrent and custom operators the number of products is not known",
          "[cost]") {
  TfliteModel model;
  model.tensors.resize(2);
  for (std::size_t i = 0; i < 2; ++i) {
    model.tensors[i].name = i == 0 ? "in" : "out";
    model.tensors[i].type = ElementType::kFloat32;
    model.tensors[i].shape = {1, 4};
  }
  model.inputs = {0};
  model.outputs = {1};
  const auto products_of = [&](int op, const std::string& custom_name) {
    TfliteOperator node;
    node.op = static_cast<TfliteOp>(op);
    node.custom_name = custom_name;
    node.inputs = {0};
    node.outputs = {1};
    model.operators = {node};
    const TempDir folder;
    WriteBytes(folder / "in.tflite", SerializeTflite(model).value());
    return CostOfFile(folder / "in.tflite").multiply_accumulates;
  };
  CHECK(products_of(static_cast<int>(TfliteOp::kRelu), "") == 0);
  CHECK(products_of(32, "TFLite_Detection_PostProcess") == 0);
  CHECK_FALSE(products_of(32, "edgetpu-custom-op"));
  CHECK_FALSE(products_of(16, ""));  // LSTM
}

TEST_CASE("the same network costs the same as ONNX and as TensorFlow Lite", "[cost]") {
  const char* const shared = std::getenv("PADDOCK_SHARED");
  if (shared == nullptr) {
    WARN("skipped: PADDOCK_SHARED does not name the folder of public data");
    return;
  }
  const std::string folder = std::string(shared) + "/data/mlperf-tiny/";
  CHECK(CostOfFile(folder + "ic_resnet8_fp32.onnx").multiply_accumulates ==
        CostOfFile(folder + "ic_resnet8_int8.tflite").multiply_accumulates);
  CHECK(CostOfFile(folder + "vww_mobilenet_fp32.onnx").multiply_accumulates ==
        CostOfFile(folder + "vww_mobilenet_int8.tflite").multiply_accumulates);
}

}  // namespace
}  // namespace paddock
