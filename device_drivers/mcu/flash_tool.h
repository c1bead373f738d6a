// Command lines that bring one image onto one board through one probe, and what the tools' answers mean. Pure functions.
//
// Known words: openocd 0.12, st-flash 1.7, STM32_Programmer_CLI 2.x, dfu-util 0.11, gdb 13. Exit codes alone say too little: gdb ends
// with 0 after a failed load, and compares an image with itself when nothing answers. A tool has flashed only when it says that it
// verified. No command touches option bytes, erases whole chips or lifts a protection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

struct ProcessResult;

enum class FlashTool { kOpenOcd, kStFlash, kCubeProgrammer, kDfuUtil, kGdb };
// "openocd", "st-flash", "stm32cubeprogrammer", "dfu-util", "gdb"
std::string_view FlashToolName(FlashTool tool);
// INVALID_ARGUMENT lists the names.
Result<FlashTool> ParseFlashTool(std::string_view name);
// What it is started as unless a target names another: "openocd".
std::string_view FlashProgram(FlashTool tool);
// What to do when its program is not there: "apt install openocd".
std::string_view HowToInstall(FlashTool tool);

// One board, seen from its probe.
struct FlashTarget {
  FlashTool tool = FlashTool::kOpenOcd;
  std::string program{};  // a path, or a name found in PATH; empty: the tool's own
  // Which probe: its serial number or, for openocd and dfu-util, where it is plugged in ("1-2.3").
  std::string serial{};
  std::string usb_location{};
  std::string openocd_interface = "stlink";  // a file of OpenOCD: interface/stlink.cfg
  std::string openocd_target{};              // target/stm32l4x.cfg
  std::string gdb_server{};                  // "127.0.0.1:3333", or "/dev/..." of a Black Magic probe
  std::string gdb_reset = "reset run";       // what the server resets the board with: `monitor` reset run
  std::uint64_t flash_begin = 0x08000000;
  std::uint64_t flash_bytes = 0;
};

// INVALID_ARGUMENT for a target whose probe is not named, or whose texts hold more than names and numbers do: they become words
// of other programs' languages.
Status CheckFlashTarget(const FlashTarget& target);

// How a try differs from the one before.
struct FlashWay {
  bool under_reset = false;  // hold the board in reset while connecting; not with dfu-util and gdb's servers
  std::uint32_t adapter_speed_khz = 0;  // 0: the tool's own; dfu-util and gdb have none
};

struct FlashFiles {
  std::string elf;     // paths
  std::string binary;  // the same flat
  std::string
      read_back;  // dfu-util cannot verify: it writes here what it reads, to be compared with `binary`
  std::uint64_t address = 0;  // of the binary's first byte
  std::uint64_t bytes = 0;    // of the binary
};

// Command lines to run one after the other, each only after the one before ended well. `target` has passed CheckFlashTarget().
std::vector<std::vector<std::string>> FlashCommands(const FlashTarget& target, const FlashWay& way,
                                                    const FlashFiles& files);

enum class FlashOutcome {
  kFlashed,       // and verified; for dfu-util: written and read back
  kNoProbe,       // no such probe, or nobody serves gdb
  kNoAccess,      // it is there, but this user may not use it
  kProbeBusy,     // another program has it
  kNoTarget,      // the probe is there, the chip does not answer
  kVerifyFailed,  // what was read is not what was written
  kDoesNotFit,    // the chip has no flash there
  kBadSetup,      // the tool does not know a name that it was given
  kTimedOut,      // killed
  kFailed,        // anything else
};

// Of the last command that was run.
FlashOutcome JudgeFlash(FlashTool tool, const ProcessResult& result);
// "no such probe", "verifying failed"
std::string_view FlashOutcomeText(FlashOutcome outcome);
// The end of what the tool said, on one line, for a message.
std::string LastWords(const ProcessResult& result);

}  // namespace paddock
