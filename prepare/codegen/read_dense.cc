// Weights, and the dense layers Gemm and MatMul.
#include <algorithm>
#include <cmath>
#include <utility>

#include "prepare/codegen/read_onnx.h"

namespace paddock {

Result<DraftWeights> WeightsOf(const onnx::NodeProto& node, const Constant& weights, const Constant* bias) {
  DraftWeights result{.shape = weights.shape, .values = {weights.values.begin(), weights.values.end()}};
  if (weights.values.empty()) return WrongNode(node, "it has no weights");
  for (const float value : result.values) {
    if (!std::isfinite(value)) return WrongNode(node, "its weights are not finite");
  }
  const auto channels = static_cast<std::size_t>(weights.shape[0]);
  result.bias.assign(channels, 0);
  if (bias != nullptr) result.bias = bias->values;
  for (const double value : result.bias) {
    if (!std::isfinite(value)) return WrongNode(node, "its bias is not finite");
  }
  if (!weights.quantized) return result;
  const Constant::Quantized& quantized = *weights.quantized;
  const bool is_by_channel = quantized.scales.size() == 1 || quantized.axis == 0;
  const auto [least, most] = std::minmax_element(quantized.integers.begin(), quantized.integers.end());
  if (!is_by_channel || *least < -128 || *most > 127) return result;
  result.integers.assign(quantized.integers.begin(), quantized.integers.end());
  result.scales = quantized.scales;
  if (result.scales.size() == 1) result.scales.assign(channels, result.scales[0]);
  return result;
}

Status ReadDense(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, 0));
  PADDOCK_ASSIGN_OR_RETURN(const Constant* const constant, reader.NeedConstant(node, 1, "its weight matrix"));
  const Shape& shape = reader.shape(input);
  const bool is_gemm = node.op_type() == "Gemm";
  if (constant->shape.size() != 2 || shape.empty() || (is_gemm && shape.size() != 2))
    return UnsupportedNode(node, "it multiplies " + ShapeText(shape) + " with " + ShapeText(constant->shape));
  if (is_gemm && IntAttribute(node, "transA", 0) != 0)
    return UnsupportedNode(node, "it transposes its input");
  const bool is_output_first = is_gemm && IntAttribute(node, "transB", 0) != 0;
  const Constant weights = is_output_first ? *constant : TransposedConstant(*constant, {1, 0});
  if (weights.shape[1] != shape.back())
    return WrongNode(node, "it multiplies " + ShapeText(shape) + " with " + ShapeText(constant->shape));
  DraftNode dense{.kind = DraftKind::kDense, .inputs = {input}};
  PADDOCK_ASSIGN_OR_RETURN(dense.weights, WeightsOf(node, weights, nullptr));
  const auto outputs = static_cast<std::size_t>(weights.shape[0]);
  if (is_gemm) {
    const double alpha = FloatAttribute(node, "alpha", 1);
    const double beta = FloatAttribute(node, "beta", 1);
    if (!(alpha > 0 && std::isfinite(alpha))) return UnsupportedNode(node, "its alpha is not above 0");
    for (float& value : dense.weights.values) value = static_cast<float>(alpha * static_cast<double>(value));
    for (double& scale : dense.weights.scales) scale *= alpha;
    PADDOCK_ASSIGN_OR_RETURN(const Constant* const bias, reader.ConstantInput(node, 2));
    if (bias == nullptr && reader.HasInput(node, 2)) return UnsupportedNode(node, "its bias is computed");
    if (bias != nullptr) {
      const std::size_t count = bias->values.size();
      const bool is_row = count == 1 || (count == outputs && bias->shape.back() == weights.shape[0]);
      if (!is_row || bias->shape.size() > 2)
        return UnsupportedNode(node, "its bias " + ShapeText(bias->shape) + " is not one number per output");
      for (std::size_t i = 0; i < outputs; ++i)
        dense.weights.bias[i] = beta * bias->values[count == 1 ? 0 : i];
    }
  }
  Shape result = shape;
  result.back() = weights.shape[0];
  return reader.Add(node, std::move(dense), std::move(result));
}

}  // namespace paddock
