// The family `tflite`: runs TensorFlow Lite models on this machine through a library that is opened at run time, on its own
// kernels, on XNNPACK or on an accelerator's delegate plug-in. What it needs, its options and its quirks: tflite.md.
#pragma once

#include <memory>
#include <span>

#include "base/status.h"
#include "device_drivers/api/driver.h"

namespace paddock {

std::span<const OptionDoc> TfliteOptions();
// INVALID_ARGUMENT: an option. FAILED_PRECONDITION: there is no usable library, or no usable plug-in where one is named.
Result<std::unique_ptr<DeviceDriver>> CreateTfliteDriver(const DriverOptions& options);

}  // namespace paddock
