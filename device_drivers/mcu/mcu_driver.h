// The driver family 'mcu': microcontroller boards at the end of a serial line, real or emulated (mcu.md).
#pragma once

#include <memory>
#include <span>

#include "device_drivers/api/driver.h"

namespace paddock {

std::span<const OptionDoc> McuOptions();
// INVALID_ARGUMENT: the options.
Result<std::unique_ptr<DeviceDriver>> CreateMcuDriver(const DriverOptions& options);

}  // namespace paddock
