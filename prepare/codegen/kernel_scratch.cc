#include "prepare/codegen/kernel_scratch.h"

namespace paddock {
namespace {

std::uint64_t RoundUpToFour(std::uint64_t value) { return (value + 3) / 4 * 4; }

std::uint64_t Product(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(left) * static_cast<std::uint64_t>(right);
}

// The patches of up to four output pixels as int16, and one patch as it lies in the input where its channels are no whole
// words.
std::uint64_t ConvolutionScratch(const NetworkLayer& layer) {
  const std::int32_t channels = layer.input_size.channels / layer.groups;
  if (channels == 1 && layer.groups > 1 && layer.output_size.channels == layer.groups) {
    // A row of four channels: three rows of the input as int16.
    return static_cast<std::uint64_t>(layer.input_size.width + layer.padding[1] + layer.padding[3]) * 24;
  }
  const std::uint64_t patch =
      RoundUpToFour(Product(layer.kernel[0], layer.kernel[1]) * static_cast<std::uint64_t>(channels));
  const std::uint64_t pixels = Product(layer.output_size.height, layer.output_size.width) < 4 ? 1 : 4;
  return pixels * patch * 2 + (channels % 4 != 0 ? patch : 0);
}

}  // namespace

std::uint64_t KernelScratchBytes(const NetworkLayer& layer, const Network& network) {
  if (network.values[layer.output].type != ElementType::kInt8) return 0;
  if (layer.kind == LayerKind::kConvolution) return ConvolutionScratch(layer);
  if (layer.kind == LayerKind::kDense)
    return RoundUpToFour(static_cast<std::uint64_t>(layer.input_size.channels)) * 2;
  return 0;
}

bool KernelMayOverwrite(const NetworkLayer& layer, const Network& network, std::size_t input) {
  const NetworkValue& from = network.values[layer.inputs[input]];
  const NetworkValue& to = network.values[layer.output];
  if (ElementSize(from.type) != ElementSize(to.type)) return false;
  switch (layer.kind) {
    case LayerKind::kAdd:
    case LayerKind::kMul:
      return from.Elements() == to.Elements();
    case LayerKind::kActivation:
    case LayerKind::kQuantize:
    case LayerKind::kSoftmax:
    case LayerKind::kCopy:
      return true;
    case LayerKind::kDense:
      // Its inputs are widened into the scratch before the first output is written.
      return from.type == ElementType::kInt8;
    case LayerKind::kConvolution: {
      // A block of pixels is widened into the scratch before its outputs are written, and later blocks lie behind them.
      const bool pointwise = layer.kernel == Pair{1, 1} && layer.stride == Pair{1, 1} &&
                             layer.padding == std::array<std::int32_t, 4>{} && layer.groups == 1;
      return pointwise && from.type == ElementType::kInt8 &&
             layer.input_size.channels >= layer.output_size.channels;
    }
    default:
      return false;
  }
}

}  // namespace paddock
