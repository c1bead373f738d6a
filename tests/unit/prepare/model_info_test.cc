#include "prepare/model_info.h"

#include <catch2/catch.hpp>

#include "base/random.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

Result<ModelInfo> Read(const onnx::ModelProto& model) {
  const TempDir folder;
  WriteBytes(folder / "m.onnx", model.SerializeAsString());
  return ReadModelInfo(folder / "m.onnx", "m.onnx");
}

std::string ErrorOf(const onnx::ModelProto& model) {
  const auto info = Read(model);
  REQUIRE(info.status().code() == StatusCode::kInvalidArgument);
  REQUIRE_THAT(info.status().message(), Contains("'m.onnx'"));
  return info.status().message();
}

TEST_CASE("names that are too long to show are cut between characters", "[model_info]") {
  onnx::ModelProto model = ReluModel();
  model.set_producer_name(std::string(199, 'x') + "\u00e9");
  model.mutable_graph()->mutable_node(0)->set_domain(std::string(195, 'y') + "\u20ac\u20ac");
  model.add_opset_import()->set_domain(model.graph().node(0).domain());
  const auto info = Read(model);
  REQUIRE(info.status().ToString() == "OK");
  CHECK(info->producer == std::string(199, 'x') + " 1");
  CHECK(info->operators.begin()->first == std::string(195, 'y') + "\u20ac");
}

// Gemm(in, w, b) then Relu, with the weights as inputs too, as models before IR 4 have them.
onnx::ModelProto DenseModel() {
  onnx::ModelProto model = ReluModel({-1, 4});
  auto* graph = model.mutable_graph();
  auto* dense = graph->add_node();
  dense->set_op_type("Gemm");
  for (const char* name : {"in", "w", "b"}) dense->add_input(name);
  dense->add_output("dense");
  graph->mutable_node()->SwapElements(0, 1);
  graph->mutable_node(1)->set_input(0, "dense");
  AddFloatInitializer(graph, "w", {4, 4});
  AddFloatInitializer(graph, "b", {4});
  SetTensorType(graph->add_input(), "w", onnx::TensorProto::FLOAT, {4, 4});
  return model;
}

TEST_CASE("a model is described: signature, operators, parameters, versions") {
  const auto info = Read(DenseModel());
  REQUIRE(info.ok());
  CHECK(info->kind == "onnx");
  CHECK(info->inputs == std::vector<TensorInfo>{{"in", ElementType::kFloat32, {-1, 4}}});
  CHECK(info->outputs == std::vector<TensorInfo>{{"out", ElementType::kFloat32, {-1, 4}}});
  CHECK(info->operators == std::map<std::string, std::uint64_t>{{"Gemm", 1}, {"Relu", 1}});
  CHECK(info->parameters == 20);
  CHECK(info->opset == 13);
  CHECK(info->ir_version == 8);
  CHECK(info->producer == "paddock-test 1");
  CHECK(info->size_bytes == DenseModel().SerializeAsString().size());
  CHECK(info->notes.empty());
}

TEST_CASE("a newer opset or IR version is noted and not refused") {
  auto model = ReluModel();
  model.mutable_opset_import(0)->set_version(99);
  auto info = Read(model);
  REQUIRE(info.ok());
  REQUIRE(info->notes.size() == 1);
  CHECK_THAT(info->notes[0], Contains("opset 99"));
  model.set_ir_version(99);
  info = Read(model);
  REQUIRE(info.ok());
  CHECK_THAT(info->notes[0], Contains("IR version 99"));
}

TEST_CASE("what is not a model is refused with the next step") {
  const TempDir folder;
  CHECK(ReadModelInfo(folder / "absent.onnx").status().code() == StatusCode::kNotFound);
  WriteBytes(folder / "m.onnx", "");
  CHECK_THAT(ReadModelInfo(folder / "m.onnx").status().message(), Contains("m.onnx") && Contains("is empty"));
  for (const char* text : {"hello, I am a text file", "TFL3 is a FlatBuffer", "\x08\x08"}) {
    WriteBytes(folder / "m.onnx", text);
    const auto info = ReadModelInfo(folder / "m.onnx");
    REQUIRE(info.status().code() == StatusCode::kInvalidArgument);
    CHECK_THAT(info.status().message(), Contains("m.onnx") && Contains("export"));
  }
}

TEST_CASE("every truncation of a model is an error") {
  const TempDir folder;
  const std::string bytes = DenseModel().SerializeAsString();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CAPTURE(length);
    WriteBytes(folder / "cut.onnx", bytes.substr(0, length));
    REQUIRE(ReadModelInfo(folder / "cut.onnx").status().code() == StatusCode::kInvalidArgument);
  }
}

TEST_CASE("random damage gives an answer or an error") {
  const TempDir folder;
  const std::string bytes = DenseModel().SerializeAsString();
  Random random(29);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = bytes;
    for (int flips = 0; flips < 3; ++flips)
      damaged[random.Below(damaged.size())] = static_cast<char>(random.Below(256));
    WriteBytes(folder / "bad.onnx", damaged);
    const auto info = ReadModelInfo(folder / "bad.onnx");
    if (info.ok()) static_cast<void>(SampleShapes(*info));
  }
}

TEST_CASE("graphs nested without end are refused, not followed") {
  onnx::ModelProto model = ReluModel();
  onnx::GraphProto* graph = model.mutable_graph();
  for (int depth = 0; depth < 2000; ++depth) {
    auto* node = graph->add_node();
    node->set_op_type("If");
    auto* attribute = node->add_attribute();
    attribute->set_name("then_branch");
    attribute->set_type(onnx::AttributeProto::GRAPH);
    graph = attribute->mutable_g();
  }
  CHECK_THAT(ErrorOf(model), Contains("not an ONNX model"));
}

TEST_CASE("an operator that does not exist and a loose end are refused") {
  auto model = ReluModel();
  model.mutable_graph()->mutable_node(0)->set_op_type("Rulu");
  CHECK_THAT(ErrorOf(model), Contains("Rulu") && Contains("export it anew"));
  model = ReluModel();
  model.mutable_graph()->mutable_node(0)->set_input(0, "nowhere");
  CHECK_THAT(ErrorOf(model), Contains("nowhere"));
}

TEST_CASE("weights in another file are refused by name") {
  auto model = DenseModel();
  auto* weights = model.mutable_graph()->mutable_initializer(0);
  weights->clear_float_data();
  weights->set_data_location(onnx::TensorProto::EXTERNAL);
  auto* entry = weights->add_external_data();
  entry->set_key("location");
  entry->set_value("weights.bin");
  CHECK_THAT(ErrorOf(model),
             Contains("'w'") && Contains("weights.bin") && Contains("save_as_external_data=False"));
}

TEST_CASE("inputs that are no tensors, have no shape or no known type are refused by name") {
  auto model = ReluModel();
  model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  CHECK_THAT(ErrorOf(model), Contains("'in' has no shape"));
  model = ReluModel();
  model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::COMPLEX64);
  CHECK_THAT(ErrorOf(model), Contains("'in'") && Contains("element type 14"));
  model = ReluModel();
  auto* sequence = model.mutable_graph()->add_input();
  sequence->set_name("many");
  sequence->mutable_type()
      ->mutable_sequence_type()
      ->mutable_elem_type()
      ->mutable_tensor_type()
      ->set_elem_type(1);
  CHECK_THAT(ErrorOf(model), Contains("'many' is not a tensor"));
}

TEST_CASE("an output without a shape is taken") {
  auto model = ReluModel();
  model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  const auto info = Read(model);
  REQUIRE(info.ok());
  CHECK(info->outputs[0].shape.empty());
}

TEST_CASE("the sample shape is the input's without an open or single batch dimension") {
  auto model = Signature({{"a", ElementType::kFloat32, {-1, 3, 8}}, {"b", ElementType::kInt8, {1}}}, {});
  const auto shapes = SampleShapes(model);
  REQUIRE(shapes.ok());
  CHECK(*shapes == std::vector<Shape>{{3, 8}, {}});
  CHECK(!HasOpenBatch(model));
  model.inputs.pop_back();
  CHECK(HasOpenBatch(model));
}

TEST_CASE("shapes that break the batch dimension rule name the dimension") {
  const auto error = [](Shape shape) {
    return SampleShapes(Signature({{"a", ElementType::kFloat32, std::move(shape)}}, {})).status().message();
  };
  CHECK_THAT(error({8, 3}), Contains("a[8,3]") && Contains("fixed to 8"));
  CHECK_THAT(error({}), Contains("without a batch dimension"));
  CHECK_THAT(error({-1, 3, -1}), Contains("dimension 2 is open"));
  CHECK_THAT(SampleShapes(Signature({}, {})).status().message(), Contains("takes no input"));
}

TEST_CASE("an open dimension is named as the model names it") {
  auto model = ReluModel({-1, -1});
  model.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(1)
      ->set_dim_param("sequence");
  const auto info = Read(model);
  REQUIRE(info.ok());
  CHECK_THAT(SampleShapes(*info).status().message(), Contains("dimension 1 ('sequence') is open"));
}

TEST_CASE("the demo model is described") {
  const auto info = ReadModelInfo(PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx");
  REQUIRE(info.ok());
  CHECK(info->inputs.size() == 1);
  CHECK(SampleShapes(*info).ok());
  CHECK(HasOpenBatch(*info));
}

TEST_CASE("what the library's check finds is told with the node's name") {
  const TempDir folder;
  onnx::ModelProto model = ReluModel();
  model.mutable_graph()->mutable_node(0)->set_op_type("Relux");
  model.mutable_graph()->mutable_node(0)->set_name("first");
  WriteBytes(folder / "m.onnx", model.SerializeAsString());
  CHECK_THAT(ReadModelInfo(folder / "m.onnx").status().message(),
             Catch::Matchers::Contains("Relux") && Catch::Matchers::Contains("Name: first"));
  model = ReluModel();
  AddFloatInitializer(model.mutable_graph(), "w", {1});
  model.mutable_graph()->mutable_initializer(0)->set_data_type(99);
  WriteBytes(folder / "m.onnx", model.SerializeAsString());
  CHECK_THAT(ReadModelInfo(folder / "m.onnx").status().message(),
             Catch::Matchers::Contains("tensor 'w' has the unknown element type 99"));
}

}  // namespace
}  // namespace paddock
