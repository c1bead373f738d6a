// Finds the INA power monitors of a board by name and label, never by number: hwmon numbers change between boots. What the
// families of boards look like: meters.md. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/sysfs_tree.h"

namespace paddock {

struct Rail {
  std::string label;             // "VDD_IN"
  std::string chip;              // "ina3221"
  bool iio = false;              // L4T 32's IIO layout instead of hwmon
  std::string power_path{};      // empty: voltage times current
  std::int64_t power_scale = 1;  // file's unit in microwatts: 1 or 1000
  std::string voltage_path{};    // millivolts
  std::string current_path{};    // milliamperes
  std::int64_t averaging_ns = 0;
  double lsb_w = 0;  // at 5 V where the sensor gives a current
};

// Every rail that the chips measure, in the order of their chips' paths. "NC", disabled channels and the sum of shunt
// voltages are no rails. NOT_FOUND when there is no known chip.
Result<std::vector<Rail>> FindRails(const SysfsTree& tree);

// What is to be summed: the one named `wanted` if that is not empty; else the board's input (POM_5V_IN, VDD_IN or VIN)
// where it is measured; else all. UNAVAILABLE names the rails that there are.
Result<std::vector<Rail>> RailsOfTotal(std::vector<Rail> rails, const std::string& wanted);

// "board-input", "module" or "soc-rails": what the sum of these rails contains.
std::string BoundaryOf(const std::vector<Rail>& rails);

}  // namespace paddock
