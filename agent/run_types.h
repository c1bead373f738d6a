// What the agent's parts tell each other about runs. No wire types: link_grpc.cc translates.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "kpi/stage_time.h"

namespace paddock::agent {

// The stages of a run that an agent passes through, in this order (cooling to reporting once per repetition).
inline constexpr const char* kStageTransferring = "transferring";
inline constexpr const char* kStageCooling = "cooling";  // only where the device is too warm to begin
inline constexpr const char* kStageLoading = "loading";
inline constexpr const char* kStageEnergy = "energy";  // around warm-up and measuring, where there is a meter
inline constexpr const char* kStageWarmup = "warm-up";
inline constexpr const char* kStageMeasuring = "measuring";
inline constexpr const char* kStagePredicting = "predicting";
inline constexpr const char* kStageReporting = "reporting";

struct HeldLease {
  RunId run;
  LeaseId lease = 0;
  auto operator<=>(const HeldLease&) const = default;
};

struct Assignment {
  HeldLease lease;
  std::string plan_json;  // kpi/run_plan.h
};

// Who is to blame: the job (model, options, data), the device, or the farm (our code, disk, network).
enum class FailureClass { kJob, kDevice, kFarm };
std::string_view FailureClassName(FailureClass failure_class);  // "job", "device", "farm"
Result<FailureClass> ParseFailureClass(std::string_view name);

struct Failure {
  FailureClass failure_class = FailureClass::kFarm;
  std::string stage;
  std::string message;
  bool retry = false;  // another try may not meet it
};

// Whom a driver's error blames, by the rule in device_drivers/api/driver.h.
Failure FailureOfDriver(const Status& status, std::string_view stage);
Failure FailureOfFarm(const Status& status, std::string_view stage);

enum class Outcome { kDone, kFailed, kCancelled };
std::string_view OutcomeName(Outcome outcome);  // "done", "failed", "cancelled"
Result<Outcome> ParseOutcome(std::string_view name);

struct RepetitionFiles {
  std::uint32_t index = 0;
  std::string record_path;
  std::string predictions_path;  // empty: none kept
  // Of the record, on the machine's clock and over the measured window; not kept in the spool.
  std::optional<double> first_inference_s{};
  std::optional<double> energy_j{};
};

struct Report {
  HeldLease lease;
  Outcome outcome = Outcome::kDone;
  std::optional<Failure> failure;  // when failed
  std::vector<RepetitionFiles> repetitions;
  std::vector<StageTime>
      stages{};  // of this lease, in order; those of an agent that was started again are lost
};

struct Progress {
  HeldLease lease;
  std::string stage;
  std::uint32_t repetition = 0;  // 1-based
  std::uint32_t repetitions = 0;
  std::uint64_t inferences_done = 0;
  std::optional<double> time_left_s;
  std::string detail{};  // why it waits
};

}  // namespace paddock::agent
