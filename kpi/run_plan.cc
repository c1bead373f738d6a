#include "kpi/run_plan.h"

#include "base/strict_json.h"
#include "kpi/tensor_json.h"

namespace paddock {
namespace {

// A day: longer than any window that makes sense, short enough for nanoseconds in 64 bits everywhere.
constexpr double kMaxSeconds = 86'400;
constexpr ParseLimits kLimits{.max_bytes = 16 << 20, .max_depth = 8, .max_nodes = 200'000};

Json ScenarioAsJson(const Scenario& scenario) {
  Json json = {
      {"kind", ScenarioKindName(scenario.kind)},
      {"min_duration_s", scenario.min_duration_s},
      {"min_inferences", scenario.min_inferences},
      {"max_duration_s", scenario.max_duration_s},
      {"warmup", {{"min_inferences", scenario.warmup.min_inferences}, {"min_s", scenario.warmup.min_s}}}};
  AddScenarioTerms(scenario, json);
  return json;
}

Json OptionsAsJson(const RuntimeOptions& options) {
  Json json = Json::object();
  if (options.threads) json["threads"] = *options.threads;
  if (options.graph_level) json["graph_level"] = *options.graph_level;
  if (options.spinning) json["spinning"] = *options.spinning;
  if (options.memory_arena) json["memory_arena"] = *options.memory_arena;
  if (options.execution_provider) json["execution_provider"] = *options.execution_provider;
  if (!options.provider_options.empty()) json["provider_options"] = options.provider_options;
  return json;
}

// Every reader below leaves its error in the object that it reads from, so that all known keys have been named before
// Finish() looks for unknown ones.

void ReadSeconds(StrictObject& object, std::string_view key, double* out) {
  object.Required(key, out);
  if (*out >= 0 && *out <= kMaxSeconds) return;
  object.Fail(InvalidArgumentError(object.PathOf(key) + ": must be from 0 to 86400 seconds"));
}

// Text that `parse` turns into the value.
template <typename T, typename Parse>
void ReadParsed(StrictObject& object, std::string_view key, Parse parse, T* out) {
  std::string text;
  object.Required(key, &text);
  auto parsed = parse(text);
  if (parsed.ok()) {
    *out = *parsed;
  } else {
    object.Fail(parsed.status().WithContext(object.PathOf(key)));
  }
}

// A nested object that must be there; `read` fills it from a StrictObject.
template <typename Read>
void ReadChild(StrictObject& parent, std::string_view key, Read read) {
  const Json* child = parent.Child(key);
  if (child == nullptr) return parent.Fail(InvalidArgumentError(parent.PathOf(key) + ": missing"));
  StrictObject object(*child, parent.PathOf(key));
  read(object);
  parent.Fail(object.Finish());
}

void ReadScenario(StrictObject& object, Scenario* scenario) {
  ReadParsed(object, "kind", ParseScenarioKind, &scenario->kind);
  ReadSeconds(object, "min_duration_s", &scenario->min_duration_s);
  object.Required("min_inferences", &scenario->min_inferences);
  ReadSeconds(object, "max_duration_s", &scenario->max_duration_s);
  ReadScenarioTerms(object, scenario);
  ReadChild(object, "warmup", [&](StrictObject& child) {
    child.Required("min_inferences", &scenario->warmup.min_inferences);
    ReadSeconds(child, "min_s", &scenario->warmup.min_s);
  });
}

void ReadOptions(StrictObject& object, RuntimeOptions* options) {
  object.Optional("threads", &options->threads);
  object.Optional("graph_level", &options->graph_level);
  object.Optional("spinning", &options->spinning);
  object.Optional("memory_arena", &options->memory_arena);
  object.Optional("execution_provider", &options->execution_provider);
  object.Optional("provider_options", &options->provider_options);
}

Result<RunPlan> DecodePlan(std::string_view text) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "json", kLimits));
  RunPlan plan;
  std::vector<std::string> batches;
  StrictObject root(json, "");
  root.Required("run_id", &plan.run_id);
  ReadParsed(root, "artifact", Digest::Parse, &plan.artifact);
  root.Required("artifact_kind", &plan.artifact_kind);
  root.Required("batches", &batches);
  root.Required("sample_count", &plan.sample_count);
  ReadTensors(root, "inputs", &plan.inputs);
  ReadTensors(root, "outputs", &plan.outputs);
  ReadChild(root, "options", [&](StrictObject& child) { ReadOptions(child, &plan.options); });
  ReadChild(root, "scenario", [&](StrictObject& child) { ReadScenario(child, &plan.scenario); });
  root.Required("repetitions", &plan.repetitions);
  root.Required("repetition_begin", &plan.repetition_begin);
  root.Optional("repetition_end", &plan.repetition_end);
  ReadSeconds(root, "repetition_timeout_s", &plan.repetition_timeout_s);
  root.Required("memory_limit_bytes", &plan.memory_limit_bytes);
  root.Required("seed", &plan.seed);
  root.Required("keep_predictions", &plan.keep_predictions);
  root.Optional("accuracy_interval", &plan.accuracy_interval);
  if (plan.accuracy_interval) ReadParsed(root, "labels", Digest::Parse, &plan.labels);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  if (plan.run_id.empty()) return InvalidArgumentError("run_id: must not be empty");
  if (plan.repetitions == 0) return InvalidArgumentError("repetitions: must be at least 1");
  if (plan.repetition_begin >= plan.RepetitionEnd() || plan.RepetitionEnd() > plan.repetitions)
    return InvalidArgumentError("repetition_end: must be above repetition_begin and at most repetitions");
  for (std::size_t i = 0; i < batches.size(); ++i) {
    auto digest = Digest::Parse(batches[i]);
    if (!digest.ok()) return digest.status().WithContext("batches[" + std::to_string(i) + "]");
    plan.batches.push_back(*digest);
  }
  return plan;
}

}  // namespace

std::string EncodeRunPlan(const RunPlan& plan) {
  Json batches = Json::array();
  for (const Digest& batch : plan.batches) batches.push_back(batch.hex());
  Json json = {{"run_id", plan.run_id},
               {"artifact", plan.artifact.hex()},
               {"artifact_kind", plan.artifact_kind},
               {"batches", std::move(batches)},
               {"sample_count", plan.sample_count},
               {"inputs", TensorsAsJson(plan.inputs)},
               {"outputs", TensorsAsJson(plan.outputs)},
               {"options", OptionsAsJson(plan.options)},
               {"scenario", ScenarioAsJson(plan.scenario)},
               {"repetitions", plan.repetitions},
               {"repetition_begin", plan.repetition_begin},
               {"repetition_timeout_s", plan.repetition_timeout_s},
               {"memory_limit_bytes", plan.memory_limit_bytes},
               {"seed", plan.seed},
               {"keep_predictions", plan.keep_predictions}};
  if (plan.repetition_end) json["repetition_end"] = *plan.repetition_end;
  if (plan.accuracy_interval) {
    json["accuracy_interval"] = *plan.accuracy_interval;
    json["labels"] = plan.labels.hex();
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<RunPlan> DecodeRunPlan(std::string_view json) {
  auto plan = DecodePlan(json);
  if (!plan.ok()) return plan.status().WithContext("run plan");
  return plan;
}

std::map<std::string, std::string> OptionsAsText(const RuntimeOptions& options) {
  std::map<std::string, std::string> text;
  if (options.threads) text["threads"] = std::to_string(*options.threads);
  if (options.graph_level) text["graph_level"] = *options.graph_level;
  if (options.spinning) text["spinning"] = *options.spinning ? "true" : "false";
  if (options.memory_arena) text["memory_arena"] = *options.memory_arena ? "true" : "false";
  if (options.execution_provider) text["execution_provider"] = *options.execution_provider;
  for (const auto& [key, value] : options.provider_options) text["provider_options." + key] = value;
  return text;
}

}  // namespace paddock
