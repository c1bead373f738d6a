// What the core reads through the writer's connection, and so sees its own uncommitted writes.
#include "server/store/golden_rows.h"
#include "server/store/rows.h"
#include "server/store/store.h"

namespace paddock {
namespace {

Result<std::vector<Job>> ReadRunningJobs(Database& database) {
  std::vector<Job> jobs;
  PADDOCK_ASSIGN_OR_RETURN(Statement query,
                           database.Prepare(std::string("SELECT ") + kJobColumns +
                                            " FROM jobs WHERE state = 'running' ORDER BY sequence"));
  PADDOCK_RETURN_IF_ERROR(query.ForEach([&](const Row& row) -> Status {
    PADDOCK_ASSIGN_OR_RETURN(Job job, JobOfRow(row));
    jobs.push_back(std::move(job));
    return OkStatus();
  }));
  return jobs;
}

Result<std::vector<Run>> ReadRunsOf(Database& database, std::vector<Job>& jobs) {
  std::vector<Run> runs;
  PADDOCK_ASSIGN_OR_RETURN(Statement query, database.Prepare(std::string("SELECT ") + kRunColumns +
                                                             " FROM runs WHERE job = ? ORDER BY sequence"));
  for (Job& job : jobs) {
    PADDOCK_RETURN_IF_ERROR(query.ForEach(
        [&](const Row& row) -> Status {
          PADDOCK_ASSIGN_OR_RETURN(StoredRun stored, RunOfRow(row));
          job.runs.push_back(stored.run.id);
          runs.push_back(std::move(stored.run));
          return OkStatus();
        },
        job.id.str()));
  }
  return runs;
}

Result<std::vector<LeaseRecord>> ReadOpenLeases(Database& database) {
  std::vector<LeaseRecord> leases;
  PADDOCK_ASSIGN_OR_RETURN(
      Statement query,
      database.Prepare("SELECT id, run, device, granted_wall_ms, deadline_wall_ms FROM leases"
                       " WHERE ended_wall_ms IS NULL ORDER BY id"));
  PADDOCK_RETURN_IF_ERROR(query.ForEach([&](const Row& row) {
    leases.push_back({static_cast<LeaseId>(row.Int64(0)), RunId(row.Text(1)), DeviceId(row.Text(2)),
                      row.Int64(3), row.Int64(4)});
    return OkStatus();
  }));
  return leases;
}

}  // namespace

Result<StorePort::Snapshot> SqliteStore::Load() {
  Snapshot snapshot;
  PADDOCK_ASSIGN_OR_RETURN(snapshot.jobs, ReadRunningJobs(database_));
  PADDOCK_ASSIGN_OR_RETURN(snapshot.runs, ReadRunsOf(database_, snapshot.jobs));
  PADDOCK_ASSIGN_OR_RETURN(snapshot.leases, ReadOpenLeases(database_));
  PADDOCK_ASSIGN_OR_RETURN(snapshot.devices, ReadDevices(database_));
  for (const DeviceRecord& device : snapshot.devices) {
    if (!device.golden) continue;
    PADDOCK_ASSIGN_OR_RETURN(StorePort::GoldenUse use, ReadGoldenUse(database_, device.id));
    snapshot.golden_uses.push_back(std::move(use));
  }
  PADDOCK_ASSIGN_OR_RETURN(Statement highest,
                           database_.Prepare("SELECT (SELECT IFNULL(MAX(sequence), 0) FROM jobs),"
                                             " (SELECT IFNULL(MAX(sequence), 0) FROM runs),"
                                             " (SELECT IFNULL(MAX(id), 0) FROM leases)"));
  PADDOCK_RETURN_IF_ERROR(highest.ForEach([&](const Row& row) {
    snapshot.last_job = static_cast<std::uint64_t>(row.Int64(0));
    snapshot.last_run = static_cast<std::uint64_t>(row.Int64(1));
    snapshot.last_lease = static_cast<LeaseId>(row.Int64(2));
    return OkStatus();
  }));
  return snapshot;
}

Result<std::optional<JobId>> SqliteStore::FindJobByIdempotencyKey(const std::string& key) {
  std::optional<JobId> job;
  PADDOCK_ASSIGN_OR_RETURN(Statement query,
                           database_.Prepare("SELECT id FROM jobs WHERE idempotency_key = ?"));
  PADDOCK_RETURN_IF_ERROR(query.ForEach(
      [&](const Row& row) {
        job = JobId(row.Text(0));
        return OkStatus();
      },
      key));
  return job;
}

}  // namespace paddock
