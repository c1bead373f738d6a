#include "device_drivers/mcu/flasher.h"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "device_drivers/mcu/probe_state.h"
#include "flash_bench.h"
#include "small_elf.h"
#include "tests/fakes/growing_patience.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

const Deadline kSoon = Deadline::Never();

const std::string kImage = SmallElf({{0x08000000, "vectors and code"}});
const std::string kOtherImage = SmallElf({{0x08000000, "another program"}});
constexpr char kSucceeds[] = "echo '** Verified OK **' >&2\n";
constexpr char kNobody[] = "echo 'Error: open failed' >&2\nexit 1\n";
constexpr char kSilentBoard[] =
    "echo 'Error: init mode failed (unable to connect to the target)' >&2\nexit 1\n";

Result<Flashed> FlashOnce(Flasher& flasher, const std::string& image = kImage) {
  return flasher.Flash(image, Sha256::Of(image), kSoon);
}

}  // namespace

TEST_CASE("a board is flashed with exactly the image, and not again while it holds it", "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher = bench.MakeFlasher(kSucceeds);
  auto flashed = FlashOnce(flasher);
  REQUIRE(flashed.ok());
  CHECK_FALSE(flashed->remembered);
  CHECK(flashed->tries == std::vector<std::string>{"openocd, first: flashed and verified"});
  CHECK(bench.Text("flashed") == kImage);
  flashed = UnavailableError("let go of the lock");
  flashed = FlashOnce(flasher);
  REQUIRE(flashed.ok());
  CHECK(flashed->remembered);
  CHECK(bench.Calls() == 1);
  flashed = UnavailableError("let go of the lock");
  REQUIRE(FlashOnce(flasher, kOtherImage).ok());
  CHECK(bench.Calls() == 2);
  CHECK(bench.Text("flashed") == kOtherImage);
  CHECK(FlashOnce(flasher, kOtherImage)->remembered);
  CHECK(flasher.Forget().ok());
  CHECK_FALSE(FlashOnce(flasher, kOtherImage)->remembered);
}

TEST_CASE("while a board is being flashed nothing is remembered of it, and nothing after a failure",
          "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher = bench.MakeFlasher("test -e state/066BFF30.json && echo remembered >while\n" +
                                      std::string("test $n -gt 1 && exit 1\n") + kSucceeds);
  REQUIRE(FlashOnce(flasher).ok());
  CHECK_FALSE(bench.Text("state/066BFF30.json").empty());
  CHECK_FALSE(FlashOnce(flasher, kOtherImage).ok());
  CHECK(bench.Text("while").empty());
  CHECK_FALSE(FlashOnce(flasher).ok());  // what the board held before
  CHECK(bench.Calls() == 9);
}

TEST_CASE("a board that was unplugged, or whose record is damaged, is flashed again", "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher = bench.MakeFlasher(kSucceeds);
  REQUIRE(FlashOnce(flasher).ok());
  bench.Plug("066BFF30", 8);
  CHECK_FALSE(FlashOnce(flasher)->remembered);
  REQUIRE(WriteFileUnsynced(bench.RecordPath(), "{\"image_sha256\": \"" + std::string(64, 'x')).ok());
  CHECK_FALSE(FlashOnce(flasher)->remembered);
  CHECK(FlashOnce(flasher)->remembered);
}

TEST_CASE("each try is more insistent than the one before", "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher =
      bench.MakeFlasher("if [ $n -lt 4 ]; then " + std::string(kSilentBoard) + "fi\n" + kSucceeds);
  const auto flashed = FlashOnce(flasher);
  REQUIRE(flashed.ok());
  CHECK(flashed->tries ==
        std::vector<std::string>{"openocd, first: the board does not answer its probe",
                                 "openocd, again: the board does not answer its probe",
                                 "openocd, under reset: the board does not answer its probe",
                                 "openocd, under reset, slowly: flashed and verified"});
  const std::string argv = bench.Text("argv");
  CHECK(argv.find("connect_assert_srst") > argv.find('\n', argv.find('\n') + 1));
  CHECK_THAT(argv, Contains("adapter speed 400"));
  CHECK(flasher.Probe().ok());
}

TEST_CASE("a board that nothing helps needs hands, and is well again when it was unplugged or flashed",
          "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher =
      bench.MakeFlasher("test -e mended || " + std::string("{ ") + kSilentBoard + "}\n" + kSucceeds);
  CHECK(flasher.Probe().ok());
  const auto flashed = FlashOnce(flasher);
  CHECK(flashed.status().code() == StatusCode::kUnavailable);
  CHECK_THAT(flashed.status().message(), Contains("needs hands") && Contains("066BFF30") &&
                                             Contains("unable to connect") && Contains("tries: 4"));
  CHECK(flasher.Probe().code() == StatusCode::kUnavailable);
  CHECK_THAT(flasher.Probe().message(), Contains("unplug the probe") && Contains(bench.RecordPath()));
  bench.Plug("066BFF30", 8);
  CHECK(flasher.Probe().ok());
  CHECK_FALSE(FlashOnce(flasher).ok());
  CHECK_FALSE(flasher.Probe().ok());
  REQUIRE(WriteFileUnsynced(bench / "mended", "").ok());
  CHECK(FlashOnce(flasher).ok());
  CHECK(flasher.Probe().ok());
}

TEST_CASE("a wrong serial number is answered with those that are there, and soon", "[mcu][flash]") {
  FlashBench bench;
  bench.Plug("0670FF48", 9);
  Flasher flasher = bench.MakeFlasher(kNobody);
  CHECK_THAT(flasher.Probe().message(),
             Contains("probe 066BFF30 is not plugged in") && Contains("0670FF48 (ST-Link V2-1 at 1-2.3)"));
  const auto flashed = FlashOnce(flasher);
  CHECK(flashed.status().code() == StatusCode::kUnavailable);
  CHECK_THAT(flashed.status().message(),
             Contains("no such probe") && Contains("0670FF48 (ST-Link V2-1 at 1-2.3)"));
  CHECK(bench.Calls() == 2);
}

TEST_CASE("a tool that hangs is killed with all that it started", "[mcu][flash]") {
  int tools = 0;
  WithGrowingPatience([&](int patience) {
    FlashBench bench;
    bench.try_timeout = patience * std::chrono::milliseconds(300);
    Flasher flasher = bench.MakeFlasher("sleep 1000 & echo $! >>pids\nwait\n");
    const auto flashed = FlashOnce(flasher);
    CHECK(flashed.status().code() == StatusCode::kUnavailable);
    CHECK_THAT(flashed.status().message(), Contains("killed"));
    std::istringstream pids(bench.Text("pids"));
    tools = 0;
    for (int pid = 0; pids >> pid; ++tools) {
      // An orphan may stay a zombie where nobody reaps it.
      const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
      CHECK((!stat.ok() || stat->find(") Z ") != std::string::npos ||
             stat->find("sleep") == std::string::npos));
    }
    return tools == 4;
  });
  CHECK(tools == 4);
}

TEST_CASE("a tool that floods is heard to its end", "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher = bench.MakeFlasher("yes 'Info : a line' | head -c 8000000 >&2\nyes | head -c 8000000\n" +
                                      std::string(kSucceeds));
  CHECK(FlashOnce(flasher).ok());
}

TEST_CASE("an image that is not the one that was built, or does not fit, touches no board", "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher = bench.MakeFlasher(kSucceeds);
  CHECK(flasher.Flash(kOtherImage, Sha256::Of(kImage), kSoon).status().code() == StatusCode::kDataLoss);
  CHECK(FlashOnce(flasher, "no program").status().code() == StatusCode::kInvalidArgument);
  CHECK(FlashOnce(flasher, SmallElf({{0x08000000, std::string((1 << 20) + 1, 'x')}})).status().code() ==
        StatusCode::kResourceExhausted);
  CHECK(FlashOnce(flasher, SmallElf({{0x08000000, "x"}, {0x1FFFC000, "option bytes"}})).status().code() ==
        StatusCode::kResourceExhausted);
  CHECK(bench.Calls() == 0);
}

TEST_CASE("what no other try could change ends the tries", "[mcu][flash]") {
  FlashBench bench;
  Flasher no_rights = bench.MakeFlasher("echo 'LIBUSB_ERROR_ACCESS' >&2\nexit 1\n");
  const auto refused = FlashOnce(no_rights);
  CHECK(refused.status().code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(refused.status().message(), Contains("udev"));
  Flasher no_such_chip = bench.MakeFlasher("echo \"Error: Can't find target/stm32l4x.cfg\" >&2\nexit 1\n");
  CHECK(FlashOnce(no_such_chip).status().code() == StatusCode::kFailedPrecondition);
  Flasher too_small = bench.MakeFlasher("echo 'no flash bank found for address 0x08100000' >&2\nexit 1\n");
  CHECK(FlashOnce(too_small).status().code() == StatusCode::kResourceExhausted);
  CHECK(bench.Calls() == 3);
  CHECK(no_rights.Probe().ok());  // the board is not to blame
}

TEST_CASE("a tool that is not installed is named with its package", "[mcu][flash]") {
  FlashBench bench;
  auto flasher = Flasher::Make({.target = {.program = "no-such-openocd",
                                           .serial = "066BFF30",
                                           .openocd_target = "stm32l4x",
                                           .flash_bytes = 1 << 20},
                                .state_folder = bench / "state"});
  const auto flashed = FlashOnce(*flasher);
  CHECK(flashed.status().code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(flashed.status().message(), Contains("no-such-openocd") && Contains("apt install openocd"));
  CHECK(flasher->Probe().message() == flashed.status().message());
}

TEST_CASE("a power cycle is the last try: by command, or of the probe's own socket", "[mcu][flash]") {
  FlashBench bench;
  const std::string behaviour = "test -e cycled || { " + std::string(kSilentBoard) + "}\n" + kSucceeds;
  Flasher by_command = bench.MakeFlasher(behaviour, bench.Script("supply", "echo $* >>cycled\n") + " port 3");
  const auto flashed = FlashOnce(by_command);
  REQUIRE(flashed.ok());
  CHECK(flashed->tries.back() == "openocd, after a power cycle: flashed and verified");
  CHECK(bench.Text("cycled") == "port 3\n");

  FlashBench other;
  other.Script("uhubctl", "echo $* >>cycled\n");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", ((other / "") + ":" + path).c_str(), 1);
  Flasher by_usb = other.MakeFlasher(behaviour, "usb");
  CHECK(FlashOnce(by_usb).ok());
  ::setenv("PATH", path.c_str(), 1);
  CHECK(other.Text("cycled") == "-l 1-2 -p 3 -a cycle -d 2 -r 100\n");

  FlashBench third;
  Flasher broken = third.MakeFlasher(behaviour, third / "no-such-supply");
  const auto failed = FlashOnce(broken);
  CHECK(failed.status().code() == StatusCode::kUnavailable);
  CHECK_THAT(failed.status().message(), Contains("tries: 6"));
}

TEST_CASE("two agents with one probe take turns, or one is told so", "[mcu][flash]") {
  FlashBench bench;
  const std::string behaviour =
      "mkdir busy || { echo overlap >>overlaps; exit 1; }\nsleep 0.02\nrmdir busy\n" + std::string(kSucceeds);
  std::vector<std::thread> agents;
  std::atomic<int> flashed{0};
  Flasher first = bench.MakeFlasher(behaviour);
  for (int i = 0; i < 4; ++i) {
    agents.emplace_back([&, i, flasher = first]() mutable {
      const std::string image = SmallElf({{0x08000000, std::to_string(i)}});
      if (FlashOnce(flasher, image).ok()) ++flashed;
    });
  }
  for (std::thread& agent : agents) agent.join();
  CHECK(flashed == 4);
  CHECK(bench.Text("overlaps").empty());

  const auto held = FlashOnce(first);
  REQUIRE(held.ok());
  const auto late = first.Flash(kImage, Sha256::Of(kImage), Deadline::After(std::chrono::milliseconds(1)));
  CHECK(late.status().code() == StatusCode::kUnavailable);
  CHECK_THAT(late.status().message(), Contains("another process has the probe"));
}

TEST_CASE("a cancelled flashing kills the tool and forgets the board, but blames nobody", "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher =
      bench.MakeFlasher("test $n -eq 1 && echo '** Verified OK **' && exit 0\necho >started\nsleep 1000\n");
  REQUIRE(FlashOnce(flasher).ok());
  const auto flashed = flasher.Flash(kOtherImage, Sha256::Of(kOtherImage), kSoon,
                                     [&] { return std::filesystem::exists(bench / "started"); });
  CHECK(flashed.status().code() == StatusCode::kCancelled);
  CHECK(bench.Text("state/066BFF30.json").empty());
  CHECK(flasher.Probe().ok());
}

TEST_CASE("an agent that dies while it flashes leaves no tool, no lock and no record", "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher = bench.MakeFlasher(
      "test $n -ne 2 && echo '** Verified OK **' && exit 0\necho $$ >tool\nexec sleep 1000\n");
  REQUIRE(FlashOnce(flasher).ok());
  const pid_t agent = ::fork();
  REQUIRE(agent >= 0);
  if (agent == 0) {
    static_cast<void>(FlashOnce(flasher, kOtherImage));
    ::_exit(0);
  }
  const Deadline until = Deadline::After(std::chrono::seconds(20));
  while (bench.Text("tool").empty() && !until.passed())
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  REQUIRE(::kill(agent, SIGKILL) == 0);
  REQUIRE(::waitpid(agent, nullptr, 0) == agent);
  const std::string stat = "/proc/" + std::to_string(std::stoi(bench.Text("tool"))) + "/stat";
  const auto runs = [&stat] {
    const auto text = ReadFile(stat);
    return text.ok() && text->find(") Z ") == std::string::npos;
  };
  while (runs() && !until.passed()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK_FALSE(runs());
  CHECK(bench.Text("state/066BFF30.json").empty());
  const auto next = FlashOnce(flasher);
  REQUIRE(next.ok());
  CHECK_FALSE(next->remembered);
}

TEST_CASE("a board that does not answer as what it is remembered to hold is flashed again, once",
          "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher = bench.MakeFlasher(kSucceeds);
  REQUIRE(FlashOnce(flasher).ok());  // then somebody flashes something else with another tool
  const auto brought = flasher.BringUp(
      kImage, Sha256::Of(kImage),
      [&] { return bench.Calls() == 1 ? UnavailableError("it says m-name-dut-[other]") : OkStatus(); },
      kSoon);
  REQUIRE(brought.ok());
  CHECK_FALSE(brought->remembered);
  CHECK_THAT(brought->tries.front(), Contains("m-name-dut-[other]"));
  CHECK(bench.Calls() == 2);
}

TEST_CASE("a board that answers wrongly though it was just flashed is not remembered", "[mcu][flash]") {
  FlashBench bench;
  Flasher flasher = bench.MakeFlasher(kSucceeds);
  const auto wrong = flasher.BringUp(
      kImage, Sha256::Of(kImage), [] { return UnavailableError("no m-ready"); }, kSoon);
  CHECK(wrong.status().message() == "no m-ready");
  CHECK(bench.Calls() == 1);
  CHECK_FALSE(FlashOnce(flasher)->remembered);
}

TEST_CASE("what dfu-util read back is compared, since it verifies nothing itself", "[mcu][flash]") {
  FlashBench bench;
  const std::string program = bench.Script("dfu-util",
                                           "for word in \"$@\"; do case $before in -D) cp $word written;; "
                                           "-U) if [ -e good ]; then cp written $word; else "
                                           "echo x >$word; fi;; esac; before=$word; done\n");
  auto flasher = Flasher::Make({.target = {.tool = FlashTool::kDfuUtil,
                                           .program = program,
                                           .serial = "066BFF30",
                                           .flash_bytes = 1 << 20},
                                .state_folder = bench / "state",
                                .retry_pause = std::chrono::nanoseconds(0)});
  const auto damaged = FlashOnce(*flasher);
  // It knows one way only.
  CHECK_THAT(damaged.status().message(), Contains("verifying failed") && Contains("tries: 2"));
  REQUIRE(WriteFileUnsynced(bench / "good", "").ok());
  CHECK(FlashOnce(*flasher).ok());
  CHECK(bench.Text("written") == "vectors and code");
}

TEST_CASE("a probe has one lock and one record, by serial number or by socket", "[mcu][flash]") {
  FlashBench bench;
  Flasher by_serial = bench.MakeFlasher(kSucceeds);
  REQUIRE(FlashOnce(by_serial).ok());
  const std::map<std::string, std::string> options = {{"probe", "usb:1-2.3"},
                                                      {"flash_program", bench / "openocd"},
                                                      {"openocd_target", "stm32l4x"},
                                                      {"probe_state", bench / "state"}};
  OptionReader reader("driver 'mcu'", options);
  FlasherSettings settings{.root = bench.root()};
  settings.target.flash_bytes = 1 << 20;
  settings = ReadFlasherOptions(reader, settings);
  REQUIRE(reader.Finish().ok());
  Flasher by_socket = *Flasher::Make(settings);
  CHECK(FlashOnce(by_socket)->remembered);
  const ProbeState one("/s", "a/b"), two("/s", "a%47%b"), three("/s", "../x");
  CHECK(one.record_path() == "/s/a%47%b.json");
  CHECK(two.record_path() != one.record_path());
  CHECK(three.record_path() == "/s/%46%.%47%x.json");
}

}  // namespace paddock
