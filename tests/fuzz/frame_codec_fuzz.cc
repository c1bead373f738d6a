// Hostile bytes between two zeros of a line: no frame, or one that survives being written and read. So does any
// content.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "device_drivers/mcu/frame_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto survives = [](const paddock::Frame& frame) {
    const std::string encoded = paddock::EncodeFrame(frame);
    const std::string_view between = std::string_view(encoded).substr(1, encoded.size() - 2);
    PADDOCK_CHECK(between.find('\0') == between.npos, "no zero stands within a frame");
    PADDOCK_CHECK(paddock::DecodeFrame(between) == frame, "a frame survives");
  };
  if (const auto frame = paddock::DecodeFrame(bytes)) survives(*frame);
  survives({1, 7, std::string(bytes)});
  return 0;
}
