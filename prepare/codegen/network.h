// A network as the code generator sees it: what remains of a model when quantisation, batch normalisation and activations have
// been folded into the layers that compute, in the order in which they run, with a place in one arena for every value. Made from
// ONNX by import_onnx.h, written as C by write_c.h. Plain data; internal to prepare/.
//
// Layout: a value of rank 4 is an image [1, height, width, channels] (NHWC), whatever the model's layout was; values of other
// ranks are as in the model. Every value is of one sample. Where a model's own input or output is NCHW, a kTranspose layer
// stands at the border, unless height and width are 1 or there is one channel.
//
// Integers: inside the network all quantised values are int8. A uint8 value with zero point z is the int8 value with zero point
// z - 128, so only inputs and outputs that the model itself has as uint8 are uint8, with a kQuantize layer beside them. A
// QuantizeLinear at an input and a DequantizeLinear at an output are not run: the input or output is the int8 value, with its
// quantisation stated.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kpi/tensor.h"

namespace paddock {

struct NetworkValue {
  std::string name;                          // of the model's value
  ElementType type = ElementType::kFloat32;  // kInt8, kFloat32; inputs and outputs also kUint8
  Shape shape;
  std::optional<Quantization> quantization{};  // of every kInt8 and kUint8 value
  std::uint32_t arena_offset = 0;              // in bytes; a multiple of 4
  std::uint64_t Bytes() const;
};

enum class LayerKind {
  kConvolution,  // weights [output channel][row][column][input channel / groups]; depthwise where groups == channels
  kDense,       // weights [output][input]
  kAdd,         // two inputs of equal shape, or the second with one element per channel or one in all
  kMul,         // as kAdd
  kConcat,      // of any number of inputs along `axis`; each is brought to the output's quantisation
  kPad,         // by `pads`, with `pad_value`
  kActivation,  // elementwise; int8: through `table`
  kAveragePool,
  kMaxPool,
  kSoftmax,     // along the last axis
  kQuantize,    // float32 to int8, or between quantisations or int8 and uint8
  kDequantize,  // int8 to float32
  kTranspose,   // by `permutation`
  kCopy,        // the same bytes in another shape, where the two values could not share their place
};

enum class ActivationKind { kRelu, kRelu6, kClip, kLeakyRelu, kSigmoid, kTanh };

// Rows, columns.
using Pair = std::array<std::int32_t, 2>;

struct NetworkLayer {
  LayerKind kind = LayerKind::kCopy;
  std::string name;                   // of the model's main node; never empty
  std::string operators;              // "Conv+BatchNormalization+Relu": what was folded into it
  std::vector<std::uint32_t> inputs;  // indices of Network::values; constants are not among them
  std::uint32_t output = 0;

  // kConvolution and the pools
  Pair kernel{1, 1};
  Pair stride{1, 1};
  Pair dilation{1, 1};
  std::array<std::int32_t, 4> padding{};  // top, left, bottom, right; filled with the input's zero point
  bool count_padding = false;             // kAveragePool: padded elements are counted in the mean
  std::int32_t groups = 1;

  // kConvolution, kDense. For int8 inputs: weights are symmetric, and
  //   output = clamp(round(multiplier[channel] * (bias[channel] + sum(weight * input))) + output zero point)
  // where the input's zero point is in the bias already (minus zero point times the sum of the channel's weights).
  std::vector<std::int8_t> weights;
  std::vector<std::int32_t> bias;
  std::vector<double> multipliers;  // one per output channel: input scale * weight scale / output scale
  std::vector<float> float_weights;
  std::vector<float> float_bias;

  // kAdd, kMul, kConcat, kQuantize on integers take scales and zero points from their values. Constant second operand of kAdd
  // and kMul, where there is one: of the first input's type, with its own quantisation.
  std::vector<std::int8_t> constant;
  std::vector<float> float_constant;
  Shape constant_shape;
  std::optional<Quantization> constant_quantization{};

  // Of the output, after a fused Relu, Relu6 or Clip. Integer layers clamp to [-128, 127] at the least.
  std::int32_t clamp_low = -128;
  std::int32_t clamp_high = 127;
  float float_clamp_low = -std::numeric_limits<float>::infinity();
  float float_clamp_high = std::numeric_limits<float>::infinity();

  std::array<std::int8_t, 256> table{};               // kActivation on int8: output by input + 128
  ActivationKind activation = ActivationKind::kRelu;  // kActivation on float32
  float slope = 0;                                    // kLeakyRelu

  std::int32_t axis = 0;                  // kConcat
  std::vector<std::int32_t> permutation;  // kTranspose
  std::vector<std::int32_t> pads;         // kPad: before each axis, then after each
  float pad_value = 0;                    // kPad; integers: the quantised value of it

  std::uint64_t multiply_accumulates = 0;
  std::uint64_t scratch_bytes = 0;  // that its kernel needs while it runs, at scratch_offset of the arena
  std::uint32_t scratch_offset = 0;
};

struct Network {
  std::string name;  // a C identifier
  std::vector<NetworkValue> values;
  std::vector<std::uint32_t> inputs;  // indices of values, in the model's order
  std::vector<std::uint32_t> outputs;
  std::vector<NetworkLayer> layers;  // in the order in which they run
  std::uint64_t arena_bytes = 0;     // 0 until places are given
};

}  // namespace paddock
