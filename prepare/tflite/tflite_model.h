// A TensorFlow Lite model in memory, for inspection and conversion: plain data, independent of the flatbuffer that it came from
// or goes to. Internal to prepare/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/packed_file.h"
#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

// The operators that conversions know, by their numbers in the format.
enum class TfliteOp : std::int32_t {
  kAdd = 0,
  kAveragePool2d = 1,
  kConcatenation = 2,
  kConv2d = 3,
  kDepthwiseConv2d = 4,
  kDequantize = 6,
  kFullyConnected = 9,
  kLogistic = 14,
  kMaxPool2d = 17,
  kMul = 18,
  kRelu = 19,
  kReluN1To1 = 20,
  kRelu6 = 21,
  kReshape = 22,
  kResizeBilinear = 23,
  kSoftmax = 25,
  kTanh = 28,
  kCustom = 32,
  kPad = 34,
  kTranspose = 39,
  kMean = 40,
  kSub = 41,
  kDiv = 42,
  kSqueeze = 43,
  kLogSoftmax = 50,
  kMaximum = 55,
  kMinimum = 57,
  kPadV2 = 60,
  kExpandDims = 70,
  kResizeNearestNeighbor = 97,
  kLeakyRelu = 98,
  kQuantize = 114,
  kHardSwish = 117,
};

// "CONV_2D"; "operator 1234" for a number that this program is too old for.
std::string TfliteOpName(TfliteOp op);

// By their numbers in the format.
enum class TfliteActivation : std::int8_t {
  kNone = 0,
  kRelu = 1,
  kReluN1To1 = 2,
  kRelu6 = 3,
  kTanh = 4,
  kSignBit = 5
};

// What any of the operators can be told; each uses the fields that its table in tflite.fbs has.
struct TfliteOptions {
  bool is_same_padded = false;
  std::int32_t stride_h = 1;
  std::int32_t stride_w = 1;
  std::int32_t dilation_h = 1;
  std::int32_t dilation_w = 1;
  std::int32_t filter_h = 1;
  std::int32_t filter_w = 1;
  std::int32_t depth_multiplier = 1;
  TfliteActivation activation = TfliteActivation::kNone;
  float beta = 1;
  float alpha = 0;
  std::int32_t axis = 0;
  bool keep_dims = false;
  bool align_corners = false;
  bool half_pixel_centers = false;
  bool has_shuffled_weights = false;
  std::vector<std::int32_t> dims;  // new shape of RESHAPE, dimensions of SQUEEZE
};

struct TfliteTensor {
  std::string name;
  std::optional<ElementType> type;  // absent: one that this project does not have
  Shape shape;                      // of the runtime's first allocation: no open dimension
  Shape signature;            // the same with -1 where the model leaves a dimension open; empty: `shape`
  std::vector<float> scales;  // empty: not quantised; one: of the tensor; else one per channel
  std::vector<std::int64_t> zero_points;  // as many
  std::int32_t quantized_dimension = 0;
  std::int32_t buffer = 0;  // index; an empty buffer belongs to a tensor that is no constant
  bool is_variable = false;

  std::optional<Quantization> TensorQuantization() const;  // when it holds for the whole tensor
};

struct TfliteOperator {
  TfliteOp op = TfliteOp::kCustom;
  std::string custom_name;  // of kCustom
  std::int32_t version = 1;
  std::vector<std::int32_t> inputs;  // -1: left out
  std::vector<std::int32_t> outputs;
  TfliteOptions options;

  std::string Name() const;  // "CONV_2D", "custom:Name"
};

struct TfliteModel {
  std::string description;
  std::vector<std::vector<std::byte>> buffers = {{}};  // the first one is empty
  std::vector<TfliteTensor> tensors;
  std::vector<TfliteOperator> operators;  // in the order of execution
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
  std::size_t subgraphs = 1;  // in the file; the fields above are of the first

  const std::vector<std::byte>& DataOf(const TfliteTensor& tensor) const {
    return buffers[static_cast<std::size_t>(tensor.buffer)];
  }
  bool IsConstant(std::int32_t index) const {
    return index >= 0 && !DataOf(tensors[static_cast<std::size_t>(index)]).empty();
  }
  // "CONV_2D 'conv1/Relu'": the operator and its first output.
  std::string OperatorText(const TfliteOperator& op) const;
};

// True for bytes that carry the format's file identifier.
bool IsTflite(std::string_view bytes);

// Everything is checked before it is believed: the flatbuffer's offsets, indices between tables, sizes of constants against their
// shapes, quantisation, and that each tensor is made before it is read. INVALID_ARGUMENT names tensor or operator and the next
// step. Time and memory are in proportion to the number of bytes. Operators that TfliteOp lacks keep their number and no options.
Result<TfliteModel> ParseTflite(std::string_view bytes);

// The constants of at least `min_bytes` and where they lie in the bytes. REQUIRES: ParseTflite(bytes) took them.
std::vector<WordRange> TfliteArrays(std::string_view bytes, std::uint64_t min_bytes);

// The same model gives the same bytes. REQUIRES: a consistent model; INTERNAL otherwise.
Result<std::string> SerializeTflite(const TfliteModel& model);

}  // namespace paddock
