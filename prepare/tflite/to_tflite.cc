#include "prepare/tflite/to_tflite.h"

#include <algorithm>
#include <cmath>

namespace paddock {
namespace {

struct NodeConverter {
  std::string_view op_type;
  Status (*convert)(ToTflite& to, const onnx::NodeProto& node);
};

constexpr NodeConverter kConverters[] = {
    {"Add", ConvertBinary},
    {"AveragePool", ConvertPool},
    {"BatchNormalization", ConvertBatchNormalization},
    {"Clip", ConvertClip},
    {"Concat", ConvertConcat},
    {"Conv", ConvertConvolution},
    {"DequantizeLinear", ConvertDequantize},
    {"Div", ConvertBinary},
    {"Dropout", ConvertIdentity},
    {"Flatten", ConvertReshape},
    {"Gemm", ConvertDense},
    {"GlobalAveragePool", ConvertGlobalAverage},
    {"HardSigmoid", ConvertHardSigmoid},
    {"HardSwish", ConvertUnary},
    {"Identity", ConvertIdentity},
    {"LeakyRelu", ConvertUnary},
    {"LogSoftmax", ConvertSoftmax},
    {"MatMul", ConvertDense},
    {"MaxPool", ConvertPool},
    {"Mul", ConvertBinary},
    {"Pad", ConvertPad},
    {"QuantizeLinear", ConvertQuantize},
    {"ReduceMean", ConvertReduceMean},
    {"Relu", ConvertUnary},
    {"Reshape", ConvertReshape},
    {"Resize", ConvertResize},
    {"Sigmoid", ConvertUnary},
    {"Softmax", ConvertSoftmax},
    {"Squeeze", ConvertReshape},
    {"Sub", ConvertBinary},
    {"Tanh", ConvertUnary},
    {"Transpose", ConvertTranspose},
    {"Unsqueeze", ConvertReshape},
};

// Of these only the first input is data; the others are constants, or a shape that inference already knows.
bool ReadsFirstOnly(std::string_view op_type) {
  for (const std::string_view one : {"Reshape", "Squeeze", "Unsqueeze", "Resize", "Pad", "Clip", "Dropout"}) {
    if (op_type == one) return true;
  }
  return false;
}

Result<const NodeConverter*> ConverterOf(const onnx::NodeProto& node) {
  const bool is_standard = IsStandard(node.domain());
  for (const NodeConverter& converter : kConverters) {
    if (is_standard && converter.op_type == node.op_type()) return &converter;
  }
  return ToTflite::Refuse(
      node, "this operator" + (is_standard ? "" : " of the domain '" + node.domain() + "'") +
                " cannot be converted to TensorFlow Lite" +
                (is_standard ? "" : "; optimize with level=basic, which makes no such operators"));
}

}  // namespace

ToTflite::ToTflite(const OnnxGraph& graph, bool is_float_io)
    : graph_(graph),
      is_float_io_(is_float_io),
      consumers_(graph.Consumers()),
      producers_(graph.Producers()) {}

void ToTflite::Note(const std::string& text) {
  if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) notes_.push_back(text);
}

Result<TfliteModel> ToTflite::Convert() {
  model_.description = "Paddock, from ONNX";
  PADDOCK_RETURN_IF_ERROR(MakeInputs());
  const std::set<std::string> needed = NeededValues();
  std::vector<const onnx::NodeProto*> nodes;
  for (const onnx::NodeProto& node : graph_.graph().node()) {
    const bool is_needed = std::any_of(node.output().begin(), node.output().end(),
                                       [&](const std::string& output) { return needed.contains(output); });
    if (!is_needed) continue;
    // First, since shapes around an unknown operator are not known either.
    PADDOCK_RETURN_IF_ERROR(ConverterOf(node).status());
    nodes.push_back(&node);
  }
  for (const onnx::NodeProto* node : nodes) {
    if (!done_.contains(node)) PADDOCK_RETURN_IF_ERROR(ConvertNode(*node));
  }
  PADDOCK_RETURN_IF_ERROR(MakeOutputs());
  return std::move(model_);
}

std::set<std::string> ToTflite::NeededValues() const {
  std::set<std::string> needed;
  for (const auto& output : graph_.graph().output()) needed.insert(output.name());
  for (int i = graph_.graph().node_size() - 1; i >= 0; --i) {
    const onnx::NodeProto& node = graph_.graph().node(i);
    if (std::none_of(node.output().begin(), node.output().end(),
                     [&](const std::string& output) { return needed.contains(output); })) {
      continue;
    }
    const int count = ReadsFirstOnly(node.op_type()) ? std::min(1, node.input_size()) : node.input_size();
    needed.insert(node.input().begin(), node.input().begin() + count);
  }
  return needed;
}

Status ToTflite::ConvertNode(const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const NodeConverter* const converter, ConverterOf(node));
  for (int i = 1; i < node.output_size(); ++i) {
    if (!node.output(i).empty() && (consumers_.contains(node.output(i)) || graph_.IsOutput(node.output(i))))
      return Refuse(node, "its output number " + std::to_string(i) +
                              " is used, which TensorFlow Lite's operator lacks");
  }
  if (node.input_size() < 1 || node.output_size() < 1) return Refuse(node, "it lacks inputs or outputs");
  return converter->convert(*this, node);
}

Status ToTflite::Refuse(const onnx::NodeProto& node, const std::string& what) {
  return InvalidArgumentError(NodeText(node) + ": " + what +
                              "; run the ONNX model as it is, or export it without this");
}

Status ToTflite::MakeInputs() {
  // Channels are last, unless the model turns its input from NHWC itself.
  const auto turns_itself = [&](const std::string& value) {
    const auto readers = consumers_.find(value);
    if (readers == consumers_.end()) return false;
    return std::all_of(readers->second.begin(), readers->second.end(), [&](int index) {
      const onnx::NodeProto* node = &graph_.graph().node(index);
      while (node->op_type() == "QuantizeLinear" || node->op_type() == "DequantizeLinear") {
        const onnx::NodeProto* const reader = OnlyReader(node->output(0));
        if (reader == nullptr) return false;
        node = reader;
      }
      return node->op_type() == "Transpose" &&
             IntsAttribute(*node, "perm") == std::vector<std::int64_t>{0, 3, 1, 2};
    });
  };
  for (const auto& input : graph_.graph().input()) {
    const auto info = graph_.Value(input.name());
    PADDOCK_ASSIGN_OR_RETURN(const Shape shape, ShapeOf(input.name()));
    Operand operand{shape, TensorLayout::kOnnx, -1, -1};
    if (shape.size() == 4 && !turns_itself(input.name())) operand.layout = TensorLayout::kNhwc;
    const Shape own = operand.layout == TensorLayout::kNhwc ? NhwcOf(shape) : shape;
    const bool is_quantized = info->type == ElementType::kInt8 || info->type == ElementType::kUint8;
    if (info->type != ElementType::kFloat32 && !is_quantized) {
      return InvalidArgumentError(
          "input '" + input.name() + "' is of type " + std::string(ElementTypeName(info->type)) +
          ", and models with float32 or int8 inputs can be converted; export it with float32");
    }
    std::optional<Quantization> quantization;
    if (is_quantized) {
      const onnx::NodeProto* const reader = OnlyReader(input.name());
      if (info->type == ElementType::kUint8 || reader == nullptr || reader->op_type() != "DequantizeLinear") {
        return InvalidArgumentError(
            "input '" + input.name() +
            "' holds integers that no single DequantizeLinear of int8 reads; export the model "
            "with float32 inputs");
      }
      PADDOCK_ASSIGN_OR_RETURN(quantization, QuantizationOf(*reader));
    } else if (!is_float_io_) {
      quantization = ReadersQuantization(input.name(), true);
    }
    const std::int32_t tensor = AddTensor(input.name(), own, quantization);
    (quantization ? operand.int8_tensor : operand.float_tensor) = tensor;
    model_.inputs.push_back(tensor);
    operands_[input.name()] = operand;
  }
  return OkStatus();
}

Status ToTflite::MakeOutputs() {
  std::set<std::int32_t> taken(model_.inputs.begin(), model_.inputs.end());
  for (const auto& output : graph_.graph().output()) {
    onnx::NodeProto exit;  // for messages
    exit.set_op_type("output");
    exit.set_name(output.name());
    PADDOCK_ASSIGN_OR_RETURN(Operand operand, TakeAsItIs(exit, output.name()));
    const auto* maker = Maker(output.name());
    while (maker != nullptr &&
           (maker->op_type() == "QuantizeLinear" || maker->op_type() == "DequantizeLinear"))
      maker = Maker(maker->input(0));
    const bool is_turned = maker != nullptr && maker->op_type() == "Transpose";
    if (operand.shape.size() == 4 && !is_turned) {
      PADDOCK_ASSIGN_OR_RETURN(operand, Take(exit, output.name(), TensorLayout::kNhwc));
    }
    const bool is_integer = graph_.Value(output.name())->type != ElementType::kFloat32;
    if (is_integer && !operand.is_int8())
      return Refuse(exit, "it holds integers that are not quantised numbers");
    const bool stays_int8 = operand.is_int8() && (is_integer || !is_float_io_);
    std::int32_t tensor = stays_int8 ? operand.int8_tensor : Float(operand);
    if (model_.IsConstant(tensor) || taken.contains(tensor))
      tensor = AddReshape(tensor, this->tensor(tensor).shape, output.name());
    taken.insert(tensor);
    this->tensor(tensor).name = output.name();
    model_.outputs.push_back(tensor);
  }
  return OkStatus();
}

}  // namespace paddock
