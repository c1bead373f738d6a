// The family `onnxruntime`: runs ONNX models on this machine through an ONNX Runtime library that is opened
// at run time. What it needs, its options and its quirks: onnxruntime.md.
#pragma once

#include <memory>
#include <span>

#include "base/status.h"
#include "device_drivers/api/driver.h"

namespace paddock {

std::span<const OptionDoc> OnnxruntimeOptions();
// INVALID_ARGUMENT: an option. FAILED_PRECONDITION: there is no usable library.
Result<std::unique_ptr<DeviceDriver>> CreateOnnxruntimeDriver(const DriverOptions& options);

}  // namespace paddock
