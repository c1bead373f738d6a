// The contract between the worker and what measures power or energy around it.
//
// Life cycle:
//   1. The agent finds the meter in meters_registry.cc and calls MeterEntry::create; Probe() says whether it works.
//   2. For each repetition that measures energy the worker creates the meter again and calls Start().
//   3. Drain() moves what has come since into a PowerTrace, as often as wanted: at least every few minutes.
//   4. Stop() ends the sampling; a last Drain() gives the rest. Start() may follow again.
//
// Threads: one thread at a time calls; a meter samples on one thread of its own between Start() and Stop(), which
// allocates outside the caller's threads and never blocks them for longer than a copy of the samples.
// Errors: UNAVAILABLE names the rail, file or wire that is missing or says `stuck` (a value that does not move under
// load is no measurement); PERMISSION_DENIED says what to allow; INVALID_ARGUMENT blames an option.
// A single failed reading is counted in the trace and is no error; when no reading has succeeded since the last
// Drain(), Drain() says why.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "device_drivers/api/driver.h"
#include "kpi/power_trace.h"

namespace paddock {

class PowerMeter {
 public:
  virtual ~PowerMeter() = default;  // stops

  // Source, boundary, kind, rails, nominal period and resolution. Never blocks; the same for the life of the meter.
  virtual const MeterDescription& Describe() const = 0;

  // Reads every rail, and loads one core for up to a second to see the value move. Not between Start() and Stop().
  virtual Status Probe(Deadline deadline) = 0;

  virtual Status Start() = 0;
  // Appends the samples since the last call to the three arrays, and the edges between them, and adds to the counts; sets
  // trace->meter. Marks are the caller's. On error nothing is appended.
  virtual Status Drain(PowerTrace* trace) = 0;
  // Idempotent. The samples up to here remain for one more Drain().
  virtual void Stop() = 0;
};

struct MeterEntry {
  std::string_view name;     // "hwmon"; what it finds names itself more closely in MeterDescription::source
  std::string_view summary;  // one line
  std::span<const OptionDoc> options;  // every key that create() knows; it refuses others
  // `root` stands before every absolute path of sysfs, procfs and dev: "" on a real machine, a folder in tests. Finds
  // the sensors and reads each once: NOT_FOUND when this machine has none of the kind.
  Result<std::unique_ptr<PowerMeter>> (*create)(const DriverOptions& options, const std::string& root);
};

}  // namespace paddock
