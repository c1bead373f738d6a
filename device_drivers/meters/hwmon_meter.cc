#include "device_drivers/meters/hwmon_meter.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/option_reader.h"
#include "device_drivers/meters/hwmon_rails.h"

namespace paddock {
namespace {

class HwmonReader final : public MeterReader {
 public:
  HwmonReader(SysfsTree tree, std::string wanted) : tree_(std::move(tree)), wanted_(std::move(wanted)) {}

  Status Open() override {
    PADDOCK_ASSIGN_OR_RETURN(std::vector<Rail> all, FindRails(tree_));
    PADDOCK_ASSIGN_OR_RETURN(std::vector<Rail> rails, RailsOfTotal(std::move(all), wanted_));
    std::vector<std::string> labels = LabelsOf(rails);
    if (!labels_.empty() && labels != labels_) {
      return UnavailableError("the rails are not those of before: " + Joined(labels) + " instead of " +
                              Joined(labels_));
    }
    rails_ = std::move(rails);
    labels_ = std::move(labels);
    return OkStatus();
  }

  Result<std::int64_t> Read() override {
    std::int64_t total_uw = 0;
    for (const Rail& rail : rails_) {
      auto power_uw = ReadRail(rail);
      if (!power_uw.ok()) return UnavailableError("rail " + rail.label + ": " + power_uw.status().message());
      total_uw += *power_uw;
    }
    return total_uw;
  }

  const std::vector<Rail>& rails() const { return rails_; }
  const std::vector<std::string>& labels() const { return labels_; }

 private:
  static std::vector<std::string> LabelsOf(const std::vector<Rail>& rails) {
    std::vector<std::string> labels;
    for (const Rail& rail : rails) labels.push_back(rail.label);
    std::sort(labels.begin(), labels.end());
    return labels;
  }
  static std::string Joined(const std::vector<std::string>& labels) {
    std::string text;
    for (const std::string& label : labels) text.append(text.empty() ? "" : ", ").append(label);
    return text;
  }

  Result<std::int64_t> ReadRail(const Rail& rail) const {
    if (!rail.power_path.empty()) {
      PADDOCK_ASSIGN_OR_RETURN(const std::int64_t power, tree_.Integer(rail.power_path));
      return power * rail.power_scale;
    }
    PADDOCK_ASSIGN_OR_RETURN(const std::int64_t millivolts, tree_.Integer(rail.voltage_path));
    PADDOCK_ASSIGN_OR_RETURN(const std::int64_t milliamperes, tree_.Integer(rail.current_path));
    return millivolts * milliamperes;
  }

  const SysfsTree tree_;
  const std::string wanted_;
  std::vector<Rail> rails_;
  std::vector<std::string> labels_;
};

}  // namespace

std::span<const OptionDoc> HwmonOptions() {
  static constexpr OptionDoc kOptions[] = {
      {"rail", "the one rail to read by its label (default: the board's input, else the sum of all)"},
      {"period_ms", "time between readings (default 20, or longer when the sensor is slower)"},
  };
  return kOptions;
}

Result<std::unique_ptr<PowerMeter>> CreateHwmonMeter(const DriverOptions& options, const std::string& root) {
  return CreateHwmonMeterOf(options, SysfsTree(root), MeterSeams());
}

Result<std::unique_ptr<PowerMeter>> CreateHwmonMeterOf(const DriverOptions& options, const SysfsTree& tree,
                                                       const MeterSeams& seams) {
  OptionReader read("meter 'hwmon'", options);
  const std::string wanted = read.Text("rail", "");
  const auto period_ms = static_cast<std::int64_t>(read.Unsigned("period_ms", 20, 1, 10'000));
  PADDOCK_RETURN_IF_ERROR(read.Finish());

  auto reader = std::make_unique<HwmonReader>(tree, wanted);
  PADDOCK_RETURN_IF_ERROR(reader->Open());
  PADDOCK_ASSIGN_OR_RETURN(const std::int64_t period_ns,
                           ReachablePeriodNs(reader.get(), *seams.clock, period_ms * 1'000'000));
  const std::vector<Rail>& rails = reader->rails();
  MeterDescription meter;
  meter.source = rails.front().chip + (rails.front().iio ? "-iio" : "-hwmon");
  meter.boundary = BoundaryOf(rails);
  meter.rails = reader->labels();
  meter.period_ns = period_ns;
  double variance = 0;
  for (const Rail& rail : rails) {
    meter.averaging_ns = std::max(meter.averaging_ns, rail.averaging_ns);
    variance += rail.lsb_w * rail.lsb_w;
  }
  meter.kind = meter.averaging_ns > 0 ? MeterKind::kAveraged : MeterKind::kSampled;
  meter.lsb = std::sqrt(variance);
  return std::unique_ptr<PowerMeter>(
      std::make_unique<PolledMeter>(std::move(meter), std::move(reader), seams));
}

}  // namespace paddock
