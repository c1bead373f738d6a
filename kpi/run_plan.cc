#include "kpi/run_plan.h"

#include <array>

#include "base/strict_json.h"

namespace paddock {
namespace {

// A day: longer than any window that makes sense, short enough for nanoseconds in 64 bits everywhere.
constexpr double kMaxSeconds = 86'400;
constexpr ParseLimits kLimits{.max_bytes = 16 << 20, .max_depth = 8, .max_nodes = 200'000};

Json TensorsAsJson(const std::vector<TensorInfo>& tensors) {
  Json list = Json::array();
  for (const TensorInfo& tensor : tensors) {
    list.push_back({{"name", tensor.name}, {"type", ElementTypeName(tensor.type)}, {"shape", tensor.shape}});
  }
  return list;
}

Json ScenarioAsJson(const Scenario& scenario) {
  return {{"kind", ScenarioKindName(scenario.kind)},
          {"min_duration_s", scenario.min_duration_s},
          {"min_inferences", scenario.min_inferences},
          {"max_duration_s", scenario.max_duration_s},
          {"warmup", {{"min_inferences", scenario.warmup.min_inferences}, {"min_s", scenario.warmup.min_s}}},
          {"samples_per_query", scenario.samples_per_query}};
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

Status ReadSeconds(StrictObject& object, std::string_view key, double* out) {
  object.Required(key, out);
  if (*out >= 0 && *out <= kMaxSeconds) return OkStatus();
  return InvalidArgumentError(object.PathOf(key) + ": must be from 0 to 86400 seconds");
}

// A nested object that must be there; `read` fills it from a StrictObject.
template <typename Read>
Status ReadChild(StrictObject& parent, std::string_view key, Read read) {
  const Json* child = parent.Child(key);
  if (child == nullptr) return InvalidArgumentError(parent.PathOf(key) + ": missing");
  StrictObject object(*child, parent.PathOf(key));
  Status status = read(object);
  PADDOCK_RETURN_IF_ERROR(object.Finish());
  return status;
}

Status ReadDigest(const std::string& hex, const std::string& path, Digest* out) {
  auto digest = Digest::Parse(hex);
  if (!digest.ok()) return digest.status().WithContext(path);
  *out = *digest;
  return OkStatus();
}

Status ReadTensors(StrictObject& parent, std::string_view key, std::vector<TensorInfo>* out) {
  const Json* list = parent.Child(key);
  const std::string path = parent.PathOf(key);
  if (list == nullptr || !list->is_array()) return InvalidArgumentError(path + ": must be a list of tensors");
  for (std::size_t i = 0; i < list->size(); ++i) {
    TensorInfo info;
    std::string type;
    StrictObject object((*list)[i], path + "[" + std::to_string(i) + "]");
    object.Required("name", &info.name);
    object.Required("type", &type);
    object.Required("shape", &info.shape);
    PADDOCK_RETURN_IF_ERROR(object.Finish());
    const auto parsed = ParseElementType(type);
    if (!parsed.ok()) return parsed.status().WithContext(object.PathOf("type"));
    info.type = *parsed;
    out->push_back(std::move(info));
  }
  return OkStatus();
}

Status ReadScenario(StrictObject& object, Scenario* scenario) {
  std::string kind;
  object.Required("kind", &kind);
  object.Required("min_inferences", &scenario->min_inferences);
  object.Required("samples_per_query", &scenario->samples_per_query);
  Status seconds = ReadSeconds(object, "min_duration_s", &scenario->min_duration_s);
  if (seconds.ok()) seconds = ReadSeconds(object, "max_duration_s", &scenario->max_duration_s);
  const Status warmup = ReadChild(object, "warmup", [&](StrictObject& child) {
    child.Required("min_inferences", &scenario->warmup.min_inferences);
    return ReadSeconds(child, "min_s", &scenario->warmup.min_s);
  });
  PADDOCK_RETURN_IF_ERROR(object.Finish());
  PADDOCK_RETURN_IF_ERROR(seconds);
  PADDOCK_RETURN_IF_ERROR(warmup);
  const auto parsed = ParseScenarioKind(kind);
  if (!parsed.ok()) return parsed.status().WithContext(object.PathOf("kind"));
  scenario->kind = *parsed;
  return OkStatus();
}

Status ReadOptions(StrictObject& object, RuntimeOptions* options) {
  object.Optional("threads", &options->threads);
  object.Optional("graph_level", &options->graph_level);
  object.Optional("spinning", &options->spinning);
  object.Optional("memory_arena", &options->memory_arena);
  object.Optional("execution_provider", &options->execution_provider);
  object.Optional("provider_options", &options->provider_options);
  return OkStatus();
}

Result<RunPlan> Decode(std::string_view text) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "json", kLimits));
  RunPlan plan;
  std::string artifact;
  std::vector<std::string> batches;
  StrictObject root(json, "");
  root.Required("run_id", &plan.run_id);
  root.Required("artifact", &artifact);
  root.Required("artifact_kind", &plan.artifact_kind);
  root.Required("batches", &batches);
  root.Required("sample_count", &plan.sample_count);
  root.Required("repetitions", &plan.repetitions);
  root.Required("memory_limit_bytes", &plan.memory_limit_bytes);
  root.Required("seed", &plan.seed);
  root.Required("keep_predictions", &plan.keep_predictions);
  Status nested = ReadSeconds(root, "repetition_timeout_s", &plan.repetition_timeout_s);
  for (const auto& [key, tensors] : {std::pair{"inputs", &plan.inputs}, {"outputs", &plan.outputs}}) {
    Status read = ReadTensors(root, key, tensors);
    if (nested.ok()) nested = std::move(read);
  }
  Status options =
      ReadChild(root, "options", [&](StrictObject& child) { return ReadOptions(child, &plan.options); });
  Status scenario =
      ReadChild(root, "scenario", [&](StrictObject& child) { return ReadScenario(child, &plan.scenario); });
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  PADDOCK_RETURN_IF_ERROR(nested);
  PADDOCK_RETURN_IF_ERROR(options);
  PADDOCK_RETURN_IF_ERROR(scenario);
  if (plan.run_id.empty()) return InvalidArgumentError("run_id: must not be empty");
  if (plan.repetitions == 0) return InvalidArgumentError("repetitions: must be at least 1");
  PADDOCK_RETURN_IF_ERROR(ReadDigest(artifact, "artifact", &plan.artifact));
  plan.batches.resize(batches.size());
  for (std::size_t i = 0; i < batches.size(); ++i) {
    PADDOCK_RETURN_IF_ERROR(ReadDigest(batches[i], "batches[" + std::to_string(i) + "]", &plan.batches[i]));
  }
  return plan;
}

}  // namespace

std::string_view ScenarioKindName(ScenarioKind kind) {
  return kind == ScenarioKind::kOffline ? "offline" : "single-stream";
}

Result<ScenarioKind> ParseScenarioKind(std::string_view name) {
  for (const auto kind : {ScenarioKind::kSingleStream, ScenarioKind::kOffline}) {
    if (ScenarioKindName(kind) == name) return kind;
  }
  return InvalidArgumentError("\"" + std::string(name.substr(0, 40)) +
                              "\" is no scenario; known are single-stream, offline");
}

std::string EncodeRunPlan(const RunPlan& plan) {
  Json batches = Json::array();
  for (const Digest& batch : plan.batches) batches.push_back(batch.hex());
  const Json json = {{"run_id", plan.run_id},
                     {"artifact", plan.artifact.hex()},
                     {"artifact_kind", plan.artifact_kind},
                     {"batches", std::move(batches)},
                     {"sample_count", plan.sample_count},
                     {"inputs", TensorsAsJson(plan.inputs)},
                     {"outputs", TensorsAsJson(plan.outputs)},
                     {"options", OptionsAsJson(plan.options)},
                     {"scenario", ScenarioAsJson(plan.scenario)},
                     {"repetitions", plan.repetitions},
                     {"repetition_timeout_s", plan.repetition_timeout_s},
                     {"memory_limit_bytes", plan.memory_limit_bytes},
                     {"seed", plan.seed},
                     {"keep_predictions", plan.keep_predictions}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<RunPlan> DecodeRunPlan(std::string_view json) {
  auto plan = Decode(json);
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
