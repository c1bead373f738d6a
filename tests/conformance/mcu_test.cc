// Driver `mcu` with boards that QEMU emulates, which run the firmware that comes with a model. Skips without compiler or emulator.
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "base/scratch_folder.h"
#include "device_drivers/mcu/mcu_driver.h"
#include "tests/conformance/firmware_fixture.h"
#include "tests/fakes/line_proxy.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

const std::vector<std::string> kEmulatedBoards = {"qemu-stm32f405", "qemu-mps2-an386", "qemu-mps2-an500",
                                                  "qemu-mps3-an547"};

bool ToolsAreMissing() {
  return SkipWithout(CheckToolchain(ArmToolchain())) || SkipWithout(CheckEmulator(BoardOnLine::Limit()));
}

// Inputs of the network "sum": four bytes and eight.
struct SumInputs {
  std::vector<std::byte> first;
  std::vector<std::byte> second;
  SumInputs(int a, int b) : first(4, static_cast<std::byte>(a)), second(8, static_cast<std::byte>(b)) {}
  std::vector<TensorView> views() const {
    return {{ElementType::kInt8, {1, 4}, first}, {ElementType::kUint8, {1, 8}, second}};
  }
};

struct SumSession {
  std::unique_ptr<DeviceDriver> driver;
  std::unique_ptr<Session> session;
  Status status;
};

SumSession OpenSum(const std::string& board, DriverOptions options) {
  if (!options.contains("link")) options["link"] = "qemu:" + board;
  SumSession opened;
  auto driver = CreateMcuDriver(options);
  REQUIRE(driver.status().ToString() == "OK");
  opened.driver = *std::move(driver);
  SessionRequest request;
  request.artifact_path = ImageFor(board);
  request.artifact_kind = "elf+" + board;
  auto session = opened.driver->Open(request, Deadline::Never());
  opened.status = session.status();
  if (session.ok()) opened.session = *std::move(session);
  return opened;
}

// The first output of "sum".
Result<int> RunSum(Session& session, const SumInputs& inputs) {
  PADDOCK_ASSIGN_OR_RETURN(const std::uint32_t query, session.Bind(inputs.views()));
  PADDOCK_RETURN_IF_ERROR(session.Invoke(query));
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<TensorView> outputs, session.ReadOutputs());
  REQUIRE(outputs.size() == 2);
  return static_cast<int>(static_cast<std::int8_t>(outputs[0].bytes[0]));
}

TEST_CASE("a model runs on every emulated board, in frames and in text, with exact counts", "[mcu]") {
  if (ToolsAreMissing()) return;
  for (const std::string& board : kEmulatedBoards) {
    INFO(board);
    std::vector<std::uint64_t> counts;
    for (const std::string protocol : {"auto", "auto", "eembc"}) {
      // One takes less than the microsecond in which text tells times.
      const SumSession opened = OpenSum(board, {{"protocol", protocol}, {"inferences", "1000"}});
      REQUIRE(opened.status.ToString() == "OK");
      Session& session = *opened.session;
      CHECK(*RunSum(session, {1, 2}) == 20);
      CHECK(*RunSum(session, {-3, 4}) == 20);
      CHECK(*RunSum(session, {5, 10}) == 100);
      REQUIRE(session.Facts() != nullptr);
      CHECK(session.Facts()->target == board);
      CHECK_FALSE(session.Cycles());
      REQUIRE(session.Instructions());
      if (protocol == "eembc") continue;
      counts.push_back(*session.DeviceTimeNs());
      CHECK(counts.back() > 10);
      CHECK(*session.Instructions() > 2 * counts.back());
      const auto layers = session.CountLayers();
      REQUIRE(layers.status().ToString() == "OK");
      CHECK(layers->unit == "instructions");
      CHECK(layers->counts.size() == 3);
      const SumInputs inputs(1, 2);
      const auto query = session.Bind(inputs.views());
      REQUIRE(query.ok());
      REQUIRE(session.InvokeBetweenEdges(*query, 3).ToString() == "OK");
    }
    CHECK(counts.at(0) == counts.at(1));
  }
}

TEST_CASE("a fault of the program ends the session with its address, and the next one is well",
          "[mcu][faults]") {
  if (ToolsAreMissing()) return;
  constexpr int kJumpsAway = 101;
  const std::string board = "qemu-mps2-an386";
  for (const std::string protocol : {"auto", "eembc"}) {
    const SumSession opened = OpenSum(board, {{"protocol", protocol}});
    REQUIRE(opened.status.ToString() == "OK");
    const Status status = RunSum(*opened.session, {kJumpsAway, 0}).status();
    CHECK(status.code() == StatusCode::kUnavailable);
    CHECK_THAT(status.message(), Contains(board + ": running the inference: the board restarted") &&
                                     Contains("e-[fault: pc 0x90000000"));
  }
  CHECK(*RunSum(*OpenSum(board, {}).session, {1, 2}) == 20);
}

TEST_CASE("a processor that locks up ends its emulator, which is a lost device, and the next session is well",
          "[mcu][faults]") {
  if (ToolsAreMissing()) return;
  constexpr int kLocksUp = 103;
  const std::string board = "qemu-stm32f405";
  const SumSession opened = OpenSum(board, {});
  REQUIRE(opened.status.ToString() == "OK");
  const Status status = RunSum(*opened.session, {kLocksUp, 0}).status();
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(), Contains("running the inference") &&
                                   Contains("the emulator has ended: killed by") && Contains("Lockup"));
  CHECK(*RunSum(*OpenSum(board, {}).session, {1, 2}) == 20);
}

TEST_CASE(
    "on a line that drops, doubles, delays and changes bytes every session ends right or with a word why not",
    "[mcu][faults]") {
  if (ToolsAreMissing()) return;
  const auto folder = ScratchFolder::Make();
  REQUIRE(folder.ok());
  const std::string board = "qemu-stm32f405";
  auto emulator =
      StartEmulator(**FindEmulatedBoard(board), ImageFor(board), LineBytes::kAhead, BoardOnLine::Limit());
  REQUIRE(emulator.status().ToString() == "OK");
  const std::string path = folder->path() + "/proxy";
  const LineProxy proxy((*emulator)->TakeLine(), path, LineNoise(1, 1000));
  int well = 0;
  for (int i = 0; i < 8; ++i) {
    const SumSession opened = OpenSum(
        board, {{"link", "unix:" + path}, {"board", board}, {"probe", "none"}, {"answer_timeout_s", "1"}});
    Status status = opened.status;
    for (int run = 0; run < 5 && status.ok(); ++run) {
      const auto sum = RunSum(*opened.session, {run, 2 * run});
      status = sum.status();
      if (sum.ok()) CHECK(*sum == 20 * run);
    }
    INFO(status.ToString());
    CHECK((status.ok() || status.code() == StatusCode::kUnavailable ||
           status.code() == StatusCode::kDeadlineExceeded));
    well += status.ok() ? 1 : 0;
  }
  CHECK(well >= 4);
}

TEST_CASE("firmware for ST's host tools is driven as ST's own is", "[mcu]") {
  if (ToolsAreMissing()) return;
  const TempDir folder;
  const std::string image = folder / "st.elf";
  FirmwareOptions firmware;
  firmware.model_table = kSumTable;
  REQUIRE(BuildFirmware(kSumNetwork, SumFacts(), *FindKnownBoard("qemu-stm32f405"), firmware, image).ok());
  const auto driver = CreateMcuDriver(
      {{"link", "qemu:qemu-stm32f405"}, {"mode", "existing"}, {"protocol", "stm32msg"}, {"image", image}});
  REQUIRE(driver.status().ToString() == "OK");
  SessionRequest request;
  request.artifact_kind = "onnx";
  request.inputs = SumFacts().inputs;
  request.outputs = SumFacts().outputs;
  const auto session = (*driver)->Open(request, Deadline::Never());
  REQUIRE(session.status().ToString() == "OK");
  CHECK((*session)->EffectiveOptions().at("protocol") == "stm32msg 3.1");
  CHECK(*RunSum(**session, {1, 2}) == 20);
  CHECK(*RunSum(**session, {-3, 4}) == 20);
  CHECK((*session)->DeviceTimeNs() > 10);
}

}  // namespace
}  // namespace paddock
