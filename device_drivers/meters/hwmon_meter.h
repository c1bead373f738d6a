// The INA monitors of a board as one meter: the sum of the rails that make its total (hwmon_rails.h).
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/sysfs_tree.h"
#include "device_drivers/api/power_meter.h"
#include "device_drivers/meters/polled_meter.h"

namespace paddock {

std::span<const OptionDoc> HwmonOptions();
Result<std::unique_ptr<PowerMeter>> CreateHwmonMeter(const DriverOptions& options, const std::string& root);
Result<std::unique_ptr<PowerMeter>> CreateHwmonMeterOf(const DriverOptions& options, const SysfsTree& tree,
                                                       const MeterSeams& seams);

}  // namespace paddock
