// The options of driver 'mcu' (mcu.md), read and checked. Pure data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/option_reader.h"
#include "base/status.h"
#include "device_drivers/mcu/emulator.h"
#include "device_drivers/mcu/flasher.h"
#include "device_drivers/mcu/line.h"

namespace paddock {

enum class McuMode {
  kOwn,       // puts the firmware that comes with the model on the board
  kExisting,  // talks to the firmware that is there
};

enum class McuProtocol { kAuto, kEembc, kStm32msg };

struct McuSettings {
  std::string link;  // as given
  // What the link means: a line to a board, or a board that the driver starts.
  std::variant<LineAddress, const EmulatedBoard*> board_at{};
  std::string board;  // its name: the "+BOARD" of the artifacts that it takes
  McuMode mode = McuMode::kOwn;
  McuProtocol protocol = McuProtocol::kAuto;
  std::string name;   // what the board must answer to `name%`, anywhere in it; empty: anything
  std::string image;  // of an emulated board with an existing firmware
  double answer_timeout_s = 5;
  std::uint32_t inferences = 1;         // of one Invoke()
  std::uint32_t warmup_inferences = 0;  // before them, each time
  // How images come onto a board behind a probe. Absent: an emulated board, an existing firmware, or probe=none.
  std::optional<FlasherSettings> flashing{};

  // Started by the driver, or by others and named so.
  bool counts_instructions() const { return board.starts_with("qemu-"); }
  bool is_emulated() const { return std::holds_alternative<const EmulatedBoard*>(board_at); }
  // Of a line that is a real serial port; 0 elsewhere.
  std::uint32_t line_baud() const;
};

// INVALID_ARGUMENT names the option, what it is and may be.
Result<McuSettings> ReadMcuSettings(const std::map<std::string, std::string>& options);

}  // namespace paddock
