#include "prepare/codegen/constants.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "prepare/codegen/shapes.h"

namespace paddock {
namespace {

constexpr std::size_t kLongestList = 65536;

std::pair<double, double> LimitsOf(ElementType type) {
  if (type == ElementType::kUint8) return {0, 255};
  return {-128, 127};
}

// Scales and zero points of a node that quantises along one axis or not at all.
struct Parameters {
  std::vector<double> scales;
  std::vector<double> zero_points;  // as many
  std::size_t axis = 0;
  std::uint64_t stride = 1;  // elements from one index of the axis to the next
  std::size_t IndexOf(std::size_t element) const {
    return scales.size() == 1 ? 0 : element / stride % scales.size();
  }
};

Result<Parameters> ParametersOf(const onnx::NodeProto& node, const Constant& values, const Constant* scale,
                                const Constant* zero_point) {
  if (scale == nullptr || scale->values.empty()) return WrongNode(node, "it has no scale");
  if (IntAttribute(node, "block_size", 0) != 0) return UnsupportedNode(node, "it quantises in blocks");
  Parameters parameters;
  parameters.scales = scale->values;
  for (const double one : parameters.scales) {
    if (!(one > 0)) return WrongNode(node, "its scales are not all above 0");
  }
  parameters.zero_points.assign(parameters.scales.size(), 0);
  if (zero_point != nullptr) {
    if (zero_point->values.size() != parameters.scales.size())
      return WrongNode(node, "its zero points are not as many as its scales");
    parameters.zero_points = zero_point->values;
  }
  if (parameters.scales.size() == 1) return parameters;
  PADDOCK_ASSIGN_OR_RETURN(parameters.axis, AxisOf(node, IntAttribute(node, "axis", 1), values.shape.size()));
  if (scale->shape.size() != 1 ||
      values.shape[parameters.axis] != static_cast<std::int64_t>(parameters.scales.size()))
    return WrongNode(node,
                     "its scales " + ShapeText(scale->shape) + " do not fit " + ShapeText(values.shape));
  for (std::size_t i = parameters.axis + 1; i < values.shape.size(); ++i)
    parameters.stride *= static_cast<std::uint64_t>(values.shape[i]);
  return parameters;
}

Result<Constant> Dequantize(const onnx::NodeProto& node, const Constant& integers, const Constant* scale,
                            const Constant* zero_point) {
  if (integers.type != ElementType::kInt8 && integers.type != ElementType::kUint8 &&
      integers.type != ElementType::kInt32)
    return UnsupportedNode(node, "it dequantises " + std::string(ElementTypeName(integers.type)));
  PADDOCK_ASSIGN_OR_RETURN(const Parameters parameters, ParametersOf(node, integers, scale, zero_point));
  Constant result{ElementType::kFloat32, integers.shape, {}, Constant::Quantized{}};
  Constant::Quantized& quantized = *result.quantized;
  quantized.scales = parameters.scales;
  quantized.axis = parameters.axis;
  for (std::size_t i = 0; i < integers.values.size(); ++i) {
    const std::size_t index = parameters.IndexOf(i);
    const double centred = integers.values[i] - parameters.zero_points[index];
    if (std::abs(centred) > std::numeric_limits<std::int32_t>::max())
      return WrongNode(node, "an integer less its zero point is beyond 32 bits");
    quantized.integers.push_back(static_cast<std::int32_t>(centred));
    result.values.push_back(
        static_cast<double>(static_cast<float>(centred) * static_cast<float>(parameters.scales[index])));
  }
  return result;
}

Result<Constant> Quantize(const onnx::NodeProto& node, const Constant& reals, const Constant* scale,
                          const Constant* zero_point) {
  PADDOCK_ASSIGN_OR_RETURN(const Parameters parameters, ParametersOf(node, reals, scale, zero_point));
  const ElementType type = zero_point == nullptr ? ElementType::kUint8 : zero_point->type;
  if (type != ElementType::kInt8 && type != ElementType::kUint8)
    return UnsupportedNode(node, "it quantises to " + std::string(ElementTypeName(type)));
  const auto [low, high] = LimitsOf(type);
  Constant result{type, reals.shape, {}, {}};
  for (std::size_t i = 0; i < reals.values.size(); ++i) {
    const std::size_t index = parameters.IndexOf(i);
    const float steps = static_cast<float>(reals.values[i]) / static_cast<float>(parameters.scales[index]);
    const double integer = std::nearbyint(static_cast<double>(steps)) + parameters.zero_points[index];
    result.values.push_back(std::clamp(integer, low, high));
  }
  return result;
}

// The same elements in another shape. Scales along an axis must still find it.
Result<Constant> Reshaped(const onnx::NodeProto& node, const Constant& constant, Shape shape) {
  Constant result = constant;
  result.shape = std::move(shape);
  if (!result.quantized || result.quantized->scales.size() == 1) return result;
  const auto tail = [](const Shape& of, std::size_t axis) {
    std::int64_t count = 1;
    for (std::size_t i = axis + 1; i < of.size(); ++i) count *= of[i];
    return count;
  };
  const std::size_t old = constant.quantized->axis;
  for (std::size_t axis = 0; axis < result.shape.size(); ++axis) {
    if (result.shape[axis] != constant.shape[old] || tail(result.shape, axis) != tail(constant.shape, old))
      continue;
    result.quantized->axis = axis;
    return result;
  }
  return UnsupportedNode(node, "it reshapes weights across the axis of their scales");
}

std::vector<std::int64_t> IntegersIn(const Constant& constant) {
  std::vector<std::int64_t> result;
  for (const double value : constant.values) result.push_back(static_cast<std::int64_t>(value));
  return result;
}

// What models compute shapes with: lists of integers.
Result<Constant> ConcatenatedLists(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs) {
  Constant result{inputs[0]->type, {0}, {}, {}};
  for (const Constant* const list : inputs) {
    if (list == nullptr || list->shape.size() != 1 || list->quantized)
      return UnsupportedNode(node, "it puts constants together that are no lists");
    if (result.values.size() + list->values.size() > kLongestList)
      return UnsupportedNode(node, "it makes a list of over 65536 numbers");
    result.values.insert(result.values.end(), list->values.begin(), list->values.end());
  }
  result.shape[0] = static_cast<std::int64_t>(result.values.size());
  return result;
}

Result<Constant> Gathered(const onnx::NodeProto& node, const Constant& list, const Constant* indices) {
  if (indices == nullptr || list.shape.size() != 1 || list.quantized || IntAttribute(node, "axis", 0) != 0)
    return UnsupportedNode(node, "it chooses from a constant that is no list");
  Constant result{list.type, indices->shape, {}, {}};
  for (const double one : indices->values) {
    const double index = one < 0 ? one + static_cast<double>(list.values.size()) : one;
    if (!(index >= 0 && index < static_cast<double>(list.values.size())))
      return WrongNode(node, "it chooses what is not there");
    result.values.push_back(list.values[static_cast<std::size_t>(index)]);
  }
  return result;
}

Result<Constant> Sliced(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs) {
  const Constant& list = *inputs[0];
  const auto number = [&](std::size_t at, double fallback) {
    const bool is_there = inputs.size() > at && inputs[at] != nullptr && inputs[at]->values.size() == 1;
    return is_there ? inputs[at]->values[0] : fallback;
  };
  if (list.shape.size() != 1 || list.quantized || inputs.size() < 3 || number(3, 0) != 0 || number(4, 1) != 1)
    return UnsupportedNode(node, "it cuts from a constant that is no list");
  const auto size = static_cast<double>(list.values.size());
  const auto place = [&](double at) { return std::clamp(at < 0 ? at + size : at, 0.0, size); };
  const double begin = place(number(1, 0));
  const double end = std::max(begin, place(number(2, size)));
  Constant result{list.type, {static_cast<std::int64_t>(end - begin)}, {}, {}};
  result.values.assign(list.values.begin() + static_cast<std::ptrdiff_t>(begin),
                       list.values.begin() + static_cast<std::ptrdiff_t>(end));
  return result;
}

// `axes` as an attribute, or as a second input (from opset 13).
std::optional<std::vector<std::int64_t>> AxesOf(const onnx::NodeProto& node,
                                                const std::vector<const Constant*>& inputs) {
  if (inputs.size() > 1 && inputs[1] != nullptr) return IntegersIn(*inputs[1]);
  std::vector<std::int64_t> axes = IntsAttribute(node, "axes");
  if (axes.empty()) return std::nullopt;
  return axes;
}

Result<Constant> Cast(const onnx::NodeProto& node, const Constant& constant) {
  const auto type = ElementTypeOf(static_cast<std::int32_t>(IntAttribute(node, "to", 0)));
  const bool is_widening =
      type && (IsFloating(*type) ? *type != ElementType::kFloat16 && *type != ElementType::kBfloat16
                                 : *type == constant.type ||
                                       (IsInteger(constant.type) &&
                                        (*type == ElementType::kInt64 || *type == ElementType::kInt32)));
  if (!is_widening) return UnsupportedNode(node, "it casts constants to a narrower type");
  Constant result = constant;
  result.type = *type;
  return result;
}

}  // namespace

Result<Constant> ConstantOf(const onnx::TensorProto& proto) {
  PADDOCK_ASSIGN_OR_RETURN(const Tensor tensor, TensorOf(proto));
  Constant result{tensor.info.type, tensor.info.shape, {}, {}};
  if (result.type == ElementType::kString)
    return InvalidArgumentError("initializer '" + proto.name() + "' holds strings; export the model anew");
  const std::uint64_t count = ElementCount(result.shape).value_or(0);
  result.values.reserve(count);
  const TensorView view = tensor.view();
  for (std::size_t i = 0; i < count; ++i) {
    result.values.push_back(ElementAsDouble(view, i));
    if (std::isnan(result.values.back()))
      return InvalidArgumentError("initializer '" + proto.name() + "' holds NaN; export the model anew");
  }
  return result;
}

Constant TransposedConstant(const Constant& constant, const std::vector<std::int64_t>& permutation) {
  const std::size_t rank = permutation.size();
  Constant result = constant;
  std::vector<std::size_t> strides(rank, 1);
  for (std::size_t i = rank; i-- > 1;)
    strides[i - 1] = strides[i] * static_cast<std::size_t>(constant.shape[i]);
  for (std::size_t i = 0; i < rank; ++i) {
    const auto from = static_cast<std::size_t>(permutation[i]);
    result.shape[i] = constant.shape[from];
    if (constant.quantized && constant.quantized->axis == from) result.quantized->axis = i;
  }
  std::vector<std::int64_t> at(rank, 0);
  for (std::size_t element = 0; element < constant.values.size(); ++element) {
    std::size_t source = 0;
    for (std::size_t i = 0; i < rank; ++i)
      source += static_cast<std::size_t>(at[i]) * strides[static_cast<std::size_t>(permutation[i])];
    result.values[element] = constant.values[source];
    if (constant.quantized) result.quantized->integers[element] = constant.quantized->integers[source];
    for (std::size_t i = rank; i-- > 0;) {
      if (++at[i] < result.shape[i]) break;
      at[i] = 0;
    }
  }
  return result;
}

Result<Constant> FoldConstants(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs) {
  const std::string& type = node.op_type();
  if (inputs.empty() || inputs[0] == nullptr) return WrongNode(node, "it has no input");
  const Constant& first = *inputs[0];
  const Constant* const second = inputs.size() > 1 ? inputs[1] : nullptr;
  const Constant* const third = inputs.size() > 2 ? inputs[2] : nullptr;
  if (type == "DequantizeLinear") return Dequantize(node, first, second, third);
  if (type == "QuantizeLinear") return Quantize(node, first, second, third);
  if (type == "Cast") return Cast(node, first);
  if (type == "Identity") return first;
  if (type == "Concat") return ConcatenatedLists(node, inputs);
  if (type == "Gather") return Gathered(node, first, second);
  if (type == "Slice") return Sliced(node, inputs);
  if (type == "Transpose") {
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<std::int64_t> permutation,
                             PermutationOf(node, first.shape.size()));
    return TransposedConstant(first, permutation);
  }
  std::optional<Result<Shape>> shape;
  if (type == "Flatten") shape = FlattenedShape(node, first.shape);
  if (type == "Squeeze") shape = SqueezedShape(node, first.shape, AxesOf(node, inputs));
  if (type == "Unsqueeze")
    shape = UnsqueezedShape(node, first.shape, AxesOf(node, inputs).value_or(std::vector<std::int64_t>{}));
  if (type == "Reshape" && second != nullptr)
    shape = ReshapedShape(node, first.shape, IntegersIn(*second), IntAttribute(node, "allowzero", 0) != 0);
  if (!shape) {
    return UnimplementedError(NodeText(node) +
                              ": it computes a constant, which the code generator leaves to others; put the "
                              "step `optimize level=basic` before it");
  }
  if (!shape->ok()) return shape->status();

  return Reshaped(node, first, std::move(*shape).value());
}

}  // namespace paddock
