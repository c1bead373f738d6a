// Gemm, and MatMul by a constant matrix.
#include <algorithm>
#include <numeric>

#include "prepare/tflite/to_tflite_weights.h"

namespace paddock {
namespace {

struct Dense {
  Shape matrix;                     // as ONNX has it
  std::vector<std::int32_t> order;  // that makes it [output, input]
  std::vector<float> bias;
  const onnx::NodeProto* last = nullptr;
  float factor = 1;  // of the matrix
};

// The constant of an Add that is the only reader of `node`, when it is a bias.
Result<std::optional<std::vector<float>>> BiasBehind(ToTflite& to, const onnx::NodeProto& node,
                                                     std::int64_t outputs) {
  const onnx::NodeProto* const add = to.OnlyReader(node.output(0));
  if (add == nullptr || add->op_type() != "Add" || add->input_size() != 2)
    return std::optional<std::vector<float>>();
  const std::string& other = add->input(add->input(0) == node.output(0) ? 1 : 0);
  if (!to.IsConstant(other)) return std::optional<std::vector<float>>();
  PADDOCK_ASSIGN_OR_RETURN(const Shape shape, to.ShapeOf(other));
  PADDOCK_ASSIGN_OR_RETURN(const Shape own, to.ShapeOf(node.output(0)));
  if (shape.empty() || shape.back() != outputs ||
      ElementCount(shape) != static_cast<std::uint64_t>(outputs) || shape.size() > own.size()) {
    return std::optional<std::vector<float>>();
  }
  PADDOCK_ASSIGN_OR_RETURN(std::vector<float> values, to.Floats(*add, other));
  return std::optional<std::vector<float>>(std::move(values));
}

Result<Dense> DenseOf(ToTflite& to, const onnx::NodeProto& node) {
  if (node.input_size() < 2 || !to.IsConstant(node.input(1)))
    return ToTflite::Refuse(node, "a product of two activations cannot be converted");
  Dense dense;
  PADDOCK_ASSIGN_OR_RETURN(dense.matrix, to.ShapeOf(node.input(1)));
  if (dense.matrix.size() != 2) return ToTflite::Refuse(node, "its constant is no matrix");
  const bool is_gemm = node.op_type() == "Gemm";
  const bool is_transposed = is_gemm && IntAttribute(node, "transB", 0) != 0;
  dense.order = is_transposed ? std::vector<std::int32_t>{0, 1} : std::vector<std::int32_t>{1, 0};
  if (is_gemm && IntAttribute(node, "transA", 0) != 0)
    return ToTflite::Refuse(node, "transA cannot be converted");
  if (is_gemm) dense.factor = static_cast<float>(FloatAttribute(node, "alpha", 1));
  const std::int64_t outputs = dense.matrix[static_cast<std::size_t>(dense.order[0])];
  dense.bias.assign(static_cast<std::size_t>(outputs), 0.0F);
  dense.last = &node;
  if (is_gemm && to.HasInput(node, 2)) {
    if (!to.IsConstant(node.input(2))) return ToTflite::Refuse(node, "its bias is no constant");
    PADDOCK_ASSIGN_OR_RETURN(std::vector<float> bias, to.Floats(node, node.input(2)));
    if (bias.size() != 1 && bias.size() != dense.bias.size())
      return ToTflite::Refuse(node, "its bias has another size than its output");
    for (float& value : bias) value *= static_cast<float>(FloatAttribute(node, "beta", 1));
    bias.resize(dense.bias.size(), bias[0]);
    dense.bias = std::move(bias);
  } else {
    PADDOCK_ASSIGN_OR_RETURN(auto bias, BiasBehind(to, node, outputs));
    if (bias) {
      dense.bias = std::move(*bias);
      dense.last = to.OnlyReader(node.output(0));
      to.MarkDone(dense.last);
    }
  }
  return dense;
}

bool AllEqual(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [&](float value) { return value == values[0]; });
}

}  // namespace

Status ConvertDense(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Dense dense, DenseOf(to, node));
  const std::int64_t outputs = dense.matrix[static_cast<std::size_t>(dense.order[0])];
  const std::int64_t inner = dense.matrix[static_cast<std::size_t>(dense.order[1])];
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.Take(node, node.input(0), TensorLayout::kOnnx));
  PADDOCK_ASSIGN_OR_RETURN(const Shape out, to.ShapeOf(dense.last->output(0)));
  if (input.shape.empty() || input.shape.back() != inner || inner == 0)
    return ToTflite::Refuse(node, "its input does not fit its matrix");
  const auto rows = static_cast<std::int64_t>(*ElementCount(input.shape)) / inner;
  const Target target = to.TargetOf(*dense.last);
  const bool is_int8 =
      input.is_int8() && to.Quantized(node.input(1)) != nullptr && target.quantization && dense.factor == 1;
  const std::string& name = node.output(0);
  TfliteOptions options;
  options.activation = target.activation;

  std::int32_t output = -1;
  if (!is_int8) {
    PADDOCK_ASSIGN_OR_RETURN(std::vector<float> matrix, to.Floats(node, node.input(1)));
    for (float& value : matrix) value *= dense.factor;
    std::int32_t source = to.Float(input);
    if (input.shape.size() != 2) source = to.AddReshape(source, {rows, inner}, name + "/rows");
    const std::vector<std::int32_t> inputs = {
        source, to.AddFloats(node.input(1), {outputs, inner}, Permuted(matrix, dense.matrix, dense.order)),
        to.AddFloats(name + "/bias", {outputs}, dense.bias)};
    output = to.AddTensor(target.value, {rows, outputs}, std::nullopt);
    to.AddOperator(TfliteOp::kFullyConnected, inputs, output, options);
  } else {
    PADDOCK_ASSIGN_OR_RETURN(Int8Weights weights, Int8WeightsOf(to, node, node.input(1), dense.order[0]));
    // FULLY_CONNECTED has one scale; a convolution over one pixel has one per channel.
    const bool is_convolution = !AllEqual(weights.scales);
    if (!is_convolution) weights.scales.resize(1);
    const Shape in_shape = is_convolution ? Shape{rows, 1, 1, inner} : Shape{rows, inner};
    const Shape out_shape = is_convolution ? Shape{rows, 1, 1, outputs} : Shape{rows, outputs};
    const Shape filter = is_convolution ? Shape{outputs, 1, 1, inner} : Shape{outputs, inner};
    std::int32_t source = input.int8_tensor;
    if (to.tensor(source).shape != in_shape) source = to.AddReshape(source, in_shape, name + "/rows");
    const double scale = to.tensor(source).TensorQuantization()->scale;
    const std::vector<std::int32_t> inputs = {
        source,
        AddInt8(to, node.input(1), filter, Permuted(weights.values, dense.matrix, dense.order),
                weights.scales, std::vector<std::int64_t>(weights.scales.size(), 0), 0),
        AddInt32Bias(to, name + "/bias", dense.bias, scale, weights.scales)};
    output = to.AddTensor(target.value, out_shape, target.quantization);
    to.AddOperator(is_convolution ? TfliteOp::kConv2d : TfliteOp::kFullyConnected, inputs, output, options);
  }
  if (to.tensor(output).shape != out) output = to.AddReshape(output, out, target.value + "/shaped");
  return to.Finish(node, target, output, is_int8, TensorLayout::kOnnx);
}

}  // namespace paddock
