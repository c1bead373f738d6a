// Arithmetic, tables, pools, concatenation and padding.
#include <algorithm>
#include <cmath>
#include <utility>

#include "prepare/codegen/lower.h"

namespace paddock {
namespace {

bool IsLast(const Layout& layout, const Shape& shape, std::size_t axis) {
  const auto last = WithLast(layout, shape, axis);
  return last && IsSameLayout(*last, layout);
}

// Layers whose kernels clamp their output.
bool Clamps(LayerKind kind) {
  return kind == LayerKind::kConvolution || kind == LayerKind::kDense || kind == LayerKind::kAdd ||
         kind == LayerKind::kMul;
}

// The bounds of a table that does nothing but clamp; absent for others.
std::optional<std::pair<std::int32_t, std::int32_t>> ClampOf(const std::array<std::int8_t, 256>& table) {
  const auto [low, high] = std::minmax_element(table.begin(), table.end());
  for (int i = 0; i < 256; ++i) {
    if (table[static_cast<std::size_t>(i)] != std::clamp<int>(i - 128, *low, *high)) return std::nullopt;
  }
  return std::pair<std::int32_t, std::int32_t>(*low, *high);
}

NetworkLayer ActivationLayer(NetworkLayer layer, const UnaryFunction& function) {
  using Kind = UnaryFunction::Kind;
  layer.kind = LayerKind::kActivation;
  if (function.kind == Kind::kSigmoid) layer.activation = ActivationKind::kSigmoid;
  if (function.kind == Kind::kTanh) layer.activation = ActivationKind::kTanh;
  if (function.kind == Kind::kLeakyRelu) {
    layer.activation = ActivationKind::kLeakyRelu;
    layer.slope = static_cast<float>(function.a);
  }
  if (function.kind == Kind::kClip) {
    const bool is_relu = function.a == 0 && (function.b == kNoLimit || function.b == 6);
    layer.activation = !is_relu          ? ActivationKind::kClip
                       : function.b == 6 ? ActivationKind::kRelu6
                                         : ActivationKind::kRelu;
    layer.float_clamp_low = static_cast<float>(function.a);
    layer.float_clamp_high = static_cast<float>(function.b);
  }
  return layer;
}

}  // namespace

Status Lowering::LowerUnary(const DraftNode& node) {
  if (IsInteger8(node.inputs[0])) return LowerTable(node, node.functions);
  const Layout as_is = layout(node.inputs[0]);
  std::uint32_t last = TakeAsIs(node.inputs[0]);
  for (const UnaryFunction& function : node.functions) {
    NetworkLayer layer = ActivationLayer(StartLayer(node, LayerKind::kActivation), function);
    layer.inputs = {last};
    last = FinishBetween(node, std::move(layer), as_is);
  }
  places_[node.output] = {last, as_is};
  return OkStatus();
}

Status Lowering::LowerTable(const DraftNode& node, const std::vector<UnaryFunction>& functions) {
  const std::size_t input = node.inputs[0];
  const Quantization& from = *value(input).quantization;
  const Quantization& to = *value(node.output).quantization;
  NetworkLayer layer = StartLayer(node, LayerKind::kActivation);
  for (int i = 0; i < 256; ++i) {
    const auto centred = static_cast<float>(i - 128 - from.zero_point);
    auto real = static_cast<double>(centred * static_cast<float>(from.scale));
    for (const UnaryFunction& function : functions) real = Apply(function, real);
    layer.table[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(QuantizedNumber(real, to));
  }
  const std::uint32_t source = TakeAsIs(input);
  const bool is_fresh = !network_.layers.empty() && network_.layers.back().output == source;
  const auto clamp = ClampOf(layer.table);
  if (clamp && from == to && reads_[input] == 1 && is_fresh && Clamps(network_.layers.back().kind)) {
    NetworkLayer& before = network_.layers.back();
    before.clamp_low = std::clamp(before.clamp_low, clamp->first, clamp->second);
    before.clamp_high = std::clamp(before.clamp_high, clamp->first, clamp->second);
    before.operators += "+" + node.operators;
    places_[node.output] = places_[input];
    return OkStatus();
  }
  layer.inputs = {source};
  Finish(node, std::move(layer), layout(input));
  return OkStatus();
}

Status Lowering::LowerArithmetic(const DraftNode& node) {
  NetworkLayer layer = StartLayer(node, node.kind == DraftKind::kAdd ? LayerKind::kAdd : LayerKind::kMul);
  SetBounds(node, &layer);
  const std::size_t first = node.inputs[0];
  const Shape& shape = value(first).shape;
  Layout wanted = layout(first);
  if (node.inputs.size() == 1) {
    for (const std::size_t element : ElementsInOrder(wanted))
      layer.float_constant.push_back(static_cast<float>(node.constant[element]));
    layer.inputs = {TakeAsIs(first)};
    Finish(node, std::move(layer), std::move(wanted));
    return OkStatus();
  }
  const std::size_t second = node.inputs[1];
  const std::uint64_t count = ElementCount(value(second).shape).value_or(0);
  Layout other = PlainLayout(value(second).shape);
  if (count == ElementCount(shape)) {
    if (IsSameLayout(wanted, PlainLayout(shape))) wanted = layout(second);
    other = wanted;
  } else if (count > 1 && !IsLast(wanted, shape, node.axis)) {
    wanted = *WithLast(RefinedLayout(first), shape, node.axis);
  }
  layer.inputs = {Take(node, first, wanted), Take(node, second, other)};
  Finish(node, std::move(layer), std::move(wanted));
  return OkStatus();
}

Status Lowering::LowerPool(const DraftNode& node) {
  const std::size_t input = node.inputs[0];
  const bool is_max = node.kind == DraftKind::kMaxPool;
  NetworkLayer layer = StartLayer(node, is_max ? LayerKind::kMaxPool : LayerKind::kAveragePool);
  layer.inputs = {Take(node, input, ImageLayout(input))};
  const auto size_of = [](const Shape& shape) {
    return ImageSize{shape.size() == 4 ? static_cast<std::int32_t>(shape[2]) : 1,
                     static_cast<std::int32_t>(shape.back()), static_cast<std::int32_t>(shape[1])};
  };
  layer.input_size = size_of(value(input).shape);
  layer.output_size = size_of(value(node.output).shape);
  layer.kernel = node.kernel;
  layer.stride = node.stride;
  layer.dilation = node.dilation;
  layer.padding = node.padding;
  layer.count_padding = node.count_padding;
  Finish(node, std::move(layer), ImageLayout(node.output));
  return OkStatus();
}

// A pool over a column of pixels: what is averaged lies in rows, what is kept in channels.
Status Lowering::LowerMean(const DraftNode& node) {
  const std::size_t input = node.inputs[0];
  const Shape& shape = value(input).shape;
  Layout wanted = RefinedLayout(input);
  std::vector<bool> is_reduced(wanted.digits.size());
  std::size_t digit = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const bool is_mean =
        std::find(node.axes.begin(), node.axes.end(), static_cast<std::int64_t>(axis)) != node.axes.end();
    for (std::int64_t rest = shape[axis]; rest > 1; rest /= wanted.digits[digit++])
      is_reduced[digit] = is_mean;
  }
  std::stable_partition(wanted.order.begin(), wanted.order.end(),
                        [&](std::size_t d) { return is_reduced[d]; });
  Layout kept;
  std::vector<std::size_t> renamed(wanted.digits.size());
  NetworkLayer layer = StartLayer(node, LayerKind::kAveragePool);
  for (std::size_t d = 0; d < wanted.digits.size(); ++d) {
    const auto base = static_cast<std::int32_t>(wanted.digits[d]);
    (is_reduced[d] ? layer.input_size.height : layer.input_size.channels) *= base;
    if (is_reduced[d]) continue;
    renamed[d] = kept.digits.size();
    kept.digits.push_back(wanted.digits[d]);
  }
  for (const std::size_t d : wanted.order) {
    if (!is_reduced[d]) kept.order.push_back(renamed[d]);
  }
  layer.inputs = {Take(node, input, wanted)};
  layer.output_size.channels = layer.input_size.channels;
  layer.kernel = {layer.input_size.height, 1};
  Finish(node, std::move(layer), std::move(kept));
  return OkStatus();
}

Status Lowering::LowerConcat(const DraftNode& node) {
  const Shape& result = value(node.output).shape;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < result.size(); ++i) order.push_back(i);
  if (result.size() >= 3 && std::any_of(node.inputs.begin(), node.inputs.end(), [&](std::size_t input) {
        return IsSameLayout(layout(input), ImageLayout(input)) &&
               !IsSameLayout(layout(input), PlainLayout(value(input).shape));
      })) {
    order = ChannelsLast(result.size());
  }
  NetworkLayer layer = StartLayer(node, LayerKind::kConcat);
  for (const std::size_t input : node.inputs)
    layer.inputs.push_back(Take(node, input, OrderedLayout(value(input).shape, order)));
  for (const std::size_t dimension : order) {
    if (dimension == node.axis) break;
    layer.rows *= static_cast<std::int32_t>(result[dimension]);
  }
  Finish(node, std::move(layer), OrderedLayout(result, order));
  return OkStatus();
}

Status Lowering::LowerPad(const DraftNode& node) {
  const std::size_t input = node.inputs[0];
  const Shape& shape = value(input).shape;
  const std::size_t rank = shape.size();
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < rank; ++i) order.push_back(i);
  if (rank >= 3 && IsSameLayout(layout(input), ImageLayout(input))) order = ChannelsLast(rank);
  NetworkLayer layer = StartLayer(node, LayerKind::kPad);
  layer.inputs = {Take(node, input, OrderedLayout(shape, order))};
  layer.pad_value = static_cast<float>(node.pad_value);
  std::vector<std::int32_t> after;
  for (const std::size_t dimension : order) {
    const auto size = static_cast<std::int32_t>(shape[dimension]);
    const auto begin = static_cast<std::int32_t>(node.pads[dimension]);
    const auto end = static_cast<std::int32_t>(node.pads[rank + dimension]);
    if (begin == 0 && end == 0 && !layer.extents.empty()) {  // one array with the dimension before
      layer.extents.back() *= size;
      layer.pads.back() *= size;
      after.back() *= size;
      continue;
    }
    layer.extents.push_back(size);
    layer.pads.push_back(begin);
    after.push_back(end);
  }
  layer.pads.insert(layer.pads.end(), after.begin(), after.end());
  Finish(node, std::move(layer), OrderedLayout(value(node.output).shape, order));
  return OkStatus();
}

}  // namespace paddock
