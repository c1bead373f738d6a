// The coordinator's state as plain structs: what the core thread owns and the store keeps.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/ids.h"
#include "base/status.h"
#include "device_drivers/api/driver.h"
#include "kpi/golden.h"
#include "kpi/latency_histogram.h"
#include "kpi/stage_time.h"
#include "kpi/verdict.h"
#include "server/core/job_spec.h"

namespace paddock {

enum class RunState { kPreparing, kQueued, kRunning, kEvaluating, kDone, kFailed, kCancelled, kLost };
std::string_view RunStateName(RunState state);  // "preparing", "queued", ...
Result<RunState> ParseRunState(std::string_view name);
bool IsTerminal(RunState state);

enum class JobState { kRunning, kDone, kFailed, kCancelled };
std::string_view JobStateName(JobState state);
Result<JobState> ParseJobState(std::string_view name);

// Distinct at the source: they decide retry and exit code.
enum class FailureClass { kJob, kDevice, kFarm };
std::string_view FailureClassName(FailureClass failure_class);
Result<FailureClass> ParseFailureClass(std::string_view name);

struct RunFailure {
  FailureClass failure_class = FailureClass::kFarm;
  std::string stage;
  std::string message;
};

struct RunProgress {
  std::string stage;
  std::uint32_t repetition = 0;
  std::uint32_t repetitions = 0;
  std::uint64_t inferences_done = 0;
  std::optional<double> time_left_s;
  std::string detail;
};

// What preparation made of a run: everything an agent is to be sent.
struct PreparedRun {
  Digest artifact;
  std::string artifact_kind;
  std::uint64_t artifact_bytes = 0;
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
  std::vector<Digest> batches;
  Digest labels;  // tensor file with one tensor; empty: no labels
  std::uint64_t sample_count = 0;
  std::vector<std::string> report;  // what each step did, a line each
  double preparation_s = 0;
  bool operator==(const PreparedRun&) const = default;
};
std::string EncodePreparedRun(const PreparedRun& prepared);
Result<PreparedRun> DecodePreparedRun(std::string_view json);

struct Run {
  RunId id;
  JobId job;
  DeviceId device;
  std::uint32_t variant = 0;  // index into the job's variants
  RunState state = RunState::kPreparing;
  std::uint32_t attempts = 0;          // leases that ended without their repetitions, and the one since
  std::uint32_t repetitions_done = 0;  // stored, the first ones
  LeaseId lease = 0;                   // the current one, or the one whose report was accepted; 0: none
  std::optional<PreparedRun> prepared;
  std::string plan_json;  // of the last assignment
  std::optional<RunFailure> failure;
  std::string agent_version;  // of the agent that reported
  std::int64_t finished_wall_ms = 0;
  bool cancel_requested = false;  // while running: an acknowledged cancel that the agent has yet to follow
  // Not stored: what is known only while it lives.
  RunProgress progress;
};

struct Job {
  JobId id;
  std::uint64_t sequence = 0;  // submit order
  std::string idempotency_key;
  JobSpec spec;
  JobState state = JobState::kRunning;
  std::int64_t submitted_wall_ms = 0;
  std::int64_t finished_wall_ms = 0;
  std::vector<RunId> runs;
};

struct DriverDoc {
  std::string name;
  std::string summary;
  std::vector<std::pair<std::string, std::string>> options;
};

// What an agent said of its device. Kept over restarts, so that a job can be submitted for a device that is away.
struct DeviceRecord {
  DeviceId id;
  AgentInstanceId instance;
  std::string agent_version;
  DeviceDescription description;  // labels hold id and driver too
  std::vector<std::string> shares;
  std::optional<GoldenPolicy> golden;  // absent: it makes no golden runs
  std::vector<DriverDoc> drivers;      // that the agent's build has
  std::string problem;                 // why it cannot take runs; empty: it can
  std::int64_t last_seen_wall_ms = 0;
};
std::string EncodeDeviceRecord(const DeviceRecord& record);
Result<DeviceRecord> DecodeDeviceRecord(std::string_view json);

struct LeaseRecord {
  LeaseId id = 0;
  RunId run;
  DeviceId device;
  std::int64_t granted_wall_ms = 0;
  std::int64_t deadline_wall_ms = 0;
};

// One repetition as it arrived. Exactly one of record_inline and record_blob is set.
struct RepetitionReport {
  std::uint32_t index = 0;
  std::string record_inline;
  Digest record_blob;
  Digest predictions;  // empty: none
};

enum class RunOutcome { kDone, kFailed, kCancelled };

struct RunReport {
  RunId run;
  LeaseId lease = 0;
  RunOutcome outcome = RunOutcome::kDone;
  std::optional<RunFailure> failure;
  bool retry = false;
  std::vector<RepetitionReport> repetitions;
  std::vector<StageTime> stages;  // of this lease, in order; empty: the agent does not say
};

// What evaluation made of a run's measurements.
struct Evaluation {
  KpiReport kpis;
  Judgement judgement;
  std::string runtime;
  std::map<std::string, std::string> options;
  std::map<std::string, std::string> machine;                    // kpi/machine.h; empty: it said nothing
  std::map<std::uint32_t, LatencyHistogram> latency_histograms;  // by repetition; not read with a result
  std::vector<BudgetJudgement> budgets;
  std::optional<GoldenComparison> golden;  // absent: the device makes no golden runs
  // The verdict without DEVICE_DRIFT: golden runs that are valid but for it stay in the history.
  Verdict verdict_without_drift = Verdict::kValid;
};

}  // namespace paddock
