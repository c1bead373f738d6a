#include "tests/unit/codegen/random_network.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <random>

#include "prepare/codegen/plan_arena.h"

namespace paddock {
namespace {

class Generator {
 public:
  Generator(unsigned seed, ElementType type) : random_(seed), integers_(type == ElementType::kInt8) {
    network_.name = "random_network";
  }

  Network Make(int chains) {
    for (int i = 0; i < chains; ++i) AddChain();
    REQUIRE(PlanArena(&network_).ok());
    return std::move(network_);
  }

 private:
  std::int32_t Below(std::int32_t limit) {
    return static_cast<std::int32_t>(random_() % static_cast<unsigned>(limit));
  }
  std::int32_t Between(std::int32_t low, std::int32_t high) { return low + Below(high - low + 1); }
  double Real(double low, double high) { return low + (high - low) * (random_() >> 8) / double{1 << 24}; }

  std::uint32_t AddValue(std::int64_t elements, std::optional<ElementType> type = {}) {
    NetworkValue value;
    value.name = "value " + std::to_string(network_.values.size());
    value.type = type.value_or(integers_ ? ElementType::kInt8 : ElementType::kFloat32);
    value.shape = {elements};
    if (value.type == ElementType::kInt8)
      value.quantization = {std::exp2(Real(-3, 1)), Below(4) == 0   ? -128
                                                    : Below(4) == 0 ? 127
                                                                    : Between(-128, 127)};
    network_.values.push_back(value);
    return static_cast<std::uint32_t>(network_.values.size() - 1);
  }
  NetworkValue& Value(std::uint32_t index) { return network_.values[index]; }

  // An input of the network, half the time through an activation.
  std::uint32_t AddSource(std::int64_t elements, std::optional<ElementType> type = {}) {
    const std::uint32_t input = AddValue(elements, type);
    network_.inputs.push_back(input);
    if (Below(2) == 0) return input;
    NetworkLayer layer;
    layer.kind = LayerKind::kActivation;
    layer.activation = ActivationKind::kLeakyRelu;
    layer.slope = -0.5F;
    for (std::int8_t& entry : layer.table) entry = static_cast<std::int8_t>(Between(-128, 127));
    return AddLayer(std::move(layer), {input}, elements, Value(input).type);
  }

  std::uint32_t AddLayer(NetworkLayer layer, std::vector<std::uint32_t> inputs, std::int64_t elements,
                         std::optional<ElementType> type = {}) {
    layer.name = "layer " + std::to_string(network_.layers.size()) + " */ ?\?/";
    layer.operators = "Random";
    layer.inputs = std::move(inputs);
    layer.output = AddValue(elements, type);
    network_.layers.push_back(std::move(layer));
    return network_.layers.back().output;
  }

  void RandomClamp(NetworkLayer* layer) {
    if (Below(2) == 0) return;
    layer->clamp_low = Between(-128, 0);
    layer->float_clamp_low = 0;
    if (Below(2) == 0) return;
    layer->clamp_high = Between(1, 127);
    layer->float_clamp_high = 6;
  }

  // Sizes, so that there is at least one pixel of output.
  NetworkLayer RandomWindow(std::int32_t channels) {
    NetworkLayer layer;
    layer.input_size = {Between(1, 9), Between(1, 9), channels};
    const std::array<std::int32_t, 2> size = {layer.input_size.height, layer.input_size.width};
    std::array<std::int32_t, 2> output{};
    for (std::size_t axis = 0; axis < 2; ++axis) {
      std::int32_t& kernel = layer.kernel[axis];
      kernel = Below(3) == 0 ? 1 : Below(2) == 0 ? 3 : Between(2, 5);
      layer.stride[axis] = Between(1, 3);
      if (Below(4) == 0) layer.dilation[axis] = 2;
      if (Below(3) > 0) {
        layer.padding[axis] = Below(kernel);
        layer.padding[axis + 2] = Below(kernel);
      }
      const auto room = [&] {
        return size[axis] + layer.padding[axis] + layer.padding[axis + 2] -
               layer.dilation[axis] * (kernel - 1) - 1;
      };
      while (room() < 0) layer.dilation[axis] > 1 ? --layer.dilation[axis] : --kernel;
      layer.padding[axis] = std::min(layer.padding[axis], kernel - 1);
      layer.padding[axis + 2] = std::min(layer.padding[axis + 2], kernel - 1);
      while (room() < 0) --kernel;
      output[axis] = room() / layer.stride[axis] + 1;
    }
    layer.output_size = {output[0], output[1], channels};
    return layer;
  }

  void AddWeights(NetworkLayer* layer, std::uint32_t input, std::int32_t inputs) {
    const bool saturates = Below(8) == 0;
    for (std::int32_t channel = 0; channel < layer->output_size.channels; ++channel) {
      std::int64_t sum = 0;
      for (std::int32_t i = 0; i < inputs; ++i) {
        const std::int32_t weight = Below(16) == 0 ? -128 : Between(-127, 127);
        sum += weight;
        layer->weights.push_back(static_cast<std::int8_t>(weight));
        layer->float_weights.push_back(static_cast<float>(weight) / 64);
      }
      const std::int64_t zero_point = integers_ ? Value(input).quantization->zero_point : 0;
      layer->bias.push_back(static_cast<std::int32_t>(Between(-2000, 2000) - sum * zero_point));
      layer->float_bias.push_back(static_cast<float>(Real(-4, 4)));
      layer->multipliers.push_back(std::exp2(Real(-4, saturates ? 6 : 1)) / (100 * std::sqrt(inputs)));
    }
    RandomClamp(layer);
  }

  std::int64_t Elements(const ImageSize& size) {
    return std::int64_t{size.height} * size.width * size.channels;
  }

  void AddConvolution() {
    const bool depthwise = Below(2) == 0;
    const std::int32_t groups = depthwise ? Between(2, 12) : Below(3) == 0 ? Between(2, 3) : 1;
    const std::int32_t group_inputs = depthwise ? 1 : Between(1, 9);
    NetworkLayer layer = RandomWindow(groups * group_inputs);
    if (depthwise && Below(2) == 0) {
      const std::int32_t stride = Between(1, 2);
      const std::int32_t pad = Below(3);
      layer = NetworkLayer();
      layer.input_size = {Between(3, 9), Between(3, 9), groups / 4 * 4 + 4};
      layer.kernel = {3, 3};
      layer.stride = {stride, stride};
      layer.padding = {pad, Below(3), pad, Below(3)};
      layer.output_size = {(layer.input_size.height + 2 * pad - 3) / stride + 1,
                           (layer.input_size.width + layer.padding[1] + layer.padding[3] - 3) / stride + 1,
                           layer.input_size.channels};
      layer.groups = layer.input_size.channels;
    } else {
      layer.groups = groups;
      layer.output_size.channels = depthwise ? groups : groups * Between(1, 5);
    }
    layer.kind = LayerKind::kConvolution;
    const std::uint32_t input = AddSource(Elements(layer.input_size));
    AddWeights(&layer, input, layer.kernel[0] * layer.kernel[1] * layer.input_size.channels / layer.groups);
    AddOutput(AddLayer(layer, {input}, Elements(layer.output_size)));
  }

  void AddDense() {
    NetworkLayer layer;
    layer.kind = LayerKind::kDense;
    layer.input_size.channels = Between(1, 70);
    layer.output_size.channels = Between(1, 20);
    const std::uint32_t input = AddSource(layer.input_size.channels);
    AddWeights(&layer, input, layer.input_size.channels);
    AddOutput(AddLayer(layer, {input}, layer.output_size.channels));
  }

  void AddPool() {
    NetworkLayer layer = RandomWindow(Between(1, 9));
    layer.kind = Below(2) == 0 ? LayerKind::kAveragePool : LayerKind::kMaxPool;
    layer.count_padding = layer.kind == LayerKind::kAveragePool && Below(2) == 0;
    // No window lies outside.
    layer.dilation = {1, 1};
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int32_t size = axis == 0 ? layer.input_size.height : layer.input_size.width;
      (axis == 0 ? layer.output_size.height : layer.output_size.width) =
          (size + layer.padding[axis] + layer.padding[axis + 2] - layer.kernel[axis]) / layer.stride[axis] +
          1;
    }
    const bool greatest = layer.kind == LayerKind::kMaxPool;
    const std::uint32_t input = AddSource(Elements(layer.input_size));
    const std::uint32_t output = AddLayer(layer, {input}, Elements(layer.output_size));
    if (greatest) Value(output).quantization = Value(input).quantization;
    AddOutput(output);
  }

  void AddBinary() {
    NetworkLayer layer;
    layer.kind = Below(2) == 0 ? LayerKind::kAdd : LayerKind::kMul;
    RandomClamp(&layer);
    const std::int32_t second_count = Between(1, 12);
    const std::int32_t count = second_count * (Below(2) == 0 ? 1 : Between(2, 6));
    std::vector<std::uint32_t> inputs = {AddSource(count)};
    if (!integers_ && Below(2) == 0) {
      for (std::int32_t i = 0; i < second_count; ++i)
        layer.float_constant.push_back(static_cast<float>(Real(-4, 4)));
    } else {
      inputs.push_back(AddSource(second_count));
    }
    AddOutput(AddLayer(layer, inputs, count));
  }

  void AddConcat() {
    NetworkLayer layer;
    layer.kind = LayerKind::kConcat;
    layer.rows = Between(1, 4);
    std::vector<std::uint32_t> inputs;
    std::int32_t count = 0;
    for (std::int32_t i = Between(1, 3); i > 0; --i) {
      const std::int32_t part = Between(1, 7) * layer.rows;
      inputs.push_back(AddSource(part));
      count += part;
    }
    const std::uint32_t output = AddLayer(layer, inputs, count);
    if (integers_ && Below(2) == 0) Value(inputs[0]).quantization = Value(output).quantization;
    AddOutput(output);
  }

  void AddRearrangement() {
    NetworkLayer layer;
    layer.kind = Below(2) == 0 ? LayerKind::kPad : LayerKind::kTranspose;
    const std::int32_t rank = Between(1, 5);
    std::int64_t count = 1;
    std::int64_t padded = 1;
    layer.pads.resize(static_cast<std::size_t>(rank) * 2);
    for (std::int32_t i = 0; i < rank; ++i) {
      layer.extents.push_back(Between(1, 4));
      std::int32_t& before = layer.pads[static_cast<std::size_t>(i)];
      std::int32_t& after = layer.pads[static_cast<std::size_t>(i + rank)];
      before = Below(3);
      after = Below(3);
      count *= layer.extents.back();
      padded *= layer.extents.back() + before + after;
    }
    layer.permutation.resize(static_cast<std::size_t>(rank));
    std::iota(layer.permutation.begin(), layer.permutation.end(), 0);
    std::shuffle(layer.permutation.begin(), layer.permutation.end(), random_);
    layer.pad_value = static_cast<float>(Real(-2, 2));
    const std::uint32_t input = AddSource(count);
    const std::uint32_t output = AddLayer(layer, {input}, layer.kind == LayerKind::kPad ? padded : count);
    Value(output).quantization = Value(input).quantization;
    AddOutput(output);
  }

  void AddActivation() {
    NetworkLayer layer;
    layer.kind = LayerKind::kActivation;
    layer.activation = static_cast<ActivationKind>(Below(6));
    layer.slope = 0.1F;
    layer.float_clamp_low = -1;
    layer.float_clamp_high = 2;
    for (std::int8_t& entry : layer.table) entry = static_cast<std::int8_t>(Between(-128, 127));
    const std::int32_t count = Between(1, 20);
    AddOutput(AddLayer(layer, {AddSource(count)}, count));
  }

  void AddConversion() {
    NetworkLayer layer;
    layer.kind = Below(2) == 0 ? LayerKind::kQuantize : LayerKind::kDequantize;
    const std::int32_t count = Between(1, 20);
    if (layer.kind == LayerKind::kDequantize) {
      AddOutput(AddLayer(layer, {AddSource(count, ElementType::kInt8)}, count, ElementType::kFloat32));
    } else if (!integers_) {
      AddOutput(AddLayer(layer, {AddSource(count)}, count, ElementType::kInt8));
    } else if (Below(2) == 0) {
      AddOutput(AddLayer(layer, {AddSource(count)}, count));
    } else {
      const std::uint32_t input = AddSource(count);
      const std::uint32_t output = AddLayer(layer, {input}, count, ElementType::kUint8);
      Value(output).quantization = {Value(input).quantization->scale,
                                    Value(input).quantization->zero_point + 128};
      AddOutput(output);
    }
  }

  void AddSoftmaxOrCopy() {
    NetworkLayer layer;
    layer.kind = integers_ || Below(2) == 0 ? LayerKind::kCopy : LayerKind::kSoftmax;
    layer.rows = Between(1, 3);
    const std::int32_t count = layer.rows * Between(1, 9);
    const std::uint32_t input = AddSource(count);
    const std::uint32_t output = AddLayer(layer, {input}, count);
    Value(output).quantization = Value(input).quantization;
    AddOutput(output);
  }

  void AddOutput(std::uint32_t value) { network_.outputs.push_back(value); }

  void AddChain() {
    switch (Below(16)) {
      case 0:
        return AddActivation();
      case 1:
        return AddConversion();
      case 2:
        return AddSoftmaxOrCopy();
      case 3:
        return AddConcat();
      case 4:
      case 5:
        return AddRearrangement();
      case 6:
      case 7:
        return AddBinary();
      case 8:
      case 9:
        return AddPool();
      case 10:
        return AddDense();
      default:
        return AddConvolution();
    }
  }

  std::mt19937 random_;
  bool integers_;
  Network network_;
};

}  // namespace

Network RandomNetwork(unsigned seed, int chains, ElementType type) {
  return Generator(seed, type).Make(chains);
}

}  // namespace paddock
