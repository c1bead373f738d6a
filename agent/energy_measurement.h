// The energy of one repetition: idle, window, idle again, while a meter samples. An instrument beside the device watches the
// measured window itself; a sampler on the device disturbs what it measures and gets a window of its own after that one.
// Where edges of the device's pin mark the windows there are five, after the measured one (agent/edge_windows.h).
// One thread; the sampling has its own (device_drivers/api/power_meter.h).
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "device_drivers/api/power_meter.h"
#include "kpi/energy.h"
#include "kpi/power_trace.h"

namespace paddock::agent {

// Is there such a meter, and does its value move? Loads a core for up to a second. The message also says what this machine has.
Status CheckMeter(const std::string& meter, const DriverOptions& options);

struct EnergyTimes {
  double idle_s = 5;  // before and after
  double window_s = kMinEnergyWindowS;
  double between_windows_s = 1;
  double first_edges_s = 2;  // within which the first edges must be seen
};

class EnergyMeasurement {
 public:
  // As PowerMeter's own errors; NOT_FOUND for a meter that does not exist.
  static Result<std::unique_ptr<EnergyMeasurement>> Create(const std::string& meter,
                                                           const DriverOptions& options, const Clock& clock,
                                                           const EnergyTimes& times);

  bool on_device() const { return meter_->Describe().on_device; }
  bool sees_edges() const { return !meter_->Describe().edge_input.empty(); }
  const EnergyTimes& times() const { return times_; }
  // How long a window must last for enough samples: times().window_s, or 100 of the meter's periods.
  double MinWindowS() const;

  // The sampling thread runs on the CPUs of the caller.
  Status Start();
  // How many edges came since Start() or the last call; with them all samples until now are forgotten.
  Result<std::size_t> TakeEdges();
  // times().idle_s
  void WaitIdle();
  void BeginWindow();
  void EndWindow();
  // Idle once more, then the trace with its marks.
  Result<PowerTrace> Finish();

 private:
  EnergyMeasurement(std::unique_ptr<PowerMeter> meter, const Clock& clock, const EnergyTimes& times)
      : meter_(std::move(meter)), clock_(clock), times_(times) {}
  std::int64_t Now() const { return clock_.Now().time_since_epoch().count(); }

  const std::unique_ptr<PowerMeter> meter_;
  const Clock& clock_;
  const EnergyTimes times_;
  PowerTrace trace_;
};

}  // namespace paddock::agent
