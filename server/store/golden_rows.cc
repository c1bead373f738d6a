#include "server/store/golden_rows.h"

#include <utility>

namespace paddock {
namespace {

// Those of one model and runtime, newest first.
Result<std::vector<std::pair<LeaseId, GoldenRun>>> ReadGoldenRuns(Database& database, const RunId& except,
                                                                  const Digest& model,
                                                                  const std::string& runtime) {
  std::vector<std::pair<LeaseId, GoldenRun>> runs;
  PADDOCK_ASSIGN_OR_RETURN(
      Statement query,
      database.Prepare("SELECT runs.id, runs.lease FROM runs JOIN evaluations ON evaluations.run = runs.id"
                       " WHERE runs.device = (SELECT device FROM runs WHERE id = ?1) AND runs.golden = ?2 "
                       "AND runs.id <> ?1"
                       " AND runs.state = 'done' AND evaluations.runtime = ?3"
                       " AND IFNULL(evaluations.verdict_without_drift, evaluations.verdict) = 'valid'"
                       " ORDER BY runs.sequence DESC LIMIT ?4"));
  PADDOCK_RETURN_IF_ERROR(query.ForEach(
      [&](const Row& row) {
        runs.emplace_back(static_cast<LeaseId>(row.Int64(1)), GoldenRun{row.Text(0), {}});
        return OkStatus();
      },
      except.str(), model.hex(), runtime, kGoldenHistory));
  PADDOCK_ASSIGN_OR_RETURN(
      Statement kpis, database.Prepare("SELECT name, value FROM kpis WHERE run = ? AND value IS NOT NULL"));
  for (auto& [lease, run] : runs) {
    PADDOCK_RETURN_IF_ERROR(kpis.ForEach(
        [&figures = run.kpis](const Row& row) {
          figures.emplace(row.Text(0), row.Real(1));
          return OkStatus();
        },
        run.id));
  }
  return runs;
}

// The row's first column; absent when there is no row, or it is NULL.
template <typename... Parameters>
Result<std::optional<std::int64_t>> ReadNumber(Database& database, const char* sql,
                                               const Parameters&... parameters) {
  std::optional<std::int64_t> number;
  PADDOCK_ASSIGN_OR_RETURN(Statement query, database.Prepare(sql));
  PADDOCK_RETURN_IF_ERROR(query.ForEach(
      [&](const Row& row) {
        if (!row.IsNull(0)) number = row.Int64(0);
        return OkStatus();
      },
      parameters...));
  return number;
}

}  // namespace

Result<GoldenHistory> ReadGoldenHistory(Database& database, const RunId& run, const Digest& model,
                                        const std::string& runtime) {
  LeaseId first_lease = 0;
  PADDOCK_ASSIGN_OR_RETURN(Statement query,
                           database.Prepare("SELECT IFNULL(MIN(lease), 0) FROM measurements WHERE run = ?"));
  PADDOCK_RETURN_IF_ERROR(query.ForEach(
      [&](const Row& row) {
        first_lease = static_cast<LeaseId>(row.Int64(0));
        return OkStatus();
      },
      run.str()));
  PADDOCK_ASSIGN_OR_RETURN(auto runs, ReadGoldenRuns(database, run, model, runtime));
  GoldenHistory history;
  for (auto newest = runs.rbegin(); newest != runs.rend(); ++newest) {
    // Leases are numbered in the order in which they were granted: no clock is asked.
    auto& part = newest->first < first_lease ? history.before : history.after;
    part.push_back(std::move(newest->second));
  }
  return history;
}

Result<std::map<DeviceId, GoldenSummary>> ReadGoldenSummaries(Database& database) {
  std::map<DeviceId, GoldenSummary> summaries;
  PADDOCK_ASSIGN_OR_RETURN(Statement count,
                           database.Prepare("SELECT device, COUNT(*) FROM runs WHERE golden IS NOT NULL"
                                            " AND state = 'done' GROUP BY device"));
  PADDOCK_RETURN_IF_ERROR(count.ForEach([&](const Row& row) {
    summaries[DeviceId(row.Text(0))].runs = static_cast<std::uint32_t>(row.Int64(1));
    return OkStatus();
  }));
  PADDOCK_ASSIGN_OR_RETURN(
      Statement last,
      database.Prepare("SELECT runs.id, evaluations.golden FROM runs JOIN evaluations"
                       " ON evaluations.run = runs.id WHERE runs.device = ? AND runs.golden IS NOT NULL"
                       " AND runs.state = 'done'"
                       " AND IFNULL(evaluations.verdict_without_drift, evaluations.verdict) = 'valid'"
                       " ORDER BY runs.sequence DESC LIMIT 1"));
  for (auto& [device, summary] : summaries) {
    PADDOCK_RETURN_IF_ERROR(last.ForEach(
        [&found = summary](const Row& row) -> Status {
          found.last = RunId(row.Text(0));
          if (row.Text(1).empty()) return OkStatus();
          PADDOCK_ASSIGN_OR_RETURN(found.comparison, DecodeGoldenComparison(row.Text(1)));
          return OkStatus();
        },
        device.str()));
  }
  return summaries;
}

Result<StorePort::GoldenUse> ReadGoldenUse(Database& database, const DeviceId& device) {
  StorePort::GoldenUse use;
  use.device = device;
  std::optional<RunId> last;
  std::int64_t ended_wall_ms = 0;
  PADDOCK_ASSIGN_OR_RETURN(
      Statement query,
      database.Prepare("SELECT id, finished_wall_ms FROM runs WHERE device = ? AND golden IS NOT NULL"
                       " AND state IN ('done', 'failed', 'cancelled', 'lost')"
                       " ORDER BY sequence DESC LIMIT 1"));
  PADDOCK_RETURN_IF_ERROR(query.ForEach(
      [&](const Row& row) {
        last = RunId(row.Text(0));
        ended_wall_ms = row.Int64(1);
        return OkStatus();
      },
      device.str()));
  if (!last) return use;
  PADDOCK_ASSIGN_OR_RETURN(const auto golden_lease,
                           ReadNumber(database, "SELECT MAX(id) FROM leases WHERE device = ? AND run = ?",
                                      device.str(), last->str()));
  PADDOCK_ASSIGN_OR_RETURN(const auto last_lease,
                           ReadNumber(database, "SELECT MAX(id) FROM leases WHERE device = ?", device.str()));
  PADDOCK_ASSIGN_OR_RETURN(
      const auto runs_since,
      ReadNumber(database,
                 "SELECT COUNT(DISTINCT runs.id) FROM leases JOIN runs ON runs.id = leases.run"
                 " WHERE leases.device = ? AND leases.id > ? AND runs.golden IS NULL"
                 " AND runs.state NOT IN ('preparing', 'queued', 'running')",
                 device.str(), golden_lease.value_or(0)));
  use.runs_since = static_cast<std::uint32_t>(runs_since.value_or(0));
  if (golden_lease && golden_lease == last_lease) use.ended_wall_ms = ended_wall_ms;
  return use;
}

}  // namespace paddock
