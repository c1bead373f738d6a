#include "device_drivers/meters/hwmon_rails.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace paddock {
namespace {

constexpr std::string_view kChips[] = {"ina3221", "ina226", "ina238", "ina260"};
constexpr std::string_view kTotals[] = {"POM_5V_IN", "VDD_IN", "VIN"};
// Readings that are means over less than this count as samples of a moment.
constexpr std::int64_t kShortestAveragingNs = 10'000'000;
// Where the driver does not tell the shunt: that of the modules with an INA3221 (Orin NX, Orin Nano, Xavier NX).
constexpr double kUsualShuntOhm = 0.005;

// "ina226" for "ina226" and for a device tree's "ina226_u76"; empty for others.
std::string_view ChipOf(std::string_view name) {
  for (const std::string_view chip : kChips) {
    if (name.substr(0, chip.size()) != chip) continue;
    if (name.size() == chip.size() || name[chip.size()] == '_' || name[chip.size()] == 'x') return chip;
  }
  return {};
}

double PowerStep(std::string_view chip, double shunt_ohm) {
  if (chip == "ina260") return 0.010;
  if (chip == "ina226") return 25 * 2.5e-6 / shunt_ohm;     // 25 current steps of 2.5 uV
  if (chip == "ina238") return 0.2e-3 * 0.020 / shunt_ohm;  // 0.2 mW with the driver's usual 20 mOhm
  return 40e-6 / shunt_ohm * 5;                             // INA3221: 40 uV shunt steps at 5 V
}

double ShuntOhm(const SysfsTree& tree, const std::string& folder, const std::string& channel) {
  for (const std::string& name : {"/shunt" + channel + "_resistor", std::string("/shunt_resistor")}) {
    const auto micro_ohm = tree.Integer(folder + name);
    if (micro_ohm.ok() && *micro_ohm > 0) return static_cast<double>(*micro_ohm) * 1e-6;
  }
  return kUsualShuntOhm;
}

std::int64_t AveragingNs(const SysfsTree& tree, const std::string& folder) {
  const auto interval_ms = tree.Integer(folder + "/update_interval");
  if (!interval_ms.ok() || *interval_ms <= 0 || *interval_ms > 60'000) return 0;
  const std::int64_t interval_ns = *interval_ms * 1'000'000;
  return interval_ns >= kShortestAveragingNs ? interval_ns : 0;
}

bool Disabled(const SysfsTree& tree, const std::string& enable_path) {
  const auto enabled = tree.Integer(enable_path);
  return enabled.ok() && *enabled == 0;
}

// Three channels; a channel without a label or with "NC" is not connected. in4 to in6 are shunt voltages, in7 their sum.
void AddIna3221(const SysfsTree& tree, const std::string& folder, std::vector<Rail>* rails) {
  for (const char* const channel : {"1", "2", "3"}) {
    const std::string voltage = folder + "/in" + channel;
    const auto label = tree.Text(voltage + "_label");
    if (!label.ok() || label->empty() || *label == "NC" || Disabled(tree, voltage + "_enable")) continue;
    Rail rail{.label = *label, .chip = "ina3221", .power_scale = 1};
    rail.voltage_path = voltage + "_input";
    rail.current_path = folder + "/curr" + channel + "_input";
    rail.averaging_ns = AveragingNs(tree, folder);
    rail.lsb_w = PowerStep("ina3221", ShuntOhm(tree, folder, channel));
    rails->push_back(std::move(rail));
  }
}

// INA226, INA238, INA260: one channel, whose power the chip or its driver multiplies.
void AddSingle(const SysfsTree& tree, const std::string& folder, const std::string& name,
               std::string_view chip, std::vector<Rail>* rails) {
  Rail rail{.label = name, .chip = std::string(chip), .power_scale = 1};
  for (const char* const file : {"/in1_label", "/power1_label", "/label"}) {
    const auto label = tree.Text(folder + file);
    if (!label.ok() || label->empty()) continue;
    rail.label = *label;
    break;
  }
  if (rail.label == "NC") return;
  if (tree.Exists(folder + "/power1_input")) rail.power_path = folder + "/power1_input";
  rail.voltage_path = folder + "/in1_input";
  rail.current_path = folder + "/curr1_input";
  rail.averaging_ns = AveragingNs(tree, folder);
  rail.lsb_w = PowerStep(chip, ShuntOhm(tree, folder, "1"));
  rails->push_back(std::move(rail));
}

void AddIio(const SysfsTree& tree, const std::string& folder, std::vector<Rail>* rails) {
  for (const char* const channel : {"0", "1", "2"}) {
    const auto label = tree.Text(folder + "/rail_name_" + channel);
    if (!label.ok() || label->empty() || *label == "NC") continue;
    Rail rail{.label = *label, .chip = "ina3221", .iio = true, .power_scale = 1000};
    const std::string power = folder + "/in_power" + channel + "_input";
    if (tree.Exists(power)) rail.power_path = power;
    rail.voltage_path = folder + "/in_voltage" + channel + "_input";
    rail.current_path = folder + "/in_current" + channel + "_input";
    rail.lsb_w = PowerStep("ina3221", kUsualShuntOhm);
    rails->push_back(std::move(rail));
  }
}

}  // namespace

Result<std::vector<Rail>> FindRails(const SysfsTree& tree) {
  std::vector<std::string> hwmons = tree.Entries("/sys/class/hwmon", "hwmon");
  std::vector<Rail> rails;
  const std::string drivers = "/sys/bus/i2c/drivers";
  for (const std::string& driver : tree.Entries(drivers, "ina")) {
    for (const std::string& device : tree.Entries(driver, "")) {
      for (std::string& hwmon : tree.Entries(device + "/hwmon", "hwmon")) hwmons.push_back(std::move(hwmon));
      for (const std::string& iio : tree.Entries(device, "iio:device")) AddIio(tree, iio, &rails);
    }
  }
  std::set<std::string> seen;
  std::string others;
  for (const std::string& folder : hwmons) {
    if (!seen.insert(tree.Canonical(folder)).second) continue;
    const auto name = tree.Text(folder + "/name");
    const std::string_view chip = name.ok() ? ChipOf(*name) : std::string_view();
    if (chip == "ina3221") {
      AddIna3221(tree, folder, &rails);
    } else if (!chip.empty()) {
      AddSingle(tree, folder, *name, chip, &rails);
    } else if (name.ok()) {
      others.append(others.empty() ? "" : ", ").append(*name);
    }
  }
  if (rails.empty()) {
    return NotFoundError(
        "no rail of an INA3221, INA226, INA238 or INA260 below /sys/class/hwmon and /sys/bus/i2c/drivers; "
        "monitors there: " +
        (others.empty() ? "none" : others) + ". Is the kernel driver loaded?");
  }
  return rails;
}

Result<std::vector<Rail>> RailsOfTotal(std::vector<Rail> rails, const std::string& wanted) {
  const auto named = [&rails](std::string_view label) {
    return std::find_if(rails.begin(), rails.end(),
                        [label](const Rail& rail) { return rail.label == label; });
  };
  if (!wanted.empty()) {
    if (const auto found = named(wanted); found != rails.end()) return std::vector<Rail>{*found};
    std::string labels;
    for (const Rail& rail : rails) labels.append(labels.empty() ? "" : ", ").append(rail.label);
    return UnavailableError("there is no rail '" + wanted + "'; there are: " + labels);
  }
  for (const std::string_view total : kTotals) {
    if (const auto found = named(total); found != rails.end()) return std::vector<Rail>{*found};
  }
  return rails;
}

std::string BoundaryOf(const std::vector<Rail>& rails) {
  if (rails.size() == 1) {
    const Rail& rail = rails.front();
    if (rail.label == "VIN") return "board-input";
    if (rail.label == "POM_5V_IN" || rail.label == "VDD_IN" || rail.chip == "ina260") return "module";
  }
  return "soc-rails";
}

}  // namespace paddock
