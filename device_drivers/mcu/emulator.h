// An emulated board: QEMU with the board's image in its flash, from power-on until the object goes. It counts instructions, a
// nanosecond each (-icount shift=0). Needs qemu-system-arm in PATH. One thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "device_drivers/mcu/line.h"

namespace paddock {

struct EmulatedBoard {
  std::string_view name;     // "qemu-stm32f405"
  std::string_view machine;  // of QEMU: "netduinoplus2"
};
std::span<const EmulatedBoard> EmulatedBoards();
// NOT_FOUND lists the boards.
Result<const EmulatedBoard*> FindEmulatedBoard(std::string_view name);

class Emulator {
 public:
  virtual ~Emulator() = default;
  // The board's first serial port. What the board says from its first instruction on can be read from it. Once.
  virtual std::unique_ptr<Line> TakeLine() = 0;
  // How it ended, and why by its own words; waits a moment for the end that a closed line announces. Empty: it runs.
  virtual std::optional<std::string> HowItEnded() = 0;
};

// When QEMU gives the board the next byte of the line. kAhead: it holds up to 32 ready, three times as fast; but its STM32 lowers
// the interrupt of a byte that it had ready, and firmware that reads no second byte within one waits for ever. Ours does read on.
enum class LineBytes { kOneByOne, kAhead };

// `image` is the path of an ELF file. UNAVAILABLE: QEMU is not installed, or ends at once (with its words);
// DEADLINE_EXCEEDED: it does not come up until the deadline.
Result<std::unique_ptr<Emulator>> StartEmulator(const EmulatedBoard& board, const std::string& image,
                                                LineBytes bytes, Deadline deadline);

// Is there a QEMU that can start? UNAVAILABLE says what to install.
Status CheckEmulator(Deadline deadline);

}  // namespace paddock
