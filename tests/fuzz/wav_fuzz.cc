// Hostile bytes as a recording: decoded into finite numbers, or refused.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "prepare/sources/wav_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto recording = paddock::DecodeWav({reinterpret_cast<const char*>(data), size});
  if (!recording.ok()) {
    PADDOCK_CHECK(!recording.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  const paddock::Tensor& samples = recording->samples;
  PADDOCK_CHECK(
      recording->rate_hz > 0 && samples.bytes.size() == *paddock::ElementCount(samples.info.shape) * 4,
      "a recording has a rate and samples");
  for (std::size_t i = 0; i < samples.bytes.size() / 4; ++i)
    PADDOCK_CHECK(std::isfinite(paddock::ElementAsDouble(samples.view(), i)), "samples are finite");
  return 0;
}
