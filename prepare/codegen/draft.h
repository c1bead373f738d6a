// A model on its way from ONNX to a Network: the operators that can be generated, in the model's own layout, with quantisation
// still as nodes of its own. read_onnx.cc makes it, simplify.h folds it, lower.h turns it into layers. Plain data with the few
// questions that are asked of it. Internal to prepare/codegen/.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "prepare/codegen/network.h"

namespace paddock {

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

struct DraftValue {
  std::string name{};
  ElementType type = ElementType::kFloat32;    // or kInt8; kUint8 for inputs and outputs of the model
  Shape shape{};                               // all sizes positive
  std::optional<Quantization> quantization{};  // of integers
  bool is_unsigned = false;  // int8 here, uint8 in the model: zero points there are 128 more
};
inline constexpr std::int64_t kUint8Offset = 128;

enum class DraftKind {
  kConvolution,  // of [1, channels, height, width]
  kDense,        // along the last axis
  kAffine,       // factor[i] * x + offset[i], i along `axis`; or one factor and one offset
  kAdd,
  kMul,
  kConcat,  // along `axis`
  kPad,
  kUnary,        // `functions`, one after the other
  kAveragePool,  // of [1, channels, height, width]
  kMaxPool,
  kMean,        // over `axes`
  kSoftmax,     // along `axis`
  kQuantize,    // float32 to int8, or between int8 and uint8
  kDequantize,  // int8 to float32
  kReshape,
  kTranspose,  // by `axes`
};

struct UnaryFunction {
  enum class Kind { kClip, kLeakyRelu, kSigmoid, kTanh, kAffine } kind = Kind::kClip;
  double a = -kNoLimit;  // kClip: lower bound; kLeakyRelu: slope; kAffine: factor
  double b = kNoLimit;   // kClip: upper bound; kAffine: offset
};
double Apply(const UnaryFunction& function, double x);

struct DraftWeights {
  Shape shape{};  // output channels first, as in ONNX; kDense: [outputs, inputs]
  std::vector<float> values{};
  std::vector<std::int8_t>
      integers{};  // values[i] = integers[i] * scales[output channel]; empty: not quantised
  std::vector<double> scales{};
  std::vector<double> bias{};  // one per output channel
};

struct DraftNode {
  DraftKind kind = DraftKind::kReshape;
  std::string name{};
  std::string operators{};
  std::vector<std::size_t> inputs{};  // into Draft::values
  std::size_t output = 0;

  Pair kernel{1, 1};
  Pair stride{1, 1};
  Pair dilation{1, 1};
  std::array<std::int32_t, 4> padding{};  // top, left, bottom, right
  bool count_padding = false;
  std::int32_t groups = 1;
  DraftWeights weights{};
  std::vector<double> factors{};  // kAffine
  std::vector<double> offsets{};
  std::vector<UnaryFunction> functions{};
  double low = -kNoLimit;  // fused bounds of the output: kConvolution, kDense, kAdd, kMul
  double high = kNoLimit;
  std::size_t axis = 0;
  std::vector<std::int64_t> axes{};
  std::vector<std::int64_t> pads{};  // before each dimension, then after each
  double pad_value = 0;
  std::vector<double> constant{};  // kAdd, kMul with one input: the other, in the output's shape
};

struct Draft {
  std::vector<DraftValue> values{};
  std::vector<DraftNode> nodes{};
  std::vector<std::size_t> inputs{};
  std::vector<std::size_t> outputs{};
  std::vector<std::string> output_names{};
};

// Drops nodes that reach no output, and orders the others: makers before readers, otherwise as they stood.
void SortNodes(Draft* draft);

}  // namespace paddock
