// The boards whose names Paddock knows, with what is needed to compile for them and to flash them. One visible table; pure
// functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace paddock {

struct KnownBoard {
  std::string_view name;             // "nucleo-l4r5zi", as in the kind elf+BOARD of compiled models
  std::string_view zephyr_platform;  // "nucleo_l4r5zi"; empty: none
  std::string_view
      openocd_target;  // target/stm32l4x.cfg; empty: emulated, flashed by its emulator or through gdb
  std::uint64_t flash_begin;
  std::uint64_t flash_bytes;
  std::uint64_t ram_begin;  // of the memory that firmware uses
  std::uint64_t ram_bytes;
  std::string_view processor;  // options of the compiler, between blanks
};

std::span<const KnownBoard> KnownBoards();
// Null: not known.
const KnownBoard* FindKnownBoard(std::string_view name);
// Of Zephyr's name for it, with or without the chip ("nucleo_h7a3zi_q/stm32h7a3xxq") or revision ("@B").
const KnownBoard* FindBoardOfPlatform(std::string_view zephyr_platform);
// The board whose name a USB device's product text holds, however it is written: "NUCLEO-L4R5ZI". Most probes do not say.
const KnownBoard* FindBoardInText(std::string_view product);

}  // namespace paddock
