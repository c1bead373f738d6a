#include "device_drivers/meters_registry.h"

#include "device_drivers/meters/hwmon_meter.h"
#include "device_drivers/meters/instruments.h"
#include "device_drivers/meters/nvml_meter.h"
#include "device_drivers/meters/pmic_meter.h"
#include "device_drivers/meters/rapl_meter.h"

namespace paddock {

std::span<const MeterEntry> AllMeters() {
  static const MeterEntry kMeters[] = {
      {"hwmon", "INA3221, INA226, INA238 or INA260 on the board (Jetson, Kria, Zynq), by rail label",
       HwmonOptions(), CreateHwmonMeter},
      {"pmic", "the power chip of a Raspberry Pi 5, without its 5 V path", PmicOptions(), CreatePmicMeter},
      {"rapl-perf", "the processor packages' energy counters through perf", RaplPerfOptions(),
       CreateRaplPerfMeter},
      {"rapl-powercap", "the same counters through powercap", RaplPowercapOptions(), CreateRaplPowercapMeter},
      {"nvml", "an NVIDIA GPU's energy counter", NvmlOptions(), CreateNvmlMeter},
      {"lpm01a", "ST X-NUCLEO-LPM01A at a serial port", Lpm01aOptions(), CreateLpm01aMeter},
      {"joulescope", "an instrument that streams lines of time, current and voltage", JoulescopeOptions(),
       CreateJoulescopeMeter},
  };
  return kMeters;
}

Result<const MeterEntry*> FindMeter(std::string_view name) {
  std::string names;
  for (const MeterEntry& entry : AllMeters()) {
    if (entry.name == name) return &entry;
    names.append(names.empty() ? "" : ", ").append(entry.name);
  }
  return NotFoundError("there is no power meter '" + std::string(name) + "'; there are: " + names);
}

Result<std::unique_ptr<PowerMeter>> FirstWorkingMeter(const std::string& root, Deadline deadline) {
  std::string problems;
  for (const MeterEntry& entry : AllMeters()) {
    auto meter = entry.create({}, root);
    Status status = meter.ok() ? (*meter)->Probe(deadline) : meter.status();
    if (status.ok()) return meter;
    if (status.code() == StatusCode::kNotFound) continue;
    problems.append(problems.empty() ? "" : "; ").append(entry.name).append(": ").append(status.message());
  }
  if (problems.empty()) return NotFoundError("this machine has no power sensor that is known");
  return UnavailableError("no power sensor of this machine works: " + problems);
}

}  // namespace paddock
