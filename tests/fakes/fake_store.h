// A StorePort in memory that keeps the promises of the real one: writes happen inside a transaction and are gone after
// Rollback(); Load() sees what was committed. It fails when told to, and notes in `violations` what no caller may do, such as
// two open leases on one device. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/core/ports.h"

namespace paddock {

class FakeStore final : public StorePort {
 public:
  struct StoredLease {
    LeaseRecord record;
    std::string ended;  // the reason; empty: open
  };
  struct State {
    std::map<JobId, Job> jobs;
    std::map<RunId, Run> runs;
    std::map<DeviceId, DeviceRecord> devices;
    std::map<LeaseId, StoredLease> leases;
    std::map<RunId, RunReport> measurements;
    std::map<RunId, Evaluation> evaluations;
    std::map<RunId, std::map<LeaseId, std::vector<StageTime>>> stages;
    std::vector<std::string> events;  // "subject kind"
  };

  // Each is used up by the call that it makes fail.
  int failing_begins = 0;
  int failing_writes = 0;
  int failing_commits = 0;
  int failing_loads = 0;
  int commits = 0;
  std::vector<std::string> violations;

  const State& committed() const { return committed_; }
  bool InTransaction() const { return working_.has_value(); }
  bool LeaseIsOpen(LeaseId lease) const {
    const auto found = committed_.leases.find(lease);
    return found != committed_.leases.end() && found->second.ended.empty();
  }

  Status Begin() override {
    Expect(!working_, "Begin() inside a transaction");
    if (Fails(failing_begins)) return ResourceExhaustedError("begin: disk full");
    working_ = committed_;
    return OkStatus();
  }
  Status Commit() override {
    Expect(working_.has_value(), "Commit() without a transaction");
    if (Fails(failing_commits)) return ResourceExhaustedError("commit: disk full");
    committed_ = *std::exchange(working_, std::nullopt);
    ++commits;
    return OkStatus();
  }
  void Rollback() override {
    Expect(working_.has_value(), "Rollback() without a transaction");
    working_.reset();
  }

  Status InsertJob(const Job& job, const std::vector<Run>& runs) override {
    return Change("InsertJob", [&](State& state) {
      Expect(state.jobs.emplace(job.id, job).second, job.id.str() + " inserted twice");
      for (const Run& run : runs)
        Expect(state.runs.emplace(run.id, Stored(run)).second, run.id.str() + " inserted twice");
    });
  }
  Status UpdateJob(const Job& job) override {
    return Change("UpdateJob", [&](State& state) {
      Expect(state.jobs.at(job.id).state == JobState::kRunning, job.id.str() + " ended twice");
      state.jobs.at(job.id) = job;
    });
  }
  Status UpdateRun(const Run& run) override {
    return Change("UpdateRun", [&](State& state) {
      Run& stored = state.runs.at(run.id);
      Expect(!IsTerminal(stored.state), run.id.str() + " changed after its end");
      std::optional<PreparedRun> prepared = std::move(stored.prepared);
      stored = Stored(run);
      stored.prepared = std::move(prepared);
    });
  }
  Status SetPrepared(const RunId& run, const PreparedRun& prepared) override {
    return Change("SetPrepared", [&](State& state) { state.runs.at(run).prepared = prepared; });
  }
  Status UpsertDevice(const DeviceRecord& device) override {
    return Change("UpsertDevice", [&](State& state) { state.devices[device.id] = device; });
  }
  Status InsertLease(const LeaseRecord& lease) override {
    return Change("InsertLease", [&](State& state) {
      Expect(state.leases.empty() || state.leases.rbegin()->first < lease.id,
             "a lease number that does not grow");
      const auto& shares = state.devices.at(lease.device).shares;
      const std::set<std::string> wanted(shares.begin(), shares.end());
      for (const auto& [id, other] : state.leases) {
        if (!other.ended.empty()) continue;
        Expect(other.record.device != lease.device, "two open leases on " + lease.device.str());
        Expect(other.record.run != lease.run, "two open leases for " + lease.run.str());
        for (const auto& share : state.devices.at(other.record.device).shares) {
          Expect(!wanted.contains(share), "two open leases on " + share);
        }
      }
      state.leases[lease.id] = {lease, ""};
    });
  }
  Status ExtendLease(LeaseId lease, std::int64_t deadline_wall_ms) override {
    return Change("ExtendLease", [&](State& state) {
      Expect(state.leases.at(lease).ended.empty(), "an ended lease extended");
      state.leases.at(lease).record.deadline_wall_ms = deadline_wall_ms;
    });
  }
  Status EndLease(LeaseId lease, const std::string& reason, std::int64_t) override {
    return Change("EndLease", [&](State& state) {
      Expect(state.leases.at(lease).ended.empty(), "a lease ended twice");
      state.leases.at(lease).ended = reason;
    });
  }
  Status InsertMeasurements(const RunReport& report) override {
    return Change("InsertMeasurements", [&](State& state) {
      RunReport& stored = state.measurements[report.run];
      std::vector<RepetitionReport> repetitions = std::move(stored.repetitions);
      stored = report;
      for (const RepetitionReport& repetition : report.repetitions) {
        Expect(std::none_of(repetitions.begin(), repetitions.end(),
                            [&](const auto& known) { return known.index == repetition.index; }),
               report.run.str() + " measured the same repetition twice");
        repetitions.push_back(repetition);
      }
      stored.repetitions = std::move(repetitions);
    });
  }
  Status InsertStageTimes(const RunId& run, LeaseId lease, const std::vector<StageTime>& stages) override {
    return Change("InsertStageTimes", [&](State& state) {
      Expect(state.stages[run].emplace(lease, stages).second,
             "stages of lease " + std::to_string(lease) + " of " + run.str() + " stored twice");
    });
  }
  Status InsertEvaluation(const RunId& run, const Evaluation& evaluation) override {
    return Change("InsertEvaluation", [&](State& state) {
      Expect(state.measurements.contains(run), run.str() + " evaluated without measurements");
      Expect(state.evaluations.emplace(run, evaluation).second, run.str() + " evaluated twice");
    });
  }
  Status InsertEvent(const std::string& subject, const std::string& kind, const std::string&,
                     std::int64_t) override {
    return Change("InsertEvent", [&](State& state) { state.events.push_back(subject + " " + kind); });
  }

  Result<Snapshot> Load() override {
    Expect(!working_, "Load() inside a transaction");
    if (Fails(failing_loads)) return UnavailableError("load: input/output error");
    Snapshot snapshot;
    for (const auto& [id, job] : committed_.jobs)
      snapshot.last_job = std::max(snapshot.last_job, NumberOf(id.str()));
    for (const auto& [id, run] : committed_.runs)
      snapshot.last_run = std::max(snapshot.last_run, NumberOf(id.str()));
    if (!committed_.leases.empty()) snapshot.last_lease = committed_.leases.rbegin()->first;
    for (const auto& [id, job] : committed_.jobs) {
      if (job.state == JobState::kRunning) snapshot.jobs.push_back(job);
    }
    for (const auto& [id, run] : committed_.runs) {
      if (committed_.jobs.at(run.job).state != JobState::kRunning) continue;
      snapshot.runs.push_back(run);
      const auto measured = committed_.measurements.find(id);
      snapshot.runs.back().repetitions_done =
          measured == committed_.measurements.end()
              ? 0
              : static_cast<std::uint32_t>(measured->second.repetitions.size());
    }
    for (const auto& [id, lease] : committed_.leases) {
      if (lease.ended.empty()) snapshot.leases.push_back(lease.record);
    }
    for (const auto& [id, device] : committed_.devices) {
      snapshot.devices.push_back(device);
      if (device.golden) snapshot.golden_uses.push_back(GoldenUseOf(id));
    }
    return snapshot;
  }
  Result<std::optional<JobId>> FindJobByIdempotencyKey(const std::string& key) override {
    for (const auto& [id, job] : committed_.jobs) {
      if (job.idempotency_key == key) return std::optional(id);
    }
    return std::optional<JobId>();
  }

 private:
  GoldenUse GoldenUseOf(const DeviceId& device) const {
    GoldenUse use;
    use.device = device;
    const auto is_golden = [&](const Run& run) { return committed_.jobs.at(run.job).spec.golden; };
    const Run* last = nullptr;
    for (const auto& [id, run] : committed_.runs) {
      if (run.device != device || !is_golden(run) || !IsTerminal(run.state)) continue;
      if (last == nullptr || NumberOf(last->id.str()) < NumberOf(id.str())) last = &run;
    }
    if (last == nullptr) return use;
    LeaseId golden_lease = 0;
    LeaseId last_lease = 0;
    for (const auto& [id, lease] : committed_.leases) {
      if (lease.record.device != device) continue;
      last_lease = id;
      if (lease.record.run == last->id) golden_lease = id;
    }
    std::set<RunId> since;
    for (const auto& [id, lease] : committed_.leases) {
      const Run& run = committed_.runs.at(lease.record.run);
      const bool left = IsTerminal(run.state) || run.state == RunState::kEvaluating;
      if (lease.record.device == device && id > golden_lease && !is_golden(run) && left) since.insert(run.id);
    }
    use.runs_since = static_cast<std::uint32_t>(since.size());
    if (golden_lease != 0 && golden_lease == last_lease) use.ended_wall_ms = last->finished_wall_ms;
    return use;
  }
  static std::uint64_t NumberOf(const std::string& id) { return std::stoull(id.substr(2)); }
  static bool Fails(int& left) { return left > 0 && left-- > 0; }
  static Run Stored(Run run) {
    run.progress = {};
    return run;
  }
  void Expect(bool condition, const std::string& violation) {
    if (!condition) violations.push_back(violation);
  }
  template <typename Apply>
  Status Change(const std::string& name, Apply apply) {
    Expect(working_.has_value(), name + " outside a transaction");
    if (!working_) return InternalError("no transaction");
    if (Fails(failing_writes)) return ResourceExhaustedError(name + ": disk full");
    apply(*working_);
    return OkStatus();
  }

  State committed_;
  std::optional<State> working_;
};

}  // namespace paddock
