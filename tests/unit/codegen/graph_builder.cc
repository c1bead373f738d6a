#include "tests/unit/codegen/graph_builder.h"

#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {

GraphBuilder::GraphBuilder(std::int64_t opset) {
  model_.set_ir_version(8);
  model_.add_opset_import()->set_version(opset);
  model_.mutable_graph()->set_name("test");
}

unsigned GraphBuilder::Random() {
  state_ = state_ * 1664525 + 1013904223;
  return state_ >> 8;
}

std::string GraphBuilder::Input(const std::string& name, const Shape& shape, std::int32_t type) {
  SetTensorType(model_.mutable_graph()->add_input(), name, type, shape);
  return name;
}

void GraphBuilder::Output(const std::string& value, const Shape& shape, std::int32_t type) {
  SetTensorType(model_.mutable_graph()->add_output(), value, type, shape);
}

std::string GraphBuilder::Floats(const Shape& shape, const std::vector<float>& values) {
  *model_.mutable_graph()->add_initializer() = MakeFloats(NewName("c"), shape, values);
  return model_.graph().initializer().rbegin()->name();
}

std::string GraphBuilder::RandomFloats(const Shape& shape, float min, float max) {
  std::vector<float> values(ElementCount(shape).value());
  for (float& value : values)
    value = min + (max - min) * static_cast<float>(Random()) / static_cast<float>(1 << 24);
  return Floats(shape, values);
}

std::string GraphBuilder::Integers(ElementType type, const Shape& shape,
                                   const std::vector<std::int64_t>& values) {
  *model_.mutable_graph()->add_initializer() = MakeIntegers(NewName("c"), type, shape, values);
  return model_.graph().initializer().rbegin()->name();
}

std::string GraphBuilder::List(const std::vector<std::int64_t>& values) {
  return Integers(ElementType::kInt64, {static_cast<std::int64_t>(values.size())}, values);
}

std::string GraphBuilder::Node(const std::string& type, const std::vector<std::string>& inputs,
                               const std::map<std::string, std::vector<std::int64_t>>& attributes) {
  const std::string name = NewName(type + "_");
  *model_.mutable_graph()->add_node() = MakeNode(type, name, inputs, {name});
  for (const auto& [attribute, values] : attributes) SetIntsAttribute(&last(), attribute, values);
  return name;
}

GraphBuilder& GraphBuilder::With(const std::string& name, std::int64_t value) {
  SetIntAttribute(&last(), name, value);
  return *this;
}

GraphBuilder& GraphBuilder::WithFloat(const std::string& name, float value) {
  SetFloatAttribute(&last(), name, value);
  return *this;
}

GraphBuilder& GraphBuilder::WithText(const std::string& name, const std::string& value) {
  SetTextAttribute(&last(), name, value);
  return *this;
}

std::string GraphBuilder::Quantised(const std::string& value, float scale, std::int64_t zero_point,
                                    ElementType type) {
  const std::string by = Floats({}, {scale});
  const std::string zero = Integers(type, {}, {zero_point});
  return Node("DequantizeLinear", {Node("QuantizeLinear", {value, by, zero}), by, zero});
}

std::string GraphBuilder::Weights(const Shape& shape, std::int64_t axis, float scale) {
  std::vector<std::int64_t> integers(ElementCount(shape).value());
  for (std::int64_t& integer : integers) integer = static_cast<std::int64_t>(Random() % 255) - 127;
  const std::string weights = Integers(ElementType::kInt8, shape, integers);
  if (axis < 0) return Node("DequantizeLinear", {weights, Floats({}, {scale})});
  const std::int64_t count = shape[static_cast<std::size_t>(axis)];
  std::vector<float> scales;
  for (std::int64_t i = 0; i < count; ++i) scales.push_back(scale * (0.5F + static_cast<float>(i % 7) / 7));
  const std::vector<std::int64_t> zeros(static_cast<std::size_t>(count), 0);
  const std::string zero_points = Integers(ElementType::kInt8, {count}, zeros);
  const std::string value = Node("DequantizeLinear", {weights, Floats({count}, scales), zero_points});
  With("axis", axis);
  return value;
}

std::string GraphBuilder::Bias(std::int64_t count, float scale) {
  std::vector<std::int64_t> integers;
  for (std::int64_t i = 0; i < count; ++i)
    integers.push_back(static_cast<std::int64_t>(Random() % 4001) - 2000);
  return Node("DequantizeLinear", {Integers(ElementType::kInt32, {count}, integers), Floats({}, {scale})});
}

}  // namespace paddock
