// Hostile bytes as AIMET's encodings: an error, or encodings whose numbers are what the steps rely on.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "prepare/passes/aimet_encodings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto encodings = paddock::ParseAimetEncodings({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!encodings.ok()) {
    PADDOCK_CHECK(encodings.status().message().starts_with("fuzz"), "an error names the file");
    return 0;
  }
  for (const paddock::TensorEncoding& encoding : *encodings) {
    if (encoding.is_float) continue;
    PADDOCK_CHECK(!encoding.scales.empty() && encoding.scales.size() == encoding.zero_points.size(),
                  "each scale has a zero point");
    PADDOCK_CHECK(std::all_of(encoding.scales.begin(), encoding.scales.end(),
                              [](float s) { return std::isnormal(s) && s > 0; }),
                  "scales are positive");
    PADDOCK_CHECK(std::all_of(encoding.zero_points.begin(), encoding.zero_points.end(),
                              [&](std::int64_t z) { return z >= encoding.low && z <= encoding.high; }),
                  "zero points are in the range");
  }
  return 0;
}
