// Hostile bytes as an image: decoded as a whole, or refused. What declares many pixels is left out, since only time would go
// by: filling them is bounded by NewImage().
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "prepare/sources/image_decode.h"

namespace {

std::uint64_t PixelsOfPng(std::string_view bytes) {
  const auto number = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
    return value;
  };
  return bytes.size() < 24 ? 0 : number(16) * number(20);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.starts_with("\x89PNG") && PixelsOfPng(bytes) > 1 << 20) return 0;
  for (std::size_t at = 0; (at = bytes.find("\xff", at)) != std::string_view::npos && at + 9 < size; ++at) {
    const unsigned marker = data[at + 1];
    const unsigned height = 256U * data[at + 5] + data[at + 6];
    const unsigned width = 256U * data[at + 7] + data[at + 8];
    if (marker >= 0xc0 && marker <= 0xcf && height * width > 1 << 18) return 0;
  }
  const auto image = paddock::DecodeImage(bytes);
  if (!image.ok()) {
    PADDOCK_CHECK(!image.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  const paddock::Shape& shape = image->info.shape;
  PADDOCK_CHECK(shape.size() == 4 && shape[3] == 3 && image->bytes.size() == *paddock::ElementCount(shape),
                "an image has three bytes a pixel");
  return 0;
}
