// The coordinator's state machine. Lives on one thread, the core queue's, which every method asserts; owns all state; talks to
// the world through ports.h.
//
// Life of a run here:
//   preparing --OnPrepared--> queued --grant stored, then sent--> running --report stored, then answered--> evaluating
//   --OnEvaluated--> done. Runs of one job on one device take turns: after a repetition each goes back to queued until all
//   are there. A report of failure with retry, or a lease that expired, goes back to queued while attempts are
//   left, else to failed or lost. Cancel ends all but evaluating at once; a running one when its agent reported or its lease
//   ran out.
//
// Golden runs (kpi/golden.h; the rules are in coordinator_golden.cc): where a device's policy asks for one, the coordinator
// submits it as a job of its own, and the device takes nothing else until it has ended, well or not. With `around each run`
// a run's evaluation waits for the golden run after it, unless the device is out of reach for longer than a lease.
//
// Group commit: BeforeBatch() and AfterBatch() are the core queue's hooks. Every effect (send, answer, callback, observer)
// that depends on a write is held back until AfterBatch() has committed it. When the commit fails, no effect happens: replies
// get the error, sessions are closed (agents come back and keep their spools), and the state is loaded anew; work that was
// under way is asked for again a second later, since it would fail at the same disk at once. While loading fails too,
// everything is refused, and each batch tries again.
//
// The queue's tasks must have ended before a Coordinator goes: it posts its lease timer there.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/task_queue.h"
#include "server/core/farm.h"
#include "server/core/ports.h"
#include "server/core/scheduler.h"

namespace paddock {

// In the artifact store, and pinned there.
struct GoldenModel {
  Digest model;
  Digest data;
};

// Of golden runs: nobody's is higher.
inline constexpr std::int32_t kGoldenPriority = std::numeric_limits<std::int32_t>::max();

struct CoordinatorSettings {
  std::chrono::milliseconds lease_ttl{30'000};
  std::uint32_t max_attempts = 3;
  std::uint64_t worker_memory_limit_bytes = 0;  // into plans; 0: the agent's
  std::optional<GoldenModel> golden{};          // absent: no device makes golden runs
};

struct AgentGreeting {
  DeviceRecord device;
  std::vector<HeldLease> held;
};

struct SubmitAnswer {
  JobId job;
  std::vector<RunId> runs;
  struct Skipped {
    DeviceId device;
    std::string variant;
    std::string reason;
  };
  std::vector<Skipped> skipped;
};

struct DeviceView {
  DeviceRecord record;
  std::string state;  // "idle", "busy", "faulty" (has a problem), "offline"
  RunId run;          // when busy
};

struct JobView {
  Job job;
  std::vector<Run> runs;
  std::map<DeviceId, std::string> drivers;  // of the runs' devices
};

inline constexpr const char* kGoldenArtifactKind = "onnx";  // of the golden model

class Coordinator {
 public:
  struct Ports {
    StorePort& store;
    AgentPort& agents;
    WorkPort& work;
    JobObserver& observer;
    TaskQueue& queue;
    const Clock& clock;
  };
  Coordinator(CoordinatorSettings settings, Ports ports);

  // Once, before anything else: takes up what the store has. Leases go on with a fresh deadline, since nobody could renew
  // them meanwhile; runs that were preparing or evaluating are asked for again.
  Status Start();
  void BeforeBatch();
  void AfterBatch();

  // ---- from users. Answers are called on the core thread after the commit.
  // The spec is complete and its files fit together (the caller has checked); this resolves selectors against the devices.
  // INVALID_ARGUMENT: a selector that matches nothing (says which labels exist), or no device takes any variant.
  // The same idempotency key gives the same answer again; for a job that has ended meanwhile, only its id.
  void Submit(JobSpec spec, std::string idempotency_key, std::function<void(Result<SubmitAnswer>)> answer);
  // NOT_FOUND, or FAILED_PRECONDITION when it has ended.
  void Cancel(const JobId& job, std::function<void(Status)> answer);
  // Live jobs only; ended ones are read from the store. NOT_FOUND when it is not live.
  Result<JobView> ViewJob(const JobId& job) const;
  // ViewJob() for users: what its batch could not store is not shown. UNAVAILABLE then; the store has the truth.
  void ShowJob(const JobId& job, std::function<void(Result<JobView>)> answer);
  std::vector<DeviceView> ViewDevices() const;
  // Every blob that a live run, lease or device needs: what garbage collection must leave alone.
  std::set<Digest> PinnedBlobs() const;
  struct Counts {
    std::uint32_t devices_known = 0, devices_online = 0, runs_queued = 0, runs_running = 0;
  };
  Counts Count() const;

  // ---- from agents
  // ALREADY_EXISTS through CloseSession when another living agent instance holds the device; the same instance replaces its
  // older session. Held leases that are no longer theirs are named in the welcome; held ones go on. A run whose lease the
  // agent does not know of any more (it lost its state) is queued again.
  void OnGreeting(SessionId session, std::uint64_t message_id, AgentGreeting greeting);
  void OnHeartbeat(SessionId session, const std::vector<HeldLease>& held, const std::string& problem);
  void OnProgress(SessionId session, const RunId& run, LeaseId lease, RunProgress progress);
  void OnReport(SessionId session, std::uint64_t message_id, RunReport report);
  // The lease stays until its deadline: the agent may come back.
  void OnSessionEnded(SessionId session);

  // ---- from the worker threads
  void OnPrepared(const RunId& run, Result<PreparedRun> prepared,
                  FailureClass failure_class = FailureClass::kJob);
  void OnEvaluated(const RunId& run, Result<Evaluation> evaluation);

 private:
  // Something that the world gets to see; called once, after the batch, with what became of its commit.
  using Effect = std::function<void(const Status& commit)>;
  // Order within a device and a priority: jobs as they were submitted; the runs of a job by turns, a repetition each, in an
  // order that is drawn anew for each turn from the job's seed, so that what changes with time meets all variants alike.
  struct Rank {
    std::uint64_t job_sequence = 0;
    std::uint32_t repetitions_done = 0;
    std::uint64_t drawn = 0;
    std::uint64_t sequence = 0;
    auto operator<=>(const Rank&) const = default;
  };
  struct LiveRun;
  using WaitingRuns = std::map<std::int32_t, std::map<Rank, LiveRun*>, std::greater<>>;
  struct Device {
    DeviceRecord record;
    SessionId session = 0;  // 0: offline
    LeaseId lease = 0;      // 0: free
    WaitingRuns waiting;
    MonotonicTime offline_since{};  // of a device without a session
    LiveRun* golden = nullptr;      // the golden run that has not ended
    // As in StorePort::GoldenUse; a golden run that ended without a result counts too.
    std::optional<std::uint32_t> runs_since_golden;
    std::optional<std::int64_t> golden_ended_wall_ms;
  };
  struct LiveJob {
    Job job;
    std::uint32_t open_runs = 0;  // not terminal
    std::map<DeviceId, std::uint32_t> open_runs_on;
  };
  struct LiveRun {
    Run run;
    LiveJob* job = nullptr;
    Device* device = nullptr;
    std::uint64_t sequence = 0;
    // For the waterfall; absent after a restart, since nobody knows.
    std::optional<MonotonicTime> queued_since;
    std::optional<double> queued_s;  // before the current lease
    std::optional<MonotonicTime> evaluating_since;
    bool golden_after = false;  // while evaluating: a golden run has ended since its last repetition
  };
  struct Lease {
    LeaseRecord record;        // as stored: its deadline is only renewed now and then
    AgentInstanceId instance;  // that it was granted to
    Device* device = nullptr;
    LiveRun* run = nullptr;  // null: the store knows of the lease only
    MonotonicTime deadline;
  };
  struct Targets {
    std::vector<std::pair<std::uint32_t, Device*>> taken;  // variant, device
    std::vector<SubmitAnswer::Skipped> skipped;
  };

  // -- the batch (coordinator.cc)
  Status LoadState();
  Status AdoptSnapshot(StorePort::Snapshot snapshot);
  void ForgetState();
  void AskForWork();
  void AskForWorkSoon();
  void FailBatch(const Status& error);
  // Runs `write` inside the batch's transaction, which the first one opens. After a failure nothing more is written.
  void Write(const std::function<Status(StorePort&)>& write);
  void WriteRun(const LiveRun& run);
  void WriteEvent(const std::string& subject, const std::string& kind, const std::string& detail);
  void AfterCommit(Effect effect) { effects_.push_back(std::move(effect)); }
  void CheckThread() const;

  // -- jobs and runs (coordinator_jobs.cc)
  Result<SubmitAnswer> SubmitNow(JobSpec spec, const std::string& idempotency_key);
  Result<std::optional<SubmitAnswer>> FindSubmitted(const JobSpec& spec, const std::string& idempotency_key);
  Result<Targets> ResolveTargets(const JobSpec& spec);
  SubmitAnswer AddJob(JobSpec spec, const std::string& idempotency_key, Targets targets);
  Status CancelNow(const JobId& job);
  LiveRun* FindRun(const RunId& run);
  LiveRun& AdoptRun(Run run, LiveJob& job, std::uint64_t place);
  static PreparationRequest PreparationOf(const LiveRun& run);
  EvaluationRequest EvaluationOf(const LiveRun& run) const;
  static Rank RankOf(const LiveRun& run);
  void StartWaiting(LiveRun& run);
  void StopWaiting(LiveRun& run);
  void EndRun(LiveRun& run, RunState state, std::optional<RunFailure> failure = std::nullopt);
  void WriteOwnStages(const LiveRun& run);
  void FinishJob(LiveJob& job);
  void EvictEndedJobs();
  RunProgress ProgressOf(const LiveRun& run) const;

  // -- golden runs (coordinator_golden.cc)
  const GoldenPolicy* PolicyOf(const Device& device) const;  // null: it makes none
  bool NeedsGoldenBefore(const LiveRun& run) const;
  bool AwaitsGoldenAfter(const LiveRun& run) const;
  void SubmitGolden(Device& device);
  void CountUse(const LiveRun& run);
  void EndGolden(LiveRun& run);
  // Now, or after the golden run that it waits for.
  void AskForEvaluation(LiveRun& run);
  // Begins evaluations that wait no longer, and submits the golden runs that the others wait for.
  void TendGoldenRuns();
  void TendGoldenRunsWhenGone();

  // -- leases (coordinator_leases.cc)
  void GrantRuns();
  void GrantRun(LiveRun& run);
  double SecondsSince(MonotonicTime then) const;
  Lease* FindLease(const HeldLease& held, const Device& device);
  void RenewLease(Lease& lease);
  // The device is free again; the run is the caller's to move on. Returns the run, null when only the store knew of it.
  LiveRun* EndLease(LeaseId lease, const std::string& reason);
  // After a lease that ended without a result.
  void TryAgainOrEnd(LiveRun& run, RunState end_state, RunFailure failure);
  void ExpireLeases();
  void ArmLeaseTimer();

  // -- agents (coordinator_agents.cc)
  Device* DeviceOfSession(SessionId session);
  void DropUnknownLease(Device& device, const std::vector<HeldLease>& held);
  void SetProblem(Device& device, const std::string& problem);
  Status AcceptReport(Device& device, RunReport report);
  void AcceptMeasurements(LiveRun& run, const RunReport& report);
  void WriteStages(LiveRun& run, const RunReport& report);
  void SendCancel(SessionId session, HeldLease lease);
  void CloseSession(SessionId session, Status status);

  const CoordinatorSettings settings_;
  const Ports ports_;

  std::unordered_map<DeviceId, Device> devices_;
  std::unordered_map<SessionId, Device*> sessions_;
  std::unordered_map<JobId, LiveJob> jobs_;
  std::unordered_map<RunId, LiveRun> runs_;
  std::unordered_map<std::string, JobId> idempotency_keys_;  // of live jobs
  std::map<LeaseId, Lease> leases_;
  std::set<Device*> waited_for_;                        // devices with waiting runs
  std::map<std::uint64_t, LiveRun*> held_evaluations_;  // by sequence; they wait for a golden run
  std::uint64_t last_job_ = 0;
  std::uint64_t last_run_ = 0;
  LeaseId last_lease_ = 0;

  bool started_ = false;
  Status
      unusable_;  // not OK: the state could not be loaded after a failed commit; tried again with each batch
  std::set<Digest> pinned_before_failure_;
  bool transaction_open_ = false;
  Status batch_error_;
  std::vector<Effect> effects_;
  std::set<JobId> changed_jobs_;
  std::vector<JobId> ended_jobs_;
  bool grants_due_ = false;
  bool timer_armed_ = false;
  bool work_timer_armed_ = false;
  bool storing_fails_ = false;  // said in the log
};

}  // namespace paddock
