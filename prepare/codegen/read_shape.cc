// What moves elements or names them anew, and quantisation.
#include <cmath>
#include <utility>

#include "prepare/codegen/read_onnx.h"

namespace paddock {

Status ReadView(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.Activation(node, 0));
  const Shape shape = reader.shape(input);
  const std::string& type = node.op_type();
  DraftNode view{.kind = DraftKind::kReshape, .inputs = {input}};
  if (type == "Flatten") {
    PADDOCK_ASSIGN_OR_RETURN(Shape result, FlattenedShape(node, shape));
    return reader.Add(node, std::move(view), std::move(result));
  }
  if (type == "Squeeze" || type == "Unsqueeze") {
    PADDOCK_ASSIGN_OR_RETURN(const auto axes, reader.AxesOf(node));
    if (type == "Unsqueeze" && !axes) return WrongNode(node, "it has no axes");
    PADDOCK_ASSIGN_OR_RETURN(Shape result, type == "Squeeze" ? SqueezedShape(node, shape, axes)
                                                             : UnsqueezedShape(node, shape, *axes));
    return reader.Add(node, std::move(view), std::move(result));
  }
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<std::int64_t> wanted, reader.NeedIntegers(node, 1, "its shape"));
  PADDOCK_ASSIGN_OR_RETURN(Shape result,
                           ReshapedShape(node, shape, wanted, IntAttribute(node, "allowzero", 0) != 0));
  return reader.Add(node, std::move(view), std::move(result));
}

Status ReadTranspose(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.Activation(node, 0));
  const Shape& shape = reader.shape(input);
  DraftNode transpose{.kind = DraftKind::kTranspose, .inputs = {input}};
  PADDOCK_ASSIGN_OR_RETURN(transpose.axes, PermutationOf(node, shape.size()));
  Shape result;
  for (const std::int64_t axis : transpose.axes) result.push_back(shape[static_cast<std::size_t>(axis)]);
  return reader.Add(node, std::move(transpose), std::move(result));
}

Status ReadIdentity(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.Activation(node, 0));
  reader.Alias(node, input);
  return OkStatus();
}

Status ReadConcat(DraftReader& reader, const onnx::NodeProto& node) {
  DraftNode concat{.kind = DraftKind::kConcat};
  Shape result;
  for (int i = 0; i < node.input_size(); ++i) {
    PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, i));
    const Shape& shape = reader.shape(input);
    concat.inputs.push_back(input);
    if (i == 0) {
      PADDOCK_ASSIGN_OR_RETURN(concat.axis, AxisOf(node, IntAttribute(node, "axis", 0), shape.size()));
      result = shape;
      continue;
    }
    Shape same = result;
    if (shape.size() == same.size()) same[concat.axis] = shape[concat.axis];
    if (same != shape) return WrongNode(node, "it puts " + ShapeText(shape) + " beside " + ShapeText(result));
    result[concat.axis] += shape[concat.axis];
  }
  if (concat.inputs.size() > 1) return reader.Add(node, std::move(concat), std::move(result));
  if (concat.inputs.empty()) return WrongNode(node, "it has no input");
  reader.Alias(node, concat.inputs[0]);
  return OkStatus();
}

namespace {

// Scale and zero point of a node that quantises a whole tensor, as those of int8. `is_unsigned`: the integers are uint8.
Result<Quantization> QuantizationOf(DraftReader& reader, const onnx::NodeProto& node, bool* is_unsigned) {
  PADDOCK_ASSIGN_OR_RETURN(const Constant* const scale, reader.NeedConstant(node, 1, "its scale"));
  PADDOCK_ASSIGN_OR_RETURN(const Constant* const zero_point, reader.ConstantInput(node, 2));
  if (zero_point == nullptr && reader.HasInput(node, 2))
    return UnsupportedNode(node, "its zero point is computed");
  if (scale->values.size() != 1 || (zero_point != nullptr && zero_point->values.size() != 1))
    return UnsupportedNode(node, "it has several scales for what is computed");
  if (!(scale->values[0] > 0) || !std::isfinite(scale->values[0]))
    return WrongNode(node, "its scale is not above 0");
  const ElementType type = zero_point == nullptr ? ElementType::kUint8 : zero_point->type;
  if (type != ElementType::kInt8 && type != ElementType::kUint8)
    return UnsupportedNode(node, "its integers are " + std::string(ElementTypeName(type)));
  if (zero_point == nullptr && IntAttribute(node, "output_dtype", 0) != 0)
    return UnsupportedNode(node, "it states its type in output_dtype");
  *is_unsigned = type == ElementType::kUint8;
  const double zero = zero_point == nullptr ? 0 : zero_point->values[0];
  return Quantization{scale->values[0], static_cast<std::int64_t>(zero) - (*is_unsigned ? kUint8Offset : 0)};
}

}  // namespace

Status ReadQuantize(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, 0));
  bool is_unsigned = false;
  PADDOCK_ASSIGN_OR_RETURN(const Quantization quantization, QuantizationOf(reader, node, &is_unsigned));
  return reader.AddTyped(node, {.kind = DraftKind::kQuantize, .inputs = {input}},
                         {"", ElementType::kInt8, reader.shape(input), quantization, is_unsigned});
}

Status ReadDequantize(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.Activation(node, 0));
  if (reader.value(input).type != ElementType::kInt8) return WrongNode(node, "its input holds no integers");
  bool is_unsigned = reader.value(input).is_unsigned;
  Quantization quantization;
  if (reader.HasInput(node, 2)) {
    PADDOCK_ASSIGN_OR_RETURN(quantization, QuantizationOf(reader, node, &is_unsigned));
  } else {
    PADDOCK_ASSIGN_OR_RETURN(const Constant* const scale, reader.NeedConstant(node, 1, "its scale"));
    if (scale->values.size() != 1 || !(scale->values[0] > 0) || !std::isfinite(scale->values[0]))
      return UnsupportedNode(node, "it has no single scale above 0");
    quantization = {scale->values[0], is_unsigned ? -kUint8Offset : 0};
  }
  if (is_unsigned != reader.value(input).is_unsigned)
    return WrongNode(node, "its zero point has another type than its input");
  if (!reader.StateQuantization(input, quantization))
    return UnsupportedNode(node, "it dequantises with another scale than its input was quantised with");
  return reader.AddTyped(node, {.kind = DraftKind::kDequantize, .inputs = {input}},
                         {"", ElementType::kFloat32, reader.shape(input), {}});
}

Status ReadCast(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.Activation(node, 0));
  if (IntAttribute(node, "to", 0) != onnx::TensorProto::FLOAT)
    return UnsupportedNode(node, "it casts to another type than float32");
  const DraftValue& value = reader.value(input);
  if (value.type == ElementType::kFloat32) return ReadIdentity(reader, node);
  if (!reader.StateQuantization(input, {1, value.is_unsigned ? -kUint8Offset : 0}))
    return UnsupportedNode(node, "it casts integers that stand for other numbers");
  return reader.AddTyped(node, {.kind = DraftKind::kDequantize, .inputs = {input}},
                         {"", ElementType::kFloat32, value.shape, {}});
}

}  // namespace paddock
