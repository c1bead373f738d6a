// The model of a simulated board. An inference takes
//
//   latency_us * samples * noise * first_inference_factor (the first only) * throttle_factor (after throttle_after_s)
//     * (1 + drift_per_s * t) * bimodal_factor * spike_factor (by chance) * (factor of `slow` in this stage)
//     + stall_ms (every stall_every-th)
//
// with noise 1 + noise * N or exp(noise * N), N standard normal, at least a tenth; t the modelled seconds that the session
// has computed. Chance is drawn from the device's seed, the run's seed and the repetition. Energy is power_w times the
// time, cycles clock_mhz times. The same seeds give the same numbers everywhere.
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

enum class SimulatedNoise { kNormal, kLognormal };

struct SimulatedSettings {
  double latency_us = 1000;  // of one sample
  double noise = 0.01;
  SimulatedNoise noise_shape = SimulatedNoise::kNormal;
  double throttle_after_s = 0;  // 0: never
  double throttle_factor = 1.5;
  double drift_per_s = 0;
  double bimodal_share = 0;
  double bimodal_factor = 1.3;
  double spike_share = 0;
  double spike_factor = 5;
  std::uint64_t stall_every = 0;  // 0: never
  double stall_ms = 100;
  double first_inference_factor = 3;
  double load_ms = 0;     // Open() sleeps so long
  double power_w = 0.25;  // while it infers; 0: no energy counter
  double clock_mhz = 0;   // 0: no cycle counter
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
