// Hostile programs: the segments lie within the file and beside each other, and flat they are as long as CheckFits() said.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "device_drivers/mcu/elf_image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kBegin = 0x08000000;
  constexpr std::uint64_t kSize = 1 << 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto segments = paddock::LoadableSegments(bytes);
  if (!segments.ok()) {
    PADDOCK_CHECK(!segments.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  if (paddock::CheckFits(*segments, kBegin, kSize).ok())
    PADDOCK_CHECK(paddock::FlatImage(*segments).size() <= kSize, "an image that fits is no larger flat");
  return 0;
}
