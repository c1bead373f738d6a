#include "device_drivers/meters/instruments.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

#include "fake_sysfs.h"

namespace paddock {
namespace {

// The other end of a pty, where a thread plays the instrument: it answers commands and streams what it is given.
class FakeInstrument {
 public:
  // Called for each line that the meter sends.
  using Answer = std::function<std::string(const std::string& command)>;
  // Called over and over while the stream runs; empty: nothing to say now.
  using Stream = std::function<std::string()>;

  FakeInstrument(Answer answer, Stream stream) : answer_(std::move(answer)), stream_(std::move(stream)) {
    fd_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    REQUIRE(fd_ >= 0);
    REQUIRE(::grantpt(fd_) == 0);
    REQUIRE(::unlockpt(fd_) == 0);
    char name[64];
    REQUIRE(::ptsname_r(fd_, name, sizeof name) == 0);
    port_ = name;
    // Held open, so that the meter may close and open it again.
    keep_ = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios settings{};
    ::tcgetattr(keep_, &settings);
    ::cfmakeraw(&settings);
    ::tcsetattr(keep_, TCSANOW, &settings);
    thread_ = std::thread([this] { Play(); });
  }
  ~FakeInstrument() { Unplug(); }
  void Unplug() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    for (int* const fd : {&keep_, &fd_}) {
      if (*fd >= 0) ::close(*fd);
      *fd = -1;
    }
  }
  const std::string& port() const { return port_; }
  std::vector<std::string> commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

 private:
  void Play() {
    std::string input;
    while (!stop_) {
      pollfd ready{fd_, POLLIN, 0};
      ::poll(&ready, 1, 1);
      char buffer[256];
      const ssize_t size = ::read(fd_, buffer, sizeof buffer);
      if (size > 0) input.append(buffer, static_cast<std::size_t>(size));
      std::string output;
      for (std::size_t end; (end = input.find('\n')) != input.npos; input.erase(0, end + 1)) {
        const std::string command = input.substr(0, end);
        output += answer_(command);
        const std::lock_guard lock(mutex_);
        commands_.push_back(command);
      }
      if (output.empty()) output = stream_();
      static_cast<void>(!::write(fd_, output.data(), output.size()));
    }
  }

  const Answer answer_;
  const Stream stream_;
  int fd_ = -1;
  int keep_ = -1;
  std::string port_;
  std::mutex mutex_;
  std::vector<std::string> commands_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

std::string Silent() { return ""; }
std::string NoAnswer(const std::string&) { return ""; }

TEST_CASE("LPM01A: it is configured, streams current and is stopped", "[meters][instrument]") {
  std::atomic<bool> running{false};
  FakeInstrument board(
      [&](const std::string& command) {
        if (command == "start") running = true;
        if (command == "stop") running = false;
        return "\r\nPowerShield > ack " + command + "\r\n";
      },
      [&]() -> std::string {
        if (!running) return "";
        return "1000-05\r\n2000-05\r\nTimeStamp: 000s 012ms, buff 00%\r\n";
      });
  const auto meter = CreateLpm01aMeter({{"port", board.port()}, {"voltage_mv", "3000"}}, "");
  REQUIRE(meter.ok());
  CHECK((*meter)->Describe().boundary == "external");
  CHECK_FALSE((*meter)->Describe().on_device);
  CHECK((*meter)->Describe().period_ns == 1'000'000);
  CHECK((*meter)->Probe(Deadline::Never()).ToString() == "OK");
  PowerTrace trace;
  const std::int64_t before_ns = SystemClock().Now().time_since_epoch().count();
  REQUIRE((*meter)->Start().ToString() == "OK");
  REQUIRE(DrainAtLeast(meter->get(), 100, &trace).ok());
  (*meter)->Stop();
  CHECK(board.commands().at(0) == "htc");
  CHECK(board.commands().at(2) == "volt 3000m");
  CHECK(board.commands().at(3) == "freq 1k");
  CHECK(board.commands().at(7) == "start");
  CHECK(trace.value.at(0) == 30'000);  // 10 mA at 3 V
  CHECK(trace.value.at(1) == 60'000);
  CHECK(trace.failed_reads == 0);
  CHECK(trace.at_ns.front() >= before_ns);
  CHECK(std::is_sorted(trace.at_ns.begin(), trace.at_ns.end()));
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
  const auto protocol = Lpm01aProtocol(3300, 1000);
  using Kind = InstrumentLine::Kind;
  InstrumentLine line = protocol->Parse("6409-07");
  CHECK(line.kind == Kind::kSample);
  CHECK(line.power_uw == 2115);  // 640.9 uA x 3.3 V
  CHECK(line.time_ns == 0);
  line = protocol->Parse("0001-03");
  CHECK(line.power_uw == 3300);
  CHECK(line.time_ns == 1'000'000);
  CHECK(protocol->Parse("TimeStamp: 001s 000ms, buff 00%").kind == Kind::kOther);
  CHECK(protocol->Parse("").kind == Kind::kOther);
  CHECK(protocol->Parse("-07").kind == Kind::kOther);
  CHECK(protocol->Parse("6409-0").kind == Kind::kOther);
  CHECK(protocol->Parse("9999+09").kind == Kind::kLost);
  CHECK(protocol->Parse("error: overcurrent").kind == Kind::kFailure);
  CHECK(protocol->Parse("end").kind == Kind::kFailure);
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
  CHECK(CreateLpm01aMeter({{"port", "/dev/x"}, {"rate_hz", "999"}}, "").status().code() ==
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
