// The family `simulated`: a board that is a formula. Deterministic times and energy, and faults on demand,
// for trying the farm without hardware. Options and the model: simulated.md. A driver costs a few hundred
// bytes and no thread, so thousands fit in one process.
#pragma once

#include <memory>
#include <span>

#include "base/status.h"
#include "device_drivers/api/driver.h"

namespace paddock {

std::span<const OptionDoc> SimulatedOptions();
Result<std::unique_ptr<DeviceDriver>> CreateSimulatedDriver(const DriverOptions& options);

}  // namespace paddock
