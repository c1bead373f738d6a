// The coordinator's state machine. Lives on one thread, the core queue's, which every method asserts; owns all state; talks to
// the world through ports.h.
//
// Life of a run here:
//   preparing --OnPrepared--> queued --grant stored, then sent--> running --report stored, then answered--> evaluating
//   --OnEvaluated--> done. A report of failure with retry, or a lease that expired, goes back to queued while attempts are
//   left, else to failed or lost. Cancel ends all but evaluating at once; a running one when its agent reported or its lease
//   ran out.
//
// Group commit: BeforeBatch() and AfterBatch() are the core queue's hooks. Every effect (send, answer, callback, observer)
// that depends on a write is held back until AfterBatch() has committed it. When the commit fails, no effect happens: replies
// get the error, sessions are closed (agents come back and keep their spools), and the state is loaded anew.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/task_queue.h"
#include "server/core/farm.h"
#include "server/core/ports.h"
#include "server/core/scheduler.h"

namespace paddock {

struct CoordinatorSettings {
  std::chrono::milliseconds lease_ttl{30'000};
  std::uint32_t max_attempts = 3;
  std::uint64_t worker_memory_limit_bytes = 0;  // into plans; 0: the agent's
};

struct AgentGreeting {
  DeviceRecord device;
  std::vector<HeldLease> held;
};

struct SubmitAnswer {
  JobId job;
  std::vector<RunId> runs;
  struct Skipped { DeviceId device; std::string variant; std::string reason; };
  std::vector<Skipped> skipped;
};

struct DeviceView {
  DeviceRecord record;
  std::string state;  // "idle", "busy", "offline"
  RunId run;          // when busy
};

struct JobView {
  Job job;
  std::vector<Run> runs;
};

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
  void Submit(JobSpec spec, std::string idempotency_key, std::function<void(Result<SubmitAnswer>)> answer);
  // NOT_FOUND, or FAILED_PRECONDITION when it has ended.
  void Cancel(const JobId& job, std::function<void(Status)> answer);
  // Live jobs only; ended ones are read from the store. Null when it is not live.
  const Job* FindJob(const JobId& job) const;
  Result<JobView> ViewJob(const JobId& job) const;
  std::vector<DeviceView> ViewDevices() const;
  // Every blob that a live run, lease or device needs: what garbage collection must leave alone.
  std::set<Digest> PinnedBlobs() const;
  struct Counts { std::uint32_t devices_known = 0, devices_online = 0, runs_queued = 0, runs_running = 0; };
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
  void OnPrepared(const RunId& run, Result<PreparedRun> prepared, FailureClass failure_class = FailureClass::kJob);
  void OnEvaluated(const RunId& run, Result<Evaluation> evaluation);

 private:
  // The implementer's.
};

}  // namespace paddock
