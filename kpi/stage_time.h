// Where a run's time went: one entry of its waterfall.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace paddock {

// The stages in the order in which a run passes through them. Those from kCoolDownStage to kReadoutStage happen once per
// repetition; an agent may name others between them.
inline constexpr const char* kPrepareStage = "prepare";     // the artifact, by the coordinator
inline constexpr const char* kQueueStage = "queue";         // waiting for the device
inline constexpr const char* kTransferStage = "transfer";   // artifact and data to the agent
inline constexpr const char* kCoolDownStage = "cool-down";  // waiting until the device is as cool as before
inline constexpr const char* kLoadStage = "load";  // worker started -> model ready, flashing included
inline constexpr const char* kFirstInferenceStage = "first-inference";
inline constexpr const char* kEnergyStage =
    "energy";  // idle power around the window, and a sampler's own window
inline constexpr const char* kWarmupStage = "warm-up";
inline constexpr const char* kMeasuredStage = "measured";
inline constexpr const char* kReadoutStage = "readout";    // predictions, after the measured window
inline constexpr const char* kUploadStage = "upload";      // records and predictions to the coordinator
inline constexpr const char* kEvaluateStage = "evaluate";  // KPIs and verdict

struct StageTime {
  std::string stage;
  std::optional<std::uint32_t> repetition;  // by index; absent: of the whole lease or run
  double seconds = 0;
  std::optional<std::uint64_t> bytes;  // that travelled, or were made
  std::optional<double> energy_j;      // absent: not known
  bool operator==(const StageTime&) const = default;
};

}  // namespace paddock
