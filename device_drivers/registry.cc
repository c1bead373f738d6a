#include "device_drivers/registry.h"

#include <string>

#include "device_drivers/host-c/host_c_driver.h"
#include "device_drivers/mcu/mcu_driver.h"
#include "device_drivers/onnxruntime/onnxruntime_driver.h"
#include "device_drivers/simulated/simulated_driver.h"
#include "device_drivers/tflite/tflite_driver.h"

namespace paddock {

std::span<const DriverEntry> AllDrivers() {
  static const DriverEntry kDrivers[] = {
      {"host-c", "the C code that is generated for microcontrollers, on this machine", HostCOptions(),
       CreateHostCDriver},
      {"mcu", "microcontroller boards on a serial line, real or emulated", McuOptions(), CreateMcuDriver},
      {"onnxruntime", "ONNX models on this machine's CPU or GPU through ONNX Runtime", OnnxruntimeOptions(),
       CreateOnnxruntimeDriver},
      {"simulated", "a model of a board: time and energy without hardware, and faults on demand",
       SimulatedOptions(), CreateSimulatedDriver},
      {"tflite", "TensorFlow Lite models on this machine's CPU or, by a delegate plug-in, on an accelerator",
       TfliteOptions(), CreateTfliteDriver},
  };
  return kDrivers;
}

Result<const DriverEntry*> FindDriver(std::string_view name) {
  std::string names;
  for (const DriverEntry& entry : AllDrivers()) {
    if (entry.name == name) return &entry;
    names.append(names.empty() ? "" : ", ").append(entry.name);
  }
  return NotFoundError("there is no driver '" + std::string(name) + "'; there are: " + names);
}

}  // namespace paddock
