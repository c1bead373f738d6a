#include "device_drivers/mcu/line.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "device_drivers/mcu/baud_rate.h"
#include "device_drivers/mcu/transcript.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

Deadline InMs(int milliseconds) { return Deadline::After(std::chrono::milliseconds(milliseconds)); }

std::string ReadUntil(Line& line, const std::string& end) {
  std::string bytes;
  const Deadline deadline = InMs(10'000);
  while (!bytes.ends_with(end) && !deadline.passed()) {
    if (!line.Read(&bytes, deadline).ok()) break;
  }
  return bytes;
}

TEST_CASE("bytes go both ways through a pseudo terminal", "[mcu][line]") {
  const FakeBoard board;
  const auto line = OpenLine({LineKind::kPty, board.path()}, InMs(1000));
  REQUIRE(line.status().ToString() == "OK");
  REQUIRE((*line)->Write("name%", InMs(1000)).ok());
  CHECK(ReadUntil(**line, "m-ready\r\n") == "m-name-dut-[fake-board]\r\nm-ready\r\n");
}

TEST_CASE("a serial port is set to its speed; one that is in use is refused", "[mcu][line]") {
  const FakeBoard board;
  const auto line = OpenLine({LineKind::kSerial, board.path(), 921'600}, InMs(1000));
  REQUIRE(line.status().ToString() == "OK");
  const auto second = OpenLine({LineKind::kSerial, board.path()}, InMs(1000));
  CHECK(second.status().ToString() == "UNAVAILABLE: " + board.path() + " is in use by another process");
}

TEST_CASE("a serial port is set to speeds that termios has no name for", "[mcu][line]") {
  // 76800: MLPerf Tiny's reference firmware for images.
  for (const std::uint32_t baud : {9600U, 76'800U, 921'600U, 12'000'000U}) {
    INFO(baud);
    const FakeBoard board;
    const auto line = OpenLine({LineKind::kSerial, board.path(), baud}, InMs(1000));
    REQUIRE(line.status().ToString() == "OK");
    const int port = ::open(board.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(BaudRateOf(port) == baud);
    ::close(port);
    REQUIRE((*line)->Write("name%", InMs(1000)).ok());
    CHECK(ReadUntil(**line, "m-ready\r\n") == "m-name-dut-[fake-board]\r\nm-ready\r\n");
  }
  CHECK_FALSE(BaudRateOf(-1));
}

TEST_CASE("bytes go both ways through a unix socket, and its end is told", "[mcu][line]") {
  const TempDir folder;
  const std::string path = folder / "line";
  const auto listener = ListenForLine(path);
  REQUIRE(listener.status().ToString() == "OK");
  CHECK((*listener)->Accept(InMs(1)).status().code() == StatusCode::kDeadlineExceeded);
  auto client = OpenLine({LineKind::kUnix, path}, InMs(1000));
  REQUIRE(client.status().ToString() == "OK");
  const auto server = (*listener)->Accept(InMs(1000));
  REQUIRE(server.status().ToString() == "OK");
  REQUIRE((*client)->Write("there", InMs(1000)).ok());
  CHECK(ReadUntil(**server, "there") == "there");
  REQUIRE((*server)->Write("back", InMs(1000)).ok());
  CHECK(ReadUntil(**client, "back") == "back");
  client->reset();
  std::string nothing;
  CHECK((*server)->Read(&nothing, InMs(1000)).code() == StatusCode::kUnavailable);
}

TEST_CASE("bytes go both ways through TCP", "[mcu][line]") {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const std::string target = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  {
    const auto line = OpenLine({LineKind::kTcp, target}, InMs(1000));
    REQUIRE(line.status().ToString() == "OK");
    const int peer = ::accept(listener, nullptr, nullptr);
    REQUIRE((*line)->Write("ping", InMs(1000)).ok());
    char buffer[8] = {};
    CHECK(::read(peer, buffer, sizeof buffer) == 4);
    CHECK(::write(peer, "pong", 4) == 4);
    CHECK(ReadUntil(**line, "pong") == "pong");
    ::close(peer);
  }
  ::close(listener);
  CHECK(OpenLine({LineKind::kTcp, target}, InMs(1000)).status().code() == StatusCode::kUnavailable);
}

TEST_CASE("what cannot be opened is named with its reason", "[mcu][line]") {
  for (const LineKind kind : {LineKind::kSerial, LineKind::kPty, LineKind::kUnix}) {
    const Status status = OpenLine({kind, "/no/such/port"}, InMs(1000)).status();
    CHECK(status.ToString() == "UNAVAILABLE: /no/such/port cannot be opened: No such file or directory");
  }
  CHECK(OpenLine({LineKind::kUnix, "/" + std::string(200, 'x')}, InMs(1000)).status().code() ==
        StatusCode::kUnavailable);
}

TEST_CASE("a line whose other end takes nothing does not block beyond the deadline", "[mcu][line]") {
  const FakeBoard board({.fault = FakeBoardScript::Fault::kSilent});
  const auto line = OpenLine({LineKind::kPty, board.path()}, InMs(1000));
  REQUIRE(line.ok());
  for (const int milliseconds : {0, 20}) {  // of the first a part can still be written
    const Status full = (*line)->Write(std::string(1 << 20, 'x'), InMs(milliseconds));
    CHECK(full.code() == StatusCode::kDeadlineExceeded);
    CHECK_THAT(full.message(), Contains("takes no more bytes"));
  }
  std::string nothing;
  CHECK((*line)->Read(&nothing, InMs(1)).ok());
  CHECK(nothing.empty());
}

TEST_CASE("a transcript shows who said what and when, a line each", "[mcu][transcript]") {
  FakeClock clock;
  Transcript transcript(clock);
  clock.Advance(std::chrono::milliseconds(1));
  transcript.Add(Transcript::Speaker::kHost, "infer 1 0%");
  clock.Advance(std::chrono::milliseconds(2));
  transcript.Add(Transcript::Speaker::kBoard, "m-infer-start-1\r\nm-inf");
  clock.Advance(std::chrono::milliseconds(2));
  transcript.Add(Transcript::Speaker::kBoard, "er-done\r\n");
  transcript.Add(Transcript::Speaker::kBoard, std::string("\0\n\xff", 3));
  CHECK(transcript.Text() ==
        "     0.001000 > infer 1 0%\n"
        "     0.003000 < m-infer-start-1\n"
        "     0.003000 < m-infer-done\n"
        "     0.005000 < \\x00\\x0a\\xff\n");
  CHECK(transcript.LastLines(2) == "< m-infer-done | < \\x00\\x0a\\xff");
  CHECK(transcript.LastLines(9) == "> infer 1 0% | < m-infer-start-1 | < m-infer-done | < \\x00\\x0a\\xff");
}

TEST_CASE("a transcript keeps the end of what was said, within its limit", "[mcu][transcript]") {
  const FakeClock clock;
  Transcript transcript(clock, 10'000);
  for (int i = 0; i < 1000; ++i) transcript.Add(Transcript::Speaker::kHost, "line " + std::to_string(i));
  const std::string text = transcript.Text();
  CHECK_THAT(text,
             Contains("bytes before this are not kept") && Contains("line 999\n") && !Contains("line 500\n"));
  transcript.Add(Transcript::Speaker::kBoard, std::string(50'000, 'x') + "end");
  CHECK(transcript.Text().size() < 11'000);
  CHECK_THAT(transcript.Text(), Contains("xend\n"));
  CHECK(transcript.LastLines(1) == "< " + std::string(120, 'x') + "...");
}

}  // namespace
}  // namespace paddock
