#include "prepare/recipe.h"

#include <variant>

#include "base/strict_json.h"
#include "prepare/preprocess.h"

namespace paddock {
namespace {

// A change of what preparation does with the same recipe raises these, so that no old result is taken for a new one.
constexpr int kModelRecipeVersion = 1;
constexpr int kDataRecipeVersion = 1;

Json FieldsOf(const CastStep& step) { return {{"to", ElementTypeName(step.to)}}; }
Json FieldsOf(const ScaleStep& step) { return {{"factor", step.factor}, {"offset", step.offset}}; }
Json FieldsOf(const NormalizeStep& step) {
  return {{"mean", step.mean}, {"std", step.std}, {"axis", step.axis}};
}
Json FieldsOf(const DequantizeStep& step) { return {{"scale", step.scale}, {"zero_point", step.zero_point}}; }
Json FieldsOf(const QuantizeStep& step) {
  return {{"scale", step.scale}, {"zero_point", step.zero_point}, {"to", ElementTypeName(step.to)}};
}
Json FieldsOf(const TransposeStep& step) { return {{"axes", step.axes}}; }
Json FieldsOf(const ReshapeStep& step) { return {{"shape", step.shape}}; }

Json FieldsOf(const ResizeStep& step) {
  return {{"height", step.height}, {"width", step.width}, {"method", ResizeMethodName(step.method)}};
}
Json FieldsOf(const CropStep& step) { return {{"height", step.height}, {"width", step.width}}; }
Json FieldsOf(const ColorStep& step) { return {{"order", ColorOrderName(step.order)}}; }
Json FieldsOf(const MelStep& step) {
  return {{"kind", MelKindName(step.kind)},
          {"sample_rate_hz", step.sample_rate_hz},
          {"window_s", step.window_s},
          {"stride_s", step.stride_s},
          {"bands", step.bands},
          {"coefficients", step.coefficients},
          {"low_hz", step.low_hz},
          {"high_hz", step.high_hz},
          {"fft_size", step.fft_size ? Json(*step.fft_size) : Json()},
          {"duration_s", step.duration_s ? Json(*step.duration_s) : Json()}};
}
Json FieldsOf(const RawLayout& raw) {
  return {{"type", ElementTypeName(raw.type)},
          {"shape", raw.shape},
          {"header_bytes", raw.header_bytes},
          {"label_type", raw.label_type ? Json(ElementTypeName(*raw.label_type)) : Json()},
          {"label_after", raw.label_after}};
}

// A field that is younger than the recipe's version stands there only when it is set, so that older keys stay.
Json ToJson(const DataSpec& spec) {
  Json steps = Json::array();
  for (const PreprocessStep& step : spec.preprocess) {
    const Json fields = std::visit([](const auto& action) { return FieldsOf(action); }, step.action);
    steps.push_back({{"input", step.input}, {"step", PreprocessStepName(step)}, {"fields", fields}});
  }
  Json json = {{"inputs", spec.inputs},
               {"labels", spec.labels},
               {"samples", spec.samples ? Json(*spec.samples) : Json()},
               {"seed", spec.seed},
               {"preprocess", steps}};
  if (spec.accuracy_interval)
    json["order"] = "random";  // how wide an interval makes no difference to the batches
  if (spec.raw) json["raw"] = FieldsOf(*spec.raw);
  return json;
}

// Names come from people and files; what is not UTF-8 must not end the process.
std::string Canonical(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

}  // namespace

Digest ModelRecipeKey(const Digest& model, std::span<const std::string> step_fingerprints,
                      const TargetProfile& target) {
  const Json document = {
      {"recipe", "model"},
      {"version", kModelRecipeVersion},
      {"model", model.hex()},
      {"steps", std::vector<std::string>(step_fingerprints.begin(), step_fingerprints.end())},
      {"artifact_kind", target.artifact_kind}};
  return Sha256::Of(Canonical(document));
}

Digest DataRecipeKey(const Digest& data, const DataSpec& spec, std::span<const TensorInfo> inputs, Task task,
                     std::optional<std::uint64_t> batch_bytes) {
  Json signature = Json::array();
  for (const TensorInfo& input : inputs) {
    Json entry = {{"name", input.name}, {"type", ElementTypeName(input.type)}, {"shape", input.shape}};
    if (input.quantization) {
      entry["scale"] = input.quantization->scale;
      entry["zero_point"] = input.quantization->zero_point;
    }
    signature.push_back(std::move(entry));
  }
  const Json document = {{"recipe", "data"},
                         {"version", kDataRecipeVersion},
                         {"data", data.hex()},
                         {"spec", ToJson(spec)},
                         {"inputs", signature},
                         {"task", TaskName(task)},
                         {"batch_bytes", batch_bytes ? Json(*batch_bytes) : Json()}};
  return Sha256::Of(Canonical(document));
}

std::string CanonicalJson(const DataSpec& spec) { return Canonical(ToJson(spec)); }

}  // namespace paddock
