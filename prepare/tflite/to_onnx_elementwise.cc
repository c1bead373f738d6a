// Arithmetic, functions of one tensor, and operators that move elements.
#include <algorithm>
#include <numeric>

#include "prepare/onnx_graph.h"
#include "prepare/tflite/to_onnx.h"

namespace paddock {
namespace {

const char* OnnxOperator(TfliteOp op) {
  switch (op) {
    case TfliteOp::kAdd:
      return "Add";
    case TfliteOp::kSub:
      return "Sub";
    case TfliteOp::kMul:
      return "Mul";
    case TfliteOp::kDiv:
      return "Div";
    case TfliteOp::kMaximum:
      return "Max";
    case TfliteOp::kMinimum:
      return "Min";
    case TfliteOp::kLogistic:
      return "Sigmoid";
    case TfliteOp::kTanh:
      return "Tanh";
    case TfliteOp::kLogSoftmax:
      return "LogSoftmax";
    default:
      return "Softmax";
  }
}

// The order that an operator of all these inputs works in: channels first only when each of rank 4 can be had so.
ImageOrder CommonOrder(const ToOnnx& to, const TfliteOperator& op) {
  ImageOrder order = ImageOrder::kNhwc;
  for (const std::int32_t index : op.inputs) {
    if (to.OrderOf(index) == ImageOrder::kNchw) order = ImageOrder::kNchw;
  }
  for (const std::int32_t index : op.inputs) {
    if (!to.IsConstant(index) && to.tensor(index).shape.size() != 4) order = ImageOrder::kNhwc;
  }
  return order;
}

}  // namespace

Status ArithmeticToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 2, 2));
  const ImageOrder order = CommonOrder(to, op);
  const std::size_t rank = order == ImageOrder::kNchw ? 4 : 0;
  PADDOCK_ASSIGN_OR_RETURN(const std::string left, to.Take(op, op.inputs[0], order, rank));
  PADDOCK_ASSIGN_OR_RETURN(const std::string right, to.Take(op, op.inputs[1], order, rank));
  const std::string value =
      to.AddNode(OnnxOperator(op.op), {left, right}, to.tensor(op.outputs[0]).name + "/value");
  return to.Define(op, value, order, op.options.activation);
}

Status ConcatenationToOnnx(ToOnnx& to, const TfliteOperator& op) {
  const std::size_t count = std::max<std::size_t>(op.inputs.size(), 1);
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, count, count));
  const auto rank = static_cast<std::int64_t>(to.tensor(op.outputs[0]).shape.size());
  std::int64_t axis = op.options.axis;
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return to.Refuse(op, "its axis lies outside of its output");
  const ImageOrder order = CommonOrder(to, op);
  std::vector<std::string> inputs;
  for (const std::int32_t index : op.inputs) {
    PADDOCK_ASSIGN_OR_RETURN(std::string input, to.Take(op, index, order));
    inputs.push_back(std::move(input));
  }
  const std::string value = to.AddNode("Concat", inputs, to.tensor(op.outputs[0]).name + "/value");
  constexpr std::int64_t kNchwPlaces[] = {0, 2, 3, 1};
  SetIntAttribute(&to.last_node(), "axis", order == ImageOrder::kNchw ? kNchwPlaces[axis] : axis);
  return to.Define(op, value, order, op.options.activation);
}

Status FunctionToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 1, 1));
  const ImageOrder order = to.OrderOf(op.inputs[0]);
  PADDOCK_ASSIGN_OR_RETURN(std::string value, to.Take(op, op.inputs[0], order));
  const std::string base = to.tensor(op.outputs[0]).name + "/value";
  switch (op.op) {
    case TfliteOp::kRelu:
      return to.Define(op, value, order, TfliteActivation::kRelu);
    case TfliteOp::kRelu6:
      return to.Define(op, value, order, TfliteActivation::kRelu6);
    case TfliteOp::kReluN1To1:
      return to.Define(op, value, order, TfliteActivation::kReluN1To1);
    case TfliteOp::kLeakyRelu:
      value = to.AddNode("LeakyRelu", {value}, base);
      SetFloatAttribute(&to.last_node(), "alpha", op.options.alpha);
      break;
    case TfliteOp::kHardSwish: {  // HardSwish itself is younger than opset 13
      const std::string gate = to.AddNode("HardSigmoid", {value}, base + "/gate");
      SetFloatAttribute(&to.last_node(), "alpha", 1.0F / 6);
      SetFloatAttribute(&to.last_node(), "beta", 0.5F);
      value = to.AddNode("Mul", {value, gate}, base);
      break;
    }
    default:
      value = to.AddNode(OnnxOperator(op.op), {value}, base);
  }
  return to.Define(op, value, order);
}

Status SoftmaxToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 1, 1));
  const ImageOrder order = to.OrderOf(op.inputs[0]);
  const std::string base = to.tensor(op.outputs[0]).name + "/value";
  PADDOCK_ASSIGN_OR_RETURN(std::string value, to.Take(op, op.inputs[0], order));
  if (op.op == TfliteOp::kSoftmax && op.options.beta != 1)
    value = to.AddNode("Mul", {value, to.AddFloats(base + "/beta", {}, {op.options.beta})}, base + "/scaled");
  value = to.AddNode(OnnxOperator(op.op), {value}, base);
  SetIntAttribute(&to.last_node(), "axis", order == ImageOrder::kNchw ? 1 : -1);
  return to.Define(op, value, order);
}

Status ReshapeToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 1, 2));
  const TfliteTensor& output = to.tensor(op.outputs[0]);
  if (ElementCount(output.shape) != ElementCount(to.tensor(op.inputs[0]).shape))
    return to.Refuse(op, "it changes the number of elements");
  PADDOCK_ASSIGN_OR_RETURN(const std::string value, to.Take(op, op.inputs[0], ImageOrder::kNhwc));
  return to.Define(op,
                   to.AddNode("Reshape", {value, to.AddIntegers(output.name + "/shape", output.shape)},
                              output.name + "/value"),
                   ImageOrder::kNhwc);
}

Status TransposeToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 2, 2));
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<std::int64_t> order, to.Integers(op, op.inputs[1]));
  std::vector<std::int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::int64_t> expected(to.tensor(op.inputs[0]).shape.size());
  std::iota(expected.begin(), expected.end(), 0);
  if (sorted != expected) return to.Refuse(op, "its order is none");
  PADDOCK_ASSIGN_OR_RETURN(const std::string value, to.Take(op, op.inputs[0], ImageOrder::kNhwc));
  return to.Define(
      op, to.AddNode("Transpose", {value}, to.tensor(op.outputs[0]).name + "/value", {{"perm", order}}),
      ImageOrder::kNhwc);
}

Status QuantizationToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 1, 1));
  if (to.IsConstant(op.inputs[0]) && op.op == TfliteOp::kDequantize) {  // weights of half the size
    PADDOCK_ASSIGN_OR_RETURN(std::vector<float> values, to.Floats(op, op.inputs[0]));
    to.Fold(op.outputs[0], std::move(values));
    return OkStatus();
  }
  const ImageOrder order = to.OrderOf(op.inputs[0]);
  PADDOCK_ASSIGN_OR_RETURN(const std::string value, to.Take(op, op.inputs[0], order));
  return to.Define(op, value, order);
}

}  // namespace paddock
