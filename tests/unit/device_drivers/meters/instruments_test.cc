#include "device_drivers/meters/instruments.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "fake_sysfs.h"
#include "tests/fakes/fake_instrument.h"
#include "tests/fakes/fake_lpm01a.h"

namespace paddock {
namespace {

std::string Silent() { return ""; }
std::string NoAnswer(const std::string&) { return ""; }

TEST_CASE("LPM01A: it is configured, streams energy and is stopped", "[meters][instrument]") {
  FakeLpm01a board;
  const auto meter = CreateLpm01aMeter({{"port", board.port()}, {"voltage_mv", "3000"}}, "");
  REQUIRE(meter.ok());
  CHECK((*meter)->Describe().boundary == "external");
  CHECK_FALSE((*meter)->Describe().on_device);
  CHECK((*meter)->Describe().period_ns == 1'000'000);
  CHECK((*meter)->Describe().rails == std::vector<std::string>{"target 3000 mV"});
  CHECK((*meter)->Describe().edge_input.empty());
  CHECK((*meter)->Probe(Deadline::Never()).ToString() == "OK");
  PowerTrace trace;
  const std::int64_t before_ns = SystemClock().Now().time_since_epoch().count();
  REQUIRE((*meter)->Start().ToString() == "OK");
  REQUIRE(DrainAtLeast(meter->get(), 100, &trace).ok());
  (*meter)->Stop();
  const std::vector<std::string> commands = board.commands();
  CHECK(std::vector<std::string>(commands.begin(), commands.begin() + 10) ==
        std::vector<std::string>{"stop", "hrc", "htc", "format ascii_dec", "volt 3000m", "freq 1k",
                                 "output energy", "acqtime inf", "trigsrc sw", "start"});
  CHECK(trace.value == std::vector<std::int64_t>(trace.value.size(), 10'000));  // 10 uJ in a millisecond
  CHECK(trace.failed_reads == 0);
  CHECK(trace.overflow_count == 0);
  CHECK(trace.edges.empty());
  CHECK(trace.at_ns.front() >= before_ns);
  CHECK(std::is_sorted(trace.at_ns.begin(), trace.at_ns.end()));
}

TEST_CASE("LPM01A: the edges of the target's pin lie between samples, and the target stays supplied",
          "[meters][instrument]") {
  FakeLpm01a board;
  const auto meter = CreateLpm01aMeter({{"port", board.port()}, {"edges", "d7"}}, "");
  REQUIRE(meter.ok());
  CHECK((*meter)->Describe().edge_input == "d7");
  PowerTrace trace;
  REQUIRE((*meter)->Start().ToString() == "OK");
  REQUIRE(DrainAtLeast(meter->get(), 20, &trace).ok());
  board.Edges({20, 50});
  // However many samples a busy machine has still to read before them.
  const auto drain_until_edges = [&](std::size_t edges) {
    while (trace.edges.size() < edges && trace.at_ns.size() < 60'000)
      REQUIRE(DrainAtLeast(meter->get(), trace.at_ns.size() + 20, &trace).ok());
  };
  drain_until_edges(2);
  board.Edges({0});
  board.LoseEdge(5);
  board.Edges({10});
  drain_until_edges(4);
  (*meter)->Stop();
  REQUIRE(trace.edges.size() == 4);
  // 30 ms on the meter's own clock; a sample more or less, by where in theirs the edges came.
  CHECK(trace.edges[1] - trace.edges[0] >= 29);
  CHECK(trace.edges[1] - trace.edges[0] <= 31);
  CHECK(trace.lost_edges == 1);
  const auto commands = board.commands();
  const auto has = [&](const char* command) {
    return std::find(commands.begin(), commands.end(), command) != commands.end();
  };
  CHECK(has("eventsrc d7 fal"));
  CHECK(has("pwr on nostatus"));
  CHECK_FALSE(has("hrc"));
}

TEST_CASE("LPM01A: one that still streams for a process that has gone is stopped first",
          "[meters][instrument]") {
  FakeLpm01a board;
  PowerTrace trace;
  const auto start = [&](PowerMeter& meter) {
    REQUIRE(meter.Start().ToString() == "OK");
    REQUIRE(DrainAtLeast(&meter, trace.at_ns.size() + 20, &trace).ok());
  };
  const auto meter = CreateLpm01aMeter({{"port", board.port()}}, "");
  const auto next = CreateLpm01aMeter({{"port", board.port()}}, "");
  start(**meter);
  board.IgnoreNextStop();  // the process died without a word
  (*meter)->Stop();
  start(**next);
}

TEST_CASE("LPM01A: what was on its way when it was stopped is taken, and that it ends is no failure",
          "[meters][instrument]") {
  std::atomic<bool> streams{false};
  FakeInstrument board(
      [&](const std::string& command) -> std::string {
        if (command == "start") streams = true;
        if (command != "stop" || !streams.exchange(false)) return "ack " + command + "\r\n";
        return "event 00 ris\r\n2000-08\r\nend\r\nack stop\r\n";
      },
      [&]() -> std::string { return streams ? "1000-08\r\n" : ""; });
  const auto meter = CreateLpm01aMeter({{"port", board.port()}, {"edges", "d7"}}, "");
  PowerTrace trace;
  REQUIRE((*meter)->Start().ToString() == "OK");
  REQUIRE(DrainAtLeast(meter->get(), 20, &trace).ok());
  CHECK(trace.edges.empty());
  (*meter)->Stop();
  REQUIRE((*meter)->Drain(&trace).ToString() == "OK");
  CHECK(trace.edges.size() == 1);
  CHECK(trace.value.back() == 20'000);
}

TEST_CASE("LPM01A: a refused command and a silent board are errors", "[meters][instrument]") {
  FakeInstrument refusing(
      [](const std::string& command) {
        return command.starts_with("freq") ? "error: freq out of range\r\n" : "ack " + command + "\r\n";
      },
      Silent);
  auto meter = CreateLpm01aMeter({{"port", refusing.port()}}, "");
  Status status = (*meter)->Start();
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(), Catch::Contains("'freq 1k' was refused: error: freq out of range"));

  FakeInstrument silent(NoAnswer, Silent);
  meter = CreateLpm01aMeter({{"port", silent.port()}}, "");
  status = (*meter)->Probe(Deadline::Never());
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(), Catch::Contains("no answer to 'htc'"));
}

TEST_CASE("LPM01A: what its lines mean", "[meters][instrument]") {
  const auto protocol = Lpm01aProtocol(3300, 1000, true);
  using Kind = InstrumentLine::Kind;
  InstrumentLine line = protocol->Parse("4538-08");
  CHECK(line.kind == Kind::kSample);
  CHECK(line.power_uw == 45'380);  // 45.38 uJ in a millisecond
  CHECK(line.time_ns == 0);
  line = protocol->Parse("0001-05");
  CHECK(line.power_uw == 10'000);
  CHECK(line.time_ns == 1'000'000);
  CHECK(protocol->Parse("").kind == Kind::kOther);
  CHECK(protocol->Parse("-07").kind == Kind::kOther);
  CHECK(protocol->Parse("6409-0").kind == Kind::kOther);
  CHECK(protocol->Parse("9999+09").kind == Kind::kLost);
  CHECK(protocol->Parse("error: overcurrent").kind == Kind::kFailure);
  CHECK(protocol->Parse("end").kind == Kind::kFailure);
}

TEST_CASE("LPM01A: edges are numbered, and a gap in the numbers is edges that were lost",
          "[meters][instrument]") {
  const auto protocol = Lpm01aProtocol(3300, 1000, true);
  const auto lost = [&](const std::string& text) -> std::int64_t {
    const InstrumentLine line = protocol->Parse(text);
    if (line.kind != InstrumentLine::Kind::kEdge) return -1;
    return static_cast<std::int64_t>(line.lost);
  };
  CHECK(lost("event 07 ris") == 0);
  CHECK(lost("event 08 fal") == 0);
  CHECK(lost("event 10 ris") == 1);
  CHECK(lost("event 10 ris") == 99);
  CHECK(lost("event 99 ris") == 88);
  CHECK(lost("event 00 ris") == 0);  // two digits wrap
  CHECK(lost("event 98 ris") == 97);
  CHECK(lost("event 01 ris") == 2);
  CHECK(lost("event 255 ris") == 253);
  CHECK(lost("event 0 ris") == 0);  // and so does a byte
  CHECK(lost("event") == -1);
  CHECK(lost("event ") == -1);
  CHECK(lost("event x1 ris") == -1);
  CHECK(lost("event 99999999999999999999 ris") == -1);
  // The numbers begin anew with the stream.
  static_cast<void>(protocol->StartCommands());
  CHECK(lost("event 40 ris") == 0);
}

TEST_CASE("LPM01A: its time stamps show samples that were lost", "[meters][instrument]") {
  const auto protocol = Lpm01aProtocol(3300, 1000, false);
  using Kind = InstrumentLine::Kind;
  const auto samples = [&](int count) {
    InstrumentLine line;
    for (int i = 0; i < count; ++i) line = protocol->Parse("4538-08");
    return line.time_ns;
  };
  const auto stamp = [&](const std::string& time) {
    const InstrumentLine line = protocol->Parse("TimeStamp: " + time + ", buff 00%");
    CHECK(line.kind == (line.lost > 0 ? Kind::kLost : Kind::kOther));
    return line.lost;
  };
  samples(1000);
  CHECK(stamp("998s 000ms") == 0);
  samples(1000);
  CHECK(stamp("999s 000ms") == 0);
  samples(990);
  CHECK(stamp("000s 000ms") == 10);
  CHECK(samples(1) == 3'000'000'000);
  samples(998);
  CHECK(stamp("001s 000ms") == 0);  // the stamps may round
  samples(998);
  CHECK(stamp("002s 000ms") == 3);  // but not for ever
  CHECK(stamp("700s 000ms") == 0);  // damaged: believed neither now nor the next time
  CHECK(stamp("003s 000ms") == 0);
  CHECK(stamp("x") == 0);
  CHECK(stamp("1s") == 0);
  CHECK(protocol->Parse("TimeStamp:").kind == Kind::kOther);
}

TEST_CASE("Joulescope-style lines: time, current, voltage; what is no sample is counted",
          "[meters][instrument]") {
  int k = 0;
  FakeInstrument stream(NoAnswer, [&k]() -> std::string {
    if (k == 0) return ++k, "#time (s),current (A),voltage (V)\n";
    const std::string time = std::to_string(0.001 * k++);
    return k % 10 == 0 ? time + ",nan,nan\n" : time + ",0.01,5.0,0.05\n";
  });
  const auto meter = CreateJoulescopeMeter({{"port", stream.port()}}, "");
  PowerTrace trace;
  REQUIRE((*meter)->Start().ToString() == "OK");
  REQUIRE(DrainAtLeast(meter->get(), 50, &trace).ok());
  (*meter)->Stop();
  CHECK(trace.meter.source == "joulescope");
  CHECK(trace.value.front() == 50'000);
  CHECK(trace.overflow_count >= 4);
}

TEST_CASE("Joulescope-style lines: what they mean", "[meters][instrument]") {
  const auto protocol = JoulescopeProtocol();
  using Kind = InstrumentLine::Kind;
  static_cast<void>(protocol->StartCommands());
  const InstrumentLine line = protocol->Parse(" 1.5 , -0.002, 3.3 ");
  CHECK(line.kind == Kind::kSample);
  CHECK(line.time_ns == 1'500'000'000);
  CHECK(line.power_uw == -6600);
  CHECK(protocol->Parse("1.5,0.002,3.3").kind == Kind::kLost);  // time stood still
  CHECK(protocol->Parse("1.6,1e300,1e300").kind == Kind::kLost);
  CHECK(protocol->Parse("1.7,0.1").kind == Kind::kOther);
  CHECK(protocol->Parse("time,current,voltage").kind == Kind::kOther);
}

TEST_CASE("an instrument that is unplugged says so", "[meters][instrument]") {
  FakeInstrument stream(NoAnswer, Silent);
  const auto meter = CreateJoulescopeMeter({{"port", stream.port()}}, "");
  REQUIRE((*meter)->Start().ok());
  stream.Unplug();
  PowerTrace trace;
  Status status;
  while (status.ok()) status = (*meter)->Drain(&trace);
  CHECK_THAT(status.message(), Catch::Contains(stream.port()) && Catch::Contains("unplugged"));
  (*meter)->Stop();
  CHECK((*meter)->Start().code() == StatusCode::kUnavailable);
}

TEST_CASE("an instrument without a port is none", "[meters][instrument]") {
  CHECK(CreateLpm01aMeter({}, "").status().code() == StatusCode::kNotFound);
  CHECK(CreateJoulescopeMeter({}, "").status().code() == StatusCode::kNotFound);
  CHECK(CreateLpm01aMeter({{"port", "/dev/x"}, {"rate_hz", "10000"}}, "").status().code() ==
        StatusCode::kInvalidArgument);
}

TEST_CASE("an instrument's clock is brought to ours by its least late line", "[meters][instrument]") {
  StreamClock clock;
  const std::int64_t ms = 1'000'000;
  CHECK(clock.ToOurs(0, 1000 * ms) == 1000 * ms);
  CHECK(clock.ToOurs(100 * ms, 1090 * ms) == 1090 * ms);           // the first was 10 ms later than this
  CHECK(clock.ToOurs(200 * ms, 1240 * ms) == 1190 * ms + 10'000);  // late: only 100 ppm of it are believed
  CHECK(clock.ToOurs(300 * ms, 3290 * ms) == 3290 * ms);           // two seconds were lost
}

}  // namespace
}  // namespace paddock
