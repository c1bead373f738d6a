#include "prepare/codegen/lower.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace paddock {
namespace {

constexpr std::size_t kMostLayers = 4096;

std::int64_t CountOf(const Shape& shape) {
  return static_cast<std::int64_t>(ElementCount(shape).value_or(0));
}

// Of the bytes: [1, height, width, channels] of an image, otherwise the sizes of the digits.
Shape ShapeInMemory(const Shape& shape, const Layout& layout) {
  if (IsSameLayout(layout, PlainLayout(shape))) return shape;
  if (shape.size() >= 3 && IsSameLayout(layout, OrderedLayout(shape, ChannelsLast(shape.size())))) {
    Shape result;
    for (const std::size_t dimension : ChannelsLast(shape.size())) result.push_back(shape[dimension]);
    return result;
  }
  const Layout canonical = Canonical(layout);
  Shape result;
  for (const std::size_t digit : canonical.order) result.push_back(canonical.digits[digit]);
  return result;
}

std::string IdentifierOf(const std::string& name) {
  std::string result;
  for (const char c : name.substr(0, 60)) {
    const bool is_fit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    result += is_fit ? c : '_';
  }
  if (result.empty()) return "network";
  return result[0] >= '0' && result[0] <= '9' ? "network_" + result : result;
}

}  // namespace

Result<Network> LowerDraft(const Draft& draft, const std::string& name) {
  return Lowering(draft).Lower(name);
}

Lowering::Lowering(const Draft& draft)
    : draft_(draft), places_(draft.values.size()), reads_(draft.values.size()) {
  for (const DraftNode& node : draft.nodes) {
    for (const std::size_t input : node.inputs) ++reads_[input];
  }
  for (const std::size_t output : draft.outputs) ++reads_[output];
}

Result<Network> Lowering::Lower(const std::string& name) {
  network_.name = IdentifierOf(name);
  for (const std::size_t input : draft_.inputs) {
    const DraftValue& given = value(input);
    const auto index = static_cast<std::uint32_t>(network_.values.size());
    network_.values.push_back({given.name, given.type, given.shape, given.quantization});
    network_.inputs.push_back(index);
    places_[input] = {index, PlainLayout(given.shape)};
  }
  for (const DraftNode& node : draft_.nodes) {
    PADDOCK_RETURN_IF_ERROR(LowerNode(node));
    if (network_.layers.size() > kMostLayers)
      return UnimplementedError("the model has over 4096 layers, more than code is generated for");
  }
  PADDOCK_RETURN_IF_ERROR(DefineOutputs());
  for (NetworkValue& one : network_.values) {
    // Integers that nothing dequantises stand for themselves.
    if (one.type != ElementType::kFloat32 && !one.quantization) one.quantization = Quantization{1, 0};
  }
  MakeNamesUnique();
  return std::move(network_);
}

Status Lowering::LowerNode(const DraftNode& node) {
  switch (node.kind) {
    case DraftKind::kConvolution:
      return LowerConvolution(node);
    case DraftKind::kDense:
      return LowerDense(node);
    case DraftKind::kAffine:
      return LowerAffine(node);
    case DraftKind::kAdd:
    case DraftKind::kMul:
      return LowerArithmetic(node);
    case DraftKind::kConcat:
      return LowerConcat(node);
    case DraftKind::kPad:
      return LowerPad(node);
    case DraftKind::kUnary:
      return LowerUnary(node);
    case DraftKind::kAveragePool:
    case DraftKind::kMaxPool:
      return LowerPool(node);
    case DraftKind::kMean:
      return LowerMean(node);
    case DraftKind::kSoftmax:
      return LowerSoftmax(node);
    case DraftKind::kQuantize:
      return LowerElementwise(node, LayerKind::kQuantize);
    case DraftKind::kDequantize:
      return LowerElementwise(node, LayerKind::kDequantize);
    case DraftKind::kReshape:
      places_[node.output] = places_[node.inputs[0]];
      return OkStatus();
    case DraftKind::kTranspose:
      return LowerTranspose(node);
  }
  return InternalError("a draft's node of unknown kind");
}

Status Lowering::DefineOutputs() {
  std::set<std::uint32_t> taken(network_.inputs.begin(), network_.inputs.end());
  for (std::size_t i = 0; i < draft_.outputs.size(); ++i) {
    const std::size_t output = draft_.outputs[i];
    const DraftNode node{.name = draft_.output_names[i], .operators = "output"};
    std::uint32_t index = Take(node, output, PlainLayout(value(output).shape));
    if (!taken.insert(index).second) {
      NetworkLayer copy = StartLayer(node, LayerKind::kCopy);
      copy.inputs = {index};
      index = AddLayer(std::move(copy), network_.values[index]);
      taken.insert(index);
    }
    network_.values[index].name = draft_.output_names[i];
    network_.values[index].shape = value(output).shape;
    network_.outputs.push_back(index);
  }
  return OkStatus();
}

void Lowering::MakeNamesUnique() {
  std::set<std::string> names;
  std::set<std::uint32_t> borders(network_.inputs.begin(), network_.inputs.end());
  borders.insert(network_.outputs.begin(), network_.outputs.end());
  for (const std::uint32_t border : borders) names.insert(network_.values[border].name);
  for (std::uint32_t v = 0; v < network_.values.size(); ++v) {
    if (borders.contains(v)) continue;
    std::string& name = network_.values[v].name;
    const std::string base = name;
    for (int i = 1; !names.insert(name).second; ++i) name = base + "_" + std::to_string(i);
  }
}

std::uint32_t Lowering::AddLayer(NetworkLayer layer, NetworkValue value) {
  layer.output = static_cast<std::uint32_t>(network_.values.size());
  network_.values.push_back(std::move(value));
  network_.layers.push_back(std::move(layer));
  return network_.layers.back().output;
}

NetworkLayer Lowering::StartLayer(const DraftNode& node, LayerKind kind) const {
  NetworkLayer layer;
  layer.kind = kind;
  layer.name = node.name;
  layer.operators = node.operators;
  return layer;
}

void Lowering::Finish(const DraftNode& node, NetworkLayer layer, Layout layout) {
  const std::uint32_t index = FinishBetween(node, std::move(layer), layout);
  places_[node.output] = {index, std::move(layout)};
}

std::uint32_t Lowering::FinishBetween(const DraftNode& node, NetworkLayer layer, const Layout& layout) {
  const DraftValue& made = value(node.output);
  return AddLayer(std::move(layer),
                  {made.name, made.type, ShapeInMemory(made.shape, layout), made.quantization});
}

void Lowering::SetBounds(const DraftNode& node, NetworkLayer* layer) const {
  layer->float_clamp_low = static_cast<float>(node.low);
  layer->float_clamp_high = static_cast<float>(node.high);
  if (!IsInteger8(node.output)) return;
  layer->clamp_low = QuantizedNumber(node.low, *value(node.output).quantization);
  layer->clamp_high = QuantizedNumber(node.high, *value(node.output).quantization);
}

std::uint32_t Lowering::Take(const DraftNode& node, std::size_t index, const Layout& wanted) {
  const Place place = *places_[index];
  if (IsSameLayout(place.layout, wanted)) return place.value;
  const Layout canonical = Canonical(wanted);
  const auto [entry, is_new] = moved_.emplace(std::tuple(place.value, canonical.digits, canonical.order), 0);
  if (!is_new) return entry->second;
  const Layout plain = PlainLayout(value(index).shape);
  std::vector<Layout> stops = {place.layout, wanted};
  if (!MovementBetween(place.layout, wanted)) stops.insert(stops.begin() + 1, plain);
  std::uint32_t last = place.value;
  for (std::size_t i = 1; i < stops.size(); ++i) {
    const Movement movement = *MovementBetween(stops[i - 1], stops[i]);
    NetworkLayer layer = StartLayer(node, LayerKind::kTranspose);
    layer.operators = "layout";
    layer.inputs = {last};
    layer.extents = movement.extents;
    layer.permutation = movement.permutation;
    NetworkValue moved = network_.values[last];
    moved.shape = ShapeInMemory(value(index).shape, stops[i]);
    last = AddLayer(std::move(layer), std::move(moved));
  }
  entry->second = last;
  return last;
}

Layout Lowering::RefinedLayout(std::size_t index) const {
  const Shape& shape = value(index).shape;
  if (auto refined = Refined(layout(index), shape)) return *std::move(refined);
  return PlainLayout(shape);
}

Layout Lowering::ImageLayout(std::size_t index) const {
  const Shape& shape = value(index).shape;
  return OrderedLayout(shape, ChannelsLast(shape.size()));
}

Status Lowering::LowerElementwise(const DraftNode& node, LayerKind kind) {
  NetworkLayer layer = StartLayer(node, kind);
  layer.inputs = {TakeAsIs(node.inputs[0])};
  Finish(node, std::move(layer), layout(node.inputs[0]));
  return OkStatus();
}

Status Lowering::LowerTranspose(const DraftNode& node) {
  const std::size_t input = node.inputs[0];
  const Shape& shape = value(input).shape;
  const Layout before = RefinedLayout(input);
  const std::uint32_t taken = Take(node, input, before);
  places_[node.output] = {taken, *TransposedLayout(before, shape, node.axes)};
  return OkStatus();
}

Status Lowering::LowerSoftmax(const DraftNode& node) {
  const std::size_t input = node.inputs[0];
  const Shape& shape = value(input).shape;
  const bool is_one_row = shape.empty() || shape[node.axis] == CountOf(shape);
  const Layout wanted = is_one_row ? layout(input) : *WithLast(RefinedLayout(input), shape, node.axis);
  NetworkLayer layer = StartLayer(node, LayerKind::kSoftmax);
  layer.inputs = {Take(node, input, wanted)};
  layer.rows = is_one_row ? 1 : static_cast<std::int32_t>(CountOf(shape) / shape[node.axis]);
  Finish(node, std::move(layer), wanted);
  return OkStatus();
}

}  // namespace paddock
