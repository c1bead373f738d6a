#include "prepare/codegen/kernel_scratch.h"

#include "prepare/codegen/kernel_choice.h"

namespace paddock {
namespace {

std::uint64_t RoundUpToFour(std::uint64_t value) { return (value + 3) / 4 * 4; }

std::uint64_t Product(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(left) * static_cast<std::uint64_t>(right);
}

// Columns of the input that a row of output reads, padding included.
std::uint64_t ReadColumns(const NetworkLayer& layer) {
  return Product(layer.output_size.width - 1, layer.stride[1]) +
         Product(layer.kernel[1] - 1, layer.dilation[1]) + 1;
}

// The patches of up to four output pixels as int16, and one patch as it lies in the input where its channels are no whole
// words; of a depthwise one four channels of the rows that a row of output reads, as int16.
std::uint64_t ConvolutionScratch(const NetworkLayer& layer) {
  if (IsDepthwise3x3(layer)) return ReadColumns(layer) * 4 * 4 * 2;
  if (IsDepthwise(layer))
    return ReadColumns(layer) * 4 * RoundUpToFour(static_cast<std::uint64_t>(layer.kernel[0] + 1) / 2 * 4);
  const std::int32_t channels = layer.input_size.channels / layer.groups;
  const std::uint64_t patch =
      RoundUpToFour(Product(layer.kernel[0], layer.kernel[1]) * static_cast<std::uint64_t>(channels));
  const std::uint64_t pixels = Product(layer.output_size.height, layer.output_size.width) < 4 ? 1 : 4;
  return pixels * patch * 2 + (channels % 4 != 0 ? patch : 0);
}

}  // namespace

std::uint64_t KernelScratchBytes(const NetworkLayer& layer, const Network& network) {
  if (network.values[layer.output].type != ElementType::kInt8) return 0;
  if (layer.kind == LayerKind::kConvolution) return ConvolutionScratch(layer);
  // A dense layer is a convolution of a 1 x 1 image.
  if (layer.kind == LayerKind::kDense) return ConvolutionScratch(layer);
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
    case LayerKind::kConvolution:
      if (from.type != ElementType::kInt8) return false;
      // Rows are widened into the scratch before those outputs are written that lie in their place.
      if (IsDepthwise3x3(layer)) return layer.output_size.width <= layer.input_size.width;
      // A block of pixels is widened before its outputs are written, and later blocks lie behind them.
      return IsPointwise(layer) && layer.groups == 1 &&
             layer.input_size.channels >= layer.output_size.channels;
    default:
      return false;
  }
}

}  // namespace paddock
