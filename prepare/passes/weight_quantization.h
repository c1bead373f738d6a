// Weights and biases as integers: int8 weights, symmetric, in [-127, 127]; int32 biases in units of input scale times weight
// scale, as integer kernels add them up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "prepare/onnx_graph.h"

namespace paddock {

// Conv, Gemm or MatMul with constant weights, its factors alpha and beta taken into the numbers.
struct WeightedLayer {
  std::vector<float> weights;
  Shape shape;
  std::int64_t axis = 0;    // of the output channels in `shape`
  std::vector<float> bias;  // empty: none
  std::int64_t channels() const { return shape[static_cast<std::size_t>(axis)]; }
  // The output channel of an element of `weights`.
  std::size_t ChannelOf(std::size_t element) const;
};
// REQUIRES: `node` is one of the three with constant float32 weights, and a bias that is absent or constant.
Result<WeightedLayer> ReadWeightedLayer(const OnnxGraph& graph, const onnx::NodeProto& node);

struct QuantizedWeights {
  std::vector<std::int64_t> weights;
  std::vector<float> scales;       // one per output channel, or one for all
  std::vector<std::int64_t> bias;  // empty: none
  std::vector<float> bias_scales;  // as many as `scales`
};
// Weight scales are max|w| / 127, and more where the bias would not fit into 31 bits. Pure.
QuantizedWeights QuantizeWeights(const WeightedLayer& layer, float input_scale, bool per_channel);

}  // namespace paddock
