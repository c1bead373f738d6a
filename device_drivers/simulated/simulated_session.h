// The model of a simulated board. Inference i of a session takes
//
//   latency_us * samples * (1 + noise * N_i) * (i == 0 ? first_inference_factor : 1) * (factor of `slow` in this stage)
//
// with N_i standard normal, drawn from the device's seed, the run's seed and the repetition, and never less
// than a tenth of what it takes without noise. Energy is power_w times that time. The same seeds give the
// same numbers everywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "device_drivers/api/driver.h"
#include "device_drivers/simulated/fault_script.h"

namespace paddock {

enum class SimulatedPace {
  kModel,  // Invoke() returns at once
  kReal,   // Invoke() sleeps as long as it says that it took
};

struct SimulatedSettings {
  double latency_us = 1000;  // of one sample
  double noise = 0.01;
  double first_inference_factor = 3;
  double load_ms = 0;     // Open() sleeps so long
  double power_w = 0.25;  // while it infers; 0: no energy counter
  std::uint64_t seed = 0;
  SimulatedPace pace = SimulatedPace::kModel;
  bool computes_outputs = false;  // a hash of each sample's input, spread over the output's elements
  FaultScript faults;
  std::string fault_once;  // marker file: a fault creates it, and none happens while it is there
};

// NOT_FOUND: the artifact. INVALID_ARGUMENT: no inputs. UNIMPLEMENTED: a runtime option. UNAVAILABLE: the
// fault `error`. The faults of stage `loading` happen in here.
Result<std::unique_ptr<Session>> OpenSimulatedSession(const SimulatedSettings& settings,
                                                      const SessionRequest& request);

}  // namespace paddock
