// Boards that QEMU emulates. Skips where it is not installed.
#include "device_drivers/mcu/emulator.h"

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "mcu_fixture.h"
#include "tests/fakes/tiny_firmware.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

constexpr std::chrono::seconds kLong(20);

bool QemuIsMissing() {
  const Status status = CheckEmulator(Deadline::After(kLong));
  if (status.ok()) return false;
  WARN("skipped: " << status.message());
  return true;
}

class TinyBoard {
 public:
  TinyBoard() { REQUIRE(WriteFileUnsynced(image_, TinyFirmware()).ok()); }
  const std::string& image() const { return image_; }
  Result<std::unique_ptr<Emulator>> Start(const std::string& image) const {
    return StartEmulator(**FindEmulatedBoard("qemu-mps2-an386"), image, LineBytes::kOneByOne,
                         Deadline::After(kLong));
  }
  SessionRequest Model() const {
    SessionRequest request;
    request.artifact_path = image_;
    request.artifact_kind = "onnx";
    request.inputs = {{"in", ElementType::kInt8, {1, 1}}};
    request.outputs = {{"out", ElementType::kInt8, {1, 1}}};
    return request;
  }

 private:
  const TempDir folder_;
  const std::string image_ = folder_ / "tiny.elf";
};

TEST_CASE("an emulated board is heard from its first word on, and its end is told", "[mcu][emulator]") {
  if (QemuIsMissing()) return;
  const TinyBoard board;
  auto emulator = board.Start(board.image());
  REQUIRE(emulator.status().ToString() == "OK");
  const std::unique_ptr<Line> line = (*emulator)->TakeLine();
  std::string said;
  while (!said.ends_with("m-ready\r\n")) REQUIRE(line->Read(&said, Deadline::After(kLong)).ok());
  CHECK(said == "m-init-done\r\nm-ready\r\n");
  REQUIRE(line->Write("7", Deadline::After(kLong)).ok());
  while (line->Read(&said, Deadline::After(kLong)).ok()) {
  }
  const auto end = (*emulator)->HowItEnded();
  REQUIRE(end);
  CHECK_THAT(*end, Contains("killed by signal 6") && Contains("Lockup"));
  CHECK((*emulator)->HowItEnded() == end);
}

TEST_CASE("an emulator that ends at once is reported with its words", "[mcu][emulator]") {
  if (QemuIsMissing()) return;
  const TinyBoard board;
  const Status machine = StartEmulator({"a board", "no-such-machine"}, board.image(), LineBytes::kOneByOne,
                                       Deadline::After(kLong))
                             .status();
  CHECK(machine.code() == StatusCode::kUnavailable);
  CHECK_THAT(machine.message(),
             Contains("the emulator ended at once: exit code 1") && Contains("unsupported machine type"));
  const DriverOptions options = {{"mode", "existing"}, {"image", "/no/such/image.elf"}};
  const Opened opened = OpenOn("qemu:qemu-mps2-an386", options, board.Model());
  CHECK(opened.status.code() == StatusCode::kUnavailable);
  CHECK_THAT(opened.status.message(), Contains("starting") &&
                                          Contains("the emulator has ended: exit code 1") &&
                                          Contains("/no/such/image.elf"));
}

TEST_CASE("an emulated board with a firmware of others runs a session, and one after it died",
          "[mcu][emulator]") {
  if (QemuIsMissing()) return;
  const TinyBoard board;
  const DriverOptions options = {{"mode", "existing"}, {"image", board.image()}};
  const std::string link = "qemu:qemu-mps2-an386";
  const std::vector<std::byte> harmless(1, std::byte{0x12});
  const std::vector<std::byte> deadly(1, std::byte{0x77});
  const auto view = [](const std::vector<std::byte>& bytes) {
    return std::vector{TensorView{ElementType::kInt8, {1, 1}, bytes}};
  };
  for (int session = 0; session < 2; ++session) {
    const Opened opened = OpenOn(link, options, board.Model());
    REQUIRE(opened.status.ToString() == "OK");
    CHECK(opened.driver->Probe(Deadline::After(kLong)).ToString() == "OK");
    REQUIRE(opened.session->Bind(view(harmless)).ok());
    REQUIRE(opened.session->Bind(view(deadly)).ok());
    REQUIRE(opened.session->Invoke(0).ToString() == "OK");
    CHECK(opened.session->DeviceTimeNs() == 7000);
    CHECK(opened.session->Instructions() == 7000);
    CHECK_FALSE(opened.session->Cycles());
    CHECK(Numbers(opened.session->ReadOutputs()) == std::vector{42});
    const Status died = opened.session->Invoke(1);
    CHECK(died.code() == StatusCode::kUnavailable);
    CHECK_THAT(died.message(), Contains("qemu-mps2-an386: loading the input") &&
                                   Contains("the emulator has ended: killed by signal 6") &&
                                   Contains("> db 77%"));
  }
}

TEST_CASE("without QEMU the way to get it is named", "[mcu][emulator]") {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  const TinyBoard board;
  const Status start = board.Start(board.image()).status();
  const Status check = CheckEmulator(Deadline::After(kLong));
  ::setenv("PATH", path.c_str(), 1);
  for (const Status& status : {start, check}) {
    CHECK(status.code() == StatusCode::kUnavailable);
    CHECK_THAT(status.message(), Contains("apt install qemu-system-arm"));
  }
}

TEST_CASE("boards that are not emulated are answered with those that are", "[mcu][emulator]") {
  CHECK(EmulatedBoards().size() == 4);
  const Status status = FindEmulatedBoard("nucleo-l4r5zi").status();
  CHECK(status.code() == StatusCode::kNotFound);
  CHECK_THAT(status.message(), Contains("qemu-stm32f405, qemu-mps2-an386, qemu-mps2-an500, qemu-mps3-an547"));
}

}  // namespace
}  // namespace paddock
