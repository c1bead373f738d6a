// Arithmetic, batch normalisation, activations and softmax.
#include <algorithm>
#include <cmath>
#include <utility>

#include "prepare/codegen/read_onnx.h"

namespace paddock {
namespace {

// Where a constant of this shape has its only dimension of more than one element, as an axis of `of`; absent when it has several
// or does not fit there.
std::optional<std::size_t> OnlyAxis(const Shape& shape, const Shape& of) {
  std::optional<std::size_t> axis;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    const std::size_t from_end = shape.size() - i;
    if (axis || from_end > of.size() || of[of.size() - from_end] != shape[i]) return std::nullopt;
    axis = of.size() - from_end;
  }
  return axis;
}

Status NotBroadcast(const onnx::NodeProto& node, const Shape& a, const Shape& b) {
  return UnsupportedNode(node, "it takes " + ShapeText(a) + " and " + ShapeText(b) +
                                   " together, which is neither equal shapes nor one number per channel");
}

Status CheckFinite(const onnx::NodeProto& node, const std::vector<double>& values) {
  for (const double value : values) {
    if (!std::isfinite(value)) return WrongNode(node, "its constants are not finite");
  }
  return OkStatus();
}

Status ReadWithConstant(DraftReader& reader, const onnx::NodeProto& node, std::size_t input,
                        const Constant& constant, bool is_first) {
  const std::string& type = node.op_type();
  const Shape& shape = reader.shape(input);
  const std::size_t count = constant.values.size();
  if (type == "Div" && is_first) return UnsupportedNode(node, "it divides by what is computed");
  DraftNode affine{.kind = DraftKind::kAffine, .inputs = {input}};
  affine.factors.assign(count, type == "Sub" && is_first ? -1 : 1);
  affine.offsets.assign(count, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const double value = constant.values[i];
    if (type == "Mul") affine.factors[i] = value;
    if (type == "Div") affine.factors[i] = 1 / value;
    if (type == "Add") affine.offsets[i] = value;
    if (type == "Sub") affine.offsets[i] = is_first ? value : -value;
  }
  PADDOCK_RETURN_IF_ERROR(CheckFinite(node, affine.factors));
  PADDOCK_RETURN_IF_ERROR(CheckFinite(node, affine.offsets));
  if (count == 1) {
    if (constant.shape.size() <= shape.size()) return reader.Add(node, std::move(affine), shape);
    Shape result(constant.shape.size() - shape.size(), 1);
    result.insert(result.end(), shape.begin(), shape.end());
    const std::size_t between = reader.AddBetween(node, std::move(affine), shape);
    return reader.Add(node, {.kind = DraftKind::kReshape, .inputs = {between}}, std::move(result));
  }
  if (constant.shape.size() > shape.size()) return NotBroadcast(node, shape, constant.shape);
  if (const auto axis = OnlyAxis(constant.shape, shape)) {
    affine.axis = *axis;
    return reader.Add(node, std::move(affine), shape);
  }
  Shape aligned(shape.size() - constant.shape.size(), 1);
  aligned.insert(aligned.end(), constant.shape.begin(), constant.shape.end());
  if (aligned != shape) return NotBroadcast(node, shape, constant.shape);
  const bool is_product = type == "Mul" || type == "Div";
  if (type == "Sub" && is_first) return UnsupportedNode(node, "it subtracts from a constant");
  DraftNode operation{.kind = is_product ? DraftKind::kMul : DraftKind::kAdd, .inputs = {input}};
  operation.constant = is_product ? std::move(affine.factors) : std::move(affine.offsets);
  return reader.Add(node, std::move(operation), shape);
}

}  // namespace

Status ReadArithmetic(DraftReader& reader, const onnx::NodeProto& node) {
  for (int i = 0; i < 2; ++i) {
    PADDOCK_ASSIGN_OR_RETURN(const Constant* const constant, reader.ConstantInput(node, i));
    if (constant == nullptr) continue;
    PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, 1 - i));
    if (constant->values.empty()) return WrongNode(node, "its constant is empty");
    return ReadWithConstant(reader, node, input, *constant, i == 0);
  }
  const std::string& type = node.op_type();
  if (type == "Sub" || type == "Div") return UnsupportedNode(node, "it takes two computed values");
  PADDOCK_ASSIGN_OR_RETURN(std::size_t first, reader.FloatActivation(node, 0));
  PADDOCK_ASSIGN_OR_RETURN(std::size_t second, reader.FloatActivation(node, 1));
  if (ElementCount(reader.shape(first)) < ElementCount(reader.shape(second))) std::swap(first, second);
  const Shape& shape = reader.shape(first);
  const Shape& other = reader.shape(second);
  const bool is_equal = shape == other;
  const auto axis = OnlyAxis(other, shape);
  if (other.size() > shape.size() || (!is_equal && !axis && ElementCount(other) != 1))
    return NotBroadcast(node, shape, other);
  DraftNode operation{.kind = type == "Mul" ? DraftKind::kMul : DraftKind::kAdd, .inputs = {first, second}};
  if (!is_equal && axis) operation.axis = *axis;
  return reader.Add(node, std::move(operation), shape);
}

Status ReadBatchNormalization(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, 0));
  const Shape& shape = reader.shape(input);
  if (IntAttribute(node, "training_mode", 0) != 0 || IntAttribute(node, "spatial", 1) == 0)
    return UnsupportedNode(node, "it is one for training");
  const std::vector<double>* parameters[4] = {};
  for (int i = 0; i < 4; ++i) {
    PADDOCK_ASSIGN_OR_RETURN(const Constant* const constant,
                             reader.NeedConstant(node, i + 1, "parameter " + std::to_string(i + 1)));
    if (shape.size() < 2 || constant->values.size() != static_cast<std::size_t>(shape[1]))
      return WrongNode(node, "its parameters do not fit its input " + ShapeText(shape));
    parameters[i] = &constant->values;
  }
  const double epsilon = FloatAttribute(node, "epsilon", 1e-5);
  DraftNode affine{.kind = DraftKind::kAffine, .inputs = {input}};
  affine.axis = 1;
  for (std::size_t c = 0; c < parameters[0]->size(); ++c) {
    const double factor = (*parameters[0])[c] / std::sqrt((*parameters[3])[c] + epsilon);
    affine.factors.push_back(factor);
    affine.offsets.push_back((*parameters[1])[c] - (*parameters[2])[c] * factor);
  }
  PADDOCK_RETURN_IF_ERROR(CheckFinite(node, affine.factors));
  PADDOCK_RETURN_IF_ERROR(CheckFinite(node, affine.offsets));
  return reader.Add(node, std::move(affine), shape);
}

Status ReadUnary(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, 0));
  const std::string& type = node.op_type();
  UnaryFunction function;
  if (type == "Relu") function.a = 0;
  if (type == "LeakyRelu") {
    function.kind = UnaryFunction::Kind::kLeakyRelu;
    function.a = FloatAttribute(node, "alpha", static_cast<double>(0.01F));
  }
  if (type == "Sigmoid") function.kind = UnaryFunction::Kind::kSigmoid;
  if (type == "Tanh") function.kind = UnaryFunction::Kind::kTanh;
  if (type == "Clip") {
    function.a = FloatAttribute(node, "min", -kNoLimit);
    function.b = FloatAttribute(node, "max", kNoLimit);
    for (int i = 1; i < 3; ++i) {
      if (!reader.HasInput(node, i)) continue;
      PADDOCK_ASSIGN_OR_RETURN(const Constant* const bound, reader.NeedConstant(node, i, "its bound"));
      if (bound->values.size() != 1) return WrongNode(node, "its bound is no scalar");
      (i == 1 ? function.a : function.b) = bound->values[0];
    }
    if (!(function.a <= function.b)) return UnsupportedNode(node, "its lower bound is above its upper one");
  }
  if (type == "LeakyRelu" && !std::isfinite(function.a)) return WrongNode(node, "its alpha is not finite");
  DraftNode unary{.kind = DraftKind::kUnary, .inputs = {input}};
  unary.functions = {function};
  return reader.Add(node, std::move(unary), reader.shape(input));
}

Status ReadSoftmax(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, 0));
  const Shape shape = reader.shape(input);
  const bool is_flat = reader.opset() < 13;  // over everything from the axis on
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t axis,
                           AxisOf(node, IntAttribute(node, "axis", is_flat ? 1 : -1), shape.size()));
  DraftNode softmax{.kind = DraftKind::kSoftmax, .inputs = {input}};
  softmax.axis = axis;
  if (!is_flat || axis + 1 == shape.size()) return reader.Add(node, std::move(softmax), shape);
  Shape flat = {1, 1};
  for (std::size_t i = 0; i < shape.size(); ++i) flat[i < axis ? 0 : 1] *= shape[i];
  softmax.inputs = {reader.AddBetween(node, {.kind = DraftKind::kReshape, .inputs = {input}}, flat)};
  softmax.axis = 1;
  const std::size_t between = reader.AddBetween(node, std::move(softmax), std::move(flat));
  return reader.Add(node, {.kind = DraftKind::kReshape, .inputs = {between}}, shape);
}

}  // namespace paddock
