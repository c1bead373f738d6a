// What the core needs from the world, as interfaces. All are called on the core thread only and must not block on a device or
// a network. The SQLite store, the gRPC gateway and the worker threads implement them; tests use fakes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/core/farm.h"

namespace paddock {

// Writes go to a transaction that the core opens before a batch of events and commits after it (group commit); nothing is
// answered, sent or acknowledged before the commit that holds it. After a failed write or commit the core rolls back and
// loads everything anew, as after a restart.
class StorePort {
 public:
  virtual ~StorePort() = default;

  virtual Status Begin() = 0;
  virtual Status Commit() = 0;
  virtual void Rollback() = 0;

  // Runs are not prepared yet.
  virtual Status InsertJob(const Job& job, const std::vector<Run>& runs) = 0;
  virtual Status UpdateJob(const Job& job) = 0;
  // All of it that changes but its preparation.
  virtual Status UpdateRun(const Run& run) = 0;
  virtual Status SetPrepared(const RunId& run, const PreparedRun& prepared) = 0;
  virtual Status UpsertDevice(const DeviceRecord& device) = 0;
  virtual Status InsertLease(const LeaseRecord& lease) = 0;
  virtual Status ExtendLease(LeaseId lease, std::int64_t deadline_wall_ms) = 0;
  // `reason`: reported, expired, cancelled, superseded.
  virtual Status EndLease(LeaseId lease, const std::string& reason, std::int64_t wall_ms) = 0;
  // Adds to what earlier leases of the run brought; a repetition that is there already is replaced.
  virtual Status InsertMeasurements(const RunReport& report) = 0;
  // Once for each lease of the run that brings any; lease 0: the coordinator's own stages.
  virtual Status InsertStageTimes(const RunId& run, LeaseId lease, const std::vector<StageTime>& stages) = 0;
  virtual Status InsertEvaluation(const RunId& run, const Evaluation& evaluation) = 0;
  virtual Status InsertEvent(const std::string& subject, const std::string& kind, const std::string& detail,
                             std::int64_t wall_ms) = 0;

  // What the rules for golden runs need to know of a device that makes them.
  struct GoldenUse {
    DeviceId device;
    // Runs of users that were granted the device since its last golden run and have left it; absent: it never made one.
    std::optional<std::uint32_t> runs_since;
    // When the last golden run gave the device back, if nothing was granted it since.
    std::optional<std::int64_t> ended_wall_ms;
  };
  // Everything that is not finished, all devices, the open leases, and the highest numbers ever used.
  struct Snapshot {
    std::vector<Job> jobs;
    std::vector<Run> runs;  // of those jobs, also the finished ones
    std::vector<LeaseRecord> leases;
    std::vector<DeviceRecord> devices;
    std::vector<GoldenUse> golden_uses;
    std::uint64_t last_job = 0;
    std::uint64_t last_run = 0;
    LeaseId last_lease = 0;
  };
  virtual Result<Snapshot> Load() = 0;
  virtual Result<std::optional<JobId>> FindJobByIdempotencyKey(const std::string& key) = 0;
};

// A live agent session. Numbers are never used twice while the coordinator runs.
using SessionId = std::uint64_t;

struct Assignment {
  RunId run;
  LeaseId lease = 0;
  std::uint32_t lease_ttl_ms = 0;
  std::string plan_json;
};

struct HeldLease {
  RunId run;
  LeaseId lease = 0;
};

// Sending never blocks; a session that is gone swallows what is sent to it.
class AgentPort {
 public:
  virtual ~AgentPort() = default;
  virtual void SendWelcome(SessionId session, std::uint64_t answers,
                           const std::vector<HeldLease>& revoked) = 0;
  virtual void SendAssignment(SessionId session, const Assignment& assignment) = 0;
  virtual void SendCancel(SessionId session, const HeldLease& lease) = 0;
  virtual void SendReportAnswer(SessionId session, std::uint64_t answers, const Status& status) = 0;
  virtual void CloseSession(SessionId session, const Status& status) = 0;
};

struct PreparationRequest {
  RunId run;
  JobSpec spec;
  std::uint32_t variant = 0;
  DeviceDescription device;
};

struct EvaluationRequest {
  RunId run;
  JobSpec spec;
  PreparedRun prepared;
  bool computes_outputs = true;
  Digest golden_model{};  // that the device is compared with itself by; empty: it makes no golden runs
};

// Work on other threads; each request is answered by one call of Coordinator::OnPrepared / OnEvaluated, posted to the core
// queue, never from inside the request.
class WorkPort {
 public:
  virtual ~WorkPort() = default;
  virtual void Prepare(const PreparationRequest& request) = 0;
  virtual void Evaluate(const EvaluationRequest& request) = 0;
};

// Called after the commit, when a job or one of its runs changed (also its progress), so that watchers look again.
class JobObserver {
 public:
  virtual ~JobObserver() = default;
  virtual void OnJobChanged(const JobId& job) = 0;
};

}  // namespace paddock
