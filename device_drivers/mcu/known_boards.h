// What the driver must know of a board to flash it: where its program lies and what its chip is called. Their firmware's side is
// prepare/firmware/boards/.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace paddock {

struct KnownBoard {
  std::string_view name;
  std::uint64_t flash_begin;
  std::uint64_t flash_bytes;
  std::string_view openocd_target;  // empty: an emulated board, flashed by gdb only
};

// NOT_FOUND lists the boards.
Result<const KnownBoard*> FindKnownBoard(std::string_view name);

}  // namespace paddock
