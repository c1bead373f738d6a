#include <cmath>
#include <set>

#include "prepare/steps.h"
#include "proto/data_spec.h"
#include "server/core/selector.h"
#include "server/rpc/convert.h"

namespace paddock {
namespace {

Status FieldError(const std::string& field, const std::string& problem) {
  return InvalidArgumentError(field + ": " + problem);
}

Result<Digest> FileDigest(const std::map<std::string, std::string>& files, const std::string& field,
                          const std::string& path) {
  const auto found = files.find(path);
  if (found == files.end()) return FieldError(field, "no digest was sent for '" + path + "'");
  auto digest = Digest::Parse(found->second);
  if (!digest.ok()) return FieldError(field, digest.status().message());
  return digest;
}

Status CheckSeconds(const std::string& field, double value, double low, double high) {
  if (std::isfinite(value) && value >= low && value <= high) return OkStatus();
  return FieldError(field,
                    "must be between " + std::to_string(low) + " and " + std::to_string(high) + " seconds");
}

Result<Scenario> ScenarioFromProto(const v1::Scenario& in) {
  Scenario out;
  if (!in.kind().empty()) {
    auto kind = ParseScenarioKind(in.kind());
    if (!kind.ok()) return FieldError("scenario.kind", kind.status().message());
    out.kind = *kind;
  }
  if (in.has_min_duration_s()) out.min_duration_s = in.min_duration_s();
  if (in.has_min_inferences()) out.min_inferences = in.min_inferences();
  if (in.has_max_duration_s()) {
    out.max_duration_s = in.max_duration_s();
  } else {
    out.max_duration_s = std::max(out.max_duration_s, 2 * out.min_duration_s);
    out.patience_s = UsualPatienceS(out.min_duration_s);
  }
  if (in.has_samples_per_query()) out.samples_per_query = in.samples_per_query();
  if (in.warmup().has_min_inferences()) out.warmup.min_inferences = in.warmup().min_inferences();
  if (in.warmup().has_min_s()) out.warmup.min_s = in.warmup().min_s();
  if (in.has_median_precision()) out.median_precision = in.median_precision();
  if (in.has_tail_precision()) out.tail_precision = in.tail_precision();
  if (in.has_target_rate_hz()) out.target_rate_hz = in.target_rate_hz();
  if (in.has_latency_limit_s()) out.latency_limit_s = in.latency_limit_s();
  if (in.has_latency_percentile()) out.latency_percentile = in.latency_percentile();
  if (in.has_probe_duration_s()) out.probe_duration_s = in.probe_duration_s();
  if (in.has_period_s()) out.period_s = in.period_s();
  if (in.has_deadline_s()) out.deadline_s = in.deadline_s();
  if (!out.latency_limit_s && (in.has_latency_percentile() || in.has_probe_duration_s())) {
    return FieldError(
        in.has_latency_percentile() ? "scenario.latency_percentile" : "scenario.probe_duration_s",
        "belongs to scenario.latency_limit_s, which is missing");
  }
  PADDOCK_RETURN_IF_ERROR(CheckScenario(out));
  return out;
}

Result<Variant> VariantFromProto(const v1::Variant& in, const std::map<std::string, std::string>& files,
                                 const std::string& field) {
  Variant out;
  out.name = in.name();
  if (out.name.empty()) return FieldError(field + ".name", "is missing");
  auto steps = VariantSteps(out.name, {in.steps().begin(), in.steps().end()});
  if (!steps.ok())
    return FieldError(field + (in.steps().empty() ? ".name" : ".steps"), steps.status().message());
  out.steps = *std::move(steps);
  RuntimeOptions& options = out.options;
  if (in.has_threads()) {
    if (in.threads() == 0 || in.threads() > 4096)
      return FieldError(field + ".threads", "must be between 1 and 4096");
    options.threads = in.threads();
  }
  if (in.has_graph_level()) {
    static const std::set<std::string> kLevels{"disabled", "basic", "extended", "all"};
    if (!kLevels.contains(in.graph_level())) {
      return FieldError(field + ".graph_level",
                        "'" + in.graph_level() + "' is none of disabled, basic, extended, all");
    }
    options.graph_level = in.graph_level();
  }
  if (in.has_spinning()) options.spinning = in.spinning();
  if (in.has_memory_arena()) options.memory_arena = in.memory_arena();
  if (in.has_execution_provider()) options.execution_provider = in.execution_provider();
  options.provider_options.insert(in.provider_options().begin(), in.provider_options().end());
  if (!in.model().empty()) {
    out.model_path = in.model();
    PADDOCK_ASSIGN_OR_RETURN(out.model, FileDigest(files, field + ".model", out.model_path));
  }
  if (!in.encodings().empty()) {
    out.encodings_path = in.encodings();
    PADDOCK_ASSIGN_OR_RETURN(out.encodings, FileDigest(files, field + ".encodings", out.encodings_path));
  }
  return out;
}

Status FillVariants(const v1::JobSpec& in, const std::map<std::string, std::string>& files, JobSpec& out) {
  std::set<std::string> names;
  for (int i = 0; i < in.variants_size(); ++i) {
    const std::string field = "variants[" + std::to_string(i) + "]";
    PADDOCK_ASSIGN_OR_RETURN(Variant variant, VariantFromProto(in.variants(i), files, field));
    if (!names.insert(variant.name).second) {
      return FieldError(field + ".name",
                        "'" + variant.name + "' stands twice; give each variant its own name");
    }
    out.variants.push_back(std::move(variant));
  }
  if (out.variants.empty()) out.variants.emplace_back().name = "as-is";
  return OkStatus();
}

Status FillCalibration(const v1::JobSpec& in, const std::map<std::string, std::string>& files, JobSpec& out) {
  if (!in.calibration().file().empty()) {
    out.calibration.path = in.calibration().file();
    PADDOCK_ASSIGN_OR_RETURN(out.calibration.data,
                             FileDigest(files, "calibration.file", out.calibration.path));
  }
  if (in.calibration().has_samples()) out.calibration.samples = in.calibration().samples();
  if (out.calibration.samples == 0 || out.calibration.samples > 1'000'000)
    return FieldError("calibration.samples", "must be between 1 and 1000000");
  out.calibration.seed = in.calibration().seed();
  return OkStatus();
}

Status FillBudgets(const v1::JobSpec& in, JobSpec& out) {
  for (const auto& [kpi, budget] : in.budgets()) {
    BudgetLimits& limits = out.budgets[kpi];
    if (budget.has_max()) limits.max = budget.max();
    if (budget.has_min()) limits.min = budget.min();
  }
  return CheckBudgets(out.budgets, out.task);
}

}  // namespace

Result<JobSpec> JobSpecFromProto(const v1::JobSpec& in, const std::map<std::string, std::string>& files) {
  JobSpec out;
  out.name = in.name();
  if (out.name.size() > 200) return FieldError("name", "is longer than 200 bytes");
  if (in.model().empty()) return FieldError("model", "is missing: name an .onnx file");
  out.model_path = in.model();
  PADDOCK_ASSIGN_OR_RETURN(out.model, FileDigest(files, "model", out.model_path));
  if (in.data().file().empty()) {
    return FieldError("data.file", "is missing: name a file or a folder with the inputs, such as an .npz");
  }
  out.data_path = in.data().file();
  PADDOCK_ASSIGN_OR_RETURN(out.data, FileDigest(files, "data.file", out.data_path));
  PADDOCK_ASSIGN_OR_RETURN(out.data_spec, DataSpecFromProto(in));
  PADDOCK_RETURN_IF_ERROR(FillCalibration(in, files, out));
  auto task = ParseTask(in.task().empty() ? "none" : in.task());
  if (!task.ok()) return FieldError("task", task.status().message());
  out.task = *task;
  PADDOCK_RETURN_IF_ERROR(FillVariants(in, files, out));
  for (int i = 0; i < in.on_size(); ++i) {
    const auto selector = Selector::Parse(in.on(i));
    if (!selector.ok()) return selector.status().WithContext("on[" + std::to_string(i) + "]");
    out.selectors.push_back(in.on(i));
  }
  if (out.selectors.empty()) {
    return FieldError("on", "is missing: name at least one selector, for example 'all' or 'class=cpu'");
  }
  PADDOCK_ASSIGN_OR_RETURN(out.scenario, ScenarioFromProto(in.scenario()));
  if (in.has_repetitions()) out.repetitions = in.repetitions();
  if (out.repetitions == 0 || out.repetitions > 1000)
    return FieldError("repetitions", "must be between 1 and 1000");
  out.priority = in.priority();
  if (std::abs(static_cast<std::int64_t>(out.priority)) > 1000) {
    return FieldError("priority", "must be between -1000 and 1000");
  }
  out.reference_run = in.reference_run();
  if (in.has_repetition_timeout_s()) out.repetition_timeout_s = in.repetition_timeout_s();
  PADDOCK_RETURN_IF_ERROR(CheckSeconds("repetition_timeout_s", out.repetition_timeout_s, 0.1, 604'800));
  PADDOCK_RETURN_IF_ERROR(FillBudgets(in, out));
  return out;
}

v1::JobStatus JobStatusToProto(const Job& job, const std::vector<Run>& runs,
                               const std::map<DeviceId, std::string>& drivers) {
  v1::JobStatus out;
  out.set_job_id(job.id.str());
  out.set_name(job.spec.name);
  out.set_state(std::string(JobStateName(job.state)));
  out.set_submitted_wall_ms(job.submitted_wall_ms);
  out.set_finished_wall_ms(job.finished_wall_ms);
  for (const Run& run : runs) {
    v1::RunStatus& status = *out.add_runs();
    status.set_run_id(run.id.str());
    status.set_device(run.device.str());
    if (const auto driver = drivers.find(run.device); driver != drivers.end())
      status.set_driver(driver->second);
    if (run.variant < job.spec.variants.size()) status.set_variant(job.spec.variants[run.variant].name);
    status.set_state(std::string(RunStateName(run.state)));
    status.set_attempts(run.attempts);
    v1::RunProgress& progress = *status.mutable_progress();
    progress.set_stage(run.progress.stage);
    progress.set_repetition(run.progress.repetition);
    progress.set_repetitions(run.progress.repetitions);
    progress.set_inferences_done(run.progress.inferences_done);
    if (run.progress.time_left_s) progress.set_time_left_s(*run.progress.time_left_s);
    progress.set_detail(run.progress.detail);
    if (run.failure) *status.mutable_failure() = FailureToProto(*run.failure);
  }
  return out;
}

}  // namespace paddock
