// A network as the code generator sees it: what remains of a model when quantisation, batch normalisation and activations have
// been folded into the layers that compute, in the order in which they run. Made from ONNX by import_onnx.h; then plan_arena.h
// gives every value, and what scratch the kernels ask for, a place in one arena, and write_c.h writes it as C. Plain data;
// internal to prepare/.
//
// Bytes: values are arrays of elements of one sample. What the elements mean to a layer stands in the layer (its sizes), not in
// the value: a Reshape is no layer, and so a [1,490] may be read as an image of 49 x 10. An image is [height][width][channels]
// (NHWC) whatever the model's layout was. Where a model's own input or output is NCHW, a kTranspose layer stands at the border,
// unless the order of the bytes is the same (height and width are 1, or there is one channel).
//
// Integers: inside the network all quantised values are int8. A uint8 value with zero point z is the int8 value with zero point
// z - 128, so only inputs and outputs that the model itself has as uint8 are uint8, with a kQuantize layer beside them. A
// QuantizeLinear at an input and a DequantizeLinear at an output are not run: the input or output is the int8 value, with its
// quantisation stated.
//
// In place: an output may begin where an input begins that nobody reads later, when KernelMayOverwrite() says so
// (kernel_scratch.h). Other outputs overlap neither inputs nor scratch.
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
  std::string name;                          // of the model's value; unique
  ElementType type = ElementType::kFloat32;  // kInt8, kFloat32; inputs and outputs also kUint8
  Shape shape;  // inputs and outputs: as in the model; others: in the order of their bytes
  std::optional<Quantization> quantization{};  // of every kInt8 and kUint8 value
  std::uint32_t arena_offset = 0;              // in bytes; a multiple of 4
  std::uint64_t Elements() const;              // at most 2^31
  std::uint64_t Bytes() const;
};

enum class LayerKind {
  kConvolution,  // weights [output channel][row][column][input channel / groups]; depthwise where groups == channels
  kDense,  // weights [output][input]; one row
  kAdd,  // of two inputs, or of one and `float_constant`; the second has as many elements as the first, or n of them
  kMul,  //   that repeat: output[i] = first[i] + second[i % n] (n = channels, or 1)
  kConcat,  // in each of `rows` rows: the inputs' rows one after the other, each brought to the output's quantisation
  kPad,  // of an array of `extents`, by `pads`, with `pad_value`; input and output have one quantisation
  kActivation,   // elementwise; int8: through `table`
  kAveragePool,  // input and output may differ in quantisation
  kMaxPool,      // input and output have one quantisation; padding never wins
  kSoftmax,      // float32, in each of `rows` rows
  kQuantize,  // float32 to int8; int8 to int8 of another quantisation; between int8 and uint8 of one scale (bit 7 flips)
  kDequantize,  // int8 to float32
  kTranspose,  // of an array of `extents`, by `permutation`: dimension i of the output is permutation[i] of the input
  kCopy,  // the same bytes, where two values could not share their place
};

enum class ActivationKind { kRelu, kRelu6, kClip, kLeakyRelu, kSigmoid, kTanh };

// Rows, columns.
using Pair = std::array<std::int32_t, 2>;

struct ImageSize {
  std::int32_t height = 1;
  std::int32_t width = 1;
  std::int32_t channels = 1;
};

struct NetworkLayer {
  LayerKind kind = LayerKind::kCopy;
  std::string name;                   // of the model's main node; never empty
  std::string operators;              // "Conv+BatchNormalization+Relu": what was folded into it
  std::vector<std::uint32_t> inputs;  // indices of Network::values; constants are not among them
  std::uint32_t output = 0;

  // kConvolution, the pools, and kDense (1 x 1 x channels). output.height = (input.height + padding - dilation * (kernel - 1)
  // - 1) / stride + 1, rounded down; likewise the width.
  ImageSize input_size;
  ImageSize output_size;
  Pair kernel{1, 1};
  Pair stride{1, 1};
  Pair dilation{1, 1};
  std::array<std::int32_t, 4>
      padding{};               // top, left, bottom, right; convolution: the input's zero point, or 0.0
  bool count_padding = false;  // kAveragePool: padded elements are counted in the mean
  std::int32_t groups = 1;

  // kConvolution, kDense. For int8 inputs: weights are symmetric, and
  //   output = clamp(round(multiplier[channel] * (bias[channel] + sum(weight * input))) + output zero point)
  // where the input's zero point is in the bias already (minus zero point times the sum of the channel's weights). The sum fits
  // in 32 bits, with any part of it added in any order. Multipliers are in [2^-32, 2^16].
  std::vector<std::int8_t> weights{};
  std::vector<std::int32_t> bias{};   // one per output channel
  std::vector<double> multipliers{};  // one per output channel: input scale * weight scale / output scale
  std::vector<float> float_weights{};
  std::vector<float> float_bias{};  // one per output channel

  // kAdd, kMul, kConcat, kAveragePool, kQuantize on integers take scales and zero points from their values.
  std::vector<float> float_constant{};  // second operand of a float kAdd or kMul with one input

  // Of the output of kConvolution, kDense, kAdd and kMul, after a fused Relu, Relu6 or Clip.
  std::int32_t clamp_low = -128;
  std::int32_t clamp_high = 127;
  float float_clamp_low = -std::numeric_limits<float>::infinity();
  float float_clamp_high = std::numeric_limits<float>::infinity();

  std::array<std::int8_t, 256> table{};  // kActivation on int8: output by input + 128
  ActivationKind activation =
      ActivationKind::kRelu;  // kActivation on float32; kClip: to the float clamp above
  float slope = 0;            // kLeakyRelu

  std::int32_t rows = 1;                    // kConcat, kSoftmax
  std::vector<std::int32_t> extents{};      // kTranspose, kPad: of the input
  std::vector<std::int32_t> permutation{};  // kTranspose
  std::vector<std::int32_t> pads{};         // kPad: before each dimension, then after each
  float pad_value = 0;                      // kPad; integers: the quantised value of it

  std::uint64_t multiply_accumulates = 0;
  std::uint64_t scratch_bytes = 0;   // that its kernel needs while it runs; 0 as imported
  std::uint32_t scratch_offset = 0;  // in the arena; a multiple of 4
};

struct Network {
  std::string name;                      // a C identifier
  std::vector<NetworkValue> values{};    // each is an input, or the output of one layer
  std::vector<std::uint32_t> inputs{};   // indices of values, in the model's order
  std::vector<std::uint32_t> outputs{};  // none is an input, none is there twice
  std::vector<NetworkLayer> layers{};    // in the order in which they run
  std::uint64_t arena_bytes = 0;         // 0 until places are given
};

}  // namespace paddock
