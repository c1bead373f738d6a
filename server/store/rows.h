// Rows of the database as the core's structs. For this folder only.
#pragma once

#include <string>

#include "server/store/results.h"
#include "server/store/sqlite.h"

namespace paddock {

// The columns that the functions below read, in their order.
inline constexpr char kJobColumns[] =
    "jobs.sequence, jobs.id, jobs.idempotency_key, jobs.spec, jobs.state, jobs.submitted_wall_ms, "
    "jobs.finished_wall_ms";
inline constexpr char kRunColumns[] =
    "runs.id, runs.job, runs.device, runs.variant, runs.state, runs.attempts, runs.lease, runs.prepared, "
    "runs.plan,"
    " runs.failure_class, runs.failure_stage, runs.failure_message, runs.agent_version, "
    "runs.finished_wall_ms, runs.driver,"
    " runs.cancel_requested, (SELECT COUNT(*) FROM measurements WHERE measurements.run = runs.id)";
inline constexpr int kRunColumnCount = 17;

// Errors name the row.
Result<Job> JobOfRow(const Row& row);
Result<StoredRun> RunOfRow(const Row& row);  // without the verdict
Result<std::vector<DeviceRecord>> ReadDevices(Database& database);
Result<Digest> DigestOfRow(const Row& row, int column);  // NULL: the empty digest

}  // namespace paddock
