// Nodes that move elements, and those that quantise them.
#include <algorithm>
#include <cmath>

#include "prepare/tflite/to_tflite_weights.h"

namespace paddock {
namespace {

std::int32_t TensorOfEither(const Operand& operand) {
  return operand.is_int8() ? operand.int8_tensor : operand.float_tensor;
}

Status DefineMoved(ToTflite& to, const onnx::NodeProto& node, const Operand& from, std::int32_t tensor,
                   TensorLayout layout) {
  PADDOCK_ASSIGN_OR_RETURN(const Shape shape, to.ShapeOf(node.output(0)));
  Operand operand{shape, layout, -1, -1};
  (from.is_int8() ? operand.int8_tensor : operand.float_tensor) = tensor;
  to.Define(node.output(0), operand);
  return OkStatus();
}

}  // namespace

Status ConvertIdentity(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.TakeAsItIs(node, node.input(0)));
  to.Define(node.output(0), input);
  return OkStatus();
}

Status ConvertReshape(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Shape shape, to.ShapeOf(node.output(0)));
  PADDOCK_ASSIGN_OR_RETURN(Operand input, to.TakeAsItIs(node, node.input(0)));
  if (ElementCount(shape) != ElementCount(input.shape))
    return ToTflite::Refuse(node, "it changes the number of elements");
  // Where the order of elements is the same in both layouts, one RESHAPE does.
  const bool is_flat =
      input.shape.size() == 4 && (input.shape[1] == 1 || input.shape[2] * input.shape[3] == 1);
  if (!is_flat) {
    PADDOCK_ASSIGN_OR_RETURN(input, to.Take(node, node.input(0), TensorLayout::kOnnx));
  }
  std::int32_t tensor = TensorOfEither(input);
  const bool becomes_nhwc = shape.size() == 4 && (shape[1] == 1 || shape[2] * shape[3] == 1);
  const Shape own = becomes_nhwc ? NhwcOf(shape) : shape;
  if (to.tensor(tensor).shape != own) tensor = to.AddReshape(tensor, own, node.output(0));
  return DefineMoved(to, node, input, tensor, becomes_nhwc ? TensorLayout::kNhwc : TensorLayout::kOnnx);
}

Status ConvertTranspose(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.TakeAsItIs(node, node.input(0)));
  const std::size_t rank = input.shape.size();
  std::vector<std::int64_t> order = IntsAttribute(node, "perm");
  for (std::size_t d = 0; order.size() < rank; ++d) order.push_back(static_cast<std::int64_t>(rank - 1 - d));
  std::vector<std::int32_t> own;
  for (const std::int64_t from : order) {
    if (from < 0 || from >= static_cast<std::int64_t>(rank))
      return ToTflite::Refuse(node, "its order is none");
    own.push_back(AxisIn(input.layout, from, rank));
  }
  constexpr std::size_t kMaxRank = 5;
  if (rank > kMaxRank) return ToTflite::Refuse(node, "more than 5 dimensions cannot be transposed");
  const std::int32_t tensor = TensorOfEither(input);
  if (rank == 4 &&
      own == std::vector<std::int32_t>{0, 3, 1, 2})  // ONNX's order, as it lies with channels last
    return DefineMoved(to, node, input, tensor, TensorLayout::kNhwc);
  return DefineMoved(to, node, input, to.AddTranspose(tensor, own, node.output(0)), TensorLayout::kOnnx);
}

Status ConvertConcat(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Shape shape, to.ShapeOf(node.output(0)));
  TensorLayout layout = TensorLayout::kOnnx;
  std::vector<Operand> operands;
  for (const std::string& value : node.input()) {
    PADDOCK_ASSIGN_OR_RETURN(const Operand operand, to.TakeAsItIs(node, value));
    if (operand.layout == TensorLayout::kNhwc) layout = TensorLayout::kNhwc;
  }
  for (const std::string& value : node.input()) {
    PADDOCK_ASSIGN_OR_RETURN(Operand operand, to.Take(node, value, layout));
    operands.push_back(std::move(operand));
  }
  const Target target = to.TargetOf(node, false);
  bool is_int8 = true;
  std::optional<Quantization> quantization = target.quantization;
  for (const Operand& operand : operands) is_int8 = is_int8 && operand.is_int8();
  if (is_int8 && !quantization) {
    quantization = to.tensor(operands[0].int8_tensor).TensorQuantization();
    for (const Operand& operand : operands)
      is_int8 = is_int8 && to.tensor(operand.int8_tensor).TensorQuantization() == quantization;
  }
  std::vector<std::int32_t> inputs;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    inputs.push_back(is_int8 ? to.AddQuantize(operands[i].int8_tensor, *quantization,
                                              target.value + "/part_" + std::to_string(i))
                             : to.Float(operands[i]));
  }
  TfliteOptions options;
  options.axis = AxisIn(layout, IntAttribute(node, "axis", 1), shape.size());
  const std::int32_t output =
      to.AddTensor(target.value, layout == TensorLayout::kNhwc ? NhwcOf(shape) : shape,
                   is_int8 ? quantization : std::nullopt);
  to.AddOperator(TfliteOp::kConcatenation, inputs, output, options);
  return to.Finish(node, target, output, is_int8, layout);
}

Status ConvertPad(ToTflite& to, const onnx::NodeProto& node) {
  if (TextAttribute(node, "mode", "constant") != "constant")
    return ToTflite::Refuse(node, "only padding by a constant can be converted");
  std::vector<std::int64_t> pads = IntsAttribute(node, "pads");
  if (to.HasInput(node, 1)) {
    PADDOCK_ASSIGN_OR_RETURN(pads, to.Integers(node, node.input(1)));
  }
  std::vector<float> value = {static_cast<float>(FloatAttribute(node, "value", 0))};
  if (to.HasInput(node, 2)) {
    PADDOCK_ASSIGN_OR_RETURN(value, to.Floats(node, node.input(2)));
  }
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.TakeAsItIs(node, node.input(0)));
  const std::size_t rank = input.shape.size();
  constexpr std::size_t kMaxRank = 4;
  if (pads.size() != 2 * rank || value.size() != 1 || rank > kMaxRank || to.HasInput(node, 3))
    return ToTflite::Refuse(node, "its pads are not two per dimension of at most 4");
  std::vector<std::int32_t> own(2 * rank);
  for (std::size_t d = 0; d < rank; ++d) {
    const auto place = static_cast<std::size_t>(AxisIn(input.layout, static_cast<std::int64_t>(d), rank));
    constexpr std::int64_t kMost = 1 << 20;
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      const std::int64_t amount = pads[d + side * rank];
      if (amount < 0 || amount > kMost)
        return ToTflite::Refuse(node, "negative or absurd pads cannot be converted");
      own[2 * place + side] = static_cast<std::int32_t>(amount);
    }
  }
  const Target target = to.TargetOf(node, false);
  const std::int32_t output =
      AddPad(to, TensorOfEither(input), own, value[0] == 0 ? std::nullopt : std::optional<float>(value[0]),
             target.value);
  return to.Finish(node, target, output, input.is_int8(), input.layout);
}

Status ConvertResize(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Shape out, to.ShapeOf(node.output(0)));
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.Take(node, node.input(0), TensorLayout::kNhwc));
  if (out.size() != 4 || out[0] != input.shape[0] || out[1] != input.shape[1])
    return ToTflite::Refuse(node, "only height and width of an image can be resized");
  const std::string mode = TextAttribute(node, "mode", "nearest");
  const std::string coordinates = TextAttribute(node, "coordinate_transformation_mode", "half_pixel");
  const std::string rounding = TextAttribute(node, "nearest_mode", "round_prefer_floor");
  const bool is_nearest = mode == "nearest";
  const bool is_whole = out[2] % input.shape[2] == 0 && out[3] % input.shape[3] == 0;
  TfliteOptions options;
  bool is_known = is_nearest || mode == "linear";
  if (coordinates == "asymmetric") {
    is_known = is_known && (!is_nearest || rounding == "floor");
  } else if (coordinates == "half_pixel" || coordinates == "pytorch_half_pixel") {
    // The nearest of a whole number of equal parts is the part's origin, whatever ties do.
    options.half_pixel_centers = !is_nearest;
    is_known = is_known && (!is_nearest || (is_whole && rounding.starts_with("round")));
  } else {
    options.align_corners = true;
    is_known = is_known && !is_nearest && coordinates == "align_corners";
  }
  if (!is_known) {
    return ToTflite::Refuse(node, "mode '" + mode + "' with '" + coordinates + "' and '" + rounding +
                                      "' has no operator in TensorFlow Lite");
  }
  const Target target = to.TargetOf(node, false);
  const std::int32_t source = is_nearest ? TensorOfEither(input) : to.Float(input);
  const std::int32_t output = to.AddTensor(target.value, NhwcOf(out), to.tensor(source).TensorQuantization());
  const std::vector<std::int32_t> size = {static_cast<std::int32_t>(out[2]),
                                          static_cast<std::int32_t>(out[3])};
  to.AddOperator(is_nearest ? TfliteOp::kResizeNearestNeighbor : TfliteOp::kResizeBilinear,
                 {source, to.AddInt32(target.value + "/size", size)}, output, options);
  return to.Finish(node, target, output, is_nearest && input.is_int8(), TensorLayout::kNhwc);
}

Status ConvertQuantize(ToTflite& to, const onnx::NodeProto& node) {
  if (to.IsConstant(node.input(0))) {
    PADDOCK_ASSIGN_OR_RETURN(const Quantization quantization, to.QuantizationOf(node));
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> values, to.Floats(node, node.input(0)));
    QuantizedConstant constant;
    PADDOCK_ASSIGN_OR_RETURN(constant.shape, to.ShapeOf(node.input(0)));
    constant.scales = {static_cast<float>(quantization.scale)};
    constant.zero_points = {quantization.zero_point};
    for (const float value : values) {
      const double integer = std::nearbyint(static_cast<double>(value) / quantization.scale) +
                             static_cast<double>(quantization.zero_point);
      constant.values.push_back(static_cast<std::int32_t>(std::clamp(integer, -128.0, 127.0)));
    }
    return to.DefineQuantized(node.output(0), std::move(constant));
  }
  PADDOCK_ASSIGN_OR_RETURN(const Quantization quantization, to.QuantizationOf(node));
  PADDOCK_ASSIGN_OR_RETURN(Operand operand, to.TakeAsItIs(node, node.input(0)));
  operand.int8_tensor = to.AddQuantize(TensorOfEither(operand), quantization, node.output(0));
  operand.float_tensor = -1;
  to.Define(node.output(0), operand);
  return OkStatus();
}

Status ConvertDequantize(ToTflite& to, const onnx::NodeProto& node) {
  if (const QuantizedConstant* known = to.Quantized(node.input(0)))
    return to.DefineQuantized(node.output(0), QuantizedConstant(*known));
  const onnx::TensorProto* const tensor = to.graph().Initializer(node.input(0));
  if (tensor == nullptr) {
    PADDOCK_ASSIGN_OR_RETURN(const Quantization quantization, to.QuantizationOf(node));
    PADDOCK_ASSIGN_OR_RETURN(const Operand operand, to.TakeAsItIs(node, node.input(0)));
    if (!operand.is_int8() || to.tensor(operand.int8_tensor).TensorQuantization() != quantization)
      return ToTflite::Refuse(node,
                              "it reads integers by another scale or zero point than they were made with");
    to.Define(node.output(0), operand);
    return OkStatus();
  }
  const auto type = ElementTypeOf(tensor->data_type());
  const std::int64_t shift = type == ElementType::kUint8 ? 128 : 0;
  if (type != ElementType::kInt8 && type != ElementType::kUint8 && type != ElementType::kInt32)
    return ToTflite::Refuse(node, "only constants of int8, uint8 and int32 can be converted");
  QuantizedConstant constant;
  constant.shape.assign(tensor->dims().begin(), tensor->dims().end());
  PADDOCK_ASSIGN_OR_RETURN(const auto values, to.Integers(node, node.input(0)));
  for (const std::int64_t value : values) constant.values.push_back(static_cast<std::int32_t>(value - shift));
  if (node.input_size() < 2) return ToTflite::Refuse(node, "it lacks a scale");
  PADDOCK_ASSIGN_OR_RETURN(constant.scales, to.Floats(node, node.input(1)));
  if (to.HasInput(node, 2)) {
    PADDOCK_ASSIGN_OR_RETURN(constant.zero_points, to.Integers(node, node.input(2)));
  } else {
    constant.zero_points.assign(constant.scales.size(), 0);
  }
  for (std::int64_t& zero : constant.zero_points) zero -= shift;
  std::int64_t axis = IntAttribute(node, "axis", 1);
  if (axis < 0) axis += static_cast<std::int64_t>(constant.shape.size());
  const bool is_per_channel = constant.scales.size() != 1;
  const bool is_axis =
      axis >= 0 && axis < static_cast<std::int64_t>(constant.shape.size()) &&
      constant.shape[static_cast<std::size_t>(axis)] == static_cast<std::int64_t>(constant.scales.size());
  if (constant.scales.empty() || constant.zero_points.size() != constant.scales.size() ||
      (is_per_channel && !is_axis))
    return ToTflite::Refuse(node, "its scales and zero points are not one per channel");
  constant.axis = is_per_channel ? static_cast<std::int32_t>(axis) : 0;
  return to.DefineQuantized(node.output(0), std::move(constant));
}

}  // namespace paddock
