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

// y = ReduceMean(Split(x)[0], axes), as opset 20 writes it.
onnx::ModelProto NewModel() {
  onnx::ModelProto model = ReluModel({1, 4, 2});
  model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  model.set_ir_version(10);
  model.mutable_opset_import(0)->set_version(20);
  onnx::GraphProto* const graph = model.mutable_graph();
  graph->clear_node();
  *graph->add_node() = MakeNode("Split", "split", {"in"}, {"left", "right"});
  SetIntAttribute(graph->mutable_node(0), "axis", 1);
  SetIntAttribute(graph->mutable_node(0), "num_outputs", 2);
  *graph->add_node() = MakeNode("ReduceMean", "mean", {"left", "axes"}, {"out"});
  *graph->add_initializer() = MakeIntegers("axes", ElementType::kInt64, {1}, {1});
  return model;
}

TEST_CASE("models of newer opsets are understood as one that libonnx knows", "[onnx_graph]") {
  onnx::ModelProto model = NewModel();
  const auto graph = ReadGraph(model);
  REQUIRE(graph.status().ToString() == "OK");
  CHECK(graph->opset() == 17);
  CHECK(graph->Value("left")->shape == Shape{1, 2, 2});
  CHECK(graph->Value("out")->shape == Shape{1, 1, 2});
  CHECK(IntsAttribute(graph->graph().node(1), "axes") == std::vector<std::int64_t>{1});
  CHECK(graph->Write(TempDir() / "out.onnx").ok());
}

TEST_CASE("nodes that older opsets cannot say are refused by name", "[onnx_graph]") {
  onnx::ModelProto model = NewModel();
  model.mutable_graph()->mutable_node(0)->mutable_attribute(1)->set_i(3);
  CHECK_THAT(ReadGraph(model).status().message(), Contains("Split 'split'") && Contains("num_outputs"));
  model = NewModel();
  model.mutable_graph()->mutable_node(1)->set_op_type("Gelu");
  CHECK_THAT(ReadGraph(model).status().message(), Contains("Gelu 'mean' of opset 20"));
  model = NewModel();
  model.mutable_graph()->clear_initializer();
  SetTensorType(model.mutable_graph()->add_input(), "axes", onnx::TensorProto::INT64, {1});
  CHECK_THAT(ReadGraph(model).status().message(), Contains("ReduceMean 'mean'") && Contains("no constant"));
  model = NewModel();
  model.mutable_graph()->mutable_node(1)->set_op_type(
      "DFT");  // whose axis without an input is another since opset 20
  CHECK_THAT(ReadGraph(model).status().message(), Contains("DFT 'mean'"));
  model = NewModel();
  model.set_ir_version(99);
  CHECK_THAT(ReadGraph(model).status().message(), Contains("IR version 99"));
}

TEST_CASE("initializers that are inputs too become constants, whatever the IR version", "[onnx_graph]") {
  onnx::ModelProto model = ReluModel({1, 4});
  model.set_ir_version(3);
  model.mutable_opset_import(0)->set_version(8);
  AddFloatInitializer(model.mutable_graph(), "w", {4});
  SetTensorType(model.mutable_graph()->add_input(), "w", onnx::TensorProto::FLOAT, {4});
  auto* const node = model.mutable_graph()->mutable_node(0);
  node->set_op_type("Add");
  node->add_input("w");
  auto graph = ReadGraph(model);
  REQUIRE(graph.status().ToString() == "OK");
  CHECK(graph->graph().input_size() == 1);
  CHECK(graph->Value("out")->shape == Shape{1, 4});
  CHECK(graph->ConvertOpset(13).ToString() == "OK");
  CHECK(graph->Write(TempDir() / "out.onnx").ToString() == "OK");
}

TEST_CASE("sizes that libonnx would count down from for years are refused by name", "[onnx_graph]") {
  const TempDir folder;
  onnx::ModelProto model = ReluModel({1, 1, std::int64_t{1} << 62, 4});
  onnx::NodeProto* const node = model.mutable_graph()->mutable_node(0);
  node->set_op_type("MaxPool");
  SetIntsAttribute(node, "kernel_shape", {2, 2});
  SetIntsAttribute(node, "strides", {2, 1});
  SetTextAttribute(node, "auto_pad", "SAME_UPPER");
  WriteBytes(folder / "long.onnx", model.SerializeAsString());
  const auto graph = OnnxGraph::Read(folder / "long.onnx");
  CHECK(graph.status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(graph.status().message(), Contains("input 'in' has a size of 4611686018427387904"));
}

TEST_CASE("a chain of lists that doubles is not followed", "[onnx_graph]") {
  const TempDir folder;
  onnx::ModelProto model = ReluModel({1, 4});
  onnx::GraphProto* const graph = model.mutable_graph();
  *graph->add_initializer() = MakeIntegers("list0", ElementType::kInt64, {2}, {1, 4});
  for (int i = 0; i < 40; ++i) {
    const std::string list = "list" + std::to_string(i);
    *graph->add_node() = MakeNode("Concat", "", {list, list}, {"list" + std::to_string(i + 1)});
    SetIntAttribute(&*graph->mutable_node()->rbegin(), "axis", 0);
  }
  *graph->add_node() = MakeNode("Reshape", "", {"in", "list40"}, {"shaped"});
  WriteBytes(folder / "lists.onnx", model.SerializeAsString());
  CHECK(OnnxGraph::Read(folder / "lists.onnx").ok());
}

TEST_CASE("strides that libonnx would divide by, or overflow with, are refused by name", "[onnx_graph]") {
  for (const std::int64_t stride : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40}) {
    onnx::ModelProto model = ReluModel({1, 4, 8, 8});
    auto* const node = model.mutable_graph()->mutable_node(0);
    node->set_op_type("MaxPool");
    node->set_name("pool");
    SetIntsAttribute(node, "kernel_shape", {2, 2});
    SetIntsAttribute(node, "strides", {1, stride});
    CHECK_THAT(ReadGraph(model).status().message(),
               Contains("MaxPool 'pool'") && Contains("strides hold " + std::to_string(stride)));
  }
}

TEST_CASE("an operator of a foreign domain that is called as one of ONNX has at least its inputs",
          "[onnx_graph]") {
  onnx::ModelProto model = ReluModel({1, 4, 8, 8});
  auto* const node = model.mutable_graph()->mutable_node(0);
  node->set_op_type("Conv");
  node->set_domain("com.example");
  model.add_opset_import()->set_domain("com.example");
  CHECK_THAT(ReadGraph(model).status().message(), Contains("Conv 'out'") && Contains("com.example"));
  node->add_input("in");
  CHECK(ReadGraph(model).ok());
  node->set_op_type("Own");
  node->clear_input();
  CHECK(ReadGraph(model).ok());
}

TEST_CASE("what libonnx's shape inference would crash on is refused by name", "[onnx_graph]") {
  onnx::ModelProto model = ReluModel({1, 4, 8, 8});
  auto* const node = model.mutable_graph()->mutable_node(0);
  node->set_op_type("ConvTranspose");
  node->set_name("up");
  node->add_input("w");
  AddFloatInitializer(model.mutable_graph(), "w", {4});
  CHECK_THAT(ReadGraph(model).status().message(), Contains("ConvTranspose 'up'") && Contains("[4]"));
  // Weights of two spatial dimensions over an input of one: no shape, and no crash.
  model = ReluModel({1, 3, 16});
  model.mutable_graph()->mutable_node(0)->set_op_type("Conv");
  model.mutable_graph()->mutable_node(0)->add_input("w");
  AddFloatInitializer(model.mutable_graph(), "w", {8, 3, 3, 3});
  const auto graph = ReadGraph(model);
  if (graph.ok()) CHECK(IntsAttribute(graph->graph().node(0), "kernel_shape").size() == 2);
  model.mutable_graph()->mutable_node(0)->set_name("free");
  model.mutable_graph()->mutable_node(0)->set_input(1, "computed");
  auto* identity = model.mutable_graph()->add_node();
  identity->set_op_type("Identity");
  identity->add_input("w");
  identity->add_output("computed");
  model.mutable_graph()->mutable_node()->SwapElements(0, 1);
  CHECK_THAT(ReadGraph(model).status().message(), Contains("Conv 'free'") && Contains("kernel_shape"));
}

TEST_CASE("a model whose output has no shape, and gets none, can be changed", "[onnx_graph]") {
  onnx::ModelProto model = ReluModel({1, 4});
  model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  model.mutable_graph()->mutable_node(0)->set_op_type("NonZero");
  model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::INT64);
  *model.mutable_graph()->add_node() = MakeNode("Reshape", "by_data", {"in", "out"}, {"shaped"});
  SetTensorType(model.mutable_graph()->add_output(), "shaped", onnx::TensorProto::FLOAT, {});
  model.mutable_graph()->mutable_output(1)->mutable_type()->mutable_tensor_type()->clear_shape();
  const auto graph = ReadGraph(model);
  REQUIRE(graph.status().ToString() == "OK");
  CHECK(graph->Write(TempDir() / "out.onnx").ToString() == "OK");
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
