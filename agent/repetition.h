// One repetition, inside a worker: load the model, first inference, warm-up, measured window, predictions;
// then the record.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "agent/energy_measurement.h"
#include "agent/run_types.h"
#include "agent/worker_protocol.h"
#include "base/clock.h"
#include "device_drivers/api/driver.h"

namespace paddock::agent {

struct RepetitionRequest {
  const WorkerRequest& work;
  std::string folder;
  std::uint32_t index = 0;
  MonotonicTime spawned;  // just before this process was started
  EnergyTimes energy_times{};
};

// Leaves the predictions (when kept) and then the record in the folder, or neither record. `report_stage`
// must have told the agent when it returns. Absent when all went well.
//
// Of a device that models time or counts instructions what the host's clock and memory say means nothing: load, cold start, peak
// memory, timer floor, environment and counters of the host stay absent. A device with a clock of its own is loaded by the host,
// which is timed, but the host's processor and memory are not what is measured: no environment, no peak memory. Its energy takes a
// meter that sees edges of its pin; as such a meter also feeds it, it is started before the device is loaded, in no figure.
std::optional<Failure> RunRepetition(DeviceDriver& driver, const RepetitionRequest& request,
                                     const Clock& clock,
                                     const std::function<void(std::string_view stage)>& report_stage);

}  // namespace paddock::agent
