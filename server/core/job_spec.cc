#include "server/core/job_spec.h"

#include <type_traits>

#include "base/strict_json.h"
#include "server/core/stored_json.h"

namespace paddock {
namespace {

Json SignalStepAsJson(const ResizeStep& step) {
  return {{"kind", "resize"},
          {"height", step.height},
          {"width", step.width},
          {"method", ResizeMethodName(step.method)}};
}
Json SignalStepAsJson(const CropStep& step) {
  return {{"kind", "crop"}, {"height", step.height}, {"width", step.width}};
}
Json SignalStepAsJson(const ColorStep& step) {
  return {{"kind", "color"}, {"order", ColorOrderName(step.order)}};
}
Json SignalStepAsJson(const MelStep& step) {
  Json json = {{"kind", "mel"},
               {"features", MelKindName(step.kind)},
               {"sample_rate_hz", step.sample_rate_hz},
               {"window_s", step.window_s},
               {"stride_s", step.stride_s},
               {"bands", step.bands},
               {"coefficients", step.coefficients},
               {"low_hz", step.low_hz},
               {"high_hz", step.high_hz}};
  if (step.fft_size) json["fft_size"] = *step.fft_size;
  if (step.duration_s) json["duration_s"] = *step.duration_s;
  return json;
}

Json StepAsJson(const PreprocessStep& step) {
  Json json = std::visit(
      [](const auto& action) -> Json {
        using Action = std::decay_t<decltype(action)>;
        if constexpr (std::is_same_v<Action, CastStep>) {
          return {{"kind", "cast"}, {"to", ElementTypeName(action.to)}};
        } else if constexpr (std::is_same_v<Action, ScaleStep>) {
          return {{"kind", "scale"}, {"factor", action.factor}, {"offset", action.offset}};
        } else if constexpr (std::is_same_v<Action, NormalizeStep>) {
          return {{"kind", "normalize"}, {"mean", action.mean}, {"std", action.std}, {"axis", action.axis}};
        } else if constexpr (std::is_same_v<Action, DequantizeStep>) {
          return {{"kind", "dequantize"}, {"scale", action.scale}, {"zero_point", action.zero_point}};
        } else if constexpr (std::is_same_v<Action, QuantizeStep>) {
          return {{"kind", "quantize"},
                  {"scale", action.scale},
                  {"zero_point", action.zero_point},
                  {"to", ElementTypeName(action.to)}};
        } else if constexpr (std::is_same_v<Action, TransposeStep>) {
          return {{"kind", "transpose"}, {"axes", action.axes}};
        } else if constexpr (std::is_same_v<Action, ReshapeStep>) {
          return {{"kind", "reshape"}, {"shape", action.shape}};
        } else {
          return SignalStepAsJson(action);
        }
      },
      step.action);
  json["input"] = step.input;
  return json;
}

// Of images and sound; false: another kind.
bool ReadSignalStep(StrictObject& object, const std::string& kind, PreprocessStep* step) {
  const auto read_size = [&](auto& action) {
    object.Required("height", &action.height);
    object.Required("width", &action.width);
  };
  if (kind == "resize") {
    auto& action = step->action.emplace<ResizeStep>();
    read_size(action);
    ReadName(object, "method", ParseResizeMethod, &action.method);
  } else if (kind == "crop") {
    read_size(step->action.emplace<CropStep>());
  } else if (kind == "color") {
    ReadName(object, "order", ParseColorOrder, &step->action.emplace<ColorStep>().order);
  } else if (kind == "mel") {
    auto& action = step->action.emplace<MelStep>();
    ReadName(object, "features", ParseMelKind, &action.kind);
    object.Required("sample_rate_hz", &action.sample_rate_hz);
    object.Required("window_s", &action.window_s);
    object.Required("stride_s", &action.stride_s);
    object.Required("bands", &action.bands);
    object.Required("coefficients", &action.coefficients);
    object.Required("low_hz", &action.low_hz);
    object.Required("high_hz", &action.high_hz);
    object.Optional("fft_size", &action.fft_size);
    object.Optional("duration_s", &action.duration_s);
  } else {
    return false;
  }
  return true;
}

void ReadStep(StrictObject& object, PreprocessStep* step) {
  std::string kind;
  object.Required("input", &step->input);
  object.Required("kind", &kind);
  if (kind == "cast") {
    ReadName(object, "to", ParseElementType, &step->action.emplace<CastStep>().to);
  } else if (kind == "scale") {
    auto& action = step->action.emplace<ScaleStep>();
    object.Required("factor", &action.factor);
    object.Required("offset", &action.offset);
  } else if (kind == "normalize") {
    auto& action = step->action.emplace<NormalizeStep>();
    object.Required("mean", &action.mean);
    object.Required("std", &action.std);
    object.Required("axis", &action.axis);
  } else if (kind == "dequantize") {
    auto& action = step->action.emplace<DequantizeStep>();
    object.Required("scale", &action.scale);
    object.Required("zero_point", &action.zero_point);
  } else if (kind == "quantize") {
    auto& action = step->action.emplace<QuantizeStep>();
    object.Required("scale", &action.scale);
    object.Required("zero_point", &action.zero_point);
    ReadName(object, "to", ParseElementType, &action.to);
  } else if (kind == "transpose") {
    object.Required("axes", &step->action.emplace<TransposeStep>().axes);
  } else if (kind == "reshape") {
    object.Required("shape", &step->action.emplace<ReshapeStep>().shape);
  } else if (!ReadSignalStep(object, kind, step)) {
    object.Fail(InvalidArgumentError(object.PathOf("kind") + ": \"" + kind + "\" is no preprocessing step"));
  }
}

Json RawAsJson(const RawLayout& raw) {
  Json json = {{"type", ElementTypeName(raw.type)},
               {"shape", raw.shape},
               {"header_bytes", raw.header_bytes},
               {"label_after", raw.label_after}};
  if (raw.label_type) json["label_type"] = ElementTypeName(*raw.label_type);
  return json;
}

void ReadRaw(StrictObject& object, RawLayout* raw) {
  ReadName(object, "type", ParseElementType, &raw->type);
  object.Required("shape", &raw->shape);
  object.Required("header_bytes", &raw->header_bytes);
  object.Required("label_after", &raw->label_after);
  if (object.Has("label_type")) ReadName(object, "label_type", ParseElementType, &raw->label_type.emplace());
}

Json DataSpecAsJson(const DataSpec& data) {
  Json preprocess = Json::array();
  for (const PreprocessStep& step : data.preprocess) preprocess.push_back(StepAsJson(step));
  Json json = {
      {"inputs", data.inputs}, {"labels", data.labels}, {"seed", data.seed}, {"preprocess", preprocess}};
  if (data.samples) json["samples"] = *data.samples;
  if (data.accuracy_interval) json["accuracy_interval"] = *data.accuracy_interval;
  if (data.raw) json["raw"] = RawAsJson(*data.raw);
  return json;
}

void ReadDataSpec(StrictObject& object, DataSpec* data) {
  object.Required("inputs", &data->inputs);
  object.Required("labels", &data->labels);
  object.Optional("samples", &data->samples);
  object.Optional("accuracy_interval", &data->accuracy_interval);
  object.Required("seed", &data->seed);
  ReadList(object, "preprocess", &data->preprocess, ReadStep);
  if (object.Has("raw"))
    ReadObject(object, "raw", [&](StrictObject& raw) { ReadRaw(raw, &data->raw.emplace()); });
}

Json VariantAsJson(const Variant& variant) {
  Json json = {{"name", variant.name}, {"steps", variant.steps}};
  const RuntimeOptions& options = variant.options;
  if (options.threads) json["threads"] = *options.threads;
  if (options.graph_level) json["graph_level"] = *options.graph_level;
  if (options.spinning) json["spinning"] = *options.spinning;
  if (options.memory_arena) json["memory_arena"] = *options.memory_arena;
  if (options.execution_provider) json["execution_provider"] = *options.execution_provider;
  json["provider_options"] = options.provider_options;
  if (!variant.model.empty()) {
    json["model_path"] = variant.model_path;
    json["model"] = variant.model.hex();
  }
  if (!variant.encodings.empty()) {
    json["encodings_path"] = variant.encodings_path;
    json["encodings"] = variant.encodings.hex();
  }
  json["artifact_kind"] = variant.artifact_kind;
  return json;
}

void ReadVariant(StrictObject& object, Variant* variant) {
  RuntimeOptions& options = variant->options;
  object.Required("name", &variant->name);
  object.Required("steps", &variant->steps);
  object.Optional("threads", &options.threads);
  object.Optional("graph_level", &options.graph_level);
  object.Optional("spinning", &options.spinning);
  object.Optional("memory_arena", &options.memory_arena);
  object.Optional("execution_provider", &options.execution_provider);
  object.Required("provider_options", &options.provider_options);
  object.Optional("model_path", &variant->model_path);
  if (object.Has("model")) ReadDigest(object, "model", &variant->model);
  object.Optional("encodings_path", &variant->encodings_path);
  if (object.Has("encodings")) ReadDigest(object, "encodings", &variant->encodings);
  object.Optional("artifact_kind", &variant->artifact_kind);
}

Json CalibrationAsJson(const Calibration& calibration) {
  Json json = {{"samples", calibration.samples}, {"seed", calibration.seed}};
  if (!calibration.data.empty()) {
    json["path"] = calibration.path;
    json["data"] = calibration.data.hex();
  }
  return json;
}

void ReadCalibration(StrictObject& root, Calibration* calibration) {
  if (!root.Has("calibration")) return;  // stored before there was any
  ReadObject(root, "calibration", [&](StrictObject& object) {
    object.Required("samples", &calibration->samples);
    object.Required("seed", &calibration->seed);
    object.Optional("path", &calibration->path);
    if (object.Has("data")) ReadDigest(object, "data", &calibration->data);
  });
}

Json ScenarioAsJson(const Scenario& scenario) {
  Json json = {{"kind", ScenarioKindName(scenario.kind)},
               {"min_duration_s", scenario.min_duration_s},
               {"min_inferences", scenario.min_inferences},
               {"max_duration_s", scenario.max_duration_s},
               {"warmup_min_inferences", scenario.warmup.min_inferences},
               {"warmup_min_s", scenario.warmup.min_s}};
  AddScenarioTerms(scenario, json);
  return json;
}

void ReadScenario(StrictObject& object, Scenario* scenario) {
  ReadName(object, "kind", ParseScenarioKind, &scenario->kind);
  object.Required("min_duration_s", &scenario->min_duration_s);
  object.Required("min_inferences", &scenario->min_inferences);
  object.Required("max_duration_s", &scenario->max_duration_s);
  object.Required("warmup_min_inferences", &scenario->warmup.min_inferences);
  object.Required("warmup_min_s", &scenario->warmup.min_s);
  ReadScenarioTerms(object, scenario);
}

Json BudgetsAsJson(const Budgets& budgets) {
  Json json = Json::object();
  for (const auto& [kpi, limits] : budgets) {
    Json& entry = json[kpi] = Json::object();
    if (limits.max) entry["max"] = *limits.max;
    if (limits.min) entry["min"] = *limits.min;
  }
  return json;
}

void ReadBudgets(StrictObject& root, Budgets* budgets) {
  const Json* json = root.Child("budgets");
  if (json == nullptr) return;
  if (!json->is_object()) {
    return root.Fail(InvalidArgumentError(root.PathOf("budgets") + ": must be a mapping"));
  }
  for (const auto& [kpi, entry] : json->items()) {
    StrictObject object(entry, root.PathOf("budgets") + "." + kpi);
    BudgetLimits& limits = (*budgets)[kpi];
    object.Optional("max", &limits.max);
    object.Optional("min", &limits.min);
    if (Status status = object.Finish(); !status.ok()) return root.Fail(std::move(status));
  }
}

}  // namespace

std::string EncodeJobSpec(const JobSpec& spec) {
  Json variants = Json::array();
  for (const Variant& variant : spec.variants) variants.push_back(VariantAsJson(variant));
  return DumpStored({{"name", spec.name},
                     {"model_path", spec.model_path},
                     {"model", spec.model.hex()},
                     {"data_path", spec.data_path},
                     {"data", spec.data.hex()},
                     {"data_spec", DataSpecAsJson(spec.data_spec)},
                     {"calibration", CalibrationAsJson(spec.calibration)},
                     {"task", TaskName(spec.task)},
                     {"variants", std::move(variants)},
                     {"selectors", spec.selectors},
                     {"scenario", ScenarioAsJson(spec.scenario)},
                     {"repetitions", spec.repetitions},
                     {"priority", spec.priority},
                     {"reference_run", spec.reference_run},
                     {"repetition_timeout_s", spec.repetition_timeout_s},
                     {"budgets", BudgetsAsJson(spec.budgets)},
                     {"rerun_of", spec.rerun_of},
                     {"golden", spec.golden}});
}

Result<JobSpec> DecodeJobSpec(std::string_view json) {
  PADDOCK_ASSIGN_OR_RETURN(const Json document, ParseJson(json, "job spec", kStoredLimits));
  JobSpec spec;
  StrictObject root(document, "job_spec");
  root.Required("name", &spec.name);
  root.Required("model_path", &spec.model_path);
  ReadDigest(root, "model", &spec.model);
  root.Required("data_path", &spec.data_path);
  ReadDigest(root, "data", &spec.data);
  ReadObject(root, "data_spec", [&](StrictObject& object) { ReadDataSpec(object, &spec.data_spec); });
  ReadCalibration(root, &spec.calibration);
  ReadName(root, "task", ParseTask, &spec.task);
  ReadList(root, "variants", &spec.variants, ReadVariant);
  root.Required("selectors", &spec.selectors);
  ReadObject(root, "scenario", [&](StrictObject& object) { ReadScenario(object, &spec.scenario); });
  root.Required("repetitions", &spec.repetitions);
  root.Required("priority", &spec.priority);
  root.Required("reference_run", &spec.reference_run);
  root.Required("repetition_timeout_s", &spec.repetition_timeout_s);
  ReadBudgets(root, &spec.budgets);
  root.Optional("rerun_of", &spec.rerun_of);
  root.Optional("golden", &spec.golden);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  return spec;
}

}  // namespace paddock
