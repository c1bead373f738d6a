// The energy of one repetition: idle, window, idle again, while a meter samples. An instrument beside the device watches the
// measured window itself; a sampler on the device disturbs what it measures and gets a window of its own after that one.
// One thread; the sampling has its own (device_drivers/api/power_meter.h).
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "device_drivers/api/power_meter.h"
#include "kpi/power_trace.h"

namespace paddock::agent {

// Is there such a meter, and does its value move? Loads a core for up to a second. The message also says what this machine has.
Status CheckMeter(const std::string& meter, const DriverOptions& options);

class EnergyMeasurement {
 public:
  // As PowerMeter's own errors; NOT_FOUND for a meter that does not exist.
  static Result<std::unique_ptr<EnergyMeasurement>> Create(const std::string& meter,
                                                           const DriverOptions& options, const Clock& clock);

  bool on_device() const { return meter_->Describe().on_device; }
  // How long a window must last for enough samples: 10 s, or 100 of the meter's periods.
  double MinWindowS() const;

  // The sampling thread runs on the CPUs of the caller.
  Status Start();
  // Five idle seconds.
  void WaitIdle();
  void BeginWindow();
  void EndWindow();
  // Five idle seconds more, then the trace with its marks.
  Result<PowerTrace> Finish();

 private:
  EnergyMeasurement(std::unique_ptr<PowerMeter> meter, const Clock& clock)
      : meter_(std::move(meter)), clock_(clock) {}
  std::int64_t Now() const { return clock_.Now().time_since_epoch().count(); }

  const std::unique_ptr<PowerMeter> meter_;
  const Clock& clock_;
  PowerTrace trace_;
};

}  // namespace paddock::agent
