// One recording (RIFF WAVE) as float32 [1, samples], mixed down to one channel by the mean.
//
// Read are PCM of 8, 16, 24 and 32 bits and 32-bit floating point, little-endian, plain or in the extensible form. Integers
// are divided by 2^(bits - 1), so that 16 bits become value / 32768 as TensorFlow's decode_wav has it; 8 bits are unsigned
// around 128. Foreign bytes: a chunk that claims more than the file holds is refused. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

struct Recording {
  Tensor samples;
  std::uint32_t rate_hz = 0;
};

Result<Recording> DecodeWav(std::string_view bytes);

}  // namespace paddock
