#include "prepare/codegen/kernel_scratch.h"

#include <algorithm>

namespace paddock {
namespace {

std::uint64_t RoundUpToFour(std::uint64_t value) { return (value + 3) / 4 * 4; }

const NetworkValue& Input(const NetworkLayer& layer, const Network& network) {
  return network.values[layer.inputs[0]];
}

std::uint64_t Dimension(const NetworkValue& value, std::size_t axis) {
  return static_cast<std::uint64_t>(value.shape[axis]);
}

// The patches of up to four output pixels as int16, and one patch as it lies in the input where its channels are no whole
// words.
std::uint64_t ConvolutionScratch(const NetworkLayer& layer, const Network& network) {
  const NetworkValue& input = Input(layer, network);
  const NetworkValue& output = network.values[layer.output];
  const std::uint64_t channels = Dimension(input, 3) / static_cast<std::uint64_t>(layer.groups);
  if (input.type != ElementType::kInt8) return 0;
  const std::uint64_t patch = RoundUpToFour(static_cast<std::uint64_t>(layer.kernel[0]) *
                                            static_cast<std::uint64_t>(layer.kernel[1]) * channels);
  if (channels == 1 && layer.groups > 1 && Dimension(output, 3) == Dimension(input, 3)) {
    const std::uint64_t columns =
        Dimension(input, 2) + static_cast<std::uint64_t>(layer.padding[1] + layer.padding[3]);
    return columns * 24;  // of four channels: three rows as int16
  }
  const std::uint64_t pixels = Dimension(output, 1) * Dimension(output, 2) < 4 ? 1 : 4;
  return pixels * patch * 2 + (channels % 4 != 0 ? patch : 0);
}

}  // namespace

std::uint64_t KernelScratchBytes(const NetworkLayer& layer, const Network& network) {
  switch (layer.kind) {
    case LayerKind::kConvolution:
      return ConvolutionScratch(layer, network);
    case LayerKind::kDense: {
      const NetworkValue& input = Input(layer, network);
      return input.type == ElementType::kInt8 ? RoundUpToFour(ElementCount(input.shape).value_or(0)) * 2 : 0;
    }
    default:
      return 0;
  }
}

bool KernelMayOverwrite(const NetworkLayer& layer, const Network& network, std::size_t input) {
  const NetworkValue& from = network.values[layer.inputs[input]];
  const NetworkValue& to = network.values[layer.output];
  const bool as_large = from.shape == to.shape && ElementSize(from.type) == ElementSize(to.type) &&
                        from.type != ElementType::kString;
  switch (layer.kind) {
    case LayerKind::kAdd:
    case LayerKind::kMul:
      return as_large;
    case LayerKind::kActivation:
    case LayerKind::kQuantize:
    case LayerKind::kSoftmax:
    case LayerKind::kCopy:
      return ElementSize(from.type) == ElementSize(to.type);
    case LayerKind::kDense:
      // Its inputs are widened into the scratch before the first output is written.
      return from.type == ElementType::kInt8;
    case LayerKind::kConvolution: {
      // A block of pixels is widened into the scratch before its outputs are written, and later blocks lie behind them.
      const bool pointwise = layer.kernel == Pair{1, 1} && layer.stride == Pair{1, 1} &&
                             layer.padding == std::array<std::int32_t, 4>{} && layer.groups == 1;
      return pointwise && from.type == ElementType::kInt8 && from.shape[3] >= to.shape[3];
    }
    default:
      return false;
  }
}

}  // namespace paddock
