#include "prepare/codegen/read_onnx.h"

#include <algorithm>
#include <set>
#include <utility>

namespace paddock {
namespace {

constexpr int kMostNodes = 20'000;
constexpr std::int64_t kOldestOpset = 7;
constexpr std::size_t kMostNumbers = std::size_t{1} << 24;  // in constants, and in what nodes copy of them

using ReadOperator = Status (*)(DraftReader&, const onnx::NodeProto&);
const std::map<std::string, ReadOperator>& Operators() {
  static const std::map<std::string, ReadOperator> kOperators = {
      {"Add", ReadArithmetic},
      {"AveragePool", ReadPool},
      {"BatchNormalization", ReadBatchNormalization},
      {"Cast", ReadCast},
      {"Clip", ReadUnary},
      {"Concat", ReadConcat},
      {"Conv", ReadConvolution},
      {"DequantizeLinear", ReadDequantize},
      {"Div", ReadArithmetic},
      {"Dropout", ReadIdentity},
      {"Flatten", ReadView},
      {"Gemm", ReadDense},
      {"GlobalAveragePool", ReadPool},
      {"Identity", ReadIdentity},
      {"LeakyRelu", ReadUnary},
      {"MatMul", ReadDense},
      {"MaxPool", ReadPool},
      {"Mul", ReadArithmetic},
      {"Pad", ReadPad},
      {"QuantizeLinear", ReadQuantize},
      {"ReduceMean", ReadPool},
      {"Relu", ReadUnary},
      {"Reshape", ReadView},
      {"Sigmoid", ReadUnary},
      {"Softmax", ReadSoftmax},
      {"Squeeze", ReadView},
      {"Sub", ReadArithmetic},
      {"Tanh", ReadUnary},
      {"Transpose", ReadTranspose},
      {"Unsqueeze", ReadView},
  };
  return kOperators;
}

bool Moves(DraftKind kind) {
  return kind == DraftKind::kReshape || kind == DraftKind::kTranspose || kind == DraftKind::kMaxPool;
}

}  // namespace

Result<Draft> ReadDraft(const OnnxGraph& graph) { return DraftReader(graph).Read(); }

Result<Draft> DraftReader::Read() {
  if (opset() < kOldestOpset) {
    return UnimplementedError("the model is of opset " + std::to_string(opset()) +
                              ", and code is generated from opset 7 on; export it with opset 13");
  }
  if (graph_.graph().node_size() > kMostNodes) {
    return UnimplementedError("the model has " + std::to_string(graph_.graph().node_size()) +
                              " nodes, and code is generated for at most " + std::to_string(kMostNodes));
  }
  PADDOCK_RETURN_IF_ERROR(ReadInputs());
  MarkNeeded();
  for (int i = 0; i < graph_.graph().node_size(); ++i) {
    if (needed_[static_cast<std::size_t>(i)]) PADDOCK_RETURN_IF_ERROR(ReadNode(graph_.graph().node(i)));
  }
  for (const auto& output : graph_.graph().output()) {
    const auto found = values_.find(output.name());
    if (found == values_.end()) {
      return UnimplementedError("output '" + output.name() +
                                "' does not depend on the model's inputs; leave it out of the model");
    }
    draft_.output_names.push_back(output.name());
    draft_.outputs.push_back(found->second);
    if (value(found->second).is_unsigned) draft_.outputs.back() = AsUint8(found->second, output.name());
  }
  if (draft_.outputs.empty()) return InvalidArgumentError("the model has no outputs; export it anew");
  return std::move(draft_);
}

Status DraftReader::ReadInputs() {
  for (const auto& input : graph_.graph().input()) {
    const auto info = graph_.Value(input.name());
    const bool is_fit = info && (info->type == ElementType::kFloat32 || info->type == ElementType::kInt8 ||
                                 info->type == ElementType::kUint8);
    if (!is_fit) {
      return UnimplementedError("input '" + input.name() +
                                "' is not float32, int8 or uint8, and code is generated for these; export "
                                "the model with such an input");
    }
    const auto count = ElementCount(info->shape);
    if (!count || *count == 0 || *count > kMostElements) {
      return UnimplementedError("input '" + input.name() + "' has the shape " + ShapeText(info->shape) +
                                ", and code is generated for fixed sizes of at most 2^28 elements; export "
                                "the model with fixed sizes");
    }
    values_[input.name()] = draft_.values.size();
    draft_.inputs.push_back(draft_.values.size());
    draft_.values.push_back({input.name(), info->type, info->shape, {}});
    if (info->type != ElementType::kUint8) continue;
    DraftNode shift{.kind = DraftKind::kQuantize, .name = input.name(), .operators = "uint8 to int8"};
    shift.inputs = {draft_.inputs.back()};
    shift.output = draft_.values.size();
    values_[input.name()] = shift.output;
    draft_.nodes.push_back(std::move(shift));
    draft_.values.push_back({input.name(), ElementType::kInt8, info->shape, {}, true});
  }
  return OkStatus();
}

std::size_t DraftReader::AsUint8(std::size_t index, const std::string& name) {
  DraftNode shift{.kind = DraftKind::kQuantize, .name = name, .operators = "int8 to uint8"};
  shift.inputs = {index};
  shift.output = draft_.values.size();
  draft_.nodes.push_back(std::move(shift));
  DraftValue result = value(index);
  result.type = ElementType::kUint8;
  result.is_unsigned = false;
  if (result.quantization) result.quantization->zero_point += kUint8Offset;
  draft_.values.push_back(std::move(result));
  return draft_.values.size() - 1;
}

void DraftReader::MarkNeeded() {
  const onnx::GraphProto& graph = graph_.graph();
  needed_.assign(static_cast<std::size_t>(graph.node_size()), false);
  std::set<std::string> wanted;
  for (const auto& output : graph.output()) wanted.insert(output.name());
  for (int i = graph.node_size() - 1; i >= 0; --i) {
    const onnx::NodeProto& node = graph.node(i);
    const bool is_needed = std::any_of(node.output().begin(), node.output().end(),
                                       [&](const std::string& name) { return wanted.contains(name); });
    if (!is_needed) continue;
    needed_[static_cast<std::size_t>(i)] = true;
    wanted.insert(node.input().begin(), node.input().end());
  }
}

Status DraftReader::ReadNode(const onnx::NodeProto& node) {
  if (node.output_size() == 0 || node.output(0).empty()) return WrongNode(node, "it has no output");
  for (int i = 1; i < node.output_size(); ++i) {
    const bool is_training_only = node.op_type() == "BatchNormalization" || node.op_type() == "Dropout";
    if (!node.output(i).empty() && !is_training_only) return UnsupportedNode(node, "it has a second output");
  }
  bool is_constant = node.input_size() > 0;
  std::vector<const Constant*> constants;
  for (int i = 0; i < node.input_size(); ++i) {
    PADDOCK_ASSIGN_OR_RETURN(const Constant* const constant, ConstantInput(node, i));
    constants.push_back(constant);
    is_constant = is_constant && (constant != nullptr || !HasInput(node, i));
  }
  const bool is_own = node.domain().empty() || node.domain() == "ai.onnx";
  const auto known = Operators().find(node.op_type());
  if (is_own && node.op_type() == "Shape") {
    PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, Activation(node, 0));
    if (IntAttribute(node, "start", 0) != 0 || IntAttribute(node, "end", kMostNodes) != kMostNodes)
      return UnsupportedNode(node, "it takes a part of the shape");
    const Shape& sizes = shape(input);
    constants_[node.output(0)] = {
        ElementType::kInt64, {static_cast<std::int64_t>(sizes.size())}, {sizes.begin(), sizes.end()}, {}};
    return OkStatus();
  }
  if (is_constant && is_own) {
    PADDOCK_ASSIGN_OR_RETURN(constants_[node.output(0)], FoldConstants(node, constants));
    return OkStatus();
  }
  if (!is_own || known == Operators().end()) {
    const bool is_fused = node.op_type().rfind("QLinear", 0) == 0;
    return UnimplementedError(NodeText(node) + ": no code is generated for the operator " +
                              (is_own ? std::string() : "'" + node.domain() + "'.") + node.op_type() +
                              (is_fused ? "; give the model with QuantizeLinear and DequantizeLinear nodes"
                                        : "; change the model, or run it with a driver that interprets it"));
  }
  return known->second(*this, node);
}

Result<const Constant*> DraftReader::ConstantInput(const onnx::NodeProto& node, int index) {
  if (!HasInput(node, index)) return nullptr;
  const std::string& name = node.input(index);
  if (const auto known = constants_.find(name); known != constants_.end()) return &known->second;
  const onnx::TensorProto* const tensor = graph_.Initializer(name);
  if (tensor == nullptr) return nullptr;
  PADDOCK_ASSIGN_OR_RETURN(Constant constant, ConstantOf(*tensor));
  return Store(name, std::move(constant));
}

Result<const Constant*> DraftReader::Store(const std::string& name, Constant constant) {
  PADDOCK_RETURN_IF_ERROR(Spend(constant.values.size()));
  return &(constants_[name] = std::move(constant));
}

Status DraftReader::Spend(std::size_t numbers) {
  numbers_ += numbers;
  if (numbers_ <= kMostNumbers) return OkStatus();
  return UnimplementedError(
      "the model's constants amount to over 2^24 numbers, more than a microcontroller holds; take a smaller "
      "model");
}

Result<const Constant*> DraftReader::NeedConstant(const onnx::NodeProto& node, int index,
                                                  std::string_view what) {
  PADDOCK_ASSIGN_OR_RETURN(const Constant* const constant, ConstantInput(node, index));
  if (constant != nullptr) return constant;
  if (HasInput(node, index)) return UnsupportedNode(node, std::string(what) + " is computed, not constant");
  return WrongNode(node, std::string(what) + " is missing");
}

Result<std::vector<std::int64_t>> DraftReader::NeedIntegers(const onnx::NodeProto& node, int index,
                                                            std::string_view what) {
  PADDOCK_ASSIGN_OR_RETURN(const Constant* const constant, NeedConstant(node, index, what));
  std::vector<std::int64_t> result;
  for (const double one : constant->values) {
    if (!(one > -9e15 && one < 9e15)) return WrongNode(node, std::string(what) + " is beyond all bounds");
    result.push_back(static_cast<std::int64_t>(one));
  }
  return result;
}

Result<std::optional<std::vector<std::int64_t>>> DraftReader::AxesOf(const onnx::NodeProto& node) {
  if (HasInput(node, 1)) {
    PADDOCK_ASSIGN_OR_RETURN(std::vector<std::int64_t> axes, NeedIntegers(node, 1, "its list of axes"));
    return std::optional(std::move(axes));
  }
  std::vector<std::int64_t> axes = IntsAttribute(node, "axes");
  if (axes.empty()) return std::optional<std::vector<std::int64_t>>();
  return std::optional(std::move(axes));
}

Result<std::size_t> DraftReader::Activation(const onnx::NodeProto& node, int index) {
  if (!HasInput(node, index)) return WrongNode(node, "input " + std::to_string(index) + " is missing");
  const auto found = values_.find(node.input(index));
  if (found == values_.end())
    return UnsupportedNode(node, "input " + std::to_string(index) + " is a constant");
  return found->second;
}

Result<std::size_t> DraftReader::FloatActivation(const onnx::NodeProto& node, int index) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t found, Activation(node, index));
  if (value(found).type != ElementType::kFloat32)
    return UnsupportedNode(node, "it computes on integers without a DequantizeLinear");
  return found;
}

Status DraftReader::Add(const onnx::NodeProto& source, DraftNode node, Shape shape) {
  const DraftValue& first = value(node.inputs[0]);
  return AddTyped(source, std::move(node),
                  {"", first.type, std::move(shape), first.quantization, first.is_unsigned});
}

Status DraftReader::AddTyped(const onnx::NodeProto& source, DraftNode node, DraftValue value) {
  PADDOCK_RETURN_IF_ERROR(CheckSizes(source, value.shape));
  PADDOCK_RETURN_IF_ERROR(Spend(node.weights.values.size() + node.factors.size() + node.constant.size()));
  value.name = source.output(0);
  node.name = source.name().empty() ? source.output(0) : source.name();
  node.operators = source.op_type();
  node.output = draft_.values.size();
  values_[source.output(0)] = draft_.values.size();
  draft_.values.push_back(std::move(value));
  draft_.nodes.push_back(std::move(node));
  return OkStatus();
}

std::size_t DraftReader::AddBetween(const onnx::NodeProto& source, DraftNode node, Shape shape) {
  const DraftValue& first = value(node.inputs[0]);
  node.name = source.name().empty() ? source.output(0) : source.name();
  node.operators = source.op_type();
  node.output = draft_.values.size();
  draft_.values.push_back(
      {source.output(0), first.type, std::move(shape), first.quantization, first.is_unsigned});
  draft_.nodes.push_back(std::move(node));
  return draft_.values.size() - 1;
}

bool DraftReader::StateQuantization(std::size_t index, const Quantization& quantization) {
  if (value(index).quantization) return *value(index).quantization == quantization;
  value(index).quantization = quantization;
  for (std::size_t n = draft_.nodes.size(); n-- > 0;) {
    const DraftNode& node = draft_.nodes[n];
    if (node.output != index || (!Moves(node.kind) && node.kind != DraftKind::kQuantize)) continue;
    index = node.inputs[0];
    Quantization stated = quantization;
    if (value(index).type == ElementType::kUint8) stated.zero_point += kUint8Offset;
    if (value(index).quantization.value_or(stated) != stated) return false;
    value(index).quantization = stated;
  }
  return true;
}

}  // namespace paddock
