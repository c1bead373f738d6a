#include <cmath>

#include "base/option_reader.h"
#include "device_drivers/meters/instruments.h"

namespace paddock {
namespace {

class Lpm01a final : public LineProtocol {
 public:
  Lpm01a(std::int64_t millivolts, std::int64_t rate_hz) : millivolts_(millivolts), rate_hz_(rate_hz) {}

  std::vector<std::string> StartCommands() override {
    samples_ = 0;
    const std::string rate =
        rate_hz_ % 1000 == 0 ? std::to_string(rate_hz_ / 1000) + "k" : std::to_string(rate_hz_);
    return {"htc",
            "format ascii_dec",
            "volt " + std::to_string(millivolts_) + "m",
            "freq " + rate,
            "output current",
            "acqtime inf",
            "trigsrc sw",
            "start"};
  }
  std::vector<std::string> StopCommands() override { return {"stop", "hrc"}; }

  // "PowerShield > ack freq 1k", with or without the prompt.
  std::optional<Status> Answer(std::string_view command, std::string_view line) override {
    if (line.find("error") != line.npos) {
      return UnavailableError("'" + std::string(command) + "' was refused: " + std::string(line));
    }
    const std::string_view verb = command.substr(0, command.find(' '));
    const std::size_t acknowledged = line.find("ack ");
    if (acknowledged == line.npos || line.substr(acknowledged + 4, verb.size()) != verb) return std::nullopt;
    return OkStatus();
  }

  // "6409-07" is 6409e-7 A.
  InstrumentLine Parse(std::string_view line) override {
    InstrumentLine parsed;
    const std::size_t sign = line.find_first_of("+-");
    std::uint64_t mantissa = 0;
    std::uint64_t exponent = 0;
    if (sign != line.npos && sign > 0 && sign <= 6 && line.size() == sign + 3 &&
        ParseUnsigned(line.substr(0, sign), &mantissa) && ParseUnsigned(line.substr(sign + 1), &exponent)) {
      const double power_of_ten =
          line[sign] == '-' ? -static_cast<double>(exponent) : static_cast<double>(exponent);
      const double amperes = static_cast<double>(mantissa) * std::pow(10.0, power_of_ten);
      if (amperes > 1) {  // the board gives 50 mA
        parsed.kind = InstrumentLine::Kind::kLost;
        return parsed;
      }
      parsed.kind = InstrumentLine::Kind::kSample;
      parsed.power_uw = std::llround(amperes * static_cast<double>(millivolts_) * 1e3);
      parsed.time_ns = samples_++ * 1'000'000'000 / rate_hz_;
    } else if (line.find("error") != line.npos || line.find("overrun") != line.npos || line == "end") {
      parsed.kind = InstrumentLine::Kind::kFailure;
      parsed.text = "the instrument says: " + std::string(line);
    }
    return parsed;
  }

 private:
  const std::int64_t millivolts_;
  const std::int64_t rate_hz_;
  std::int64_t samples_ = 0;
};

}  // namespace

std::unique_ptr<LineProtocol> Lpm01aProtocol(std::int64_t millivolts, std::int64_t rate_hz) {
  return std::make_unique<Lpm01a>(millivolts, rate_hz);
}

std::span<const OptionDoc> Lpm01aOptions() {
  static constexpr OptionDoc kOptions[] = {
      {"port", "its serial port, for example /dev/ttyACM0 (must be given)"},
      {"voltage_mv", "what it supplies the target with, 1800 to 3300 (default 3300)"},
      {"rate_hz", "samples a second: 500, 1000, 2000, 5000 or 10000 (default 1000)"},
  };
  return kOptions;
}

Result<std::unique_ptr<PowerMeter>> CreateLpm01aMeter(const DriverOptions& options, const std::string& root) {
  OptionReader read("meter 'lpm01a'", options);
  const std::string port = read.Text("port", "");
  const auto millivolts = static_cast<std::int64_t>(read.Unsigned("voltage_mv", 3300, 1800, 3300));
  const std::string rate = read.Choice("rate_hz", "1000", {"500", "1000", "2000", "5000", "10000"});
  PADDOCK_RETURN_IF_ERROR(read.Finish());
  if (port.empty()) return NotFoundError("lpm01a: name its serial port with the option port");
  std::uint64_t rate_hz = 1000;
  static_cast<void>(ParseUnsigned(rate, &rate_hz));

  MeterDescription meter;
  meter.source = "lpm01a";
  meter.boundary = "external";
  meter.kind = MeterKind::kSampled;
  meter.on_device = false;
  meter.rails = {"target " + std::to_string(millivolts) + " mV"};
  meter.period_ns = 1'000'000'000 / static_cast<std::int64_t>(rate_hz);
  return std::unique_ptr<PowerMeter>(std::make_unique<LineInstrument>(
      std::move(meter), Lpm01aProtocol(millivolts, static_cast<std::int64_t>(rate_hz)), root + port));
}

}  // namespace paddock
