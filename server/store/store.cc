#include "server/store/store.h"

#include <charconv>
#include <cmath>

#include "kpi/catalog.h"
#include "server/store/migrator.h"
#include "server/store/results.h"

namespace paddock {
namespace {

// The number in "r-57".
Result<std::uint64_t> NumberOf(const RunId& run) {
  const std::string& text = run.str();
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  if (text.starts_with("r-")) {
    const auto [rest, error] = std::from_chars(text.data() + 2, end, number);
    if (error == std::errc() && rest == end && number > 0) return number;
  }
  return InternalError("run id '" + text + "' is not r- and a number");
}

std::optional<std::string> TextUnlessEmpty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

// Each is NULL without a failure.
struct FailureColumns {
  std::optional<std::string> failure_class;
  std::optional<std::string> failure_stage;
  std::optional<std::string> failure_message;

  explicit FailureColumns(const Run& run) {
    if (!run.failure) return;
    failure_class = FailureClassName(run.failure->failure_class);
    failure_stage = run.failure->stage;
    failure_message = run.failure->message;
  }
};

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, const Clock& clock) {
  PADDOCK_ASSIGN_OR_RETURN(Database database, Database::Open(path, Database::Mode::kReadWrite));
  PADDOCK_RETURN_IF_ERROR(database.ExecuteScript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
  PADDOCK_RETURN_IF_ERROR(Migrate(database, ReleasedMigrations(), clock));
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(database)));
}

template <typename... Parameters>
Status SqliteStore::Execute(const char* sql, const Parameters&... parameters) {
  // SQLite rolls back by itself on a full disk; what came after it would be committed at once and alone.
  PADDOCK_RETURN_IF_ERROR(transaction_error_);
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    PADDOCK_ASSIGN_OR_RETURN(Statement statement, database_.Prepare(sql));
    found = statements_.emplace(sql, std::move(statement)).first;
  }
  Status status = found->second.Execute(parameters...);
  if (in_transaction_) transaction_error_ = status;
  return status;
}

template <typename... Parameters>
Status SqliteStore::ExecuteOne(const std::string& what, const char* sql, const Parameters&... parameters) {
  PADDOCK_RETURN_IF_ERROR(Execute(sql, parameters...));
  if (database_.ChangedRows() == 0) return NotFoundError("the store has no " + what);
  return OkStatus();
}

Status SqliteStore::Begin() {
  PADDOCK_RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  in_transaction_ = true;
  return OkStatus();
}

Status SqliteStore::Commit() {
  PADDOCK_RETURN_IF_ERROR(Execute("COMMIT"));
  in_transaction_ = false;
  return OkStatus();
}

void SqliteStore::Rollback() {
  in_transaction_ = false;
  transaction_error_ = OkStatus();
  // Nothing is left to try when even this fails.
  if (database_.InTransaction()) static_cast<void>(Execute("ROLLBACK"));
}

Status SqliteStore::InsertJob(const Job& job, const std::vector<Run>& runs) {
  PADDOCK_RETURN_IF_ERROR(Execute(
      "INSERT INTO jobs (sequence, id, idempotency_key, spec, state, submitted_wall_ms, finished_wall_ms)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)",
      job.sequence, job.id.str(), TextUnlessEmpty(job.idempotency_key), EncodeJobSpec(job.spec),
      JobStateName(job.state), job.submitted_wall_ms, job.finished_wall_ms));
  for (const Run& run : runs) {
    PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t number, NumberOf(run.id));
    const FailureColumns columns(run);
    PADDOCK_RETURN_IF_ERROR(ExecuteOne(
        "device '" + run.device.str() + "'",
        "INSERT INTO runs (sequence, id, job, device, driver, variant, state, attempts, lease, plan,"
        " failure_class, failure_stage, failure_message, agent_version, finished_wall_ms,"
        " cancel_requested, golden)"
        " SELECT ?1, ?2, ?3, id, driver, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16 "
        "FROM devices WHERE id = ?4",
        number, run.id.str(), job.id.str(), run.device.str(), run.variant, RunStateName(run.state),
        run.attempts, run.lease, run.plan_json, columns.failure_class, columns.failure_stage,
        columns.failure_message, run.agent_version, run.finished_wall_ms, run.cancel_requested ? 1 : 0,
        job.spec.golden ? std::optional(job.spec.model.hex()) : std::nullopt));
  }
  return OkStatus();
}

Status SqliteStore::UpdateJob(const Job& job) {
  return ExecuteOne("job '" + job.id.str() + "'",
                    "UPDATE jobs SET state = ?, finished_wall_ms = ? WHERE id = ?", JobStateName(job.state),
                    job.finished_wall_ms, job.id.str());
}

Status SqliteStore::UpdateRun(const Run& run) {
  const FailureColumns columns(run);
  return ExecuteOne("run '" + run.id.str() + "'",
                    "UPDATE runs SET state = ?, attempts = ?, lease = ?, plan = ?, failure_class = ?,"
                    " failure_stage = ?, failure_message = ?, agent_version = ?, finished_wall_ms = ?,"
                    " cancel_requested = ? WHERE id = ?",
                    RunStateName(run.state), run.attempts, run.lease, run.plan_json, columns.failure_class,
                    columns.failure_stage, columns.failure_message, run.agent_version, run.finished_wall_ms,
                    run.cancel_requested ? 1 : 0, run.id.str());
}

Status SqliteStore::SetPrepared(const RunId& run, const PreparedRun& prepared) {
  return ExecuteOne("run '" + run.str() + "'", "UPDATE runs SET prepared = ? WHERE id = ?",
                    EncodePreparedRun(prepared), run.str());
}

Status SqliteStore::UpsertDevice(const DeviceRecord& device) {
  return Execute(
      "INSERT INTO devices (id, driver, last_seen_wall_ms, record) VALUES (?, ?, ?, ?)"
      " ON CONFLICT (id) DO UPDATE SET driver = excluded.driver, record = excluded.record,"
      " last_seen_wall_ms = excluded.last_seen_wall_ms",
      device.id.str(), device.description.driver, device.last_seen_wall_ms, EncodeDeviceRecord(device));
}

Status SqliteStore::InsertLease(const LeaseRecord& lease) {
  return Execute(
      "INSERT INTO leases (id, run, device, granted_wall_ms, deadline_wall_ms) VALUES (?, ?, ?, ?, ?)",
      lease.id, lease.run.str(), lease.device.str(), lease.granted_wall_ms, lease.deadline_wall_ms);
}

Status SqliteStore::ExtendLease(LeaseId lease, std::int64_t deadline_wall_ms) {
  return ExecuteOne("open lease " + std::to_string(lease),
                    "UPDATE leases SET deadline_wall_ms = ? WHERE id = ? AND ended_wall_ms IS NULL",
                    deadline_wall_ms, lease);
}

Status SqliteStore::EndLease(LeaseId lease, const std::string& reason, std::int64_t wall_ms) {
  return ExecuteOne(
      "open lease " + std::to_string(lease),
      "UPDATE leases SET ended_wall_ms = ?, end_reason = ? WHERE id = ? AND ended_wall_ms IS NULL", wall_ms,
      reason, lease);
}

Status SqliteStore::InsertMeasurements(const RunReport& report) {
  for (const RepetitionReport& repetition : report.repetitions) {
    const std::optional<Blob> record =
        repetition.record_blob.empty() ? std::optional(Blob{repetition.record_inline}) : std::nullopt;
    PADDOCK_RETURN_IF_ERROR(Execute(
        "INSERT OR REPLACE INTO measurements (run, repetition, lease, record, record_digest, predictions)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        report.run.str(), repetition.index, report.lease, record,
        TextUnlessEmpty(repetition.record_blob.hex()), TextUnlessEmpty(repetition.predictions.hex())));
  }
  return OkStatus();
}

Status SqliteStore::InsertStageTimes(const RunId& run, LeaseId lease, const std::vector<StageTime>& stages) {
  int position = 0;
  for (const StageTime& stage : stages) {
    PADDOCK_RETURN_IF_ERROR(
        Execute("INSERT OR REPLACE INTO stage_times (run, lease, position, stage, repetition, seconds, "
                "bytes, energy_j)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                run.str(), lease, position++, stage.stage, stage.repetition, stage.seconds, stage.bytes,
                stage.energy_j));
  }
  return OkStatus();
}

Status SqliteStore::InsertEvaluation(const RunId& run, const Evaluation& evaluation) {
  const std::string& id = run.str();
  PADDOCK_RETURN_IF_ERROR(Execute("DELETE FROM evaluations WHERE run = ?", id));
  const bool drifting = evaluation.golden && evaluation.golden->drifting;
  PADDOCK_RETURN_IF_ERROR(Execute(
      "INSERT INTO evaluations (run, verdict, runtime, options, golden, verdict_without_drift,"
      " machine) VALUES (?, ?, ?, ?, ?, ?, ?)",
      id, VerdictName(evaluation.judgement.verdict), evaluation.runtime, EncodeOptions(evaluation.options),
      evaluation.golden ? EncodeGoldenComparison(*evaluation.golden) : "",
      drifting ? std::optional(VerdictName(evaluation.verdict_without_drift)) : std::nullopt,
      evaluation.machine.empty() ? "" : EncodeOptions(evaluation.machine)));
  int position = 0;
  for (const Reason& reason : evaluation.judgement.reasons) {
    PADDOCK_RETURN_IF_ERROR(
        Execute("INSERT INTO verdict_reasons (run, position, code, detail, evidence) VALUES (?, ?, ?, ?, ?)",
                id, position++, reason.code, reason.detail, reason.evidence));
  }
  constexpr const char* kInsertKpi =
      "INSERT INTO kpis (run, name, value, unit, lower, upper, confidence, missing, repetitions, relative)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  const auto unit_of = [](const std::string& name) {
    const KpiDefinition* definition = FindKpi(name);
    return definition == nullptr ? std::string_view() : definition->unit;
  };
  const std::optional<double> none;
  for (const auto& [name, kpi] : evaluation.kpis.values) {
    const auto bound = [&interval = kpi.interval](double Interval::*member) {
      return interval ? std::optional((*interval).*member) : std::nullopt;
    };
    // SQLite has no NaN and would take it for a value that is absent without a reason.
    const bool is_number = !std::isnan(kpi.value);
    PADDOCK_RETURN_IF_ERROR(Execute(kInsertKpi, id, name, is_number ? std::optional(kpi.value) : none,
                                    unit_of(name), is_number ? bound(&Interval::lower) : none,
                                    is_number ? bound(&Interval::upper) : none,
                                    is_number ? bound(&Interval::confidence) : none,
                                    is_number ? std::nullopt : std::optional<std::string>("not_a_number"),
                                    EncodeFigures(kpi.repetitions), is_number ? kpi.relative : none));
  }
  for (const auto& [name, reason] : evaluation.kpis.missing) {
    PADDOCK_RETURN_IF_ERROR(
        Execute(kInsertKpi, id, name, none, unit_of(name), none, none, none, reason, "", none));
  }
  for (const auto& [repetition, histogram] : evaluation.latency_histograms) {
    PADDOCK_RETURN_IF_ERROR(
        Execute("INSERT INTO latency_histograms (run, repetition, histogram, invocations_per_value) VALUES "
                "(?, ?, ?, ?)",
                id, repetition, Blob{histogram.encoded}, histogram.invocations_per_value));
  }
  for (const BudgetJudgement& budget : evaluation.budgets) {
    PADDOCK_RETURN_IF_ERROR(Execute(
        "INSERT INTO budgets (run, kpi, bound, limit_value, outcome, detail) VALUES (?, ?, ?, ?, ?, ?)", id,
        budget.kpi, budget.is_max ? "max" : "min", budget.limit, BudgetOutcomeName(budget.outcome),
        budget.detail));
  }
  return OkStatus();
}

Status SqliteStore::InsertEvent(const std::string& subject, const std::string& kind,
                                const std::string& detail, std::int64_t wall_ms) {
  return Execute("INSERT INTO events (wall_ms, subject, kind, detail) VALUES (?, ?, ?, ?)", wall_ms, subject,
                 kind, detail);
}

Status SqliteStore::UpsertRecipe(const std::string& key, const std::string& content) {
  return Execute(
      "INSERT INTO recipes (key, content) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET content = "
      "excluded.content",
      key, content);
}

Status SqliteStore::SetSizeLimit(std::uint32_t pages) {
  return database_.ExecuteScript("PRAGMA max_page_count = " + std::to_string(pages));
}

}  // namespace paddock
