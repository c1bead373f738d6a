#include "server/store/store_reader.h"

#include <algorithm>
#include <map>

#include "kpi/golden.h"
#include "server/store/golden_rows.h"
#include "server/store/rows.h"

namespace paddock {
namespace {

constexpr int kVerdictColumn = kRunColumnCount;  // after the run's own

std::string RunQuery(const std::string& rest) {
  return std::string("SELECT ") + kRunColumns + ", evaluations.verdict FROM runs" +
         " LEFT JOIN evaluations ON evaluations.run = runs.id " + rest;
}

Result<StoredRun> RunWithVerdict(const Row& row) {
  PADDOCK_ASSIGN_OR_RETURN(StoredRun stored, RunOfRow(row));
  if (!row.IsNull(kVerdictColumn)) {
    PADDOCK_ASSIGN_OR_RETURN(stored.verdict, ParseVerdict(row.Text(kVerdictColumn)));
  }
  return stored;
}

template <typename... Parameters>
Result<std::vector<StoredRun>> ReadRuns(Database& database, const std::string& rest,
                                        const Parameters&... parameters) {
  std::vector<StoredRun> runs;
  PADDOCK_ASSIGN_OR_RETURN(Statement query, database.Prepare(RunQuery(rest)));
  PADDOCK_RETURN_IF_ERROR(query.ForEach(
      [&](const Row& row) -> Status {
        PADDOCK_ASSIGN_OR_RETURN(StoredRun stored, RunWithVerdict(row));
        runs.push_back(std::move(stored));
        return OkStatus();
      },
      parameters...));
  return runs;
}

// Without their runs.
template <typename... Parameters>
Result<std::vector<StoredJob>> ReadBareJobs(Database& database, const std::string& rest,
                                            const Parameters&... parameters) {
  std::vector<StoredJob> jobs;
  PADDOCK_ASSIGN_OR_RETURN(Statement query,
                           database.Prepare(std::string("SELECT ") + kJobColumns + " FROM jobs " + rest));
  PADDOCK_RETURN_IF_ERROR(query.ForEach(
      [&](const Row& row) -> Status {
        PADDOCK_ASSIGN_OR_RETURN(Job job, JobOfRow(row));
        jobs.push_back({std::move(job), {}});
        return OkStatus();
      },
      parameters...));
  return jobs;
}

template <typename... Parameters>
Result<std::vector<StoredJob>> ReadJobs(Database& database, const std::string& rest,
                                        const Parameters&... parameters) {
  PADDOCK_ASSIGN_OR_RETURN(std::vector<StoredJob> jobs, ReadBareJobs(database, rest, parameters...));
  for (StoredJob& stored : jobs) {
    PADDOCK_ASSIGN_OR_RETURN(
        stored.runs, ReadRuns(database, "WHERE runs.job = ? ORDER BY runs.sequence", stored.job.id.str()));
    for (const StoredRun& run : stored.runs) stored.job.runs.push_back(run.run.id);
  }
  return jobs;
}

Result<StoredJob> ReadJob(Database& database, const JobId& job) {
  PADDOCK_ASSIGN_OR_RETURN(std::vector<StoredJob> jobs, ReadJobs(database, "WHERE id = ?", job.str()));
  if (jobs.empty())
    return NotFoundError("there is no job '" + job.str() + "'; `paddock job list` shows those that exist");
  return std::move(jobs.front());
}

struct Measurements {
  LeaseId lease = 0;
  std::vector<RepetitionReport> repetitions;
};

Result<Measurements> ReadMeasurements(Database& database, const RunId& run) {
  Measurements measurements;
  PADDOCK_ASSIGN_OR_RETURN(
      Statement query,
      database.Prepare("SELECT repetition, lease, record, record_digest, predictions FROM measurements"
                       " WHERE run = ? ORDER BY repetition"));
  PADDOCK_RETURN_IF_ERROR(query.ForEach(
      [&](const Row& row) -> Status {
        RepetitionReport repetition;
        repetition.index = static_cast<std::uint32_t>(row.Int64(0));
        measurements.lease = std::max(measurements.lease, static_cast<LeaseId>(row.Int64(1)));
        repetition.record_inline = row.Text(2);
        PADDOCK_ASSIGN_OR_RETURN(repetition.record_blob, DigestOfRow(row, 3));
        PADDOCK_ASSIGN_OR_RETURN(repetition.predictions, DigestOfRow(row, 4));
        measurements.repetitions.push_back(std::move(repetition));
        return OkStatus();
      },
      run.str()));
  return measurements;
}

Result<Evaluation> ReadEvaluation(Database& database, const std::string& run, Verdict verdict) {
  Evaluation evaluation;
  evaluation.judgement.verdict = verdict;
  PADDOCK_ASSIGN_OR_RETURN(Statement head,
                           database.Prepare("SELECT runtime, options, golden, verdict_without_drift, machine"
                                            " FROM evaluations WHERE run = ?"));
  PADDOCK_RETURN_IF_ERROR(head.ForEach(
      [&](const Row& row) -> Status {
        evaluation.runtime = row.Text(0);
        PADDOCK_ASSIGN_OR_RETURN(evaluation.options, DecodeOptions(row.Text(1)));
        if (!row.Text(2).empty()) {
          PADDOCK_ASSIGN_OR_RETURN(evaluation.golden, DecodeGoldenComparison(row.Text(2)));
        }
        evaluation.verdict_without_drift = verdict;
        if (!row.IsNull(3)) {
          PADDOCK_ASSIGN_OR_RETURN(evaluation.verdict_without_drift, ParseVerdict(row.Text(3)));
        }
        if (!row.Text(4).empty()) {
          PADDOCK_ASSIGN_OR_RETURN(evaluation.machine, DecodeOptions(row.Text(4)));
        }
        return OkStatus();
      },
      run));
  PADDOCK_ASSIGN_OR_RETURN(
      Statement reasons,
      database.Prepare("SELECT code, detail, evidence FROM verdict_reasons WHERE run = ? ORDER BY position"));
  PADDOCK_RETURN_IF_ERROR(reasons.ForEach(
      [&](const Row& row) {
        evaluation.judgement.reasons.push_back({row.Text(0), row.Text(1), row.Text(2)});
        return OkStatus();
      },
      run));
  PADDOCK_ASSIGN_OR_RETURN(
      Statement kpis,
      database.Prepare(
          "SELECT name, value, lower, upper, confidence, missing, repetitions, relative FROM kpis"
          " WHERE run = ?"));
  PADDOCK_RETURN_IF_ERROR(kpis.ForEach(
      [&](const Row& row) -> Status {
        if (!row.IsNull(5)) {
          evaluation.kpis.missing.emplace(row.Text(0), row.Text(5));
          return OkStatus();
        }
        KpiValue kpi{row.Real(1), std::nullopt};
        PADDOCK_ASSIGN_OR_RETURN(kpi.repetitions, DecodeFigures(row.Text(6)));
        if (!row.IsNull(7)) kpi.relative = row.Real(7);
        if (!row.IsNull(2)) kpi.interval = Interval{row.Real(2), row.Real(3), row.Real(4)};
        evaluation.kpis.values.emplace(row.Text(0), kpi);
        return OkStatus();
      },
      run));
  PADDOCK_ASSIGN_OR_RETURN(Statement budgets,
                           database.Prepare("SELECT kpi, bound, limit_value, outcome, detail FROM budgets"
                                            " WHERE run = ? ORDER BY kpi, bound"));
  PADDOCK_RETURN_IF_ERROR(budgets.ForEach(
      [&](const Row& row) -> Status {
        PADDOCK_ASSIGN_OR_RETURN(const BudgetOutcome outcome, ParseBudgetOutcome(row.Text(3)));
        evaluation.budgets.push_back({row.Text(0), row.Text(1) == "max", row.Real(2), outcome, row.Text(4)});
        return OkStatus();
      },
      run));
  return evaluation;
}

// What the coordinator did before the leases, the leases, and what it did after them.
Result<std::vector<StageTime>> ReadWaterfall(Database& database, const std::string& run) {
  std::vector<StageTime> stages;
  PADDOCK_ASSIGN_OR_RETURN(
      Statement query,
      database.Prepare(
          "SELECT stage, repetition, seconds, bytes, energy_j FROM stage_times WHERE run = ?"
          " ORDER BY CASE WHEN lease > 0 THEN 1 WHEN stage = ? THEN 0 ELSE 2 END, lease, position"));
  PADDOCK_RETURN_IF_ERROR(query.ForEach(
      [&](const Row& row) {
        StageTime stage;
        stage.stage = row.Text(0);
        if (!row.IsNull(1)) stage.repetition = static_cast<std::uint32_t>(row.Int64(1));
        stage.seconds = row.Real(2);
        if (!row.IsNull(3)) stage.bytes = static_cast<std::uint64_t>(row.Int64(3));
        if (!row.IsNull(4)) stage.energy_j = row.Real(4);
        stages.push_back(std::move(stage));
        return OkStatus();
      },
      run, kPrepareStage));
  return stages;
}

Result<std::vector<StoredResult>> ReadResults(Database& database, std::vector<StoredRun> runs) {
  std::map<JobId, JobSpec> specs;
  std::vector<StoredResult> results;
  for (StoredRun& stored : runs) {
    auto spec = specs.find(stored.run.job);
    if (spec == specs.end()) {
      PADDOCK_ASSIGN_OR_RETURN(std::vector<StoredJob> jobs,
                               ReadBareJobs(database, "WHERE id = ?", stored.run.job.str()));
      if (jobs.empty()) return InternalError(stored.run.id.str() + " belongs to no job");
      spec = specs.emplace(stored.run.job, std::move(jobs.front().job.spec)).first;
    }
    StoredResult result{
        std::move(stored.run), std::move(stored.driver), spec->second, std::nullopt, 0, {}, {}};
    PADDOCK_ASSIGN_OR_RETURN(Measurements measurements, ReadMeasurements(database, result.run.id));
    result.measured_lease = measurements.lease;
    result.measurements = std::move(measurements.repetitions);
    if (stored.verdict) {
      PADDOCK_ASSIGN_OR_RETURN(result.evaluation,
                               ReadEvaluation(database, result.run.id.str(), *stored.verdict));
    }
    PADDOCK_ASSIGN_OR_RETURN(result.waterfall, ReadWaterfall(database, result.run.id.str()));
    results.push_back(std::move(result));
  }
  return results;
}

Result<std::set<Digest>> ReadEvidenceBlobs(Database& database, std::int64_t records_since_wall_ms) {
  std::set<Digest> blobs;
  PADDOCK_ASSIGN_OR_RETURN(
      Statement measured,
      database.Prepare("SELECT record_digest FROM measurements JOIN runs ON runs.id = measurements.run"
                       " WHERE record_digest IS NOT NULL"
                       " AND (runs.finished_wall_ms = 0 OR runs.finished_wall_ms >= ?)"
                       " UNION SELECT predictions FROM measurements WHERE predictions IS NOT NULL"));
  PADDOCK_RETURN_IF_ERROR(measured.ForEach(
      [&](const Row& row) -> Status {
        PADDOCK_ASSIGN_OR_RETURN(Digest digest, DigestOfRow(row, 0));
        blobs.insert(std::move(digest));
        return OkStatus();
      },
      records_since_wall_ms));
  PADDOCK_ASSIGN_OR_RETURN(Statement prepared,
                           database.Prepare("SELECT prepared FROM runs WHERE prepared IS NOT NULL"
                                            " AND id IN (SELECT run FROM measurements)"));
  PADDOCK_RETURN_IF_ERROR(prepared.ForEach([&](const Row& row) -> Status {
    PADDOCK_ASSIGN_OR_RETURN(PreparedRun run, DecodePreparedRun(row.Text(0)));
    if (!run.labels.empty()) blobs.insert(std::move(run.labels));
    return OkStatus();
  }));
  return blobs;
}

}  // namespace

Result<std::unique_ptr<StoreReader>> StoreReader::Open(const std::string& path) {
  std::unique_ptr<StoreReader> reader(new StoreReader(path));
  PADDOCK_ASSIGN_OR_RETURN(Database database, reader->TakeConnection());
  reader->ReturnConnection(std::move(database));
  return reader;
}

Result<Database> StoreReader::TakeConnection() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      Database database = std::move(idle_.back());
      idle_.pop_back();
      return database;
    }
  }
  return Database::Open(path_, Database::Mode::kReadOnly);
}

void StoreReader::ReturnConnection(Database database) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(database));
}

template <typename Query>
std::invoke_result_t<Query, Database&> StoreReader::Read(const Query& query) {
  PADDOCK_ASSIGN_OR_RETURN(Database database, TakeConnection());
  PADDOCK_RETURN_IF_ERROR(database.ExecuteScript("BEGIN"));
  auto result = query(database);
  // A connection that cannot end its transaction is closed instead of kept.
  if (database.ExecuteScript("COMMIT").ok()) ReturnConnection(std::move(database));
  return result;
}

Result<std::vector<StoredJob>> StoreReader::ListJobs(std::uint32_t limit, bool with_golden) {
  const std::string which = with_golden ? ""
                                        : "WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.job = jobs.id"
                                          " AND runs.golden IS NOT NULL) ";
  return Read([&](Database& database) {
    return ReadJobs(database, which + "ORDER BY sequence DESC LIMIT ?", limit);
  });
}

Result<StoredJob> StoreReader::GetJob(const JobId& job) {
  return Read([&](Database& database) { return ReadJob(database, job); });
}

Result<std::vector<StoredResult>> StoreReader::ListResults(std::uint32_t limit, bool with_golden) {
  const std::string which = with_golden ? "" : " AND runs.golden IS NULL";
  return Read([&](Database& database) -> Result<std::vector<StoredResult>> {
    PADDOCK_ASSIGN_OR_RETURN(std::vector<StoredRun> runs,
                             ReadRuns(database,
                                      "WHERE runs.state IN ('done', 'failed', 'cancelled', 'lost')" + which +
                                          " ORDER BY runs.sequence DESC LIMIT ?",
                                      limit));
    return ReadResults(database, std::move(runs));
  });
}

Result<std::vector<StoredResult>> StoreReader::ListResultsOf(const JobId& job) {
  return Read([&](Database& database) -> Result<std::vector<StoredResult>> {
    PADDOCK_ASSIGN_OR_RETURN(StoredJob stored, ReadJob(database, job));
    return ReadResults(database, std::move(stored.runs));
  });
}

Result<StoredResult> StoreReader::GetResult(const RunId& run) {
  return Read([&](Database& database) -> Result<StoredResult> {
    PADDOCK_ASSIGN_OR_RETURN(std::vector<StoredRun> runs, ReadRuns(database, "WHERE runs.id = ?", run.str()));
    if (runs.empty()) {
      return NotFoundError("there is no run '" + run.str() +
                           "'; `paddock result list` shows those that exist");
    }
    PADDOCK_ASSIGN_OR_RETURN(std::vector<StoredResult> results, ReadResults(database, std::move(runs)));
    return std::move(results.front());
  });
}

Result<std::vector<RepetitionReport>> StoreReader::GetMeasurements(const RunId& run) {
  return Read([&](Database& database) -> Result<std::vector<RepetitionReport>> {
    PADDOCK_ASSIGN_OR_RETURN(Measurements measurements, ReadMeasurements(database, run));
    return std::move(measurements.repetitions);
  });
}

Result<std::vector<DeviceRecord>> StoreReader::ListDevices() {
  return Read([](Database& database) { return ReadDevices(database); });
}

Result<std::optional<std::string>> StoreReader::FindRecipe(const std::string& key) {
  return Read([&](Database& database) -> Result<std::optional<std::string>> {
    std::optional<std::string> content;
    PADDOCK_ASSIGN_OR_RETURN(Statement query, database.Prepare("SELECT content FROM recipes WHERE key = ?"));
    PADDOCK_RETURN_IF_ERROR(query.ForEach(
        [&](const Row& row) {
          content = row.Text(0);
          return OkStatus();
        },
        key));
    return content;
  });
}

Result<std::map<std::uint32_t, LatencyHistogram>> StoreReader::GetHistograms(const RunId& run) {
  return Read([&](Database& database) -> Result<std::map<std::uint32_t, LatencyHistogram>> {
    std::map<std::uint32_t, LatencyHistogram> histograms;
    PADDOCK_ASSIGN_OR_RETURN(
        Statement query,
        database.Prepare(
            "SELECT repetition, histogram, invocations_per_value FROM latency_histograms WHERE run = ?"));
    PADDOCK_RETURN_IF_ERROR(query.ForEach(
        [&](const Row& row) {
          histograms[static_cast<std::uint32_t>(row.Int64(0))] = {row.Text(1),
                                                                  static_cast<std::uint32_t>(row.Int64(2))};
          return OkStatus();
        },
        run.str()));
    return histograms;
  });
}

Result<GoldenHistory> StoreReader::GetGoldenHistory(const RunId& run, const Digest& model,
                                                    const std::string& runtime) {
  return Read([&](Database& database) { return ReadGoldenHistory(database, run, model, runtime); });
}

Result<std::map<DeviceId, GoldenSummary>> StoreReader::GetGoldenSummaries() {
  return Read([](Database& database) { return ReadGoldenSummaries(database); });
}

Result<std::set<Digest>> StoreReader::EvidenceBlobs(std::int64_t records_since_wall_ms) {
  return Read([&](Database& database) { return ReadEvidenceBlobs(database, records_since_wall_ms); });
}

}  // namespace paddock
