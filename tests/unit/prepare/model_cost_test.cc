#include "prepare/model_cost.h"

#include <catch2/catch.hpp>

#include <cstdlib>

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
