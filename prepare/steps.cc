#include "prepare/steps.h"

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "base/strict_json.h"
#include "device_drivers/onnxruntime/ort_library.h"
#include "prepare/model_info.h"

namespace paddock {
namespace {

std::uint64_t NodeCount(const ModelInfo& model) {
  std::uint64_t count = 0;
  for (const auto& [name, number] : model.operators) count += number;
  return count;
}

std::string ChangeText(std::uint64_t before, std::uint64_t after) {
  return std::to_string(before) + " -> " + std::to_string(after);
}

std::vector<std::string> DescribeChange(const ModelInfo& before, const ModelInfo& after) {
  std::vector<std::string> lines = {"nodes " + ChangeText(NodeCount(before), NodeCount(after)),
                                    "bytes " + ChangeText(before.size_bytes, after.size_bytes)};
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_operator;
  for (const auto& [name, number] : before.operators) by_operator[name].first = number;
  for (const auto& [name, number] : after.operators) by_operator[name].second = number;
  for (const auto& [name, numbers] : by_operator) {
    if (numbers.first != numbers.second)
      lines.push_back(name + " " + ChangeText(numbers.first, numbers.second));
  }
  return lines;
}

Result<std::string> OptimizeFingerprint(const StepTools& tools) {
  if (!tools.onnxruntime_version.empty())
    return "optimize/1 graph_level=extended onnxruntime=" + tools.onnxruntime_version;
  return FailedPreconditionError(
      "step 'optimize' needs the ONNX Runtime library, and the coordinator found none; set "
      "PADDOCK_ONNXRUNTIME to the path of libonnxruntime.so where paddockd is started (`./dev up` does "
      "both), or use "
      "the variant 'as-is'");
}

Result<StepReport> Optimize(const std::string& in_path, const std::string& out_path, const StepTools& tools) {
  PADDOCK_ASSIGN_OR_RETURN(const ModelInfo before, ReadModelInfo(in_path));
  PADDOCK_ASSIGN_OR_RETURN(const auto library, OrtLibrary::Open(tools.onnxruntime_library_path));
  // The next level would tie the result to the kind of CPU that this is.
  PADDOCK_RETURN_IF_ERROR(WriteOptimizedModel(*library, in_path, out_path, GraphLevel::kExtended));
  auto after = ReadModelInfo(out_path);
  if (!after.ok())
    return InternalError("the optimised model cannot be read back: " + after.status().message());
  return StepReport{"optimize", "onnxruntime " + library->version(), DescribeChange(before, *after)};
}

constexpr std::array kSteps = {
    StepDefinition{"optimize",
                   "ONNX Runtime's graph optimiser (constant folding, fusion) up to level 'extended'",
                   OptimizeFingerprint, Optimize},
};

template <typename Definition>
Result<const Definition*> FindByName(std::span<const Definition> table, std::string_view what,
                                     std::string_view name) {
  std::vector<std::string> names;
  std::string list;
  for (const Definition& definition : table) {
    if (definition.name == name) return &definition;
    names.emplace_back(definition.name);
    list += (list.empty() ? "" : ", ") + names.back();
  }
  const auto nearest = Nearest(name, names);
  return NotFoundError("there is no " + std::string(what) + " '" + std::string(name) + "'" +
                       (nearest ? "; did you mean '" + *nearest + "'?" : "") + "; known are " + list);
}

}  // namespace

Result<StepTools> FindStepTools(const std::string& onnxruntime_library_path) {
  PADDOCK_ASSIGN_OR_RETURN(const auto library, OrtLibrary::Open(onnxruntime_library_path));
  return StepTools{library->path(), library->version()};
}

std::span<const StepDefinition> StepCatalog() { return kSteps; }

std::span<const VariantDefinition> VariantCatalog() {
  static const std::vector<VariantDefinition> kVariants = {
      {"as-is", "the model as it was submitted", {}},
      {"optimize", "the graph optimised for any CPU", {"optimize"}},
  };
  return kVariants;
}

Result<const StepDefinition*> FindStep(std::string_view name) {
  return FindByName(StepCatalog(), "preparation step", name);
}

Result<const VariantDefinition*> FindVariant(std::string_view name) {
  return FindByName(VariantCatalog(), "variant", name);
}

Result<std::vector<std::string>> StepFingerprints(std::span<const std::string> steps,
                                                  const StepTools& tools) {
  std::vector<std::string> fingerprints;
  for (const std::string& name : steps) {
    PADDOCK_ASSIGN_OR_RETURN(const StepDefinition* step, FindStep(name));
    PADDOCK_ASSIGN_OR_RETURN(std::string fingerprint, step->fingerprint(tools));
    fingerprints.push_back(std::move(fingerprint));
  }
  return fingerprints;
}

Result<StepReport> RunStep(std::string_view step_name, const std::string& in_path,
                           const std::string& out_path, const StepTools& tools) {
  PADDOCK_ASSIGN_OR_RETURN(const StepDefinition* step, FindStep(step_name));
  auto report = step->run(in_path, out_path, tools);
  if (!report.ok()) return report.status().WithContext("step '" + std::string(step->name) + "'");
  return report;
}

std::string EncodeStepReport(const StepReport& report) {
  const Json json = {{"step", report.step}, {"tool", report.tool}, {"lines", report.lines}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<StepReport> DecodeStepReport(std::string_view json) {
  PADDOCK_ASSIGN_OR_RETURN(const Json parsed, ParseJson(json, "step report"));
  StepReport report;
  StrictObject root(parsed, "");
  root.Required("step", &report.step);
  root.Required("tool", &report.tool);
  root.Required("lines", &report.lines);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  return report;
}

}  // namespace paddock
