// A file packed without loss, for models that are stored and sent smaller than they are used. What is known to be an array of
// words is cut out of the file and packed on its own: as a codebook with an index per word where it has few distinct ones, else
// by planes of bytes (all first bytes, then all second ones ...). The rest is packed together. All of it is deflated (RFC 1951).
//
//   "PDKZ1\n", bytes of the original (u64), its SHA-256 (64 hex characters), then sections:
//   gap (u32), bytes of a word (u8), words in the codebook (u16; 0: planes), words (u32), bytes that follow (u32), deflated:
//   planes, or codebook and one byte per word
//
// Numbers are little-endian. The first section is the rest; each other one stands in the original behind `gap` further bytes of
// the rest. Pure; any thread. Memory: the original and its largest array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

// An array in a file.
struct WordRange {
  std::uint64_t offset = 0;
  std::uint32_t word_bytes = 1;  // 1, 2, 4 or 8
  std::uint64_t words = 0;
};

inline constexpr std::uint64_t kMaxUnpackedBytes = 0x7fffffff;

// Ranges that overlap one before them, lie outside or have other word sizes are taken as part of the rest. The same input gives
// the same bytes with the same zlib. RESOURCE_EXHAUSTED: more than kMaxUnpackedBytes.
Result<std::string> Pack(std::string_view bytes, std::vector<WordRange> ranges);

// By the first bytes alone.
bool IsPacked(std::string_view bytes);

// Bytes of the original as the file states them; INVALID_ARGUMENT when it is damaged so that it cannot say.
Result<std::uint64_t> UnpackedBytes(std::string_view packed);

// The original. INVALID_ARGUMENT says what is wrong with a damaged file; RESOURCE_EXHAUSTED: it states more than `max_bytes`, which
// is refused before anything is allocated. Hostile bytes cost memory of at most 9300 times their number, and of 3 * `max_bytes`.
Result<std::string> Unpack(std::string_view packed, std::uint64_t max_bytes = kMaxUnpackedBytes);

}  // namespace paddock
