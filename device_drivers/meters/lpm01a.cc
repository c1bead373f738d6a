#include <cmath>

#include "base/option_reader.h"
#include "device_drivers/meters/instruments.h"

namespace paddock {
namespace {

constexpr double kBoardMaxWatts = 1;               // the board gives 50 mA at 3.3 V
constexpr std::uint64_t kStampWrapMs = 1'000'000;  // time stamps have three digits of seconds
// They come once a second; one that is further from the one before is damaged.
constexpr std::uint64_t kMaxBetweenStampsMs = 5000;
constexpr std::uint64_t kStampRoundingMs = 2;

std::optional<std::uint64_t> NumberAt(std::string_view line, std::size_t begin, std::size_t end) {
  std::uint64_t number = 0;
  if (begin > line.size() || end > line.size() || end < begin ||
      !ParseUnsigned(line.substr(begin, end - begin), &number))
    return std::nullopt;
  return number;
}

// How many edges are missing between two numbers. They have two digits, or as many as a byte needs.
std::uint64_t EdgesBetween(std::uint64_t last, std::uint64_t next) {
  if (next > last) return next - last - 1;
  const std::uint64_t wrap = last < 100 ? 100 : 256;
  return next + wrap > last ? next + wrap - last - 1 : 1;
}

class Lpm01a final : public LineProtocol {
 public:
  Lpm01a(std::int64_t millivolts, std::int64_t rate_hz, bool sees_edges)
      : millivolts_(millivolts), rate_hz_(static_cast<std::uint64_t>(rate_hz)), sees_edges_(sees_edges) {}

  std::vector<std::string> StartCommands() override {
    samples_ = 0;
    stamp_ms_.reset();
    last_edge_.reset();
    const std::string rate =
        rate_hz_ % 1000 == 0 ? std::to_string(rate_hz_ / 1000) + "k" : std::to_string(rate_hz_);
    std::vector<std::string> commands = {
        "htc",          "format ascii_dec", "volt " + std::to_string(millivolts_) + "m",
        "freq " + rate, "output energy",    "acqtime inf",
        "trigsrc sw"};
    if (sees_edges_) {
      commands.emplace_back("eventsrc d7 fal");
      commands.emplace_back("pwr on nostatus");
    }
    commands.emplace_back("start");
    return commands;
  }
  // A board whose edges are watched stays supplied, and with it what is on it.
  std::vector<std::string> StopCommands() override {
    if (sees_edges_) return {"stop"};
    return {"stop", "hrc"};
  }

  // "PowerShield > ack freq 1k", with or without the prompt.
  std::optional<Status> Answer(std::string_view command, std::string_view line) override {
    const std::string_view verb = command.substr(0, command.find(' '));
    const std::size_t acknowledged = line.find("ack ");
    if (acknowledged != line.npos && line.substr(acknowledged + 4, verb.size()) == verb) return OkStatus();
    if (line.find("err") == line.npos || line.find(verb) == line.npos) return std::nullopt;
    return UnavailableError("'" + std::string(command) + "' was refused: " + std::string(line));
  }

  InstrumentLine Parse(std::string_view line) override {
    if (line.starts_with("event ")) return Edge(line);
    if (line.starts_with("TimeStamp:")) return Stamp(line);
    InstrumentLine parsed;
    if (const std::optional<double> joules = Joules(line)) {
      const double watts = *joules * static_cast<double>(rate_hz_);
      if (watts > kBoardMaxWatts) {
        parsed.kind = InstrumentLine::Kind::kLost;
        parsed.lost = 1;
        return parsed;
      }
      parsed.kind = InstrumentLine::Kind::kSample;
      parsed.power_uw = std::llround(watts * 1e6);
      parsed.time_ns = static_cast<std::int64_t>(samples_++ * 1'000'000'000 / rate_hz_);
    } else if (line.find("error") != line.npos || line.find("overrun") != line.npos || line == "end") {
      parsed.kind = InstrumentLine::Kind::kFailure;
      parsed.text = "the instrument says: " + std::string(line);
    }
    return parsed;
  }

 private:
  // "4538-08" is 4538e-8 J.
  static std::optional<double> Joules(std::string_view line) {
    const std::size_t sign = line.find_first_of("+-");
    if (sign == line.npos || sign == 0 || sign > 6 || line.size() != sign + 3) return std::nullopt;
    const auto mantissa = NumberAt(line, 0, sign);
    const auto exponent = NumberAt(line, sign + 1, line.size());
    if (!mantissa || !exponent) return std::nullopt;
    const auto power_of_ten = static_cast<double>(*exponent);
    return static_cast<double>(*mantissa) * std::pow(10.0, line[sign] == '-' ? -power_of_ten : power_of_ten);
  }

  // "event 03 ris"; the word is the same for falling edges.
  InstrumentLine Edge(std::string_view line) {
    InstrumentLine parsed;
    const std::size_t begin = std::string_view("event ").size();
    const auto number = NumberAt(line, begin, line.find(' ', begin));
    if (!number) return parsed;
    parsed.kind = InstrumentLine::Kind::kEdge;
    if (last_edge_) parsed.lost = EdgesBetween(*last_edge_, *number);
    last_edge_ = *number;
    return parsed;
  }

  // "TimeStamp: 012s 345ms, buff 00%": so many samples must have come since the first of them.
  InstrumentLine Stamp(std::string_view line) {
    InstrumentLine parsed;
    const std::size_t begin = std::string_view("TimeStamp: ").size();
    const std::size_t seconds_end = line.find("s ");
    const auto seconds = NumberAt(line, begin, seconds_end);
    const auto ms = seconds ? NumberAt(line, seconds_end + 2, line.find("ms")) : std::nullopt;
    if (!ms) return parsed;
    const std::uint64_t stamp_ms = (*seconds * 1000 + *ms) % kStampWrapMs;
    const std::uint64_t since_ms =
        stamp_ms_ ? (stamp_ms + kStampWrapMs - *stamp_ms_) % kStampWrapMs : kStampWrapMs;
    stamp_ms_ = stamp_ms;
    if (since_ms > kMaxBetweenStampsMs) {
      stamps_ms_ = 0;
      samples_at_first_stamp_ = samples_;
      return parsed;
    }
    stamps_ms_ += since_ms;
    const std::uint64_t due = samples_at_first_stamp_ + stamps_ms_ * rate_hz_ / 1000;
    if (due <= samples_ + kStampRoundingMs * rate_hz_ / 1000) return parsed;
    parsed.kind = InstrumentLine::Kind::kLost;
    parsed.lost = due - samples_;
    samples_ = due;
    return parsed;
  }

  const std::int64_t millivolts_;
  const std::uint64_t rate_hz_;
  const bool sees_edges_;
  std::uint64_t samples_ = 0;  // with those that were lost
  std::optional<std::uint64_t> last_edge_;
  std::optional<std::uint64_t> stamp_ms_;  // the last, as told
  std::uint64_t stamps_ms_ = 0;            // from the first to the last
  std::uint64_t samples_at_first_stamp_ = 0;
};

}  // namespace

std::unique_ptr<LineProtocol> Lpm01aProtocol(std::int64_t millivolts, std::int64_t rate_hz, bool sees_edges) {
  return std::make_unique<Lpm01a>(millivolts, rate_hz, sees_edges);
}

std::span<const OptionDoc> Lpm01aOptions() {
  static constexpr OptionDoc kOptions[] = {
      {"port", "its serial port, for example /dev/serial/by-id/... (must be given)"},
      {"voltage_mv", "what it supplies the target with, 1800 to 3300 (default 3300)"},
      {"rate_hz", "samples a second: 500, 1000, 2000 or 5000 (default 1000)"},
      {"edges", "d7: a pin of the target is wired to D7 and marks the windows (default none)"},
  };
  return kOptions;
}

Result<std::unique_ptr<PowerMeter>> CreateLpm01aMeter(const DriverOptions& options, const std::string& root) {
  OptionReader read("meter 'lpm01a'", options);
  const std::string port = read.Text("port", "");
  const auto millivolts = static_cast<std::int64_t>(read.Unsigned("voltage_mv", 3300, 1800, 3300));
  const std::string rate = read.Choice("rate_hz", "1000", {"500", "1000", "2000", "5000"});
  const bool sees_edges = read.Choice("edges", "none", {"none", "d7"}) == "d7";
  PADDOCK_RETURN_IF_ERROR(read.Finish());
  if (port.empty()) return NotFoundError("lpm01a: name its serial port with the option port");
  std::uint64_t rate_hz = 1000;
  static_cast<void>(ParseUnsigned(rate, &rate_hz));

  MeterDescription meter;
  meter.source = "lpm01a";
  meter.boundary = "external";
  meter.kind = MeterKind::kAveraged;
  meter.on_device = false;
  meter.rails = {"target " + std::to_string(millivolts) + " mV"};
  meter.period_ns = 1'000'000'000 / static_cast<std::int64_t>(rate_hz);
  meter.averaging_ns = meter.period_ns;
  if (sees_edges) meter.edge_input = "d7";
  return std::unique_ptr<PowerMeter>(std::make_unique<LineInstrument>(
      std::move(meter), Lpm01aProtocol(millivolts, static_cast<std::int64_t>(rate_hz), sees_edges),
      root + port));
}

}  // namespace paddock
