#include "base/version.h"
#include "server/rpc/convert.h"

namespace paddock {
namespace {

void FillProvenance(const StoredResult& result, v1::Provenance& out) {
  out.set_model_sha256(result.spec.model.hex());
  out.set_data_sha256(result.spec.data.hex());
  out.set_agent_version(result.run.agent_version);
  out.set_coordinator_version(std::string(kPaddockVersion));
  out.set_plan_json(result.run.plan_json);
  out.set_lease(result.measured_lease);
  if (result.run.prepared) {
    out.set_artifact_sha256(result.run.prepared->artifact.hex());
    for (const std::string& line : result.run.prepared->report) out.add_preparation(line);
    out.set_preparation_s(result.run.prepared->preparation_s);
  }
  if (result.evaluation) {
    out.set_runtime(result.evaluation->runtime);
    out.mutable_options()->insert(result.evaluation->options.begin(), result.evaluation->options.end());
    out.mutable_machine()->insert(result.evaluation->machine.begin(), result.evaluation->machine.end());
  }
}

v1::GoldenComparison GoldenToProto(const GoldenComparison& comparison) {
  v1::GoldenComparison out;
  for (const std::string& run : comparison.near_runs) out.add_near_runs(run);
  out.set_history(comparison.history);
  if (comparison.median_s) out.set_median_s(*comparison.median_s);
  if (comparison.spread_s) out.set_spread_s(*comparison.spread_s);
  out.set_farthest(comparison.farthest);
  if (comparison.ratio) out.set_ratio(*comparison.ratio);
  out.set_drifting(comparison.drifting);
  return out;
}

}  // namespace

v1::Failure FailureToProto(const RunFailure& failure) {
  v1::Failure out;
  out.set_class_(std::string(FailureClassName(failure.failure_class)));
  out.set_stage(failure.stage);
  out.set_message(failure.message);
  return out;
}

v1::Kpi KpiToProto(const KpiDefinition& definition, const KpiValue& value) {
  v1::Kpi out;
  out.set_value(value.value);
  out.set_unit(std::string(definition.unit));
  out.set_better(std::string(BetterName(definition.better)));
  out.mutable_repetitions()->Add(value.repetitions.begin(), value.repetitions.end());
  if (value.interval) {
    out.set_lower(value.interval->lower);
    out.set_upper(value.interval->upper);
    out.set_confidence(value.interval->confidence);
  }
  if (value.relative) out.set_relative(*value.relative);
  return out;
}

v1::StageTime StageToProto(const StageTime& stage) {
  v1::StageTime out;
  out.set_stage(stage.stage);
  if (stage.repetition) out.set_repetition(*stage.repetition);
  out.set_seconds(stage.seconds);
  if (stage.bytes) out.set_bytes(*stage.bytes);
  if (stage.energy_j) out.set_energy_j(*stage.energy_j);
  return out;
}

v1::RunResult ResultToProto(const StoredResult& result) {
  v1::RunResult out;
  out.set_run_id(result.run.id.str());
  out.set_job_id(result.run.job.str());
  out.set_job_name(result.spec.name);
  out.set_device(result.run.device.str());
  out.set_driver(result.driver);
  if (result.run.variant < result.spec.variants.size())
    out.set_variant(result.spec.variants[result.run.variant].name);
  out.set_state(std::string(RunStateName(result.run.state)));
  if (result.run.failure) *out.mutable_failure() = FailureToProto(*result.run.failure);
  out.set_attempts(result.run.attempts);
  out.set_rerun_of(result.spec.rerun_of);
  out.set_finished_wall_ms(result.run.finished_wall_ms);
  if (result.evaluation) {
    const Evaluation& evaluation = *result.evaluation;
    out.set_verdict(std::string(VerdictName(evaluation.judgement.verdict)));
    for (const Reason& reason : evaluation.judgement.reasons) {
      v1::Reason& entry = *out.add_reasons();
      entry.set_code(reason.code);
      entry.set_detail(reason.detail);
      entry.set_evidence_json(reason.evidence);
    }
    for (const auto& [name, value] : evaluation.kpis.values) {
      if (const KpiDefinition* definition = FindKpi(name))
        (*out.mutable_kpis())[name] = KpiToProto(*definition, value);
    }
    for (const BudgetJudgement& budget : evaluation.budgets) {
      v1::BudgetJudgement& entry = *out.add_budgets();
      entry.set_kpi(budget.kpi);
      entry.set_bound(budget.is_max ? "max" : "min");
      entry.set_limit(budget.limit);
      entry.set_outcome(std::string(BudgetOutcomeName(budget.outcome)));
      entry.set_detail(budget.detail);
    }
    if (evaluation.golden) *out.mutable_golden() = GoldenToProto(*evaluation.golden);
    out.mutable_missing()->insert(evaluation.kpis.missing.begin(), evaluation.kpis.missing.end());
  }
  for (const StageTime& stage : result.waterfall) *out.add_waterfall() = StageToProto(stage);
  FillProvenance(result, *out.mutable_provenance());
  for (const RepetitionReport& repetition : result.measurements) {
    v1::RepetitionInfo& info = *out.add_repetitions();
    info.set_index(repetition.index);
    info.set_record_sha256(repetition.record_blob.empty() ? Sha256::Of(repetition.record_inline).hex()
                                                          : repetition.record_blob.hex());
    info.set_predictions_sha256(repetition.predictions.hex());
  }
  return out;
}

v1::JobStatus StoredJobToProto(const StoredJob& stored) {
  std::vector<Run> runs;
  std::map<DeviceId, std::string> drivers;
  for (const StoredRun& run : stored.runs) {
    runs.push_back(run.run);
    drivers[run.run.device] = run.driver;
  }
  v1::JobStatus out = JobStatusToProto(stored.job, runs, drivers);
  for (int i = 0; i < out.runs_size(); ++i) {
    const auto& verdict = stored.runs[static_cast<std::size_t>(i)].verdict;
    if (verdict) out.mutable_runs(i)->set_verdict(std::string(VerdictName(*verdict)));
  }
  return out;
}

}  // namespace paddock
