// What the ONNX side says of a value, and where a node's result goes.
#include <algorithm>
#include <cmath>

#include "prepare/tflite/to_tflite.h"

namespace paddock {
namespace {

// Nodes that move elements and change none.
bool MovesOnly(std::string_view op_type) {
  for (const std::string_view one :
       {"Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"}) {
    if (op_type == one) return true;
  }
  return false;
}

}  // namespace

Shape NhwcOf(const Shape& shape) { return {shape[0], shape[2], shape[3], shape[1]}; }

std::int32_t AxisIn(TensorLayout layout, std::int64_t axis, std::size_t rank) {
  constexpr std::int32_t kPlaces[] = {0, 3, 1, 2};
  if (axis < 0) axis += static_cast<std::int64_t>(rank);
  return layout == TensorLayout::kNhwc ? kPlaces[axis & 3] : static_cast<std::int32_t>(axis);
}

bool ToTflite::HasInput(const onnx::NodeProto& node, int index) const {
  return index < node.input_size() && !node.input(index).empty();
}

const onnx::NodeProto* ToTflite::Maker(const std::string& value) const {
  const auto found = producers_.find(value);
  return found == producers_.end() ? nullptr : &graph_.graph().node(found->second);
}

Result<Shape> ToTflite::ShapeOf(const std::string& value) const {
  const auto info = graph_.Value(value);
  if (!info) {
    return InvalidArgumentError(
        "the shape of '" + value +
        "' does not follow from the model; export it with fixed shapes, or take the step "
        "'optimize level=basic' before");
  }
  for (std::size_t d = 0; d < info->shape.size(); ++d) {
    if (info->shape[d] >= 0) continue;
    return InvalidArgumentError(
        "dimension " + std::to_string(d) + " of '" + value +
        "' is open, and TensorFlow Lite models have fixed shapes; export the model with "
        "fixed sizes besides the batch dimension");
  }
  constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 30;
  if (const auto count = ElementCount(info->shape); !count || *count > kMaxElements) {
    return InvalidArgumentError("'" + value + "' has the impossible shape " + ShapeText(info->shape) +
                                "; export the model anew");
  }
  return info->shape;
}

const QuantizedConstant* ToTflite::Quantized(const std::string& value) const {
  const auto found = quantized_.find(value);
  return found == quantized_.end() ? nullptr : &found->second;
}

bool ToTflite::IsConstant(const std::string& value) const {
  return graph_.Initializer(value) != nullptr || Quantized(value) != nullptr;
}

Result<std::vector<float>> ToTflite::Floats(const onnx::NodeProto& node, const std::string& value) const {
  if (const QuantizedConstant* constant = Quantized(value)) {
    std::size_t inner = 1;
    for (std::size_t d = static_cast<std::size_t>(constant->axis) + 1; d < constant->shape.size(); ++d)
      inner *= static_cast<std::size_t>(constant->shape[d]);
    std::vector<float> values;
    values.reserve(constant->values.size());
    for (std::size_t i = 0; i < constant->values.size(); ++i) {
      const std::size_t channel = constant->scales.size() == 1 ? 0 : (i / inner) % constant->scales.size();
      values.push_back(static_cast<float>(constant->values[i] - constant->zero_points[channel]) *
                       constant->scales[channel]);
    }
    return values;
  }
  const onnx::TensorProto* const tensor = graph_.Initializer(value);
  if (tensor == nullptr) return Refuse(node, "its input '" + value + "' is no constant");
  auto values = FiniteFloatsOf(*tensor);
  if (!values.ok()) return values.status().WithContext(NodeText(node));
  return values;
}

Result<std::vector<std::int64_t>> ToTflite::Integers(const onnx::NodeProto& node,
                                                     const std::string& value) const {
  const onnx::TensorProto* const tensor = graph_.Initializer(value);
  if (tensor == nullptr) return Refuse(node, "its input '" + value + "' is no constant");
  auto values = IntegersOf(*tensor);
  if (!values.ok()) return values.status().WithContext(NodeText(node));
  return values;
}

Status ToTflite::DefineQuantized(const std::string& value, QuantizedConstant constant) {
  quantized_[value] = std::move(constant);
  return OkStatus();
}

const onnx::NodeProto* ToTflite::OnlyReader(const std::string& value) const {
  const auto found = consumers_.find(value);
  if (found == consumers_.end() || found->second.size() != 1 || graph_.IsOutput(value)) return nullptr;
  return &graph_.graph().node(found->second[0]);
}

Result<Quantization> ToTflite::QuantizationOf(const onnx::NodeProto& node) const {
  if (node.input_size() < 2) return Refuse(node, "it lacks a scale");
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> scales, Floats(node, node.input(1)));
  if (scales.size() != 1) return Refuse(node, "activations with a scale per channel cannot be converted");
  if (!(scales[0] > 0)) return Refuse(node, "its scale is not above 0");
  Quantization result{static_cast<double>(scales[0]), -128};
  if (!HasInput(node, 2)) return result;  // ONNX's default is uint8 with zero point 0
  const onnx::TensorProto* const zero = graph_.Initializer(node.input(2));
  if (zero == nullptr) return Refuse(node, "its zero point is no constant");
  const auto type = ElementTypeOf(zero->data_type());
  if (type != ElementType::kInt8 && type != ElementType::kUint8)
    return Refuse(node, "only int8 and uint8 activations can be converted");
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<std::int64_t> zeros, Integers(node, node.input(2)));
  if (zeros.size() != 1) return Refuse(node, "its zero point is not one number");
  result.zero_point = zeros[0] - (type == ElementType::kUint8 ? 128 : 0);
  return result;
}

std::optional<Quantization> ToTflite::ReadersQuantization(const std::string& value, bool is_entry) const {
  const auto found = consumers_.find(value);
  if (found == consumers_.end() || graph_.IsOutput(value)) return std::nullopt;
  std::optional<Quantization> common;
  for (const int index : found->second) {
    const onnx::NodeProto& reader = graph_.graph().node(index);
    std::optional<Quantization> one;
    if (reader.op_type() == "QuantizeLinear" && reader.input(0) == value) {
      if (const auto quantization = QuantizationOf(reader); quantization.ok()) one = *quantization;
    } else if (is_entry && MovesOnly(reader.op_type()) && reader.input(0) == value) {
      one = ReadersQuantization(reader.output(0), true);
    }
    if (!one || (common && *common != *one)) return std::nullopt;
    common = one;
  }
  return common;
}

Target ToTflite::TargetOf(const onnx::NodeProto& node, bool may_fuse) const {
  Target target;
  target.value = node.output(0);
  const onnx::NodeProto* const reader = may_fuse ? OnlyReader(target.value) : nullptr;
  if (reader != nullptr && reader->op_type() == "Relu") {
    target.activation = TfliteActivation::kRelu;
  } else if (reader != nullptr && reader->op_type() == "Clip" && reader->input(0) == target.value) {
    const auto bounds = ClipBoundsOf(*this, *reader);
    if (bounds.ok() && bounds->low == 0 && bounds->high == 6) target.activation = TfliteActivation::kRelu6;
    if (bounds.ok() && bounds->low == 0 && std::isinf(bounds->high))
      target.activation = TfliteActivation::kRelu;
  }
  if (target.activation != TfliteActivation::kNone) {
    target.value = reader->output(0);
    target.fused_nodes = {producers_.at(target.value)};
  }
  target.quantization = ReadersQuantization(target.value, false);
  return target;
}

}  // namespace paddock
