// NVIDIA GPUs through NVML, opened with dlopen so that nothing depends on it: the board's total energy counter, or its power
// where it has no counter. The library stays mapped until the process ends.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "device_drivers/api/power_meter.h"
#include "device_drivers/meters/polled_meter.h"

namespace paddock {

std::span<const OptionDoc> NvmlOptions();
Result<std::unique_ptr<PowerMeter>> CreateNvmlMeter(const DriverOptions& options, const std::string& root);
Result<std::unique_ptr<PowerMeter>> CreateNvmlMeterOf(const DriverOptions& options, const MeterSeams& seams);

}  // namespace paddock
