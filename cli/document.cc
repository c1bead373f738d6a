#include "cli/document.h"

#include "cli/waterfall.h"

namespace paddock {
namespace {

constexpr int kSchemaVersion = 1;

OrderedJson FailureDocument(bool present, const v1::Failure& failure) {
  if (!present) return nullptr;
  return {{"class", failure.class_()}, {"stage", failure.stage()}, {"message", failure.message()}};
}

template <typename Map>
OrderedJson TextMap(const Map& map) {
  OrderedJson out = OrderedJson::object();
  for (const auto& [key, value] : std::map<std::string, std::string>(map.begin(), map.end()))
    out[key] = value;
  return out;
}

template <typename List>
OrderedJson TextList(const List& list) {
  OrderedJson out = OrderedJson::array();
  for (const auto& item : list) out.push_back(item);
  return out;
}

OrderedJson KpiDocument(const v1::Kpi& kpi) {
  OrderedJson out = {{"value", kpi.value()}, {"unit", kpi.unit()}};
  if (kpi.has_lower()) out["lower"] = kpi.lower();
  if (kpi.has_upper()) out["upper"] = kpi.upper();
  if (kpi.has_confidence()) out["confidence"] = kpi.confidence();
  out["better"] = kpi.better();
  if (kpi.repetitions_size() > 0) out["repetitions"] = kpi.repetitions();
  if (kpi.has_relative()) out["relative"] = kpi.relative();
  return out;
}

OrderedJson GoldenDocument(const v1::GoldenComparison& golden) {
  OrderedJson near_runs = OrderedJson::array();
  for (const std::string& run : golden.near_runs()) near_runs.push_back(run);
  OrderedJson out = {{"near_runs", std::move(near_runs)}, {"history", golden.history()}};
  if (golden.has_median_s()) out["median_s"] = golden.median_s();
  if (golden.has_spread_s()) out["spread_s"] = golden.spread_s();
  if (golden.has_ratio()) {
    out["farthest"] = golden.farthest();
    out["ratio"] = golden.ratio();
  }
  out["drifting"] = golden.drifting();
  return out;
}

OrderedJson EffectDocument(bool present, const v1::Comparison::Effect& effect) {
  if (!present) return nullptr;
  OrderedJson out = {{"kind", effect.kind()}, {"value", effect.value()}};
  if (effect.has_lower()) out["lower"] = effect.lower();
  if (effect.has_upper()) out["upper"] = effect.upper();
  if (effect.has_confidence()) out["confidence"] = effect.confidence();
  if (effect.has_p_value()) out["p_value"] = effect.p_value();
  out["test"] = effect.test();
  return out;
}

OrderedJson ProvenanceDocument(const v1::Provenance& provenance) {
  OrderedJson out = {{"model_sha256", provenance.model_sha256()},
                     {"artifact_sha256", provenance.artifact_sha256()},
                     {"data_sha256", provenance.data_sha256()},
                     {"agent_version", provenance.agent_version()},
                     {"coordinator_version", provenance.coordinator_version()},
                     {"runtime", provenance.runtime()},
                     {"options", TextMap(provenance.options())},
                     {"machine", TextMap(provenance.machine())},
                     {"preparation", TextList(provenance.preparation())},
                     {"preparation_s", provenance.preparation_s()},
                     {"lease", provenance.lease()}};
  const auto plan = OrderedJson::parse(provenance.plan_json(), nullptr, false);
  if (!plan.is_discarded()) out["plan"] = plan;
  return out;
}

OrderedJson TensorDocument(const v1::TensorDescription& tensor) {
  OrderedJson shape = OrderedJson::array();
  for (const std::int64_t dimension : tensor.shape()) {
    shape.push_back(dimension < 0 ? OrderedJson(nullptr) : OrderedJson(dimension));
  }
  OrderedJson out = {{"name", tensor.name()}, {"type", tensor.type()}, {"shape", shape}};
  if (tensor.has_quantization()) {
    out["quantization"] = {{"scale", tensor.quantization().scale()},
                           {"zero_point", tensor.quantization().zero_point()}};
  }
  return out;
}

}  // namespace

OrderedJson RunDocument(const v1::RunResult& result) {
  OrderedJson reasons = OrderedJson::array();
  for (const v1::Reason& reason : result.reasons()) {
    OrderedJson entry = {{"code", reason.code()}, {"detail", reason.detail()}};
    const auto evidence = OrderedJson::parse(reason.evidence_json(), nullptr, false);
    entry["evidence"] = evidence.is_discarded() ? OrderedJson::object() : evidence;
    reasons.push_back(std::move(entry));
  }
  OrderedJson kpis = OrderedJson::object();
  for (const auto& [name, kpi] : std::map<std::string, v1::Kpi>(result.kpis().begin(), result.kpis().end())) {
    kpis[name] = KpiDocument(kpi);
  }
  OrderedJson budgets = OrderedJson::array();
  for (const v1::BudgetJudgement& budget : result.budgets()) {
    budgets.push_back({{"kpi", budget.kpi()},
                       {"bound", budget.bound()},
                       {"limit", budget.limit()},
                       {"outcome", budget.outcome()},
                       {"detail", budget.detail()}});
  }
  OrderedJson repetitions = OrderedJson::array();
  for (const v1::RepetitionInfo& repetition : result.repetitions()) {
    OrderedJson entry = {{"index", repetition.index()}, {"record_sha256", repetition.record_sha256()}};
    if (!repetition.predictions_sha256().empty())
      entry["predictions_sha256"] = repetition.predictions_sha256();
    if (repetition.record_expires_wall_ms() != 0)
      entry["record_expires_wall_ms"] = repetition.record_expires_wall_ms();
    if (repetition.record_gone()) entry["record"] = "gone";
    repetitions.push_back(std::move(entry));
  }
  OrderedJson out = {
      {"id", result.run_id()},
      {"job", result.job_id()},
      {"device", result.device()},
      {"driver", result.driver()},
      {"variant", result.variant()},
      {"state", result.state()},
      {"failure", FailureDocument(result.has_failure(), result.failure())},
      {"attempts", result.attempts()},
      {"verdict", result.verdict().empty() ? OrderedJson(nullptr) : OrderedJson(result.verdict())},
      {"reasons", std::move(reasons)},
      {"kpis", std::move(kpis)},
      {"missing", TextMap(result.missing())},
      {"budgets", std::move(budgets)},
      {"rerun_of", result.rerun_of().empty() ? OrderedJson(nullptr) : OrderedJson(result.rerun_of())},
      {"repetitions", std::move(repetitions)},
      {"provenance", ProvenanceDocument(result.provenance())}};
  if (result.has_golden()) out["golden"] = GoldenDocument(result.golden());
  // Absent, not empty, where nobody said: an agent of an earlier version.
  if (result.waterfall_size() > 0) out["waterfall"] = WaterfallDocument(result);
  return out;
}

OrderedJson ResultsDocument(const std::vector<v1::RunResult>& results) {
  OrderedJson runs = OrderedJson::array();
  for (const v1::RunResult& result : results) runs.push_back(RunDocument(result));
  return {{"schema_version", kSchemaVersion}, {"runs", std::move(runs)}};
}

namespace {

OrderedJson VariantDocument(const VariantRow& row, const AccuracyChanges& changes) {
  OrderedJson out = {
      {"run", row.run->run_id()},
      {"device", row.run->device()},
      {"variant", row.run->variant()},
      {"on_pareto_front", row.is_judged ? OrderedJson(row.on_front) : OrderedJson(nullptr)},
      {"accuracy_kpi", row.accuracy_kpi.empty() ? OrderedJson(nullptr) : OrderedJson(row.accuracy_kpi)}};
  if (row.base != nullptr) out["first"] = row.base->run_id();
  if (const auto change = changes.find(row.run->run_id()); change != changes.end()) {
    const v1::Comparison::Effect& effect = change->second.effect();
    out["accuracy_change"] = {
        {"change", change->second.change()},
        {"effect", effect.value()},
        {"p_value", effect.has_p_value() ? OrderedJson(effect.p_value()) : OrderedJson(nullptr)},
        {"test", effect.test()}};
  }
  return out;
}

}  // namespace

OrderedJson JobDocument(const v1::JobStatus& job, const std::vector<v1::RunResult>& results,
                        const std::vector<VariantRow>& variants, const AccuracyChanges& changes,
                        const std::vector<VariantChoice>& choices) {
  OrderedJson runs = OrderedJson::array();
  for (const v1::RunResult& result : results) runs.push_back(RunDocument(result));
  OrderedJson out = {{"schema_version", kSchemaVersion},
                     {"job", {{"id", job.job_id()}, {"name", job.name()}, {"state", job.state()}}},
                     {"runs", std::move(runs)}};
  for (const VariantRow& row : variants) out["variants"].push_back(VariantDocument(row, changes));
  for (const VariantChoice& choice : choices) {
    out["choices"].push_back(
        {{"device", choice.device},
         {"variant", choice.variant.empty() ? OrderedJson(nullptr) : OrderedJson(choice.variant)},
         {"run", choice.run.empty() ? OrderedJson(nullptr) : OrderedJson(choice.run)},
         {"reason", choice.reason}});
  }
  return out;
}

OrderedJson RerunDocument(const v1::JobStatus& job, const v1::RunResult& original,
                          const std::vector<v1::RunResult>& results, const std::vector<RepeatRow>& rows) {
  OrderedJson repeat = OrderedJson::array();
  for (const RepeatRow& row : rows) {
    OrderedJson entry = {{"kpi", row.kpi},
                         {"original", KpiDocument(row.original)},
                         {"repeat", row.repeat.value()},
                         {"place", row.place}};
    entry["outside_by"] = row.place == "outside" ? OrderedJson(row.outside_by) : OrderedJson(nullptr);
    repeat.push_back(std::move(entry));
  }
  OrderedJson out = JobDocument(job, results);
  out["rerun_of"] = original.run_id();
  out["repeat"] = std::move(repeat);
  return out;
}

OrderedJson JobSummaryDocument(const v1::JobStatus& job) {
  OrderedJson runs = OrderedJson::array();
  for (const v1::RunStatus& run : job.runs()) {
    OrderedJson entry = {{"id", run.run_id()},
                         {"device", run.device()},
                         {"driver", run.driver()},
                         {"variant", run.variant()},
                         {"state", run.state()},
                         {"attempts", run.attempts()},
                         {"failure", FailureDocument(run.has_failure(), run.failure())}};
    entry["verdict"] = run.verdict().empty() ? OrderedJson(nullptr) : OrderedJson(run.verdict());
    entry["stage"] = run.progress().stage();
    if (!run.progress().detail().empty()) entry["detail"] = run.progress().detail();
    runs.push_back(std::move(entry));
  }
  OrderedJson out = {{"id", job.job_id()},
                     {"name", job.name()},
                     {"state", job.state()},
                     {"submitted_wall_ms", job.submitted_wall_ms()}};
  out["finished_wall_ms"] =
      job.finished_wall_ms() == 0 ? OrderedJson(nullptr) : OrderedJson(job.finished_wall_ms());
  out["runs"] = std::move(runs);
  return out;
}

OrderedJson DeviceDocument(const v1::Device& device) {
  const v1::DeviceDescription& description = device.description();
  OrderedJson out = {{"id", device.id()},
                     {"driver", description.driver()},
                     {"state", device.state()},
                     {"model", description.model()},
                     {"serial", description.serial()},
                     {"runtime", description.runtime()},
                     {"labels", TextMap(description.labels())},
                     {"shares", TextList(description.shares())},
                     {"artifact_kinds", TextList(description.artifact_kinds())},
                     {"agent_version", device.agent_version()},
                     {"last_seen_wall_ms", device.last_seen_wall_ms()},
                     {"computes_outputs", description.computes_outputs()}};
  for (const auto& [kind, last] : description.last_steps()) out["last_steps"][kind] = TextList(last.steps());
  if (!device.run_id().empty()) out["run"] = device.run_id();
  if (!device.problem().empty()) out["problem"] = device.problem();
  if (!description.golden().empty() || device.has_golden()) {
    OrderedJson golden = {
        {"policy", description.golden().empty() ? OrderedJson(nullptr) : OrderedJson(description.golden())},
        {"runs", device.golden().runs()}};
    if (!device.golden().last_run().empty()) golden["last_run"] = device.golden().last_run();
    if (device.golden().has_last_ratio()) golden["last_ratio"] = device.golden().last_ratio();
    golden["drifting"] = device.golden().drifting();
    out["golden"] = std::move(golden);
  }
  if (description.has_batch_bytes_limit()) out["batch_bytes_limit"] = description.batch_bytes_limit();
  if (description.has_artifact_bytes_limit())
    out["artifact_bytes_limit"] = description.artifact_bytes_limit();
  if (description.has_samples_per_query_limit())
    out["samples_per_query_limit"] = description.samples_per_query_limit();
  return out;
}

OrderedJson ModelDocument(const v1::ModelDescription& model) {
  OrderedJson inputs = OrderedJson::array();
  OrderedJson outputs = OrderedJson::array();
  OrderedJson operators = OrderedJson::object();
  for (const auto& input : model.inputs()) inputs.push_back(TensorDocument(input));
  for (const auto& output : model.outputs()) outputs.push_back(TensorDocument(output));
  for (const auto& entry : model.operators()) operators[entry.name()] = entry.count();
  return {
      {"kind", model.kind()},
      {"size_bytes", model.size_bytes()},
      {"producer", model.producer()},
      {"ir_version", model.ir_version()},
      {"opset", model.opset()},
      {"parameters", model.parameters()},
      {"multiply_accumulates",
       model.has_multiply_accumulates() ? OrderedJson(model.multiply_accumulates()) : OrderedJson(nullptr)},
      {"activation_peak_bytes",
       model.has_activation_peak_bytes() ? OrderedJson(model.activation_peak_bytes()) : OrderedJson(nullptr)},
      {"inputs", inputs},
      {"outputs", outputs},
      {"operators", operators},
      {"drivers", TextList(model.drivers())},
      {"notes", TextList(model.notes())}};
}

OrderedJson ComparisonDocument(const v1::Comparison& comparison) {
  OrderedJson rows = OrderedJson::array();
  for (const v1::Comparison::Row& row : comparison.rows()) {
    OrderedJson entry = {{"device", row.device()},       {"variant_a", row.variant_a()},
                         {"variant_b", row.variant_b()}, {"run_a", row.run_a()},
                         {"run_b", row.run_b()},         {"kpi", row.kpi()},
                         {"a", KpiDocument(row.a())},    {"b", KpiDocument(row.b())}};
    entry["ratio"] = row.has_ratio() ? OrderedJson(row.ratio()) : OrderedJson(nullptr);
    entry["effect"] = EffectDocument(row.has_effect(), row.effect());
    entry["change"] = row.change();
    rows.push_back(std::move(entry));
  }
  OrderedJson combined = OrderedJson::array();
  for (const v1::Comparison::Combined& row : comparison.combined()) {
    combined.push_back({{"devices", TextList(row.devices())},
                        {"variant_a", row.variant_a()},
                        {"variant_b", row.variant_b()},
                        {"kpi", row.kpi()},
                        {"unit", row.unit()},
                        {"effect", EffectDocument(true, row.effect())},
                        {"change", row.change()}});
  }
  OrderedJson differences = OrderedJson::array();
  for (const v1::Comparison::Difference& difference : comparison.differences()) {
    differences.push_back({{"what", difference.what()},
                           {"a", difference.a()},
                           {"b", difference.b()},
                           {"devices", TextList(difference.devices())}});
  }
  OrderedJson pareto = OrderedJson::array();
  for (const v1::Comparison::ParetoPoint& point : comparison.pareto()) {
    pareto.push_back({{"run", point.run()},
                      {"device", point.device()},
                      {"variant", point.variant()},
                      {"objectives", TextList(point.objectives())},
                      {"on_front", point.on_front()},
                      {"dominated_by", TextList(point.dominated_by())}});
  }
  return {{"schema_version", kSchemaVersion}, {"rows", std::move(rows)},
          {"combined", std::move(combined)},  {"differences", std::move(differences)},
          {"pareto", std::move(pareto)},      {"notes", TextList(comparison.notes())}};
}

OrderedJson DriversDocument(const v1::ListDriversResponse& drivers) {
  OrderedJson out = OrderedJson::array();
  for (const auto& entry : drivers.drivers()) {
    OrderedJson options = OrderedJson::object();
    for (const v1::DriverOption& option : entry.driver().options()) options[option.key()] = option.help();
    out.push_back({{"name", entry.driver().name()},
                   {"summary", entry.driver().summary()},
                   {"options", std::move(options)},
                   {"devices", TextList(entry.devices())},
                   {"runtimes", TextList(entry.runtimes())}});
  }
  return out;
}

std::string Text(const OrderedJson& json) {
  return json.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace paddock
