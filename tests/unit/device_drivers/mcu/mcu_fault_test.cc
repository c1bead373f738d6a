// What can go wrong on a board's line, provoked: each ends with a code, the stage and the last words on the line, and the next
// session on that board is well.
#include <unistd.h>

#include <fcntl.h>

#include <atomic>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "mcu_fixture.h"
#include "tests/fakes/growing_patience.h"
#include "tests/fakes/line_proxy.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Fault = FakeBoardScript::Fault;

DriverOptions Impatient(int patience = 1) { return {{"answer_timeout_s", std::to_string(0.1 * patience)}}; }

// Opens, uploads, runs twice and reads; the first failure.
Status TryOn(const FakeBoard& board, DriverOptions options, const SessionRequest& request) {
  const Opened opened = OpenOn(board.link(), std::move(options), request);
  PADDOCK_RETURN_IF_ERROR(opened.status);
  const auto ten = AdderInput(10);
  PADDOCK_RETURN_IF_ERROR(opened.session->Bind(std::vector{AdderView(ten)}).status());
  PADDOCK_RETURN_IF_ERROR(opened.session->Invoke(0));
  PADDOCK_RETURN_IF_ERROR(opened.session->Invoke(0));
  const auto outputs = opened.session->ReadOutputs();
  PADDOCK_RETURN_IF_ERROR(outputs.status());
  return Numbers(outputs) == std::vector{11, 13, 15, 17} ? OkStatus() : DataLossError("wrong outputs");
}

DriverOptions With(DriverOptions options, const std::string& key, const std::string& value) {
  options[key] = value;
  return options;
}

TEST_CASE("a board that fails is reported with code, stage and its last words, and the next session succeeds",
          "[mcu][faults]") {
  struct Case {
    Fault fault;
    std::string protocol;
    StatusCode code;
    std::string stage;
    std::string words;
  };
  const AdderModel model;
  for (const Case& expected : {
           Case{Fault::kSilent, "auto", StatusCode::kDeadlineExceeded, "starting: the board is not ready",
                "> name% | > name%"},
           Case{Fault::kRestartsOnInfer, "auto", StatusCode::kUnavailable,
                "running the inference: the board restarted before it had answered: infer", "m-init-done"},
           Case{Fault::kRestartsOnInfer, "eembc", StatusCode::kUnavailable,
                "running the inference: the board restarted before it had answered 'infer 1 0%'",
                "m-infer-start-1 | < m-lap-us-4294967000 | < m-timestamp-mode-performance"},
           Case{Fault::kHangsOnInfer, "auto", StatusCode::kDeadlineExceeded, "running the inference",
                "no answer to 'infer'"},
           Case{Fault::kHangsOnInfer, "eembc", StatusCode::kDeadlineExceeded, "running the inference",
                "< m-infer-start-1 | < m-lap-us-4294967000 | > name%"},
           Case{Fault::kFloodsOnInfer, "auto", StatusCode::kDeadlineExceeded, "running the inference",
                "with or without a line"},
           Case{Fault::kFloodsOnInfer, "eembc", StatusCode::kDeadlineExceeded, "running the inference",
                "with or without a line"},
       }) {
    INFO(expected.stage << " " << expected.protocol << " " << static_cast<int>(expected.fault));
    FakeBoard board({.fault = expected.fault});
    Status status;
    WithGrowingPatience([&](int patience) {
      status = TryOn(board, With(Impatient(patience), "protocol", expected.protocol), model.Image());
      return status.message().find(expected.stage) != std::string::npos &&
             status.message().find(expected.words) != std::string::npos;
    });
    CHECK(status.code() == expected.code);
    CHECK_THAT(status.message(), Contains("fake-board: " + expected.stage) && Contains(expected.words));
    board.Mend();
    CHECK(TryOn(board, With({}, "protocol", expected.protocol), model.Image()).ToString() == "OK");
  }
}

TEST_CASE("a board that is unplugged in the middle has gone", "[mcu][faults]") {
  const AdderModel model;
  for (const std::string protocol : {"auto", "eembc"}) {
    const FakeBoard board({.fault = Fault::kUnpluggedOnInfer});
    const Status status = TryOn(board, {{"protocol", protocol}}, model.Image());
    CHECK(status.code() == StatusCode::kUnavailable);
    CHECK_THAT(status.message(), Contains("running the inference") && Contains("was closed"));
  }
}

TEST_CASE("another board, or another model on it, is not measured", "[mcu][faults]") {
  const AdderModel model;
  const FakeBoard other_name({.name = "other-board"});
  Status status = TryOn(other_name, {}, model.Image());
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(),
             Contains("the board 'other-board' with the model 'adder' answers, not 'fake-board'"));
  const FakeBoard other_model({.model = "subtractor"});
  status = TryOn(other_model, {}, model.Image());
  CHECK_THAT(status.message(), Contains("with the model 'subtractor' answers"));
  status = TryOn(other_name, {{"mode", "existing"}, {"name", "fake"}}, model.Request("onnx"));
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(),
             Contains("the board's name is 'other-board', but the option name says 'fake'"));
}

TEST_CASE("a full pseudo terminal ends with a deadline, and the board is well once it is read",
          "[mcu][faults]") {
  FakeBoard board({.fault = Fault::kSilent});
  const int port = ::open(board.path().c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  const std::string junk(4096, 'x');
  for (int refused = 0; refused < 10;) {  // the kernel makes a little more room after the first time
    if (::write(port, junk.data(), junk.size()) > 0) continue;
    ++refused;
    ::usleep(1000);
  }
  ::close(port);
  const AdderModel model;
  const Status status = TryOn(board, Impatient(), model.Image());
  CHECK(status.code() == StatusCode::kDeadlineExceeded);
  CHECK_THAT(status.message(), Contains("starting") && Contains("takes no more bytes"));
  board.Mend();
  CHECK(TryOn(board, {}, model.Image()).ToString() == "OK");
}

TEST_CASE("a board that a host left within a frame is brought back", "[mcu][faults]") {
  const FakeBoard board;
  const int port = ::open(board.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  const std::string half = EncodeFrame({1, 3, std::string(100, 'x')}).substr(0, 50);
  REQUIRE(::write(port, half.data(), half.size()) == 50);
  ::close(port);
  const AdderModel model;
  CHECK(TryOn(board, {}, model.Image()).ToString() == "OK");
}

TEST_CASE(
    "on a line that drops, doubles, delays and changes bytes frames bring the right outputs or a word why "
    "not",
    "[mcu][faults]") {
  const AdderModel model;
  int well = 0;
  WithGrowingPatience([&](int patience) {
    well = 0;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const FakeBoard board({.noise = LineNoise(seed, 1500)});
      const Status status = TryOn(board, Impatient(2 * patience), model.Image());
      INFO(seed << " " << status.ToString());
      CHECK((status.ok() || status.code() == StatusCode::kUnavailable ||
             status.code() == StatusCode::kDeadlineExceeded));
      well += status.ok() ? 1 : 0;
    }
    return well >= 3;
  });
  CHECK(well >= 3);
}

TEST_CASE("no inference is counted twice when its answer is lost", "[mcu][faults]") {
  std::atomic<int> infers{0};  // counted on the board's thread
  FakeBoardScript script;
  // The first answer to an inference does not come through.
  script.noise = [&](const std::string& bytes) {
    const bool is_answer = bytes.size() > 4 && bytes[0] == 0 && bytes[2] == '\x82';
    return is_answer && infers++ == 0 ? std::string() : bytes;
  };
  const FakeBoard board(script);
  const AdderModel model;
  CHECK(TryOn(board, {}, model.Image()).ToString() == "OK");
  CHECK(infers == 3);
  CHECK(board.inferences() == 2);
}

}  // namespace
}  // namespace paddock
