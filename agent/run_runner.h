// Carries out one run: fetches its blobs, unpacks a packed artifact into the run's folder until the run ends, then starts one worker per repetition that is not complete yet, when the
// machine is as cool as it was. The only code that touches the device; one thread at a time.
//
// A worker that a signal ended, or that exited without a word, is started again up to twice; then it is
// reported as what it is. One that misses its deadline is not: a device that is silent once would hold the
// run three times as long. How a run fails:
//   job     the driver blames the job, or the worker crashed by itself while it loaded or ran the model
//   device  the driver blames the device, or the worker missed its deadline
//   farm    everything else: blobs that cannot be had, a full disk, a worker that something outside killed
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/blob_cache.h"
#include "agent/cooldown.h"
#include "agent/link.h"
#include "agent/run_types.h"
#include "agent/spool.h"
#include "agent/stage_clock.h"
#include "agent/worker_protocol.h"
#include "base/clock.h"
#include "base/subprocess.h"

namespace paddock::agent {

struct RunnerSettings {
  std::string worker_path;
  std::vector<std::string> worker_environment;  // exactly this
  std::string driver;
  DriverOptions options;
  std::string meter{};  // of the registry; empty: the device has none
  DriverOptions meter_options{};
  std::vector<std::uint32_t> cpus{};            // that workers run on; empty: they choose
  std::uint64_t worker_memory_limit_bytes = 0;  // where the plan has none; 0: none
};

class RunRunner {
 public:
  // `on_progress` is called on the runner's thread: at each change of stage, and a few times a second while a
  // worker measures. `thermal_gate` is asked before each worker; null where this machine's heat means nothing.
  RunRunner(RunnerSettings settings, BlobCache& cache, BlobTransfer& transfer,
            std::function<void(const Progress&)> on_progress, ThermalGate* thermal_gate = nullptr);

  // Complete repetitions in the run's folder are kept. `interrupted` is asked at least every 50 ms; once it
  // says true the worker is killed and the outcome is kCancelled. Complete repetitions are in the report
  // whatever the outcome.
  Report Run(const SpooledRun& run, const std::function<bool()>& interrupted);

 private:
  struct Attempt;

  std::optional<Failure> Fetch(const RunPlan& plan, std::vector<BlobCache::Pin>* pins);
  Result<BlobCache::Pin> FetchBlob(const Digest& digest);
  // Where the worker finds the artifact: in the cache, or unpacked in `folder`.
  static Result<std::string> ArrivedArtifact(const BlobCache::Pin& pin, const std::string& folder);
  // Writes what the next worker reads, once the machine is cool enough or the runner is interrupted.
  Status CoolDownAndPrepare(const std::string& folder);
  std::optional<Failure> RunRepetition(const std::string& folder, const RunPlan& plan, std::uint32_t index);
  Result<ProcessResult> RunWorker(const std::string& folder, const RunPlan& plan, std::uint32_t index,
                                  Attempt* attempt);
  std::optional<Failure> Judge(const ProcessResult& ended, const Attempt& attempt, const RunPlan& plan,
                               std::uint32_t index) const;
  void EnterStage(const std::string& stage);
  void Publish(std::uint64_t inferences_done);
  std::optional<double> TimeLeftS() const;

  const RunnerSettings settings_;
  BlobCache& cache_;
  BlobTransfer& transfer_;
  const std::function<void(const Progress&)> on_progress_;
  ThermalGate* const thermal_gate_;

  // Of the run at hand.
  std::function<bool()> interrupted_;
  Progress progress_;
  StageClock stages_;
  const RunPlan* plan_ = nullptr;
  WorkerRequest request_;
  std::uint32_t repetitions_left_ = 0;  // with the one that runs
  MonotonicTime repetition_began_;
  std::optional<double> repetition_s_;  // what the last one took
};

}  // namespace paddock::agent
