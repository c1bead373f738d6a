// The family `host-c`: runs the C code that is generated for microcontrollers on the machine that the agent runs on, compiled to
// a shared object: to look for what is wrong without a board. What it needs and its quirks: host-c.md.
#pragma once

#include <memory>
#include <span>

#include "base/status.h"
#include "device_drivers/api/driver.h"

namespace paddock {

std::span<const OptionDoc> HostCOptions();
// INVALID_ARGUMENT: an option; it has none.
Result<std::unique_ptr<DeviceDriver>> CreateHostCDriver(const DriverOptions& options);

}  // namespace paddock
