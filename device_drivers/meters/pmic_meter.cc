#include "device_drivers/meters/pmic_meter.h"

#include <chrono>
#include <cmath>
#include <map>
#include <utility>

#include "base/option_reader.h"
#include "base/subprocess.h"

namespace paddock {
namespace {

constexpr std::chrono::seconds kAnswerWithin{2};

class PmicReader final : public MeterReader {
 public:
  explicit PmicReader(std::string command) : command_(std::move(command)) {}
  Status Open() override { return OkStatus(); }

  Result<std::int64_t> Read() override {
    ProcessRequest request;
    request.argv = {command_, "pmic_read_adc"};
    request.environment = CleanEnvironment();
    PADDOCK_ASSIGN_OR_RETURN(const ProcessResult result, RunProcess(request, Deadline::After(kAnswerWithin)));
    if (!result.succeeded()) {
      return UnavailableError(command_ + " pmic_read_adc: " + result.Describe() + " " + result.stderr_text);
    }
    PADDOCK_ASSIGN_OR_RETURN(PmicReading reading, ParsePmic(result.stdout_text));
    if (!rails_.empty() && reading.rails != rails_) {
      return UnavailableError(command_ + " pmic_read_adc: a rail is missing that was there before");
    }
    rails_ = std::move(reading.rails);
    return reading.power_uw;
  }

  const std::vector<std::string>& rails() const { return rails_; }

 private:
  const std::string command_;
  std::vector<std::string> rails_;
};

// "     3V3_SYS_A current(3)=0.07903260A" -> ("3V3_SYS_A", 0.0790326)
bool ParseLine(std::string_view line, std::string_view* name, double* value) {
  const std::size_t begin = line.find_first_not_of(" \t");
  const std::size_t equals = line.find('=');
  if (begin == line.npos || equals == line.npos) return false;
  const std::size_t blank = line.find(' ', begin);
  if (blank == line.npos || blank > equals) return false;
  *name = line.substr(begin, blank - begin);
  std::string_view number = line.substr(equals + 1);
  while (!number.empty() && (number.back() == '\r' || number.back() == ' ')) number.remove_suffix(1);
  if (number.empty() || (number.back() != 'A' && number.back() != 'V')) return false;
  number.remove_suffix(1);
  return name->size() > 2 && ParseNumber(number, value);
}

}  // namespace

Result<PmicReading> ParsePmic(std::string_view text) {
  std::map<std::string, double, std::less<>> volts;
  std::map<std::string, double, std::less<>> amperes;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    std::string_view name;
    double value = 0;
    if (!ParseLine(line, &name, &value)) continue;
    const std::string rail(name.substr(0, name.size() - 2));
    const std::string_view suffix = name.substr(name.size() - 2);
    if (suffix == "_A") amperes[rail] = value;
    if (suffix == "_V") volts[rail] = value;
  }
  if (amperes.empty()) {
    return UnavailableError(
        "pmic_read_adc gives no current; only the Raspberry Pi 5's power chip measures currents");
  }
  PmicReading reading;
  double watts = 0;
  for (const auto& [rail, current] : amperes) {
    const auto voltage = volts.find(rail);
    if (voltage == volts.end())
      return UnavailableError("pmic_read_adc: rail " + rail + " has a current but no voltage");
    watts += current * voltage->second;
    reading.rails.push_back(rail);
  }
  reading.power_uw = std::llround(watts * 1e6);
  return reading;
}

std::span<const OptionDoc> PmicOptions() {
  static constexpr OptionDoc kOptions[] = {
      {"command", "the program that answers pmic_read_adc (default vcgencmd)"},
      {"period_ms", "time between readings, each of which starts a process (default 100)"},
  };
  return kOptions;
}

Result<std::unique_ptr<PowerMeter>> CreatePmicMeter(const DriverOptions& options, const std::string& root) {
  if (root.empty()) return CreatePmicMeterOf(options, MeterSeams());
  DriverOptions below = options;
  below.emplace("command", root + "/usr/bin/vcgencmd");
  return CreatePmicMeterOf(below, MeterSeams());
}

Result<std::unique_ptr<PowerMeter>> CreatePmicMeterOf(const DriverOptions& options, const MeterSeams& seams) {
  OptionReader read("meter 'pmic'", options);
  const std::string command = read.Text("command", "vcgencmd");
  const auto period_ms = static_cast<std::int64_t>(read.Unsigned("period_ms", 100, 1, 10'000));
  PADDOCK_RETURN_IF_ERROR(read.Finish());

  auto reader = std::make_unique<PmicReader>(command);
  MeterDescription meter;
  PADDOCK_ASSIGN_OR_RETURN(meter.period_ns,
                           ReachablePeriodNs(reader.get(), *seams.clock, period_ms * 1'000'000));
  meter.source = "pmic";
  meter.boundary = "soc-rails";
  meter.kind = MeterKind::kSampled;
  meter.rails = reader->rails();
  return std::unique_ptr<PowerMeter>(
      std::make_unique<PolledMeter>(std::move(meter), std::move(reader), seams));
}

}  // namespace paddock
