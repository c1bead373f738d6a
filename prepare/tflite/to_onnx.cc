#include "prepare/tflite/to_onnx.h"

#include <algorithm>
#include <cstring>

#include "prepare/onnx_graph.h"
#include "prepare/passes/qdq_writer.h"
#include "prepare/tflite/to_tflite.h"

namespace paddock {
namespace {

constexpr std::int64_t kOnnxOpset = 13;
constexpr std::int64_t kOnnxIrVersion = 7;
constexpr std::size_t kImageRank = 4;

struct OperatorConverter {
  TfliteOp op;
  Status (*convert)(ToOnnx& to, const TfliteOperator& op);
};

constexpr OperatorConverter kOperatorConverters[] = {
    {TfliteOp::kAdd, ArithmeticToOnnx},
    {TfliteOp::kAveragePool2d, PoolToOnnx},
    {TfliteOp::kConcatenation, ConcatenationToOnnx},
    {TfliteOp::kConv2d, ConvolutionToOnnx},
    {TfliteOp::kDepthwiseConv2d, ConvolutionToOnnx},
    {TfliteOp::kDequantize, QuantizationToOnnx},
    {TfliteOp::kDiv, ArithmeticToOnnx},
    {TfliteOp::kExpandDims, ReshapeToOnnx},
    {TfliteOp::kFullyConnected, DenseToOnnx},
    {TfliteOp::kHardSwish, FunctionToOnnx},
    {TfliteOp::kLeakyRelu, FunctionToOnnx},
    {TfliteOp::kLogSoftmax, SoftmaxToOnnx},
    {TfliteOp::kLogistic, FunctionToOnnx},
    {TfliteOp::kMaxPool2d, PoolToOnnx},
    {TfliteOp::kMaximum, ArithmeticToOnnx},
    {TfliteOp::kMean, MeanToOnnx},
    {TfliteOp::kMinimum, ArithmeticToOnnx},
    {TfliteOp::kMul, ArithmeticToOnnx},
    {TfliteOp::kPad, PadToOnnx},
    {TfliteOp::kPadV2, PadToOnnx},
    {TfliteOp::kQuantize, QuantizationToOnnx},
    {TfliteOp::kRelu, FunctionToOnnx},
    {TfliteOp::kRelu6, FunctionToOnnx},
    {TfliteOp::kReluN1To1, FunctionToOnnx},
    {TfliteOp::kReshape, ReshapeToOnnx},
    {TfliteOp::kResizeBilinear, ResizeToOnnx},
    {TfliteOp::kResizeNearestNeighbor, ResizeToOnnx},
    {TfliteOp::kSoftmax, SoftmaxToOnnx},
    {TfliteOp::kSqueeze, ReshapeToOnnx},
    {TfliteOp::kSub, ArithmeticToOnnx},
    {TfliteOp::kTanh, FunctionToOnnx},
    {TfliteOp::kTranspose, TransposeToOnnx},
};

const std::vector<std::int64_t> kToNchw = {0, 3, 1, 2};
const std::vector<std::int64_t> kToNhwc = {0, 2, 3, 1};

void SetValueInfo(const TensorInfo& info, onnx::ValueInfoProto* value) {
  value->set_name(info.name);
  auto* const type = value->mutable_type()->mutable_tensor_type();
  type->set_elem_type(OnnxTypeOf(info.type));
  type->mutable_shape();
  for (const std::int64_t size : info.shape) type->mutable_shape()->add_dim()->set_dim_value(size);
}

}  // namespace

ToOnnx::ToOnnx(const TfliteModel& model) : model_(model) {
  for (const auto* list : {&model.inputs, &model.outputs}) {
    for (const std::int32_t index : *list) names_.insert(tensor(index).name);
  }
}

Status ToOnnx::Refuse(const TfliteOperator& op, const std::string& what) const {
  return InvalidArgumentError(model_.OperatorText(op) + ": " + what +
                              "; run the TensorFlow Lite model as it is, or convert it from its source");
}

Status ToOnnx::CheckArity(const TfliteOperator& op, std::size_t required, std::size_t most) const {
  bool is_right = op.inputs.size() >= required && op.inputs.size() <= most && op.outputs.size() == 1;
  for (std::size_t i = 0; is_right && i < required; ++i) is_right = op.inputs[i] >= 0;
  return is_right ? OkStatus() : Refuse(op, "it has the wrong number of inputs or outputs");
}

bool ToOnnx::HasInput(const TfliteOperator& op, std::size_t index) const {
  return index < op.inputs.size() && op.inputs[index] >= 0;
}

bool ToOnnx::IsQuantized(const TfliteTensor& tensor) const {
  return (tensor.type == ElementType::kInt8 || tensor.type == ElementType::kUint8) && !tensor.scales.empty();
}

Result<onnx::ModelProto> ToOnnx::Convert() {
  made_.set_ir_version(kOnnxIrVersion);
  made_.set_producer_name("paddock");
  made_.add_opset_import()->set_version(kOnnxOpset);
  made_.mutable_graph()->set_name("main");
  PADDOCK_RETURN_IF_ERROR(MakeInputs());
  for (const TfliteOperator& op : model_.operators) PADDOCK_RETURN_IF_ERROR(ConvertOperator(op));
  PADDOCK_RETURN_IF_ERROR(MakeOutputs());
  for (onnx::NodeProto& node : nodes_) *made_.mutable_graph()->add_node() = std::move(node);
  return std::move(made_);
}

Status ToOnnx::ConvertOperator(const TfliteOperator& op) {
  for (const OperatorConverter& converter : kOperatorConverters) {
    if (converter.op == op.op) return converter.convert(*this, op);
  }
  return Refuse(op, "this operator cannot be converted to ONNX");
}

Status ToOnnx::MakeInputs() {
  for (const std::int32_t index : model_.inputs) {
    const TfliteTensor& input = tensor(index);
    const bool is_known =
        input.type == ElementType::kFloat32 || (IsQuantized(input) && input.TensorQuantization());
    if (!is_known) {
      return InvalidArgumentError(
          "input '" + input.name +
          "': only float32 and quantised int8 or uint8 inputs can be converted to ONNX; run "
          "the TensorFlow Lite model as it is");
    }
    for (std::size_t d = 1; d < input.signature.size(); ++d) {
      if (input.signature[d] < 0) {
        return InvalidArgumentError("input '" + input.name + "': dimension " + std::to_string(d) +
                                    " is open; convert the model to .tflite with fixed sizes");
      }
    }
    SetValueInfo({input.name, *input.type, input.shape}, made_.mutable_graph()->add_input());
    std::string value = input.name;
    if (IsQuantized(input)) value = AddDequantize(value, input);
    if (input.type == ElementType::kInt8) value = AddQuantized(value, input);
    values_[index] = {std::move(value), ImageOrder::kNhwc};
  }
  return OkStatus();
}

Status ToOnnx::MakeOutputs() {
  TfliteOperator exit;  // for messages
  for (const std::int32_t index : model_.outputs) {
    const TfliteTensor& output = tensor(index);
    if (std::find(model_.inputs.begin(), model_.inputs.end(), index) != model_.inputs.end())
      return InvalidArgumentError("output '" + output.name +
                                  "' is an input too, which ONNX cannot say; leave it out");
    exit.outputs = {index};
    PADDOCK_ASSIGN_OR_RETURN(std::string value, Take(exit, index, ImageOrder::kNhwc));
    if (IsQuantized(output)) value = AddQuantize(value, output);
    // The node that makes it gets the output's own name.
    bool is_made = false;
    for (onnx::NodeProto& node : nodes_) is_made = is_made || node.output(0) == value;
    if (!is_made) {
      value = AddNode("Identity", {value}, output.name);
    }
    for (onnx::NodeProto& node : nodes_) {
      for (std::string& input : *node.mutable_input()) {
        if (input == value) input = output.name;
      }
      if (node.output(0) == value) node.set_output(0, output.name);
    }
    for (auto& [other, entry] : values_) {
      if (entry.name == value) entry.name = output.name;
    }
    if (!output.type) return InvalidArgumentError("output '" + output.name + "' has an unknown type");
    SetValueInfo({output.name, *output.type, output.shape}, made_.mutable_graph()->add_output());
  }
  return OkStatus();
}

ImageOrder ToOnnx::OrderOf(std::int32_t index) const {
  const auto found = values_.find(index);
  return found == values_.end() ? ImageOrder::kNhwc : found->second.order;
}

Result<std::string> ToOnnx::Take(const TfliteOperator& op, std::int32_t index, ImageOrder order,
                                 std::size_t rank) {
  const auto found = values_.find(index);
  const Shape& shape = tensor(index).shape;
  if (found == values_.end()) {
    if (!IsConstant(index))
      return Refuse(op, "it reads '" + tensor(index).name + "', which was not converted");
    Shape padded(std::max(rank, shape.size()) - shape.size(), 1);
    padded.insert(padded.end(), shape.begin(), shape.end());
    std::vector<std::int32_t> dimensions;
    for (std::size_t d = 0; d < padded.size(); ++d) dimensions.push_back(static_cast<std::int32_t>(d));
    if (order == ImageOrder::kNchw && padded.size() == kImageRank) dimensions = {0, 3, 1, 2};
    return AddConstant(op, index, padded, dimensions, -1, tensor(index).TensorQuantization().has_value());
  }
  if (shape.size() != kImageRank || found->second.order == order) return found->second.name;
  const auto [entry, is_new] = turned_.emplace(std::pair(index, order), "");
  if (is_new) {
    entry->second = AddNode("Transpose", {found->second.name}, tensor(index).name + "/turned",
                            {{"perm", order == ImageOrder::kNchw ? kToNchw : kToNhwc}});
  }
  return entry->second;
}

Status ToOnnx::Define(const TfliteOperator& op, std::string value, ImageOrder order,
                      TfliteActivation activation) {
  const std::int32_t index = op.outputs[0];
  const TfliteTensor& output = tensor(index);
  if (activation == TfliteActivation::kRelu) {
    value = AddNode("Relu", {value}, output.name + "/relu");
  } else if (activation == TfliteActivation::kRelu6 || activation == TfliteActivation::kReluN1To1) {
    const bool is_6 = activation == TfliteActivation::kRelu6;
    value = AddNode(
        "Clip",
        {value, AddFloats("low", {}, {is_6 ? 0.0F : -1.0F}), AddFloats("high", {}, {is_6 ? 6.0F : 1.0F})},
        output.name + "/clip");
  } else if (activation == TfliteActivation::kTanh) {
    value = AddNode("Tanh", {value}, output.name + "/tanh");
  } else if (activation != TfliteActivation::kNone) {
    return Refuse(op, "its activation cannot be converted to ONNX");
  }
  if (IsQuantized(output)) {
    if (!output.TensorQuantization()) return Refuse(op, "its result has a scale per channel");
    value = AddQuantized(value, output);
  } else if (output.type != ElementType::kFloat32) {
    return Refuse(op, "its result is neither float32 nor quantised to int8");
  }
  values_[index] = {std::move(value), order};
  return OkStatus();
}

std::string ToOnnx::NewName(const std::string& base) {
  std::string name = base.empty() ? "value" : base;
  for (int i = 1; !names_.insert(name).second; ++i) name = base + "_" + std::to_string(i);
  return name;
}

std::string ToOnnx::AddNode(
    const std::string& op_type, const std::vector<std::string>& inputs, const std::string& base,
    const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& attributes) {
  const std::string output = NewName(base);
  onnx::NodeProto node = MakeNode(op_type, output, inputs, {output});
  for (const auto& attribute : attributes) SetIntsAttribute(&node, attribute.first, attribute.second);
  nodes_.push_back(std::move(node));
  return output;
}

std::string ToOnnx::AddFloats(const std::string& base, const Shape& shape, const std::vector<float>& values) {
  const std::string name = NewName(base);
  *made_.mutable_graph()->add_initializer() = MakeFloats(name, shape, values);
  return name;
}

std::string ToOnnx::AddIntegers(const std::string& base, const std::vector<std::int64_t>& values) {
  const std::string name = NewName(base);
  *made_.mutable_graph()->add_initializer() =
      MakeIntegers(name, ElementType::kInt64, {static_cast<std::int64_t>(values.size())}, values);
  return name;
}

void ToOnnx::AddQuantizationInputs(const TfliteTensor& tensor, onnx::NodeProto* node) {
  const bool is_scalar = tensor.scales.size() == 1;
  const Shape shape = is_scalar ? Shape() : Shape{static_cast<std::int64_t>(tensor.scales.size())};
  node->add_input(AddFloats(tensor.name + "/scale", shape, tensor.scales));
  const std::string zero = NewName(tensor.name + "/zero_point");
  *made_.mutable_graph()->add_initializer() = MakeIntegers(zero, *tensor.type, shape, tensor.zero_points);
  node->add_input(zero);
}

TfliteTensor ToOnnx::AsUint8(TfliteTensor tensor) {
  if (tensor.type != ElementType::kInt8) return tensor;
  tensor.type = ElementType::kUint8;
  for (std::int64_t& zero_point : tensor.zero_points) zero_point += kUint8Shift;
  return tensor;
}

std::string ToOnnx::AddQuantized(const std::string& value, const TfliteTensor& tensor) {
  const TfliteTensor inside = AsUint8(tensor);
  return AddDequantize(AddQuantize(value, inside), inside);
}

std::string ToOnnx::AddQuantize(const std::string& value, const TfliteTensor& tensor) {
  const std::string output = AddNode("QuantizeLinear", {value}, tensor.name + "/quantized");
  AddQuantizationInputs(tensor, &nodes_.back());
  return output;
}

std::string ToOnnx::AddDequantize(const std::string& value, const TfliteTensor& tensor) {
  const std::string output = AddNode("DequantizeLinear", {value}, tensor.name + "/float");
  AddQuantizationInputs(tensor, &nodes_.back());
  return output;
}

}  // namespace paddock
