// What a compiled program puts into a microcontroller's memory: the loadable segments of a 32-bit little-endian ELF file, by load
// address. Pure functions over foreign bytes; what they return refers to the bytes that they were given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

struct ImageSegment {
  std::uint64_t address = 0;  // where it is stored, not where it runs
  std::string_view bytes;
};

// With bytes in the file, in the order of their addresses; at least one, none over another. INVALID_ARGUMENT for anything else:
// damaged files, other machines than ARM, no segment.
Result<std::vector<ImageSegment>> LoadableSegments(std::string_view elf);

// RESOURCE_EXHAUSTED with the sizes when a segment is not wholly in the `size` bytes from `begin`: the image does not fit, or is
// for another board.
Status CheckFits(const std::vector<ImageSegment>& segments, std::uint64_t begin, std::uint64_t size);

// From the first segment's address to the last one's end, gaps as erased flash (0xFF). `segments` have passed CheckFits().
std::string FlatImage(const std::vector<ImageSegment>& segments);

}  // namespace paddock
