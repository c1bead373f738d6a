// How an agent and its worker talk.
//
//   paddock-worker FOLDER REPETITION SPAWN_NS
//
// FOLDER is the run's folder in the spool. The worker reads FOLDER/worker.json, and leaves rep-N.predictions
// (when kept) and then rep-N.record, each whole or not at all: a repetition is complete when its record is
// there. SPAWN_NS is the agent's steady clock just before the start; that clock is one for all processes of a
// machine.
//
// On stdout the worker writes lines that begin with '@' (stage changes, and its failure as the last one);
// everything else on stdout is a library's chatter. Inferences done are published in FOLDER/progress, a
// memory map, since inside the measured window nothing may be written. Exit code 0: the record is there. 1: a
// failure line said why.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/run_types.h"
#include "base/status.h"
#include "device_drivers/api/driver.h"
#include "kpi/run_plan.h"

namespace paddock::agent {

struct WorkerRequest {
  std::string driver;
  DriverOptions options;
  std::string meter{};  // of the device's power; empty: it has none
  DriverOptions meter_options{};
  std::vector<std::uint32_t> cpus{};  // to run on; empty: chosen
  std::string artifact_path;
  std::vector<std::string> batch_paths;  // in the order of plan.batches
  std::string labels_path;               // empty: none in the plan
  // What the agent waited before this process (agent/cooldown.h), for the record.
  std::optional<double> cooldown_s{};
  std::optional<bool> cooldown_reached{};
  RunPlan plan;
};
std::string EncodeWorkerRequest(const WorkerRequest& request);
Result<WorkerRequest> DecodeWorkerRequest(std::string_view json);

std::string WorkerRequestPath(const std::string& folder);
std::string CounterPath(const std::string& folder);
std::string RecordPath(const std::string& folder, std::uint32_t repetition);
std::string PredictionsPath(const std::string& folder, std::uint32_t repetition);
std::string UnpackedArtifactPath(const std::string& folder);

// One line of a worker's stdout; neither set for chatter.
struct WorkerLine {
  std::optional<std::string> stage;
  std::optional<Failure> failure;
};
WorkerLine ParseWorkerLine(std::string_view line);
// Both begin with a newline, so that chatter without one does not swallow them.
std::string StageLine(std::string_view stage);
std::string FailureLine(const Failure& failure);

// A number in a memory-mapped file: one process stores, another loads.
class SharedCounter {
 public:
  // Creates the file when it is missing; keeps the number when it is not.
  static Result<SharedCounter> Open(const std::string& path);
  SharedCounter(SharedCounter&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  SharedCounter& operator=(SharedCounter&&) = delete;
  ~SharedCounter();
  void Store(std::uint64_t value) { value_->store(value, std::memory_order_relaxed); }
  std::uint64_t Load() const { return value_->load(std::memory_order_relaxed); }

 private:
  explicit SharedCounter(std::atomic<std::uint64_t>* value) : value_(value) {}
  std::atomic<std::uint64_t>* value_;
};

}  // namespace paddock::agent
