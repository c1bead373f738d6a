#include "prepare/onnx_graph.h"

#include <catch2/catch.hpp>

#include <limits>

#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

Result<OnnxGraph> ReadGraph(const onnx::ModelProto& model) {
  const TempDir folder;
  WriteBytes(folder / "in.onnx", model.SerializeAsString());
  return OnnxGraph::Read(folder / "in.onnx");
}

TEST_CASE("constants become initializers, and what reaches no output is removed", "[onnx_graph]") {
  onnx::ModelProto model = ReluModel({-1, 4});
  onnx::NodeProto constant = MakeNode("Constant", "one", {}, {"one"});
  auto* value = constant.add_attribute();
  value->set_name("value_float");
  value->set_type(onnx::AttributeProto::FLOAT);
  value->set_f(1);
  *model.mutable_graph()->add_node() = constant;
  *model.mutable_graph()->add_node() = MakeNode("Add", "unused", {"in", "one"}, {"sum"});
  auto graph = ReadGraph(model);
  REQUIRE(graph.ok());
  REQUIRE(graph->Initializer("one") != nullptr);
  CHECK(FiniteFloatsOf(*graph->Initializer("one")).value() == std::vector<float>{1});
  CHECK(graph->Value("sum")->shape == Shape{-1, 4});
  CHECK(graph->Consumers().at("in").size() == 2);
  CHECK(graph->NewName("sum") == "sum_1");
  graph->RemoveUnused();
  CHECK(graph->graph().node_size() == 1);
  CHECK(graph->Initializer("one") == nullptr);
}

TEST_CASE("graphs with control flow and opsets from the future are refused by name", "[onnx_graph]") {
  onnx::ModelProto future = ReluModel({1, 4});
  future.mutable_opset_import(0)->set_version(99);
  CHECK_THAT(ReadGraph(future).status().message(), Contains("opset 99"));
  onnx::ModelProto nested = ReluModel({1, 4});
  auto* attribute = nested.mutable_graph()->mutable_node(0)->add_attribute();
  attribute->set_name("body");
  attribute->set_type(onnx::AttributeProto::GRAPH);
  attribute->mutable_g()->set_name("inner");
  CHECK(!ReadGraph(nested).ok());
}

TEST_CASE("tensors are read from raw bytes and from typed fields, and lying ones are refused",
          "[onnx_graph]") {
  onnx::TensorProto typed;
  typed.set_name("t");
  typed.set_data_type(onnx::TensorProto::INT8);
  typed.add_dims(2);
  typed.add_int32_data(-128);
  typed.add_int32_data(127);
  CHECK(IntegersOf(typed).value() == std::vector<std::int64_t>{-128, 127});
  CHECK(IntegersOf(MakeIntegers("r", ElementType::kInt8, {2}, {-1000, 5})).value() ==
        std::vector<std::int64_t>{-128, 5});
  typed.add_int32_data(0);
  CHECK_THAT(TensorOf(typed).status().message(), Contains("'t'") && Contains("3 bytes"));
  onnx::TensorProto huge = typed;
  huge.set_dims(0, std::int64_t{1} << 60);
  CHECK_THAT(TensorOf(huge).status().message(), Contains("impossible shape"));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK_THAT(FiniteFloatsOf(MakeFloats("w", {2}, {1, nan})).status().message(),
             Contains("'w'") && Contains("NaN at index 1"));
}

TEST_CASE("multiply-accumulates of convolutions and products are counted for one sample", "[onnx_graph]") {
  onnx::ModelProto model = ReluModel({-1, 4});
  *model.mutable_graph()->add_initializer() = MakeFloats("w", {4, 3}, std::vector<float>(12, 1));
  *model.mutable_graph()->add_node() = MakeNode("MatMul", "product", {"in", "w"}, {"p"});
  const auto graph = ReadGraph(model);
  REQUIRE(graph.ok());
  CHECK(MultiplyAccumulates(*graph, graph->graph().node(0)) == 0);
  CHECK(MultiplyAccumulates(*graph, graph->graph().node(1)) == 12);
}

}  // namespace
}  // namespace paddock
