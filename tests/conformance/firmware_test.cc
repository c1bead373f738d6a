// The firmware as a host sees it, compiled and run on every board that QEMU emulates.
#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/subprocess.h"
#include "device_drivers/mcu/line.h"
#include "tests/conformance/firmware_fixture.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::Matches;

bool CannotRun() {
  return SkipWithout(CheckToolchain(ArmToolchain())) || SkipWithout(CheckEmulator(BoardOnLine::Limit()));
}

std::string Number(std::uint64_t value, std::size_t bytes) {
  std::string text;
  AppendLittleEndian(value, bytes, &text);
  return text;
}

enum : std::uint8_t { kWriteFrame = 1, kInferFrame = 2, kReadFrame = 3, kProfileFrame = 4 };

std::uint64_t Counts(BoardOnLine& board, std::uint8_t sequence, std::uint32_t inferences) {
  const Frame answer = board.Exchange(kInferFrame, sequence, Number(inferences, 4) + Number(0, 4));
  REQUIRE(answer.payload.size() == 9);
  CHECK(answer.payload[0] == 0);
  return ReadLittleEndian(std::string_view(answer.payload).substr(1));
}

TEST_CASE("firmware compiles for every board that is known, with its facts inside", "[conformance]") {
  if (SkipWithout(CheckToolchain(ArmToolchain()))) return;
  for (const KnownBoard& board : KnownBoards()) {
    INFO(board.name);
    const auto image = ReadFile(ImageFor(std::string(board.name)));
    REQUIRE(image.ok());
    const auto facts = ReadNetworkFacts(*image);
    REQUIRE(facts.status().ToString() == "OK");
    CHECK(facts->target == board.name);
    CHECK(facts->inputs == SumFacts().inputs);
    CHECK(facts->layers == SumFacts().layers);
    CHECK(*facts->flash_bytes >= *facts->text_bytes);
    CHECK(*facts->ram_bytes > 0);
  }
}

TEST_CASE("every emulated board answers the whole text protocol", "[conformance]") {
  if (CannotRun()) return;
  for (const EmulatedBoard& known : EmulatedBoards()) {
    INFO(known.name);
    BoardOnLine board{std::string(known.name)};
    CHECK(board.Until("m-ready\r\n") ==
          "m-timestamp-mode-performance\r\nm-lap-us-0\r\nm-init-done\r\nm-ready\r\n");
    CHECK(board.Ask("name") == "m-name-dut-[" + std::string(known.name) + "]\r\n");
    CHECK(board.Ask("profile") == "m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[sum]\r\n");
    CHECK_THAT(board.Ask("help"), Contains("infer N [W=10]"));
    CHECK_THAT(board.Ask("timestamp"), Matches("m-lap-us-[0-9]+\r\n"));
    CHECK(board.Ask("db load 12") == "m-[Expecting 12 bytes]\r\n");
    CHECK(board.Ask("db 01FF0204").empty());
    CHECK(board.Ask("db 0102030405060708") == "m-load-done\r\n");
    CHECK(board.Ask("db print") == "m-buffer-01-ff-02-04-01-02-03-04\r\nm-buffer-05-06-07-08\r\n");
    // 42: (42 + 1) / 4.
    CHECK_THAT(
        board.Ask("infer 2 1"),
        Matches(
            "m-warmup-start-1\r\nm-warmup-done\r\nm-infer-start-2\r\nm-lap-us-[0-9]+\r\nm-lap-us-[0-9]+\r\n"
            "m-infer-done\r\nm-results-\\[10.750000,3.000000\\]\r\n"));
    CHECK(board.Ask("results") == "m-results-[10.750000,3.000000]\r\n");
    CHECK_THAT(board.Ask("infer 5"), Contains("m-warmup-start-10") && Contains("[10.750000,18.000000]"));
    CHECK_THAT(board.Ask("infer"), Contains("m-infer-start-1\r\n"));
    CHECK(board.Ask("x-mode energy") == "m-timestamp-mode-energy\r\n");
    CHECK_THAT(board.Ask("infer 1 0"), !Contains("m-lap-us"));
    CHECK(board.Ask("x-mode performance") == "m-timestamp-mode-performance\r\n");
    CHECK_THAT(board.Ask("x-paddock"),
               Matches("m-x-paddock-1-\\[counter=(tim2|systick),hz=[0-9]+,data=256\\]\r\n"));
  }
}

TEST_CASE("a command that is wrong is answered with an error, and the next one works", "[conformance]") {
  if (CannotRun()) return;
  BoardOnLine board("qemu-stm32f405");
  board.Until("m-ready\r\n");
  for (const char* const command :
       {"infer 0", "infer -1", "infer 1 -1", "infer x", "infer 4294967297", "db", "db load", "db load 0",
        "db load 13", "db load 99999999999", "db 00", "db 0", "db zz", "x-mode", "nonsense", ""}) {
    INFO(command);
    CHECK_THAT(board.Ask(command), Matches("e-\\[[^\r]*\\]\r\n"));
  }
  CHECK_THAT(board.Ask(std::string(1000, 'x')), Contains("e-[Command is longer"));
  CHECK(board.Ask("db load 2") == "m-[Expecting 2 bytes]\r\n");
  CHECK(board.Ask("db 0A0B0C") == "m-load-done\r\n");
  CHECK_THAT(board.Ask("db 0D"), Contains("e-["));
  CHECK(board.Ask("\r\ndb  print ") == "m-buffer-0a-0b\r\n");
}

TEST_CASE("no inference runs on inputs that were loaded in part", "[conformance]") {
  if (CannotRun()) return;
  BoardOnLine board("qemu-stm32f405");
  board.Until("m-ready\r\n");
  CHECK_THAT(board.Ask("infer 1 0"), Contains("m-results-[0.250000,1.000000]"));
  CHECK(board.Ask("db load 2") == "m-[Expecting 2 bytes]\r\n");
  CHECK(board.Ask("infer 1 0") == "e-[The inputs take 12 bytes; load all of them]\r\n");
  CHECK(board.Ask("db 0A0B") == "m-load-done\r\n");
  CHECK(board.Ask("infer 1 0") == "e-[The inputs take 12 bytes; load all of them]\r\n");
  board.Ask("db load 12");
  board.Ask("db 0A0B0000");
  CHECK_THAT(board.Ask("db load 13"), Contains("exceeds maximum of 12"));
  CHECK(board.Ask("infer 1 0") == "e-[The inputs take 12 bytes; load all of them]\r\n");
  CHECK(board.Exchange(kWriteFrame, 0, Number(0, 5) + std::string("\1\2\3\4", 4)).payload == Number(0, 1));
  CHECK_THAT(board.Ask("infer 1 0"), Contains("m-infer-done"));
  board.Ask("db load 12");
  CHECK(board.Ask("db 000102030405060708090A0B") == "m-load-done\r\n");
  CHECK_THAT(board.Ask("infer 1 0"), Contains("m-infer-done"));
}

// What QEMU says of the registers that it does not have: each edge of the pin is a write to the GPIO's BSRR.
TEST_CASE("the pin has one edge before the inferences and one behind them in either mode", "[conformance]") {
  if (CannotRun()) return;
  constexpr std::string_view kFall = "offset 0x018, value 0x01000000";
  const TempDir folder;
  const std::string log = folder / "log";
  const auto listener = ListenForLine(folder / "line");
  REQUIRE(listener.status().ToString() == "OK");
  ProcessRequest request;
  request.argv = {"qemu-system-arm",
                  "-M",
                  "netduinoplus2",
                  "-display",
                  "none",
                  "-monitor",
                  "none",
                  "-icount",
                  "shift=0",
                  "-d",
                  "unimp",
                  "-D",
                  log,
                  "-chardev",
                  "socket,id=line,path=" + (folder / "line"),
                  "-serial",
                  "chardev:line",
                  "-kernel",
                  ImageFor("qemu-stm32f405")};
  request.environment = CleanEnvironment();
  std::atomic<bool> stop{false};
  const auto ended = std::async(std::launch::async, [&] {
    return RunProcess(request, Deadline::Never(), [&] { return stop.load(); });
  });
  const struct Stopper {
    std::atomic<bool>& stop;
    ~Stopper() { stop = true; }
  } stopper{stop};
  auto line = (*listener)->Accept(BoardOnLine::Limit());
  REQUIRE(line.status().ToString() == "OK");
  std::string said;
  std::vector<std::size_t> falls;
  const auto ask = [&](const std::string& command) {
    REQUIRE((*line)->Write(command, BoardOnLine::Limit()).ok());
    const Deadline deadline = BoardOnLine::Limit();
    said.clear();
    while (!said.ends_with("m-ready\r\n") && !deadline.passed()) REQUIRE((*line)->Read(&said, deadline).ok());
    const auto writes = ReadFile(log);
    REQUIRE(writes.ok());
    std::size_t count = 0;
    for (std::size_t at = 0; (at = writes->find(kFall, at)) != std::string::npos; ++at) ++count;
    falls.push_back(count);
  };
  ask("");
  ask("infer 3 1%");
  CHECK_THAT(said, Contains("m-lap-us-"));
  ask("x-mode energy%");
  ask("infer 3 1%");
  CHECK_THAT(said, !Contains("m-lap-us-"));
  CHECK(falls == std::vector<std::size_t>{1, 3, 3, 5});
}

TEST_CASE("frames write inputs, infer, read outputs and time layers", "[conformance]") {
  if (CannotRun()) return;
  for (const EmulatedBoard& known : EmulatedBoards()) {
    INFO(known.name);
    BoardOnLine board{std::string(known.name)};
    board.Until("m-ready\r\n");
    CHECK(board.Exchange(kWriteFrame, 0, Number(0, 5) + std::string("\1\2\0\4", 4)).payload == Number(0, 1));
    CHECK(board.Exchange(kWriteFrame, 1, Number(1, 1) + Number(6, 4) + "\1\1").payload == Number(0, 1));
    CHECK(Counts(board, 2, 3) > 0);
    CHECK(board.Exchange(kReadFrame, 3, Number(0, 5) + Number(1, 2)).payload == Number(0, 1) + Number(9, 1));
    const Frame runs = board.Exchange(kReadFrame, 4, Number(1, 1) + Number(2, 4) + Number(2, 2));
    CHECK(runs.payload == Number(0, 1) + Number(0x4040, 2));  // 3.0f
    const Frame layers = board.Exchange(kProfileFrame, 5, Number(0, 2));
    CHECK(layers.payload.size() == 1 + 2 + 3 * 8);
    CHECK(ReadLittleEndian(std::string_view(layers.payload).substr(1, 2)) == 3);
    CHECK(board.Exchange(kProfileFrame, 6, Number(2, 2)).payload.size() == 1 + 2 + 8);
    CHECK(board.Ask("name") == "m-name-dut-[" + std::string(known.name) + "]\r\n");
  }
}

TEST_CASE("a frame that asks for what is not there is refused with its reason", "[conformance]") {
  if (CannotRun()) return;
  BoardOnLine board("qemu-mps2-an386");
  board.Until("m-ready\r\n");
  const auto status = [&](std::uint8_t type, const std::string& payload) {
    const Frame answer = board.Exchange(type, 0, payload);
    CHECK(answer.payload.size() == 1);
    return static_cast<int>(answer.payload[0]);
  };
  CHECK(status(9, "") == 1);
  CHECK(status(kWriteFrame, Number(0, 4)) == 2);
  CHECK(status(kWriteFrame, Number(2, 5) + "x") == 3);
  CHECK(status(kWriteFrame, Number(0, 1) + Number(4, 4) + "x") == 3);
  CHECK(status(kWriteFrame, Number(0, 1) + Number(0xFFFFFFFF, 4) + "xx") == 3);
  CHECK(status(kWriteFrame, Number(0, 5) + std::string(256, 'x')) == 3);
  CHECK(status(kInferFrame, Number(1, 4)) == 2);
  CHECK(status(kReadFrame, Number(0, 5)) == 2);
  CHECK(status(kReadFrame, Number(2, 5) + Number(1, 2)) == 3);
  CHECK(status(kReadFrame, Number(1, 1) + Number(2, 4) + Number(3, 2)) == 3);
  CHECK(status(kReadFrame, Number(0, 5) + Number(257, 2)) == 3);
  CHECK(status(kProfileFrame, Number(3, 2)) == 3);
  CHECK(status(kProfileFrame, Number(0, 3)) == 2);
}

TEST_CASE("a frame that comes twice runs nothing twice", "[conformance]") {
  if (CannotRun()) return;
  BoardOnLine board("qemu-stm32f405");
  board.Until("m-ready\r\n");
  const std::uint64_t counts = Counts(board, 7, 5);
  CHECK(Counts(board, 7, 5) == counts);
  CHECK(board.Ask("results") == "m-results-[0.250000,5.000000]\r\n");
  CHECK(Counts(board, 0, 5) > 0);
  CHECK(Counts(board, 0, 5) > 0);  // number 0 is always new
  CHECK(board.Ask("results") == "m-results-[0.250000,15.000000]\r\n");
}

TEST_CASE("a host that asks again while the network runs is not counted", "[conformance]") {
  if (CannotRun()) return;
  BoardOnLine board("qemu-stm32f405");
  board.Until("m-ready\r\n");
  const std::uint64_t counts = Counts(board, 1, 500'000);
  const std::string frame = EncodeFrame({kInferFrame, 2, Number(500'000, 4) + Number(0, 4)});
  board.Send(frame);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // it has begun
  board.Send(frame);
  for (int answer = 0; answer < 2; ++answer)
    CHECK(ReadLittleEndian(std::string_view(board.Answer().payload).substr(1)) == counts);
}

TEST_CASE("commands that come while the board is busy with the first are all heard", "[conformance]") {
  if (CannotRun()) return;
  constexpr int kCommands = 50;
  for (const EmulatedBoard& known : EmulatedBoards()) {
    INFO(known.name);
    BoardOnLine board{std::string(known.name)};
    board.Until("m-ready\r\n");
    std::string commands = "infer 100000 0%";
    for (int i = 0; i < kCommands; ++i) commands += "name%";
    board.Send(commands);
    board.Until("m-infer-done");
    for (int i = 0; i < kCommands; ++i) board.Until("m-name-dut");
  }
}

TEST_CASE("a damaged frame is not answered and changes nothing", "[conformance]") {
  if (CannotRun()) return;
  BoardOnLine board("qemu-mps2-an500");
  board.Until("m-ready\r\n");
  const std::string good = EncodeFrame({kWriteFrame, 1, Number(0, 5) + "\1\2\3\4"});
  for (std::size_t i = 1; i + 1 < good.size(); ++i) {  // each byte, wrong
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    if (bad[i] != '\0') board.Send(bad);
  }
  board.Send(good.substr(0, good.size() / 2) + '\0');                               // half of one
  board.Send(EncodeFrame({kWriteFrame, 1, Number(0, 5) + std::string(300, 'x')}));  // too long
  CHECK(board.Ask("results") == "m-results-[0.250000,0.000000]\r\n");
  board.Ask("db load 4");
  CHECK(board.Ask("db print") == "m-buffer-00-00-00-00\r\n");
  // One whose last zero is lost is ended by the first one of the next try.
  board.Send(good.substr(0, good.size() - 1) + good);
  CHECK(board.Answer().payload == Number(0, 1));
}

TEST_CASE("counts are exact: the same in every run and in every start", "[conformance]") {
  if (CannotRun()) return;
  for (const EmulatedBoard& known : EmulatedBoards()) {
    INFO(known.name);
    std::uint64_t first = 0;
    for (int start = 0; start < 2; ++start) {
      BoardOnLine board{std::string(known.name)};
      board.Until("m-ready\r\n");
      for (std::uint8_t run = 1; run < 4; ++run) {
        const std::uint64_t counts = Counts(board, run, 20'000);
        if (first == 0) first = counts;
        CHECK(counts == first);
      }
    }
    CHECK(first > 20'000);
  }
}

TEST_CASE("a count goes on beyond the period of the counter behind it", "[conformance]") {
  if (CannotRun()) return;
  BoardOnLine board("qemu-mps2-an386");  // SysTick, whose period is 2^24
  board.Until("m-ready\r\n");
  board.Exchange(kWriteFrame, 0, Number(0, 5) + "\150");  // 104: a million turns
  const std::uint64_t one = Counts(board, 1, 1);
  const std::uint64_t many = Counts(board, 2, 150);
  CHECK(many > std::uint64_t{1} << 24);
  CHECK(many == Approx(150 * one).epsilon(1e-5));
}

TEST_CASE("a fault is told and ends in a restart; a lockup ends the emulator", "[conformance]") {
  if (CannotRun()) return;
  for (const EmulatedBoard& known : EmulatedBoards()) {
    INFO(known.name);
    BoardOnLine board{std::string(known.name)};
    board.Until("m-ready\r\n");
    for (const auto& [input, message] : {std::pair{"65", "pc 0x90000000"}, {"66", "stack overflow"}}) {
      board.Ask("db load 12");
      board.Ask(std::string("db ") + input + std::string(22, '0'));
      board.Send("infer 1 0%");
      CHECK_THAT(board.Until("m-ready\r\n"),
                 Contains(std::string("e-[fault: ") + message) && Contains("m-init-done"));
    }
    board.Ask("db load 12");
    board.Ask("db 67" + std::string(22, '0'));
    board.Send("infer 1 0%");
    std::string last_words;
    Status status;
    while (status.ok()) status = board.line().Read(&last_words, BoardOnLine::Limit());
    CHECK(status.code() == StatusCode::kUnavailable);
    const auto end = board.emulator().HowItEnded();
    REQUIRE(end);
    CHECK_THAT(*end, Contains("signal 6"));
  }
}

}  // namespace
}  // namespace paddock
