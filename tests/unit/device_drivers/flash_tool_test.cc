#include "device_drivers/mcu/flash_tool.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "base/subprocess.h"
#include "device_drivers/mcu/elf_image.h"
#include "small_elf.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

const FlashFiles kFiles{.elf = "/s/image.elf",
                        .binary = "/s/image.bin",
                        .read_back = "/s/back.bin",
                        .address = 0x08000000,
                        .bytes = 1000};

FlashTarget TargetOf(FlashTool tool) {
  FlashTarget target{
      .tool = tool, .serial = "066BFF30", .openocd_target = "stm32l4x", .flash_bytes = 1 << 20};
  if (tool == FlashTool::kGdb) target.gdb_server = "127.0.0.1:3333";
  return target;
}

std::string CommandText(const FlashTarget& target, const FlashWay& way = {}) {
  std::string text;
  for (const auto& argv : FlashCommands(target, way, kFiles)) {
    for (const std::string& word : argv) {
      const bool is_plain = word.find(' ') == std::string::npos;
      text += is_plain ? word + " " : "'" + word + "' ";
    }
    text.back() = '\n';
  }
  return text;
}

ProcessResult Ended(int exit_code, const std::string& out, const std::string& err = {}) {
  ProcessResult result;
  result.exit_code = exit_code;
  result.stdout_text = out;
  result.stderr_text = err;
  return result;
}

}  // namespace

TEST_CASE("every tool is told which probe, is made to verify, and listens nowhere", "[mcu][flash]") {
  CHECK(CommandText(TargetOf(FlashTool::kOpenOcd)) ==
        "openocd -c 'gdb_port disabled; tcl_port disabled; telnet_port disabled' -f interface/stlink.cfg "
        "-c 'adapter serial 066BFF30' -f target/stm32l4x.cfg "
        "-c 'program {/s/image.elf} verify reset exit'\n");
  CHECK(CommandText(TargetOf(FlashTool::kStFlash)) ==
        "st-flash --serial 066BFF30 --reset write /s/image.bin 0x8000000\n");
  CHECK(CommandText(TargetOf(FlashTool::kCubeProgrammer)) ==
        "STM32_Programmer_CLI -c port=SWD sn=066BFF30 mode=NORMAL reset=SWrst -d /s/image.elf -v -rst\n");
  CHECK(CommandText(TargetOf(FlashTool::kDfuUtil)) ==
        "dfu-util -d 0483:df11 -a 0 -S 066BFF30 -s 0x8000000 -D /s/image.bin\n"
        "dfu-util -d 0483:df11 -a 0 -S 066BFF30 -s 0x8000000:1000:leave -U /s/back.bin\n");
  CHECK(CommandText(TargetOf(FlashTool::kGdb)) ==
        "gdb-multiarch -nx -batch -iex 'set auto-load off' -iex 'set tcp connect-timeout 5' "
        "-ex 'target remote 127.0.0.1:3333' -ex load -ex compare-sections -ex 'monitor reset run' -ex detach "
        "/s/image.elf\n");
}

TEST_CASE("a stubborn board is connected to under reset, and slowly", "[mcu][flash]") {
  const FlashWay way{.under_reset = true, .adapter_speed_khz = 400};
  CHECK_THAT(
      CommandText(TargetOf(FlashTool::kOpenOcd), way),
      Contains("-c 'reset_config srst_only srst_nogate connect_assert_srst' -c 'foreach t [target names] {$t "
               "configure -event reset-start {adapter speed 400}; $t configure -event reset-init {}}' -c "
               "'adapter speed 400' -c 'program"));
  CHECK_THAT(CommandText(TargetOf(FlashTool::kStFlash), way),
             Contains("st-flash --connect-under-reset --freq=400 --serial"));
  CHECK_THAT(CommandText(TargetOf(FlashTool::kCubeProgrammer), way),
             Contains("mode=UR reset=HWrst freq=400"));
  CHECK(CommandText(TargetOf(FlashTool::kGdb), way) == CommandText(TargetOf(FlashTool::kGdb)));
}

TEST_CASE("probes are named by their socket, other programs and other servers by an option", "[mcu][flash]") {
  FlashTarget target = TargetOf(FlashTool::kOpenOcd);
  target.serial.clear();
  target.usb_location = "1-2.3";
  target.openocd_interface = "cmsis-dap";
  target.program = "/opt/openocd";
  CHECK_THAT(CommandText(target), Contains("/opt/openocd ") &&
                                      Contains("-c 'adapter usb location 1-2.3' -c 'transport select swd'"));
  target = TargetOf(FlashTool::kGdb);
  target.gdb_server = "/dev/serial/by-id/usb-Black_Magic-if00";
  CHECK_THAT(CommandText(target),
             Contains("'target extended-remote /dev/serial/by-id/usb-Black_Magic-if00' -ex "
                      "'monitor swdp_scan' -ex 'attach 1' -ex load -ex compare-sections"));
}

TEST_CASE("a probe that is not named, or named with words of another language, is refused", "[mcu][flash]") {
  for (const FlashTool tool : {FlashTool::kOpenOcd, FlashTool::kStFlash, FlashTool::kCubeProgrammer,
                               FlashTool::kDfuUtil, FlashTool::kGdb}) {
    INFO(FlashToolName(tool));
    CHECK(CheckFlashTarget(TargetOf(tool)).ok());
    CHECK(*ParseFlashTool(FlashToolName(tool)) == tool);
    FlashTarget unnamed = TargetOf(tool);
    unnamed.serial.clear();
    unnamed.gdb_server.clear();
    CHECK(CheckFlashTarget(unnamed).code() == StatusCode::kInvalidArgument);
    FlashTarget hostile = TargetOf(tool);
    hostile.serial = "1; flash erase_address 0x1fff7800 8";
    CHECK(CheckFlashTarget(hostile).code() == StatusCode::kInvalidArgument);
    hostile = TargetOf(tool);
    hostile.gdb_reset = "reset\nshell rm";
    CHECK(CheckFlashTarget(hostile).code() == StatusCode::kInvalidArgument);
  }
  FlashTarget by_socket = TargetOf(FlashTool::kStFlash);
  by_socket.serial.clear();
  by_socket.usb_location = "1-2";
  CHECK_THAT(CheckFlashTarget(by_socket).message(), Contains("st-flash must know which probe"));
  CHECK_THAT(ParseFlashTool("jtag").status().message(), Contains("openocd, st-flash"));
}

TEST_CASE("a tool has flashed only when it says that it verified", "[mcu][flash]") {
  const auto judge = JudgeFlash;
  CHECK(judge(FlashTool::kOpenOcd, Ended(0, "", "** Programming Finished **\n** Verified OK **\n")) ==
        FlashOutcome::kFlashed);
  CHECK(judge(FlashTool::kOpenOcd, Ended(0, "", "** Programming Finished **\n")) == FlashOutcome::kFailed);
  CHECK(judge(FlashTool::kOpenOcd, Ended(1, "", "** Verified OK **\n")) == FlashOutcome::kFailed);
  CHECK(judge(FlashTool::kStFlash, Ended(0, "", "INFO Flash written and verified! jolly good!\n")) ==
        FlashOutcome::kFlashed);
  CHECK(judge(FlashTool::kStFlash, Ended(0, "st-flash 1.7.0\n")) == FlashOutcome::kFailed);
  CHECK(judge(FlashTool::kCubeProgrammer, Ended(0, "Download verified successfully\n")) ==
        FlashOutcome::kFlashed);
  CHECK(judge(FlashTool::kDfuUtil, Ended(0, "File downloaded successfully\n")) == FlashOutcome::kFlashed);
  ProcessResult killed = Ended(-1, "** Verified OK **");
  killed.timed_out = true;
  CHECK(judge(FlashTool::kOpenOcd, killed) == FlashOutcome::kTimedOut);
}

TEST_CASE("gdb that found nobody and compared the image with itself has not flashed", "[mcu][flash]") {
  const std::string matched = "Section .text, range 0x8000008 -- 0x8004e88: matched.\n";
  const std::string loaded =
      "Loading section .text, size 0x4e80 lma 0x8000008\nTransfer rate: 19636 KB/sec.\n";
  CHECK(JudgeFlash(FlashTool::kGdb, Ended(0, loaded + matched)) == FlashOutcome::kFlashed);
  CHECK(JudgeFlash(FlashTool::kGdb,
                   Ended(0, matched,
                         "127.0.0.1:3399: Connection timed out.\nYou can't do that when your target is "
                         "`exec'\n")) == FlashOutcome::kNoProbe);
  CHECK(JudgeFlash(FlashTool::kGdb, Ended(0, matched)) == FlashOutcome::kFailed);
  CHECK(JudgeFlash(
            FlashTool::kGdb,
            Ended(0, loaded + matched + "Section .data, range 0x8204e88 -- 0x8204e8c: MIS-MATCHED!\n")) ==
        FlashOutcome::kVerifyFailed);
}

TEST_CASE("what the tools say without a probe, without a chip and without rights is told apart",
          "[mcu][flash]") {
  const auto judge = [](FlashTool tool, const std::string& words) {
    return JudgeFlash(tool, Ended(1, "", words));
  };
  CHECK(judge(FlashTool::kOpenOcd,
              "Info : clock speed 500 kHz\nError: open failed\nin procedure 'program'\n") ==
        FlashOutcome::kNoProbe);
  CHECK(judge(FlashTool::kOpenOcd, "Error: unable to find a matching CMSIS-DAP device\n") ==
        FlashOutcome::kNoProbe);
  CHECK(judge(FlashTool::kOpenOcd, "Error: No J-Link device found\n") == FlashOutcome::kNoProbe);
  CHECK(judge(FlashTool::kOpenOcd,
              "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: open failed\n") ==
        FlashOutcome::kNoAccess);
  CHECK(judge(FlashTool::kOpenOcd, "Error: init mode failed (unable to connect to the target)\n") ==
        FlashOutcome::kNoTarget);
  CHECK(judge(FlashTool::kOpenOcd, "Error: ** Verify Failed **\n") == FlashOutcome::kVerifyFailed);
  CHECK(judge(FlashTool::kOpenOcd, "embedded:startup.tcl:28: Error: Can't find target/nonesuch.cfg\n") ==
        FlashOutcome::kBadSetup);
  CHECK(judge(FlashTool::kStFlash, "WARN usb.c: Couldn't find any ST-Link devices\n") ==
        FlashOutcome::kNoProbe);
  CHECK(judge(FlashTool::kStFlash, "ERROR common.c: addr too high\n") == FlashOutcome::kDoesNotFit);
  CHECK(judge(FlashTool::kCubeProgrammer, "Error: No STM32 target found!\n") == FlashOutcome::kNoTarget);
  CHECK(judge(FlashTool::kDfuUtil, "dfu-util: No DFU capable USB device available\n") ==
        FlashOutcome::kNoProbe);
  CHECK(judge(FlashTool::kDfuUtil, "dfu-util: Last page at 0x08200000 is not writeable\n") ==
        FlashOutcome::kDoesNotFit);
}

TEST_CASE("a tool's last words are one short line of plain text", "[mcu][flash]") {
  CHECK(LastWords(Ended(1, "out", " \n")) == "it said: out");
  CHECK(LastWords(Ended(1, "", "\33[31mError:\r\n  open failed\n\n")) == "it said: [31mError: open failed");
  CHECK(LastWords(Ended(1, "", std::string(1 << 20, 'x'))).size() == 400 + 9);
  CHECK(LastWords(Ended(1, "", "")) == "it said nothing");
}

TEST_CASE("an ELF file's segments come by load address, and flat with erased flash between them",
          "[mcu][flash]") {
  const std::string elf = SmallElf({{0x08000010, "data"}, {0x08000000, "vectors"}});
  const auto segments = LoadableSegments(elf);
  REQUIRE(segments.ok());
  REQUIRE(segments->size() == 2);
  CHECK((*segments)[0].bytes == "vectors");
  CHECK(FlatImage(*segments) == "vectors" + std::string(9, '\xFF') + "data");
  CHECK(CheckFits(*segments, 0x08000000, 20).ok());
  CHECK(CheckFits(*segments, 0x08000000, 19).code() == StatusCode::kResourceExhausted);
  CHECK(CheckFits(*segments, 0x08000001, 100).code() == StatusCode::kResourceExhausted);
}

TEST_CASE("an image that reaches for option bytes is refused, whatever else it holds", "[mcu][flash]") {
  const std::string elf = SmallElf({{0x08000000, "vectors"}, {0x1FFF7800, "optbytes"}});
  CHECK_THAT(CheckFits(*LoadableSegments(elf), 0x08000000, 2 << 20).message(),
             Contains("8 bytes at 0x1fff7800") && Contains("2097152 bytes at 0x8000000"));
}

TEST_CASE("a damaged ELF file is refused at every length", "[mcu][flash]") {
  const std::string elf = SmallElf({{0x08000000, "vectors"}, {0x08000010, "data"}});
  for (std::size_t size = 0; size < elf.size(); ++size) {
    INFO(size);
    CHECK(LoadableSegments(std::string_view(elf).substr(0, size)).status().code() ==
          StatusCode::kInvalidArgument);
  }
  CHECK(LoadableSegments(SmallElf({})).status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(LoadableSegments(SmallElf({{0x08000000, "12345"}, {0x08000004, "x"}})).status().message(),
             Contains("over each other at 0x8000004"));
}

}  // namespace paddock
