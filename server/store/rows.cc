#include "server/store/rows.h"

namespace paddock {

Result<Digest> DigestOfRow(const Row& row, int column) {
  if (row.IsNull(column)) return Digest();
  return Digest::Parse(row.Text(column));
}

Result<Job> JobOfRow(const Row& row) {
  Job job;
  job.sequence = static_cast<std::uint64_t>(row.Int64(0));
  job.id = JobId(row.Text(1));
  job.idempotency_key = row.Text(2);
  const std::string context = "stored job " + job.id.str();
  Result<JobSpec> spec = DecodeJobSpec(row.Text(3));
  if (!spec.ok()) return spec.status().WithContext(context);
  job.spec = std::move(spec).value();
  const Result<JobState> state = ParseJobState(row.Text(4));
  if (!state.ok()) return state.status().WithContext(context);
  job.state = *state;
  job.submitted_wall_ms = row.Int64(5);
  job.finished_wall_ms = row.Int64(6);
  return job;
}

Result<StoredRun> RunOfRow(const Row& row) {
  StoredRun stored;
  Run& run = stored.run;
  run.id = RunId(row.Text(0));
  run.job = JobId(row.Text(1));
  run.device = DeviceId(row.Text(2));
  run.variant = static_cast<std::uint32_t>(row.Int64(3));
  const std::string context = "stored run " + run.id.str();
  const Result<RunState> state = ParseRunState(row.Text(4));
  if (!state.ok()) return state.status().WithContext(context);
  run.state = *state;
  run.attempts = static_cast<std::uint32_t>(row.Int64(5));
  run.lease = static_cast<LeaseId>(row.Int64(6));
  if (!row.IsNull(7)) {
    Result<PreparedRun> prepared = DecodePreparedRun(row.Text(7));
    if (!prepared.ok()) return prepared.status().WithContext(context);
    run.prepared = std::move(prepared).value();
  }
  run.plan_json = row.Text(8);
  if (!row.IsNull(9)) {
    const Result<FailureClass> failure_class = ParseFailureClass(row.Text(9));
    if (!failure_class.ok()) return failure_class.status().WithContext(context);
    run.failure = RunFailure{*failure_class, row.Text(10), row.Text(11)};
  }
  run.agent_version = row.Text(12);
  run.finished_wall_ms = row.Int64(13);
  stored.driver = row.Text(14);
  run.cancel_requested = row.Int64(15) == 1;
  run.repetitions_done = static_cast<std::uint32_t>(row.Int64(16));
  return stored;
}

Result<std::vector<DeviceRecord>> ReadDevices(Database& database) {
  std::vector<DeviceRecord> devices;
  PADDOCK_ASSIGN_OR_RETURN(Statement query,
                           database.Prepare("SELECT id, record, last_seen_wall_ms FROM devices ORDER BY id"));
  PADDOCK_RETURN_IF_ERROR(query.ForEach([&](const Row& row) {
    Result<DeviceRecord> device = DecodeDeviceRecord(row.Text(1));
    if (!device.ok()) return device.status().WithContext("stored device " + row.Text(0));
    devices.push_back(std::move(device).value());
    devices.back().last_seen_wall_ms = row.Int64(2);
    return OkStatus();
  }));
  return devices;
}

}  // namespace paddock
