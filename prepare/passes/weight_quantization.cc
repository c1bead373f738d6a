#include "prepare/passes/weight_quantization.h"

#include <algorithm>
#include <cmath>

namespace paddock {
namespace {

constexpr double kLargestBias = 1 << 30;  // of 2^31: room for the products that are added
constexpr double kSmallestScale = 1e-12;

std::int64_t RoundedTo(double value, double scale, double limit) {
  return static_cast<std::int64_t>(std::clamp(std::nearbyint(value / scale), -limit, limit));
}

}  // namespace

std::size_t WeightedLayer::ChannelOf(std::size_t element) const {
  std::size_t inner = 1;
  for (std::size_t d = static_cast<std::size_t>(axis) + 1; d < shape.size(); ++d)
    inner *= static_cast<std::size_t>(shape[d]);
  return element / inner % static_cast<std::size_t>(channels());
}

Result<WeightedLayer> ReadWeightedLayer(const OnnxGraph& graph, const onnx::NodeProto& node) {
  WeightedLayer layer;
  const onnx::TensorProto* const weights = graph.Initializer(node.input(1));
  PADDOCK_CHECK(weights != nullptr, "the weights are constant");
  PADDOCK_ASSIGN_OR_RETURN(layer.weights, FiniteFloatsOf(*weights));
  layer.shape.assign(weights->dims().begin(), weights->dims().end());
  const bool is_gemm = node.op_type() == "Gemm";
  if (node.op_type() == "MatMul" || (is_gemm && IntAttribute(node, "transB", 0) == 0)) layer.axis = 1;
  if (node.input_size() > 2 && !node.input(2).empty()) {
    const onnx::TensorProto* const bias = graph.Initializer(node.input(2));
    PADDOCK_CHECK(bias != nullptr, "the bias is constant");
    PADDOCK_ASSIGN_OR_RETURN(layer.bias, FiniteFloatsOf(*bias));
  }
  if (is_gemm) {
    const auto alpha = static_cast<float>(FloatAttribute(node, "alpha", 1));
    const auto beta = static_cast<float>(FloatAttribute(node, "beta", 1));
    for (float& value : layer.weights) value *= alpha;
    for (float& value : layer.bias) value *= beta;
  }
  return layer;
}

QuantizedWeights QuantizeWeights(const WeightedLayer& layer, float input_scale, bool per_channel) {
  const auto channels = static_cast<std::size_t>(layer.channels());
  const auto input = static_cast<double>(input_scale);
  std::vector<double> largest(per_channel ? channels : 1, 0);
  std::vector<double> least(largest.size(), kSmallestScale);
  for (std::size_t i = 0; i < layer.weights.size(); ++i) {
    double& channel = largest[per_channel ? layer.ChannelOf(i) : 0];
    channel = std::max(channel, std::abs(static_cast<double>(layer.weights[i])));
  }
  for (std::size_t c = 0; c < layer.bias.size(); ++c) {
    double& channel = least[per_channel ? c : 0];
    channel = std::max(channel, std::abs(static_cast<double>(layer.bias[c])) / (input * kLargestBias));
  }
  QuantizedWeights result;
  for (std::size_t c = 0; c < largest.size(); ++c) {
    result.scales.push_back(static_cast<float>(std::max(largest[c] / 127, least[c])));
    result.bias_scales.push_back(input_scale * result.scales.back());
  }
  result.weights.reserve(layer.weights.size());
  for (std::size_t i = 0; i < layer.weights.size(); ++i) {
    const float scale = result.scales[per_channel ? layer.ChannelOf(i) : 0];
    result.weights.push_back(
        RoundedTo(static_cast<double>(layer.weights[i]), static_cast<double>(scale), 127));
  }
  for (std::size_t c = 0; c < layer.bias.size(); ++c) {
    const float scale = result.bias_scales[per_channel ? c : 0];
    result.bias.push_back(
        RoundedTo(static_cast<double>(layer.bias[c]), static_cast<double>(scale), 2.0 * kLargestBias - 1));
  }
  return result;
}

}  // namespace paddock
