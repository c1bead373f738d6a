// Questions about one node of an OnnxGraph.
#include <set>

#include "prepare/onnx_graph.h"

namespace paddock {
namespace {

const onnx::AttributeProto* Attribute(const onnx::NodeProto& node, std::string_view name) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

onnx::AttributeProto* NewAttribute(onnx::NodeProto* node, const std::string& name) {
  for (auto& attribute : *node->mutable_attribute()) {
    if (attribute.name() != name) continue;
    attribute.Clear();
    attribute.set_name(name);
    return &attribute;
  }
  auto* const attribute = node->add_attribute();
  attribute->set_name(name);
  return attribute;
}

// Of one sample: an open first dimension counts once.
std::optional<std::uint64_t> SampleElements(const OnnxGraph& graph, const std::string& value) {
  const auto info = graph.Value(value);
  if (!info) return std::nullopt;
  Shape shape = info->shape;
  if (!shape.empty() && shape[0] < 0) shape[0] = 1;
  return ElementCount(shape);
}

// Absent too when nobody could do so much.
std::optional<std::uint64_t> Product(std::optional<std::uint64_t> elements, std::uint64_t each) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
  if (!elements || (each != 0 && *elements > kMost / each)) return std::nullopt;
  return *elements * each;
}

}  // namespace

bool IsStandard(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

std::string NodeText(const onnx::NodeProto& node) {
  const std::string& name = !node.name().empty() || node.output_size() == 0 ? node.name() : node.output(0);
  return node.op_type() + " '" + name.substr(0, 200) + "'";
}

std::int64_t IntAttribute(const onnx::NodeProto& node, std::string_view name, std::int64_t fallback) {
  const auto* const attribute = Attribute(node, name);
  return attribute == nullptr ? fallback : attribute->i();
}

double FloatAttribute(const onnx::NodeProto& node, std::string_view name, double fallback) {
  const auto* const attribute = Attribute(node, name);
  return attribute == nullptr ? fallback : static_cast<double>(attribute->f());
}

std::string TextAttribute(const onnx::NodeProto& node, std::string_view name, const std::string& fallback) {
  const auto* const attribute = Attribute(node, name);
  return attribute == nullptr ? fallback : attribute->s();
}

std::vector<std::int64_t> IntsAttribute(const onnx::NodeProto& node, std::string_view name) {
  const auto* const attribute = Attribute(node, name);
  if (attribute == nullptr) return {};
  return {attribute->ints().begin(), attribute->ints().end()};
}

void SetIntAttribute(onnx::NodeProto* node, const std::string& name, std::int64_t value) {
  auto* const attribute = NewAttribute(node, name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
}

void SetIntsAttribute(onnx::NodeProto* node, const std::string& name,
                      const std::vector<std::int64_t>& values) {
  auto* const attribute = NewAttribute(node, name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) attribute->add_ints(value);
}

void SetFloatAttribute(onnx::NodeProto* node, const std::string& name, float value) {
  auto* const attribute = NewAttribute(node, name);
  attribute->set_type(onnx::AttributeProto::FLOAT);
  attribute->set_f(value);
}

void SetTextAttribute(onnx::NodeProto* node, const std::string& name, const std::string& value) {
  auto* const attribute = NewAttribute(node, name);
  attribute->set_type(onnx::AttributeProto::STRING);
  attribute->set_s(value);
}

onnx::NodeProto MakeNode(const std::string& op_type, const std::string& name,
                         const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
  onnx::NodeProto node;
  node.set_op_type(op_type);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  return node;
}

std::optional<std::uint64_t> MultiplyAccumulates(const OnnxGraph& graph, const onnx::NodeProto& node) {
  static const std::set<std::string> kCounted = {"Conv", "ConvTranspose", "ConvInteger",   "QLinearConv",
                                                 "Gemm", "MatMul",        "MatMulInteger", "QLinearMatMul"};
  static const std::set<std::string> kNotCounted = {"DeformConv", "Einsum", "GRU", "LSTM", "RNN"};
  const std::string& type = node.op_type();
  if (!IsStandard(node.domain())) return std::nullopt;
  if (kNotCounted.contains(type)) return std::nullopt;
  if (!kCounted.contains(type)) return 0;
  const int weight_at = type.starts_with("QLinear") ? 3 : 1;
  if (node.input_size() <= weight_at || node.output_size() < 1) return std::nullopt;
  const auto weight = graph.Value(node.input(weight_at));
  if (!weight || weight->shape.empty()) return std::nullopt;
  if (type.find("Conv") != type.npos) {
    // Each output element of a convolution sums over a filter; each input element of a ConvTranspose is spread over one.
    const auto elements = SampleElements(graph, type == "ConvTranspose" ? node.input(0) : node.output(0));
    const auto filters = ElementCount(weight->shape);
    if (!filters || weight->shape[0] <= 0) return std::nullopt;
    return Product(elements, *filters / static_cast<std::uint64_t>(weight->shape[0]));
  }
  const std::size_t rank = weight->shape.size();
  const bool is_transposed = type == "Gemm" && IntAttribute(node, "transB", 0) != 0;
  const std::int64_t inner = weight->shape[rank < 2 ? 0 : is_transposed ? 1 : rank - 2];
  if (inner < 0) return std::nullopt;
  return Product(SampleElements(graph, node.output(0)), static_cast<std::uint64_t>(inner));
}

}  // namespace paddock
