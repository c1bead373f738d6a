// The power management chip of a Raspberry Pi 5 (and Compute Module 5, Pi 500) through `vcgencmd pmic_read_adc`: the sum of
// its rails that have both a voltage and a current. The 5 V path (USB, HATs, NVMe) has no current sensor and is not seen.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device_drivers/api/power_meter.h"
#include "device_drivers/meters/polled_meter.h"

namespace paddock {

std::span<const OptionDoc> PmicOptions();
Result<std::unique_ptr<PowerMeter>> CreatePmicMeter(const DriverOptions& options, const std::string& root);
Result<std::unique_ptr<PowerMeter>> CreatePmicMeterOf(const DriverOptions& options, const MeterSeams& seams);

struct PmicReading {
  std::int64_t power_uw = 0;
  std::vector<std::string> rails;  // sorted
};
// What vcgencmd prints. UNAVAILABLE names a rail with a current but no voltage, or says that there is no current at all.
Result<PmicReading> ParsePmic(std::string_view text);

}  // namespace paddock
