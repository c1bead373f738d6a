// Intel's and AMD's running average power limit counters: energy of the processor packages, which a model in the processor
// or a sensor beside it gives. Two ways to them, two meters: through perf, where the kernel makes 64 bits of the 32 that
// wrap, and through powercap, where we undo the wrap.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/sysfs_tree.h"
#include "device_drivers/api/power_meter.h"
#include "device_drivers/meters/polled_meter.h"

namespace paddock {

// The system calls that the perf meter makes; a test gives its own. Used by one thread at a time.
class PerfEvents {
 public:
  virtual ~PerfEvents() = default;
  // A descriptor that counts the event on this processor for all processes.
  virtual Result<int> Open(std::uint32_t type, std::uint64_t config, int cpu) = 0;
  virtual Result<std::uint64_t> Read(int descriptor) = 0;
  virtual void Close(int descriptor) = 0;
};

std::span<const OptionDoc> RaplPerfOptions();
Result<std::unique_ptr<PowerMeter>> CreateRaplPerfMeter(const DriverOptions& options,
                                                        const std::string& root);
Result<std::unique_ptr<PowerMeter>> CreateRaplPerfMeterOf(const DriverOptions& options, const SysfsTree& tree,
                                                          std::unique_ptr<PerfEvents> events,
                                                          const MeterSeams& seams);

std::span<const OptionDoc> RaplPowercapOptions();
Result<std::unique_ptr<PowerMeter>> CreateRaplPowercapMeter(const DriverOptions& options,
                                                            const std::string& root);
Result<std::unique_ptr<PowerMeter>> CreateRaplPowercapMeterOf(const DriverOptions& options,
                                                              const SysfsTree& tree, const MeterSeams& seams);

}  // namespace paddock
