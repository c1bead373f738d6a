// Hostile bytes as an .npy: an array whose bytes lie inside of them and have the size of its shape, or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "prepare/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto array = paddock::ParseNpy(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!array.ok()) {
    PADDOCK_CHECK(!array.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  const auto count = paddock::ElementCount(array->shape);
  PADDOCK_CHECK(count.has_value(), "a shape that was accepted has a size");
  PADDOCK_CHECK(*count * paddock::ElementSize(array->type) == array->bytes.size(), "the size is the shape's");
  PADDOCK_CHECK(array->bytes.size() < size, "the elements lie behind a header");
  return 0;
}
