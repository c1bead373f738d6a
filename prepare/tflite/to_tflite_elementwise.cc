// Arithmetic of two tensors, and functions of one.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "prepare/tflite/to_tflite_weights.h"

namespace paddock {
namespace {

constexpr Quantization kUnitRange = {1.0 / 256, -128};       // of LOGISTIC and SOFTMAX
constexpr Quantization kSignedUnitRange = {1.0 / 128, 0};    // of TANH
constexpr Quantization kLogarithmRange = {16.0 / 256, 127};  // of LOG_SOFTMAX

TfliteOp BinaryOp(std::string_view op_type) {
  return op_type == "Add"   ? TfliteOp::kAdd
         : op_type == "Sub" ? TfliteOp::kSub
         : op_type == "Mul" ? TfliteOp::kMul
                            : TfliteOp::kDiv;
}

Shape PaddedTo(const Shape& shape, std::size_t rank) {
  Shape padded(rank - std::min(rank, shape.size()), 1);
  padded.insert(padded.end(), shape.begin(), shape.end());
  return padded;
}

std::vector<std::int32_t> OrderOf(TensorLayout layout, std::size_t rank) {
  if (layout == TensorLayout::kNhwc) return {0, 2, 3, 1};
  std::vector<std::int32_t> order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

// One side of an arithmetic operator as a tensor of `rank` in `layout`; -1 when it has no int8 form and one is asked for.
Result<std::int32_t> SideOf(ToTflite& to, const onnx::NodeProto& node, int index, std::size_t rank,
                            TensorLayout layout, bool as_int8) {
  const std::string& value = node.input(index);
  const std::vector<std::int32_t> order = OrderOf(layout, rank);
  if (to.IsConstant(value)) {
    PADDOCK_ASSIGN_OR_RETURN(const Shape shape, to.ShapeOf(value));
    const Shape padded = PaddedTo(shape, rank);
    if (as_int8) return AddExactInt8(to, node, value, padded, order);
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> values, to.Floats(node, value));
    Shape own;
    for (const std::int32_t from : order) own.push_back(padded[static_cast<std::size_t>(from)]);
    return to.AddFloats(value, own, Permuted(values, padded, order));
  }
  PADDOCK_ASSIGN_OR_RETURN(const Operand operand, to.Take(node, value, layout));
  if (as_int8 && !operand.is_int8()) return -1;
  std::int32_t tensor = as_int8 ? operand.int8_tensor : to.Float(operand);
  if (operand.shape.size() == rank) return tensor;
  tensor = to.AddReshape(tensor, PaddedTo(operand.shape, rank), value + "/wide");
  return layout == TensorLayout::kNhwc ? to.AddTranspose(tensor, order, value + "/wide_nhwc") : tensor;
}

Result<std::int32_t> FloatScalar(ToTflite& to, const std::string& name, float value) {
  return to.AddFloats(name, {}, {value});
}

}  // namespace

Status ConvertBinary(ToTflite& to, const onnx::NodeProto& node) {
  if (node.input_size() != 2) return ToTflite::Refuse(node, "it has not two inputs");
  PADDOCK_ASSIGN_OR_RETURN(const Shape out, to.ShapeOf(node.output(0)));
  constexpr std::size_t kMaxRank = 4;
  if (out.size() > kMaxRank)
    return ToTflite::Refuse(node, "arithmetic of more than 4 dimensions cannot be converted");
  TensorLayout layout = TensorLayout::kOnnx;
  for (int i = 0; i < 2; ++i) {
    if (to.IsConstant(node.input(i))) continue;
    PADDOCK_ASSIGN_OR_RETURN(const Operand operand, to.TakeAsItIs(node, node.input(i)));
    if (operand.layout == TensorLayout::kNhwc) layout = TensorLayout::kNhwc;
  }
  const Target target = to.TargetOf(node);
  const TfliteOp op = BinaryOp(node.op_type());
  bool is_int8 = target.quantization && op != TfliteOp::kDiv;
  std::vector<std::int32_t> sides;
  // First as int8, if neither side speaks against it.
  for (int i = 0; is_int8 && i < 2; ++i) {
    if (to.IsConstant(node.input(i))) continue;
    PADDOCK_ASSIGN_OR_RETURN(const Operand operand, to.TakeAsItIs(node, node.input(i)));
    is_int8 = operand.is_int8();
  }
  for (int i = 0; is_int8 && i < 2; ++i) {
    PADDOCK_ASSIGN_OR_RETURN(const std::int32_t side, SideOf(to, node, i, out.size(), layout, true));
    sides.push_back(side);
  }
  is_int8 = is_int8 && std::find(sides.begin(), sides.end(), -1) == sides.end();
  for (int i = 0; !is_int8 && i < 2; ++i) {
    if (i == 0) sides.clear();
    PADDOCK_ASSIGN_OR_RETURN(const std::int32_t side, SideOf(to, node, i, out.size(), layout, false));
    sides.push_back(side);
  }
  TfliteOptions options;
  options.activation = target.activation;
  const std::int32_t output = to.AddTensor(target.value, layout == TensorLayout::kNhwc ? NhwcOf(out) : out,
                                           is_int8 ? target.quantization : std::nullopt);
  to.AddOperator(op, sides, output, options);
  return to.Finish(node, target, output, is_int8, layout);
}

Status ConvertUnary(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.TakeAsItIs(node, node.input(0)));
  const Target target = to.TargetOf(node, false);
  const std::string& type = node.op_type();
  TfliteOptions options;
  TfliteOp op = TfliteOp::kRelu;
  std::optional<Quantization> quantization = target.quantization;
  if (type == "Relu") {
    if (input.is_int8() && !quantization) quantization = to.tensor(input.int8_tensor).TensorQuantization();
  } else if (type == "Sigmoid") {
    op = TfliteOp::kLogistic;
    if (quantization) quantization = kUnitRange;
  } else if (type == "Tanh") {
    op = TfliteOp::kTanh;
    if (quantization) quantization = kSignedUnitRange;
  } else if (type == "HardSwish") {
    op = TfliteOp::kHardSwish;
  } else {
    op = TfliteOp::kLeakyRelu;
    options.alpha = static_cast<float>(FloatAttribute(node, "alpha", 0.01));
  }
  const bool is_int8 = input.is_int8() && quantization;
  const std::int32_t source = is_int8 ? input.int8_tensor : to.Float(input);
  const std::int32_t output =
      to.AddTensor(target.value, Shape(to.tensor(source).shape), is_int8 ? quantization : std::nullopt);
  to.AddOperator(op, {source}, output, options);
  return to.Finish(node, target, output, is_int8, input.layout);
}

Result<ClipBounds> ClipBoundsOf(const ToTflite& to, const onnx::NodeProto& node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double bounds[2] = {FloatAttribute(node, "min", -kInfinity), FloatAttribute(node, "max", kInfinity)};
  for (int i = 0; i < 2; ++i) {
    if (!to.HasInput(node, i + 1)) continue;
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> values, to.Floats(node, node.input(i + 1)));
    if (values.size() != 1) return ToTflite::Refuse(node, "its bounds are not single numbers");
    bounds[i] = static_cast<double>(values[0]);
  }
  constexpr double kHuge = 3e38;  // exporters write the largest float for "none"
  if (bounds[0] < -kHuge) bounds[0] = -kInfinity;
  if (bounds[1] > kHuge) bounds[1] = kInfinity;
  return ClipBounds{static_cast<float>(bounds[0]), static_cast<float>(bounds[1])};
}

Status ConvertClip(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const ClipBounds bounds, ClipBoundsOf(to, node));
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.TakeAsItIs(node, node.input(0)));
  const Target target = to.TargetOf(node, false);
  const bool is_relu = bounds.low == 0 && std::isinf(bounds.high);
  if (is_relu || (bounds.low == 0 && bounds.high == 6)) {
    const std::int32_t source = input.is_int8() ? input.int8_tensor : input.float_tensor;
    auto quantization = to.tensor(source).TensorQuantization();
    if (quantization && target.quantization) quantization = target.quantization;
    const std::int32_t output = to.AddTensor(target.value, Shape(to.tensor(source).shape), quantization);
    to.AddOperator(is_relu ? TfliteOp::kRelu : TfliteOp::kRelu6, {source}, output);
    return to.Finish(node, target, output, input.is_int8(), input.layout);
  }
  std::int32_t tensor = to.Float(input);
  const auto limit = [&](TfliteOp op, float bound, const std::string& name) -> Status {
    PADDOCK_ASSIGN_OR_RETURN(const std::int32_t scalar, FloatScalar(to, name + "/bound", bound));
    const std::int32_t output = to.AddTensor(name, Shape(to.tensor(tensor).shape), std::nullopt);
    to.AddOperator(op, {tensor, scalar}, output);
    tensor = output;
    return OkStatus();
  };
  if (!std::isinf(bounds.low))
    PADDOCK_RETURN_IF_ERROR(limit(TfliteOp::kMaximum, bounds.low, target.value + "/low"));
  if (!std::isinf(bounds.high))
    PADDOCK_RETURN_IF_ERROR(limit(TfliteOp::kMinimum, bounds.high, target.value + "/high"));
  return to.Finish(node, target, tensor, false, input.layout);
}

// max(0, min(1, alpha * x + beta)) = min(6, max(0, 6 * alpha * x + 6 * beta)) / 6
Status ConvertHardSigmoid(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.TakeAsItIs(node, node.input(0)));
  const Target target = to.TargetOf(node, false);
  const std::int32_t source = to.Float(input);
  const auto step = [&](TfliteOp op, std::int32_t from, double number, TfliteActivation activation,
                        const std::string& name) -> Result<std::int32_t> {
    PADDOCK_ASSIGN_OR_RETURN(const std::int32_t scalar,
                             FloatScalar(to, name + "/number", static_cast<float>(number)));
    const std::int32_t output = to.AddTensor(name, Shape(to.tensor(source).shape), std::nullopt);
    TfliteOptions options;
    options.activation = activation;
    to.AddOperator(op, {from, scalar}, output, options);
    return output;
  };
  constexpr auto kNone = TfliteActivation::kNone;
  PADDOCK_ASSIGN_OR_RETURN(
      const std::int32_t scaled,
      step(TfliteOp::kMul, source, 6 * FloatAttribute(node, "alpha", 0.2), kNone, target.value + "/scaled"));
  PADDOCK_ASSIGN_OR_RETURN(const std::int32_t clipped,
                           step(TfliteOp::kAdd, scaled, 6 * FloatAttribute(node, "beta", 0.5),
                                TfliteActivation::kRelu6, target.value + "/clipped"));
  PADDOCK_ASSIGN_OR_RETURN(const std::int32_t output,
                           step(TfliteOp::kMul, clipped, 1.0 / 6, kNone, target.value));
  return to.Finish(node, target, output, false, input.layout);
}

Status ConvertSoftmax(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(Operand input, to.TakeAsItIs(node, node.input(0)));
  const auto rank = static_cast<std::int64_t>(input.shape.size());
  const bool is_old = to.graph().opset() < 13;  // all dimensions from `axis` on are one
  std::int64_t axis = IntAttribute(node, "axis", is_old ? 1 : -1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return ToTflite::Refuse(node, "its axis lies outside of its input");
  std::int64_t behind = 1;
  for (std::int64_t d = axis + 1; d < rank; ++d) behind *= input.shape[static_cast<std::size_t>(d)];
  if (is_old && behind != 1)
    return ToTflite::Refuse(node, "a softmax over several dimensions cannot be converted");
  if (AxisIn(input.layout, axis, input.shape.size()) != rank - 1) {
    const TensorLayout wanted = rank == 4 && axis == 1 ? TensorLayout::kNhwc : TensorLayout::kOnnx;
    PADDOCK_ASSIGN_OR_RETURN(input, to.Take(node, node.input(0), wanted));
  }
  const Target target = to.TargetOf(node, false);
  const bool is_log = node.op_type() == "LogSoftmax";
  const bool is_int8 = input.is_int8() && target.quantization;
  std::int32_t tensor = is_int8 ? input.int8_tensor : to.Float(input);
  // The axis goes last, and back again.
  std::vector<std::int32_t> order(static_cast<std::size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(AxisIn(input.layout, axis, input.shape.size()))], order.back());
  tensor = to.AddTranspose(tensor, order, target.value + "/turned");
  std::optional<Quantization> quantization;
  if (is_int8) quantization = is_log ? kLogarithmRange : kUnitRange;
  const std::int32_t output = to.AddTensor(target.value, Shape(to.tensor(tensor).shape), quantization);
  to.AddOperator(is_log ? TfliteOp::kLogSoftmax : TfliteOp::kSoftmax, {tensor}, output);
  return to.Finish(node, target, to.AddTranspose(output, order, target.value + "/turned_back"), is_int8,
                   input.layout);
}

}  // namespace paddock
