// AIMET's `.encodings`, a JSON file beside an ONNX model: how each tensor named in it becomes integers. Three forms are known:
// versions 0.x (a list of encodings for each tensor, one per channel), 1.x (one encoding with lists for each tensor) and 2.x
// (as the inputs of QuantizeLinear). All are brought to real = (q - zero_point) * scale with q in [low, high], a signed range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

struct TensorEncoding {
  std::string tensor;
  bool is_float = false;  // stays floating point, and nothing below is set
  int bits = 8;
  std::int64_t low = -128;
  std::int64_t high = 127;
  std::vector<float> scales;              // one, or one for each channel; positive and finite
  std::vector<std::int64_t> zero_points;  // as many, in [low, high]
  std::optional<std::int64_t> axis;       // of the channels, where the file says it (2.x)
  bool operator==(const TensorEncoding&) const = default;
};

// The tensors in the order of the file, each once. INVALID_ARGUMENT names `shown_name` and the place in it; also for scales
// in blocks, which opsets below 21 do not have, and for more than 64 MB.
Result<std::vector<TensorEncoding>> ParseAimetEncodings(std::string_view json, std::string_view shown_name);
Result<std::vector<TensorEncoding>> ReadAimetEncodings(const std::string& path, std::string_view shown_name);

}  // namespace paddock
