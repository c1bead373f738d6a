// Convolutions, dense layers, and factors and offsets per channel.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "prepare/codegen/lower.h"

namespace paddock {
namespace {

// Beyond these an output is one number whatever the input, or the model is nonsense.
constexpr double kSmallestMultiplier = 1.0 / 4294967296.0;
constexpr double kLargestMultiplier = 65536;
constexpr double kLargestBias = 1 << 30;

ImageSize ImageSizeOf(const Shape& shape) {
  ImageSize size;
  size.channels = static_cast<std::int32_t>(shape[1]);
  size.width = static_cast<std::int32_t>(shape.back());
  if (shape.size() == 4) size.height = static_cast<std::int32_t>(shape[2]);
  return size;
}

std::uint64_t Elements(const ImageSize& size) {
  return static_cast<std::uint64_t>(size.height) * static_cast<std::uint64_t>(size.width) *
         static_cast<std::uint64_t>(size.channels);
}

Status QuantizeChannel(const DraftNode& node, const DraftWeights& weights, std::size_t channel,
                       const Quantization& input, const Quantization& output, NetworkLayer* layer) {
  const std::size_t count = weights.integers.size() / weights.bias.size();
  std::int8_t* const integers = layer->weights.data() + channel * count;
  double scale = weights.scales[channel];
  const double bias = weights.bias[channel];
  // A bias of more than 30 bits takes a larger scale, beside which the weights are small.
  const double least_scale = std::abs(bias) / (input.scale * kLargestBias);
  if (scale < least_scale) {
    for (std::size_t i = 0; i < count; ++i)
      integers[i] = static_cast<std::int8_t>(std::nearbyint(integers[i] * scale / least_scale));
    scale = least_scale;
  }
  std::int64_t sum = 0;
  std::int64_t magnitude = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += integers[i];
    magnitude += std::abs(integers[i]);
  }
  double multiplier = input.scale * scale / output.scale;
  double whole_bias =
      std::nearbyint(bias / (input.scale * scale)) - static_cast<double>(input.zero_point * sum);
  const double reach = std::abs(whole_bias) + 128.0 * static_cast<double>(magnitude);
  if (!(reach < std::numeric_limits<std::int32_t>::max()) || !(multiplier <= kLargestMultiplier)) {
    return UnimplementedError(
        "'" + node.name + "': the sums of output channel " + std::to_string(channel) +
        " reach beyond 32 bits, or its scale is out of proportion; quantise the model anew");
  }
  if (multiplier < kSmallestMultiplier) {
    std::fill(integers, integers + count, std::int8_t{0});
    multiplier = kSmallestMultiplier;
    whole_bias = 0;
  }
  layer->bias.push_back(static_cast<std::int32_t>(whole_bias));
  layer->multipliers.push_back(multiplier);
  return OkStatus();
}

}  // namespace

std::int32_t QuantizedNumber(double number, const Quantization& quantization) {
  const float steps = static_cast<float>(number) / static_cast<float>(quantization.scale);
  const double integer =
      std::nearbyint(static_cast<double>(steps)) + static_cast<double>(quantization.zero_point);
  return static_cast<std::int32_t>(std::clamp(integer, -128.0, 127.0));
}

Status SetWeights(const DraftNode& node, const DraftWeights& weights, const std::vector<std::size_t>& order,
                  const DraftValue& input, const DraftValue& output, NetworkLayer* layer) {
  const std::size_t channels = weights.bias.size();
  const bool is_integer = input.type == ElementType::kInt8;
  for (std::size_t c = 0; c < channels; ++c) {
    for (const std::size_t k : order) {
      const std::size_t from = c * order.size() + k;
      if (is_integer) {
        layer->weights.push_back(weights.integers[from]);
      } else {
        layer->float_weights.push_back(weights.values[from]);
      }
    }
  }
  if (!is_integer) {
    layer->float_bias.assign(weights.bias.begin(), weights.bias.end());
    return OkStatus();
  }
  for (std::size_t c = 0; c < channels; ++c)
    PADDOCK_RETURN_IF_ERROR(
        QuantizeChannel(node, weights, c, *input.quantization, *output.quantization, layer));
  return OkStatus();
}

Status Lowering::LowerConvolution(const DraftNode& node) {
  const std::size_t input = node.inputs[0];
  const Layout wanted = ImageLayout(input);
  NetworkLayer layer = StartLayer(node, LayerKind::kConvolution);
  layer.inputs = {Take(node, input, wanted)};
  layer.input_size = ImageSizeOf(value(input).shape);
  layer.output_size = ImageSizeOf(value(node.output).shape);
  layer.kernel = node.kernel;
  layer.stride = node.stride;
  layer.dilation = node.dilation;
  layer.padding = node.padding;
  layer.groups = node.groups;
  SetBounds(node, &layer);
  const auto channels = static_cast<std::size_t>(node.weights.shape[1]);
  const auto taps = static_cast<std::size_t>(node.kernel[0]) * static_cast<std::size_t>(node.kernel[1]);
  std::vector<std::size_t> order;
  for (std::size_t tap = 0; tap < taps; ++tap) {
    for (std::size_t c = 0; c < channels; ++c) order.push_back(c * taps + tap);
  }
  PADDOCK_RETURN_IF_ERROR(SetWeights(node, node.weights, order, value(input), value(node.output), &layer));
  layer.multiply_accumulates = Elements(layer.output_size) * order.size();
  Finish(node, std::move(layer), ImageLayout(node.output));
  return OkStatus();
}

Status Lowering::LowerDense(const DraftNode& node) {
  const std::size_t input = node.inputs[0];
  const Shape& shape = value(input).shape;
  const auto inputs = static_cast<std::size_t>(shape.back());
  const auto rows = static_cast<std::size_t>(ElementCount(shape).value_or(0)) / inputs;
  const bool is_one_row = rows == 1;
  // Weights can lie as the elements do; several rows are a convolution over a column of pixels.
  NetworkLayer layer = StartLayer(node, is_one_row ? LayerKind::kDense : LayerKind::kConvolution);
  layer.inputs = {is_one_row ? TakeAsIs(input) : Take(node, input, PlainLayout(shape))};
  layer.input_size = {static_cast<std::int32_t>(rows), 1, static_cast<std::int32_t>(inputs)};
  layer.output_size = layer.input_size;
  layer.output_size.channels = static_cast<std::int32_t>(node.weights.shape[0]);
  SetBounds(node, &layer);
  std::vector<std::size_t> order(inputs);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (is_one_row) order = ElementsInOrder(layout(input));
  PADDOCK_RETURN_IF_ERROR(SetWeights(node, node.weights, order, value(input), value(node.output), &layer));
  layer.multiply_accumulates = Elements(layer.output_size) * inputs;
  Finish(node, std::move(layer), PlainLayout(value(node.output).shape));
  return OkStatus();
}

Status Lowering::LowerAffine(const DraftNode& node) {
  const std::size_t input = node.inputs[0];
  const Shape& shape = value(input).shape;
  const std::size_t channels = node.factors.size();
  const bool is_scalar = channels == 1;
  if (is_scalar && IsInteger8(input)) {
    return LowerTable(node, {{UnaryFunction::Kind::kAffine, node.factors[0], node.offsets[0]},
                             {UnaryFunction::Kind::kClip, node.low, node.high}});
  }
  const Layout wanted = is_scalar ? layout(input) : *WithLast(RefinedLayout(input), shape, node.axis);
  std::uint32_t last = Take(node, input, wanted);
  if (IsInteger8(input)) {
    // A convolution of one tap with the weight 1 or -1, the rest of which is in the multipliers.
    NetworkLayer layer = StartLayer(node, LayerKind::kConvolution);
    layer.inputs = {last};
    layer.groups = static_cast<std::int32_t>(channels);
    layer.input_size = {static_cast<std::int32_t>(ElementCount(shape).value_or(0) / channels), 1,
                        layer.groups};
    layer.output_size = layer.input_size;
    SetBounds(node, &layer);
    DraftWeights weights{.shape = {layer.groups, 1}, .values = {}, .bias = node.offsets};
    for (const double factor : node.factors) {
      weights.integers.push_back(factor > 0 ? 127 : factor < 0 ? -127 : 0);
      weights.scales.push_back(factor == 0 ? 1 : std::abs(factor) / 127);
    }
    PADDOCK_RETURN_IF_ERROR(SetWeights(node, weights, {0}, value(input), value(node.output), &layer));
    Finish(node, std::move(layer), wanted);
    return OkStatus();
  }
  const auto differs = [](const std::vector<double>& from, double neutral) {
    return std::any_of(from.begin(), from.end(), [&](double one) { return one != neutral; });
  };
  if (differs(node.factors, 1)) {
    NetworkLayer layer = StartLayer(node, LayerKind::kMul);
    layer.inputs = {last};
    layer.float_constant.assign(node.factors.begin(), node.factors.end());
    last = FinishBetween(node, std::move(layer), wanted);
  }
  if (differs(node.offsets, 0) || last == Take(node, input, wanted)) {
    NetworkLayer layer = StartLayer(node, LayerKind::kAdd);
    layer.inputs = {last};
    layer.float_constant.assign(node.offsets.begin(), node.offsets.end());
    last = FinishBetween(node, std::move(layer), wanted);
  }
  SetBounds(node, &network_.layers.back());
  places_[node.output] = {last, wanted};
  return OkStatus();
}

}  // namespace paddock
