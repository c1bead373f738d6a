// Hostile bytes as a packed file: unpacked within bounds, or refused. The same bytes as a file to pack: what comes back is the
// file, wherever its arrays are said to lie.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/packed_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kMaxBytes = 1 << 24;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto unpacked = paddock::Unpack(bytes, kMaxBytes);
  PADDOCK_CHECK(unpacked.ok() || !unpacked.status().message().empty(), "an error says what is wrong");
  if (unpacked.ok()) {
    PADDOCK_CHECK(unpacked->size() <= kMaxBytes, "the limit holds");
    PADDOCK_CHECK(unpacked->size() == paddock::UnpackedBytes(bytes).value(), "the header says the size");
  }

  std::vector<paddock::WordRange> ranges;
  for (std::size_t i = 0; i + 3 <= size && i < 12; i += 3)
    ranges.push_back({.offset = data[i], .word_bytes = data[i + 1] % 10U, .words = data[i + 2]});
  const auto packed = paddock::Pack(bytes, ranges);
  PADDOCK_CHECK(packed.ok(), "whatever is small can be packed");
  const auto again = paddock::Unpack(*packed);
  PADDOCK_CHECK(again.ok() && *again == bytes, "what was packed comes back");
  return 0;
}
