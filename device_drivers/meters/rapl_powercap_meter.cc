#include <algorithm>
#include <utility>
#include <vector>

#include "base/option_reader.h"
#include "device_drivers/meters/rapl_meter.h"

namespace paddock {
namespace {

struct Zone {
  std::string name;         // "package-0"
  std::string path;         // of energy_uj
  std::int64_t max_uj = 0;  // the largest value before the wrap
};

// The counter in the processor has 32 bits; its largest value is this many steps.
constexpr std::int64_t kMaxSteps = 0xffffffff;
std::int64_t StepUj(std::int64_t max_uj) { return std::max<std::int64_t>(1, max_uj / kMaxSteps); }

// Whole packages only: their sub-zones (core, uncore, dram) are parts of them or belong to another boundary.
Result<std::vector<Zone>> FindZones(const SysfsTree& tree) {
  std::vector<Zone> zones;
  for (const std::string& folder : tree.Entries("/sys/class/powercap", "intel-rapl:")) {
    if (std::count(folder.begin(), folder.end(), ':') != 1) continue;
    auto name = tree.Text(folder + "/name");
    if (!name.ok() || name->compare(0, 7, "package") != 0) continue;
    Zone zone{*name, folder + "/energy_uj"};
    PADDOCK_ASSIGN_OR_RETURN(zone.max_uj, tree.Integer(folder + "/max_energy_range_uj"));
    if (zone.max_uj <= 0) return UnavailableError(zone.name + ": max_energy_range_uj is not over 0");
    zones.push_back(std::move(zone));
  }
  if (zones.empty()) return NotFoundError("there is no package zone below /sys/class/powercap");
  std::sort(zones.begin(), zones.end(), [](const Zone& a, const Zone& b) { return a.name < b.name; });
  for (const Zone& zone : zones) {
    if (zone.max_uj == zones.front().max_uj) continue;
    return UnavailableError(zone.name + " and " + zones.front().name +
                            " wrap at different energies and cannot be summed");
  }
  return zones;
}

// The sum of counters with one range, modulo that range, is itself a counter with it.
class PowercapReader final : public MeterReader {
 public:
  explicit PowercapReader(SysfsTree tree) : tree_(std::move(tree)) {}

  Status Open() override {
    PADDOCK_ASSIGN_OR_RETURN(zones_, FindZones(tree_));
    return OkStatus();
  }
  Result<std::int64_t> Read() override {
    std::int64_t sum_uj = 0;
    for (const Zone& zone : zones_) {
      auto energy_uj = tree_.Integer(zone.path);
      if (energy_uj.ok()) {
        sum_uj = (sum_uj + *energy_uj) % range_uj();
        continue;
      }
      if (energy_uj.status().code() == StatusCode::kPermissionDenied) {
        return PermissionDeniedError(energy_uj.status().message() +
                                     "; only root may read it, or whom its file mode lets");
      }
      return UnavailableError(zone.name + ": " + energy_uj.status().message());
    }
    return sum_uj;
  }

  const std::vector<Zone>& zones() const { return zones_; }
  std::int64_t range_uj() const { return zones_.front().max_uj + StepUj(zones_.front().max_uj); }

 private:
  const SysfsTree tree_;
  std::vector<Zone> zones_;
};

}  // namespace

std::span<const OptionDoc> RaplPowercapOptions() {
  static constexpr OptionDoc kOptions[] = {
      {"period_ms", "time between readings; half a wrap must take longer (default 50)"},
  };
  return kOptions;
}

Result<std::unique_ptr<PowerMeter>> CreateRaplPowercapMeter(const DriverOptions& options,
                                                            const std::string& root) {
  return CreateRaplPowercapMeterOf(options, SysfsTree(root), MeterSeams());
}

Result<std::unique_ptr<PowerMeter>> CreateRaplPowercapMeterOf(const DriverOptions& options,
                                                              const SysfsTree& tree,
                                                              const MeterSeams& seams) {
  OptionReader read("meter 'rapl-powercap'", options);
  const auto period_ms = static_cast<std::int64_t>(read.Unsigned("period_ms", 50, 1, 10'000));
  PADDOCK_RETURN_IF_ERROR(read.Finish());

  auto reader = std::make_unique<PowercapReader>(tree);
  PADDOCK_RETURN_IF_ERROR(reader->Open());
  PADDOCK_RETURN_IF_ERROR(reader->Read().status());
  MeterDescription meter;
  meter.source = "rapl-powercap";
  meter.boundary = "package";
  meter.kind = MeterKind::kCounter;
  meter.averaging_ns = 1'000'000;  // the processor updates its counters about once a millisecond
  for (const Zone& zone : reader->zones()) meter.rails.push_back(zone.name);
  meter.period_ns = period_ms * 1'000'000;
  meter.lsb = static_cast<double>(StepUj(reader->zones().front().max_uj)) * 1e-6;
  meter.counter_range_uj = reader->range_uj();
  return std::unique_ptr<PowerMeter>(
      std::make_unique<PolledMeter>(std::move(meter), std::move(reader), seams));
}

}  // namespace paddock
