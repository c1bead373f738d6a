#include <array>
#include <cmath>

#include "base/option_reader.h"
#include "device_drivers/meters/instruments.h"

namespace paddock {
namespace {

constexpr double kMaxSeconds = 1e9;
constexpr double kMaxWatts = 1e6;

// "seconds,amperes,volts" and whatever follows; "#" and headings are comments.
class Joulescope final : public LineProtocol {
 public:
  std::vector<std::string> StartCommands() override {
    last_ns_ = -1;
    return {};
  }
  std::vector<std::string> StopCommands() override { return {}; }
  std::optional<Status> Answer(std::string_view, std::string_view) override { return OkStatus(); }

  InstrumentLine Parse(std::string_view line) override {
    InstrumentLine parsed;
    std::array<std::string_view, 3> fields;
    for (std::string_view& field : fields) {
      const std::size_t comma = line.find(',');
      field = line.substr(0, comma);
      while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
      while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
      line.remove_prefix(comma == line.npos ? line.size() : comma + 1);
    }
    double seconds = 0;
    if (!ParseNumber(fields[0], &seconds) || seconds < 0 || seconds > kMaxSeconds || fields[2].empty())
      return parsed;
    double amperes = 0;
    double volts = 0;
    const std::int64_t time_ns = std::llround(seconds * 1e9);
    // "nan" is a sample that the instrument could not take.
    if (!ParseNumber(fields[1], &amperes) || !ParseNumber(fields[2], &volts) ||
        std::abs(amperes * volts) > kMaxWatts || time_ns <= last_ns_) {
      parsed.kind = InstrumentLine::Kind::kLost;
      parsed.lost = 1;
      return parsed;
    }
    last_ns_ = time_ns;
    parsed.kind = InstrumentLine::Kind::kSample;
    parsed.time_ns = time_ns;
    parsed.power_uw = std::llround(amperes * volts * 1e6);
    return parsed;
  }

 private:
  std::int64_t last_ns_ = -1;
};

}  // namespace

std::unique_ptr<LineProtocol> JoulescopeProtocol() { return std::make_unique<Joulescope>(); }

std::span<const OptionDoc> JoulescopeOptions() {
  static constexpr OptionDoc kOptions[] = {
      {"port", "where the lines come from: a serial port, pty or FIFO (must be given)"},
      {"rate_hz", "lines a second (default 1000)"},
  };
  return kOptions;
}

Result<std::unique_ptr<PowerMeter>> CreateJoulescopeMeter(const DriverOptions& options,
                                                          const std::string& root) {
  OptionReader read("meter 'joulescope'", options);
  const std::string port = read.Text("port", "");
  const auto rate_hz = static_cast<std::int64_t>(read.Unsigned("rate_hz", 1000, 1, 100'000));
  PADDOCK_RETURN_IF_ERROR(read.Finish());
  if (port.empty()) return NotFoundError("joulescope: name where its lines come from with the option port");

  MeterDescription meter;
  meter.source = "joulescope";
  meter.boundary = "external";
  meter.kind = MeterKind::kSampled;
  meter.on_device = false;
  meter.rails = {"current x voltage"};
  meter.period_ns = 1'000'000'000 / rate_hz;
  return std::unique_ptr<PowerMeter>(
      std::make_unique<LineInstrument>(std::move(meter), JoulescopeProtocol(), root + port));
}

}  // namespace paddock
