#include "tests/unit/codegen/reference_network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "base/status.h"

namespace paddock {
namespace {

// Elements of one value as numbers: of integers the integers themselves.
struct Operand {
  const NetworkValue* value = nullptr;
  std::vector<double> elements;
  double scale() const { return value->quantization ? value->quantization->scale : 1; }
  double zero_point() const {
    return value->quantization ? static_cast<double>(value->quantization->zero_point) : 0;
  }
  bool is_float() const { return value->type == ElementType::kFloat32; }
  // What element i stands for.
  double Real(std::size_t i) const {
    return is_float() ? elements[i] : scale() * (elements[i] - zero_point());
  }
  double Zero() const { return is_float() ? 0 : zero_point(); }
};

Operand Loaded(const NetworkValue& value, std::span<const std::byte> bytes) {
  Operand operand{&value, {}};
  const TensorView view{value.type, value.shape, bytes};
  for (std::size_t i = 0; i < value.Elements(); ++i) operand.elements.push_back(ElementAsDouble(view, i));
  return operand;
}

ValueBytes Stored(const Operand& operand) {
  ValueBytes bytes;
  for (const double element : operand.elements) {
    if (operand.is_float()) {
      const auto number = static_cast<float>(element);
      const auto* const begin = reinterpret_cast<const std::byte*>(&number);
      bytes.insert(bytes.end(), begin, begin + sizeof(number));
    } else {
      bytes.push_back(static_cast<std::byte>(static_cast<int>(element) & 0xff));
    }
  }
  return bytes;
}

class LayerRun {
 public:
  LayerRun(const NetworkLayer& layer, std::vector<Operand> inputs, const NetworkValue& output)
      : layer_(layer), inputs_(std::move(inputs)), output_{&output, {}} {
    output_.elements.resize(output.Elements());
  }

  Operand Run() {
    switch (layer_.kind) {
      case LayerKind::kConvolution:
        Convolve();
        break;
      case LayerKind::kDense:
        Multiply();
        break;
      case LayerKind::kAdd:
      case LayerKind::kMul:
        Combine();
        break;
      case LayerKind::kConcat:
        Concatenate();
        break;
      case LayerKind::kPad:
        Pad();
        break;
      case LayerKind::kActivation:
        Activate();
        break;
      case LayerKind::kAveragePool:
      case LayerKind::kMaxPool:
        Pool();
        break;
      case LayerKind::kSoftmax:
        Softmax();
        break;
      case LayerKind::kQuantize:
      case LayerKind::kDequantize:
        for (std::size_t i = 0; i < output_.elements.size(); ++i) StoreReal(i, inputs_[0].Real(i));
        break;
      case LayerKind::kTranspose:
        Transpose();
        break;
      case LayerKind::kCopy:
        output_.elements = inputs_[0].elements;
        break;
    }
    return std::move(output_);
  }

 private:
  const Operand& input() const { return inputs_[0]; }

  void StoreInteger(std::size_t i, double integer) {
    const bool is_unsigned = output_.value->type == ElementType::kUint8;
    output_.elements[i] = std::clamp(integer, is_unsigned ? 0.0 : -128.0, is_unsigned ? 255.0 : 127.0);
  }
  void StoreReal(std::size_t i, double real) {
    if (output_.is_float()) {
      output_.elements[i] = real;
    } else {
      StoreInteger(i, std::nearbyint(real / output_.scale()) + output_.zero_point());
    }
  }
  // With the layer's clamp.
  void StoreClamped(std::size_t i, double real) {
    StoreReal(i, real);
    double& element = output_.elements[i];
    if (output_.is_float()) {
      element = std::clamp(element, static_cast<double>(layer_.float_clamp_low),
                           static_cast<double>(layer_.float_clamp_high));
    } else {
      element = std::clamp<double>(element, layer_.clamp_low, layer_.clamp_high);
    }
  }
  // The sum of weights times inputs of an output channel.
  void StoreSum(std::size_t i, std::size_t channel, double sum) {
    if (output_.is_float()) {
      StoreClamped(i, sum + static_cast<double>(layer_.float_bias[channel]));
      return;
    }
    const double whole = sum + static_cast<double>(layer_.bias[channel]);
    StoreInteger(i, std::nearbyint(layer_.multipliers[channel] * whole) + output_.zero_point());
    output_.elements[i] = std::clamp<double>(output_.elements[i], layer_.clamp_low, layer_.clamp_high);
  }
  double Weight(std::size_t i) const {
    return input().is_float() ? static_cast<double>(layer_.float_weights[i])
                              : static_cast<double>(layer_.weights[i]);
  }

  void Convolve() {
    const ImageSize& in = layer_.input_size;
    const ImageSize& out = layer_.output_size;
    const int group_inputs = in.channels / layer_.groups;
    const int group_outputs = out.channels / layer_.groups;
    std::size_t at = 0;
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x) {
        for (int o = 0; o < out.channels; ++o, ++at) {
          double sum = 0;
          std::size_t weight = static_cast<std::size_t>(o) * static_cast<std::size_t>(layer_.kernel[0]) *
                               static_cast<std::size_t>(layer_.kernel[1]) *
                               static_cast<std::size_t>(group_inputs);
          for (int ky = 0; ky < layer_.kernel[0]; ++ky) {
            for (int kx = 0; kx < layer_.kernel[1]; ++kx) {
              const int row = y * layer_.stride[0] + ky * layer_.dilation[0] - layer_.padding[0];
              const int column = x * layer_.stride[1] + kx * layer_.dilation[1] - layer_.padding[1];
              const bool is_inside = IsInside(row, column);
              const std::size_t pixel = is_inside ? Index(row, column, o / group_outputs * group_inputs) : 0;
              for (std::size_t c = 0; c < static_cast<std::size_t>(group_inputs); ++c, ++weight)
                sum += Weight(weight) * (is_inside ? input().elements[pixel + c] : input().Zero());
            }
          }
          StoreSum(at, static_cast<std::size_t>(o), sum);
        }
      }
    }
  }

  bool IsInside(int row, int column) const {
    return row >= 0 && row < layer_.input_size.height && column >= 0 && column < layer_.input_size.width;
  }
  std::size_t Index(int row, int column, int channel) const {
    const std::int64_t pixel = static_cast<std::int64_t>(row) * layer_.input_size.width + column;
    return static_cast<std::size_t>(pixel * layer_.input_size.channels + channel);
  }

  void Multiply() {
    const auto count = static_cast<std::size_t>(layer_.input_size.channels);
    for (std::size_t o = 0; o < output_.elements.size(); ++o) {
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += Weight(o * count + i) * input().elements[i];
      StoreSum(o, o, sum);
    }
  }

  void Combine() {
    const std::size_t count = inputs_.size() > 1 ? inputs_[1].elements.size() : layer_.float_constant.size();
    for (std::size_t i = 0; i < output_.elements.size(); ++i) {
      const double second = inputs_.size() > 1 ? inputs_[1].Real(i % count)
                                               : static_cast<double>(layer_.float_constant[i % count]);
      StoreClamped(i, layer_.kind == LayerKind::kAdd ? input().Real(i) + second : input().Real(i) * second);
    }
  }

  void Concatenate() {
    const auto rows = static_cast<std::size_t>(layer_.rows);
    std::size_t at = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      for (const Operand& operand : inputs_) {
        const std::size_t length = operand.elements.size() / rows;
        for (std::size_t i = 0; i < length; ++i) StoreReal(at++, operand.Real(row * length + i));
      }
    }
  }

  void Pad() {
    const std::size_t rank = layer_.extents.size();
    for (std::size_t i = 0; i < output_.elements.size(); ++i) {
      std::size_t rest = i;
      std::size_t place = 0;
      std::size_t stride = 1;
      bool is_inside = true;
      for (std::size_t d = rank; d-- > 0;) {
        const int size = layer_.pads[d] + layer_.extents[d] + layer_.pads[rank + d];
        const int index = static_cast<int>(rest % static_cast<std::size_t>(size)) - layer_.pads[d];
        rest /= static_cast<std::size_t>(size);
        is_inside = is_inside && index >= 0 && index < layer_.extents[d];
        if (is_inside) place += static_cast<std::size_t>(index) * stride;
        stride *= static_cast<std::size_t>(layer_.extents[d]);
      }
      StoreReal(i, is_inside ? input().Real(place) : static_cast<double>(layer_.pad_value));
    }
  }

  void Activate() {
    for (std::size_t i = 0; i < output_.elements.size(); ++i) {
      const double x = input().elements[i];
      if (!output_.is_float()) {
        output_.elements[i] = layer_.table[static_cast<std::size_t>(x + 128)];
      } else if (layer_.activation == ActivationKind::kSigmoid) {
        output_.elements[i] = 1 / (1 + std::exp(-x));
      } else if (layer_.activation == ActivationKind::kTanh) {
        output_.elements[i] = std::tanh(x);
      } else if (layer_.activation == ActivationKind::kLeakyRelu) {
        output_.elements[i] = x < 0 ? static_cast<double>(layer_.slope) * x : x;
      } else if (layer_.activation == ActivationKind::kRelu) {
        output_.elements[i] = std::max(x, 0.0);
      } else if (layer_.activation == ActivationKind::kRelu6) {
        output_.elements[i] = std::clamp(x, 0.0, 6.0);
      } else {
        StoreClamped(i, x);
      }
    }
  }

  void Pool() {
    const bool is_max = layer_.kind == LayerKind::kMaxPool;
    std::size_t at = 0;
    for (int y = 0; y < layer_.output_size.height; ++y) {
      for (int x = 0; x < layer_.output_size.width; ++x) {
        for (int c = 0; c < layer_.output_size.channels; ++c) {
          double most = -std::numeric_limits<double>::infinity();
          double sum = 0;
          int count = 0;
          for (int ky = 0; ky < layer_.kernel[0]; ++ky) {
            for (int kx = 0; kx < layer_.kernel[1]; ++kx) {
              const int row = y * layer_.stride[0] + ky * layer_.dilation[0] - layer_.padding[0];
              const int column = x * layer_.stride[1] + kx * layer_.dilation[1] - layer_.padding[1];
              const bool is_inside = IsInside(row, column);
              if (!is_inside && (is_max || !layer_.count_padding)) continue;
              const double element = is_inside ? input().elements[Index(row, column, c)] : input().Zero();
              most = std::max(most, element);
              sum += input().is_float() ? element : element - input().zero_point();
              ++count;
            }
          }
          if (is_max) {
            output_.elements[at++] = most;
          } else {
            StoreReal(at++, (input().is_float() ? 1 : input().scale()) * sum / count);
          }
        }
      }
    }
  }

  void Softmax() {
    const std::size_t length = output_.elements.size() / static_cast<std::size_t>(layer_.rows);
    for (std::size_t begin = 0; begin < output_.elements.size(); begin += length) {
      const auto from = input().elements.begin() + static_cast<std::ptrdiff_t>(begin);
      const double most = *std::max_element(from, from + static_cast<std::ptrdiff_t>(length));
      double sum = 0;
      for (std::size_t i = begin; i < begin + length; ++i) sum += std::exp(input().elements[i] - most);
      for (std::size_t i = begin; i < begin + length; ++i)
        output_.elements[i] = std::exp(input().elements[i] - most) / sum;
    }
  }

  void Transpose() {
    const std::size_t rank = layer_.extents.size();
    std::vector<std::size_t> strides(rank, 1);
    for (std::size_t d = rank; d-- > 1;)
      strides[d - 1] = strides[d] * static_cast<std::size_t>(layer_.extents[d]);
    for (std::size_t i = 0; i < output_.elements.size(); ++i) {
      std::size_t rest = i;
      std::size_t place = 0;
      for (std::size_t d = rank; d-- > 0;) {
        const auto from = static_cast<std::size_t>(layer_.permutation[d]);
        const auto size = static_cast<std::size_t>(layer_.extents[from]);
        place += rest % size * strides[from];
        rest /= size;
      }
      output_.elements[i] = input().elements[place];
    }
  }

  const NetworkLayer& layer_;
  std::vector<Operand> inputs_;
  Operand output_;
};

}  // namespace

std::vector<ValueBytes> RunReference(const Network& network, const std::vector<ValueBytes>& inputs) {
  std::vector<ValueBytes> values(network.values.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    PADDOCK_CHECK(inputs[i].size() == network.values[network.inputs[i]].Bytes(), "an input has its size");
    values[network.inputs[i]] = inputs[i];
  }
  for (const NetworkLayer& layer : network.layers) {
    std::vector<Operand> operands;
    for (const std::uint32_t input : layer.inputs)
      operands.push_back(Loaded(network.values[input], values[input]));
    values[layer.output] = Stored(LayerRun(layer, std::move(operands), network.values[layer.output]).Run());
  }
  return values;
}

std::vector<ValueBytes> RunReferenceInArena(const Network& network, const std::vector<ValueBytes>& inputs) {
  std::vector<std::byte> arena(network.arena_bytes, std::byte{0xa5});
  const auto place = [&](std::uint32_t value) {
    const NetworkValue& of = network.values[value];
    PADDOCK_CHECK(of.arena_offset % 4 == 0 && of.arena_offset + of.Bytes() <= arena.size(),
                  "it is in the arena");
    return std::span(arena).subspan(of.arena_offset, of.Bytes());
  };
  const auto put = [&](std::uint32_t value, const ValueBytes& bytes) {
    std::copy(bytes.begin(), bytes.end(), place(value).begin());
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) put(network.inputs[i], inputs[i]);
  for (const NetworkLayer& layer : network.layers) {
    PADDOCK_CHECK(layer.scratch_offset + layer.scratch_bytes <= arena.size(), "scratch is in the arena");
    std::memset(arena.data() + layer.scratch_offset, 0xa5, layer.scratch_bytes);
    std::vector<Operand> operands;
    for (const std::uint32_t input : layer.inputs)
      operands.push_back(Loaded(network.values[input], place(input)));
    put(layer.output, Stored(LayerRun(layer, std::move(operands), network.values[layer.output]).Run()));
    std::memset(arena.data() + layer.scratch_offset, 0x5a, layer.scratch_bytes);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i)
    PADDOCK_CHECK(std::ranges::equal(place(network.inputs[i]), inputs[i]), "inputs are left as they were");
  std::vector<ValueBytes> outputs;
  for (const std::uint32_t output : network.outputs) {
    const auto bytes = place(output);
    outputs.emplace_back(bytes.begin(), bytes.end());
  }
  return outputs;
}

}  // namespace paddock
