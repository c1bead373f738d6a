// The tools themselves, as far as they go without hardware: what they say without a probe, and gdb against a blank emulated board.
// A tool that is not installed is skipped with a message.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "base/subprocess.h"
#include "device_drivers/mcu/flash_tool.h"
#include "device_drivers/mcu/flasher.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

bool IsInstalled(const std::string& program) {
  const bool found = RunProcess({.argv = {program, "--version"}, .environment = CleanEnvironment()},
                                Deadline::After(std::chrono::seconds(20)))
                         .ok();
  if (!found) WARN(program << " is not installed; what it does is not tested");
  return found;
}

std::uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

// A board without anything in its flash, stopped until gdb lets it go; its serial line goes to a file.
class BlankBoard {
 public:
  explicit BlankBoard(const std::string& serial_file)
      : address_("127.0.0.1:" + std::to_string(FreePort())), thread_([this, serial_file] {
          const ProcessRequest request{
              .argv = {"qemu-system-arm", "-M", "netduinoplus2", "-nographic", "-monitor", "none", "-S",
                       "-gdb", "tcp:" + address_, "-serial", "file:" + serial_file},
              .environment = CleanEnvironment()};
          static_cast<void>(RunProcess(request, Deadline::After(std::chrono::seconds(60)),
                                       [this] { return stop_.load(); }));
        }) {}
  ~BlankBoard() {
    stop_ = true;
    thread_.join();
  }
  const std::string& address() const { return address_; }

 private:
  const std::string address_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Says who it is on the first serial port of an STM32F405, without setting up a clock.
constexpr char kProgram[] = R"(
typedef unsigned int u32;
void Reset(void);
__attribute__((section(".vectors"), used)) void *const vectors[] = {(void *)0x20020000, (void *)Reset};
static volatile u32 *const usart = (volatile u32 *)0x40011000;
volatile u32 initialised = 0x12345678;
static void Say(const char *text) {
  for (; *text; ++text) {
    while (!(usart[0] & 0x80)) {
    }
    usart[1] = *text;
  }
}
void Reset(void) {
  usart[3] = 0x200c;
  Say("m-name-dut-[" NAME "]\r\nm-ready\r\n");
  for (;;) __asm__("wfi");
}
)";
constexpr char kLayout[] = R"(
MEMORY
{
  FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 1M
  RAM (rw) : ORIGIN = 0x20000000, LENGTH = 128K
}
SECTIONS
{
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } >FLASH
  .data : { *(.data*) } >RAM AT>FLASH
}
)";

std::string Compile(const TempDir& folder, const std::string& name) {
  REQUIRE(WriteFileUnsynced(folder / "program.c", kProgram).ok());
  REQUIRE(WriteFileUnsynced(folder / "layout.ld", kLayout).ok());
  const auto result = RunProcess({.argv = {"arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-O1",
                                           "-nostdlib", "-nostartfiles", "-DNAME=\"" + name + "\"", "-T",
                                           folder / "layout.ld", folder / "program.c", "-o", folder / name},
                                  .environment = CleanEnvironment()},
                                 Deadline::After(std::chrono::seconds(60)));
  REQUIRE(result.ok());
  INFO(result->stderr_text);
  REQUIRE(result->succeeded());
  return *ReadFile(folder / name);
}

// UNAVAILABLE when it never comes.
Status AwaitText(const std::string& path, const std::string& text) {
  for (const Deadline until = Deadline::After(std::chrono::seconds(20)); !until.passed();) {
    const auto said = ReadFile(path);
    if (said.ok() && said->find(text) != std::string::npos) return OkStatus();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return UnavailableError("the board never says " + text);
}

}  // namespace

TEST_CASE("the installed tools understand their command lines and find no probe", "[mcu][flash]") {
  TempDir folder;
  REQUIRE(WriteFileUnsynced(folder / "image.bin", std::string(100, 'x')).ok());
  const FlashFiles files{.elf = folder / "image.elf",
                         .binary = folder / "image.bin",
                         .read_back = folder / "back.bin",
                         .address = 0x08000000,
                         .bytes = 100};
  for (const FlashTool tool :
       {FlashTool::kOpenOcd, FlashTool::kStFlash, FlashTool::kDfuUtil, FlashTool::kGdb}) {
    for (const char* interface : {"stlink", "cmsis-dap", "jlink"}) {
      FlashTarget target{.tool = tool,
                         .serial = "066BFF303430484257193720",
                         .openocd_interface = interface,
                         .openocd_target = "stm32l4x",
                         .flash_bytes = 1 << 20};
      if (tool == FlashTool::kOpenOcd && std::string(interface) == "jlink") target.serial = "123456789";
      for (const FlashWay& way : {FlashWay{}, FlashWay{.under_reset = true, .adapter_speed_khz = 400}}) {
        const std::vector<std::string> argv = FlashCommands(target, way, files).front();
        if (!IsInstalled(argv.front())) break;
        const auto result = RunProcess({.argv = argv, .environment = CleanEnvironment()},
                                       Deadline::After(std::chrono::seconds(30)));
        REQUIRE(result.ok());
        INFO(FlashToolName(tool) << " " << interface << ": " << LastWords(*result));
        CHECK(JudgeFlash(tool, *result) == FlashOutcome::kNoProbe);
      }
      if (tool != FlashTool::kOpenOcd) break;
    }
  }
}

TEST_CASE("gdb flashes a blank emulated board, which then says who it is; and another image over it",
          "[mcu][flash]") {
  if (!IsInstalled("qemu-system-arm") || !IsInstalled("gdb-multiarch") || !IsInstalled("arm-none-eabi-gcc"))
    return;
  TempDir folder;
  const std::string first = Compile(folder, "first");
  const std::string second = Compile(folder, "second");
  BlankBoard board(folder / "serial");
  auto flasher = Flasher::Make({.target = {.tool = FlashTool::kGdb,
                                           .gdb_server = board.address(),
                                           .gdb_reset = "system_reset",
                                           .flash_bytes = 1 << 20},
                                .state_folder = {}});
  REQUIRE(flasher.ok());
  for (const bool is_first : {true, false}) {
    const std::string& image = is_first ? first : second;
    const std::string name = is_first ? "first" : "second";
    const auto flashed = flasher->BringUp(
        image, Sha256::Of(image),
        [&] { return AwaitText(folder / "serial", "m-name-dut-[" + name + "]\r\nm-ready"); },
        Deadline::After(std::chrono::seconds(60)));
    INFO(flashed.status().message());
    REQUIRE(flashed.ok());
    CHECK(flashed->tries == std::vector<std::string>{"gdb, first: flashed and verified"});
  }
}

TEST_CASE("gdb tells that an image lies where the emulated board has no flash", "[mcu][flash]") {
  if (!IsInstalled("qemu-system-arm") || !IsInstalled("gdb-multiarch") || !IsInstalled("arm-none-eabi-gcc"))
    return;
  TempDir folder;
  const std::string image = Compile(folder, "first");
  BlankBoard board(folder / "serial");
  FlashTarget target{.tool = FlashTool::kGdb, .gdb_server = board.address(), .gdb_reset = "info version"};
  const FlashFiles files{.elf = folder / "first", .binary = {}, .read_back = {}};
  const std::vector<std::string> argv = FlashCommands(target, {}, files).front();
  const auto linked_elsewhere = RunProcess(
      {.argv = {"arm-none-eabi-objcopy", "--change-section-address", ".text+0x200000", folder / "first"},
       .environment = CleanEnvironment()},
      Deadline::After(std::chrono::seconds(20)));
  REQUIRE(linked_elsewhere->succeeded());
  const auto result = RunProcess({.argv = argv, .environment = CleanEnvironment()},
                                 Deadline::After(std::chrono::seconds(30)));
  REQUIRE(result.ok());
  INFO(result->stdout_text << result->stderr_text);
  CHECK(JudgeFlash(FlashTool::kGdb, *result) == FlashOutcome::kVerifyFailed);
}

}  // namespace paddock
