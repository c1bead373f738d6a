#include "prepare/steps.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "base/strict_json.h"
#include "device_drivers/onnxruntime/ort_library.h"
#include "prepare/firmware/firmware_steps.h"
#include "prepare/firmware/toolchain.h"
#include "prepare/model_info.h"
#include "prepare/onnx_normal_form.h"

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
  std::vector<std::string> lines = {"bytes " + ChangeText(before.size_bytes, after.size_bytes)};
  if (IsCompiled(after.kind)) return lines;
  lines.insert(lines.begin(), {"nodes " + ChangeText(NodeCount(before), NodeCount(after)),
                               "parameters " + ChangeText(before.parameters, after.parameters)});
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_operator;
  for (const auto& [name, number] : before.operators) by_operator[name].first = number;
  for (const auto& [name, number] : after.operators) by_operator[name].second = number;
  if (before.kind != after.kind) return lines;  // each kind has names of its own
  for (const auto& [name, numbers] : by_operator) {
    if (numbers.first != numbers.second)
      lines.push_back(name + " " + ChangeText(numbers.first, numbers.second));
  }
  return lines;
}

struct StepKinds {
  std::string from;
  std::string to;
};

// `given`: the kind of model that the step is given.
Result<StepKinds> KindsOf(const Step& step, const std::string& given, const StepTools& tools) {
  if (step.definition->tool != StepTool::kConverter) {
    const StepDefinition& definition = *step.definition;
    if (definition.kind_made != nullptr)
      return StepKinds{std::string(definition.from_kind), definition.kind_made(step.options)};
    if (!definition.from_kind.empty())
      return StepKinds{std::string(definition.from_kind), std::string(definition.to_kind)};
    return StepKinds{CanReadModelInfo(given) ? given : "onnx or tflite", given};
  }
  PADDOCK_ASSIGN_OR_RETURN(const Converter* converter, FindConverter(tools.converters, step.options));
  return StepKinds{converter->from_kind, converter->to_kind};
}

// Null: the step runs no compiler.
const Toolchain* CompilerOf(const StepDefinition& definition) {
  if (definition.tool == StepTool::kArmCompiler) return &ArmToolchain();
  return definition.tool == StepTool::kHostCompiler ? &HostToolchain() : nullptr;
}

Status CheckToolIsHere(const Step& step, std::string_view text, const StepTools& tools) {
  if (const Toolchain* const compiler = CompilerOf(*step.definition)) return CheckToolchain(*compiler);
  if (step.definition->tool == StepTool::kOnnxruntime && tools.onnxruntime_version.empty()) {
    return FailedPreconditionError(
        "step '" + std::string(text) +
        "' needs the ONNX Runtime library, and none was found; set PADDOCK_ONNXRUNTIME to the path of "
        "libonnxruntime.so where the coordinator is started (`./dev up` does both), or use the variant "
        "'as-is'");
  }
  if (step.definition->tool != StepTool::kConverter) return OkStatus();
  PADDOCK_ASSIGN_OR_RETURN(const Converter* converter, FindConverter(tools.converters, step.options));
  return CheckInstalled(*converter);
}

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

Result<Step> ParseStep(std::string_view text) {
  Step step;
  std::istringstream words{std::string(text)};
  std::string word;
  words >> word;
  PADDOCK_ASSIGN_OR_RETURN(step.definition, FindByName(StepCatalog(), "preparation step", word));
  while (words >> word) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgumentError("step '" + std::string(text) + "': '" + word +
                                  "' is no option; write NAME KEY=VALUE ..., without blanks in a value");
    }
    if (!step.options.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      return InvalidArgumentError("step '" + std::string(text) + "': the option '" + word.substr(0, equals) +
                                  "' stands twice");
    }
  }
  if (step.definition->check != nullptr) {
    PADDOCK_RETURN_IF_ERROR(
        step.definition->check(step.options).WithContext("step '" + std::string(text) + "'"));
  } else if (!step.options.empty()) {
    return InvalidArgumentError("step '" + std::string(step.definition->name) + "' has no options");
  }
  return step;
}

Result<const VariantDefinition*> FindVariant(std::string_view name) {
  return FindByName(VariantCatalog(), "variant", name);
}

Result<std::vector<std::string>> VariantSteps(std::string_view name,
                                              const std::vector<std::string>& written) {
  if (written.empty()) {
    const auto variant = FindVariant(name);
    if (variant.ok()) return (*variant)->steps;
    return NotFoundError(variant.status().message() +
                         "; or list its steps under `steps` (`steps: [as-is]` for none)");
  }
  std::vector<std::string> steps;
  for (const std::string& step : written) {
    const auto known = ParseStep(step);
    const auto variant = FindVariant(step);
    if (known.ok()) {
      steps.push_back(step);
    } else if (variant.ok()) {
      steps.insert(steps.end(), (*variant)->steps.begin(), (*variant)->steps.end());
    } else {
      return known.status();
    }
  }
  return steps;
}

Result<std::string> KindAfter(std::span<const std::string> steps, std::string_view model_kind,
                              const StepTools& tools) {
  std::string kind(model_kind);
  Status obstacle;  // the first; what is wrong in itself comes before it
  for (const std::string& text : steps) {
    PADDOCK_ASSIGN_OR_RETURN(const Step step, ParseStep(text));
    if (step.definition->is_last && &text != &steps.back())
      return InvalidArgumentError("step '" + text + "' must be the last one; write it behind the others");
    PADDOCK_ASSIGN_OR_RETURN(StepKinds kinds, KindsOf(step, kind, tools));
    Status here = CheckToolIsHere(step, text, tools);
    if (kind != kinds.from) {
      here = FailedPreconditionError("step '" + text + "' takes a model of kind '" + kinds.from +
                                     "', and is given one of kind '" + kind + "'");
    }
    if (obstacle.ok()) obstacle = std::move(here);
    kind = std::move(kinds.to);
  }
  PADDOCK_RETURN_IF_ERROR(obstacle);
  return kind;
}

namespace {

bool AnyStep(std::span<const std::string> steps, bool StepDefinition::*need) {
  return std::any_of(steps.begin(), steps.end(), [&](const std::string& text) {
    const auto step = ParseStep(text);
    return step.ok() && step->definition->*need;
  });
}

}  // namespace

bool NeedsCalibration(std::span<const std::string> steps) {
  return AnyStep(steps, &StepDefinition::needs_calibration);
}
bool NeedsEncodings(std::span<const std::string> steps) {
  return AnyStep(steps, &StepDefinition::needs_encodings);
}

Result<std::vector<std::string>> StepFingerprints(std::span<const std::string> steps,
                                                  const StepTools& tools) {
  std::vector<std::string> fingerprints;
  for (const std::string& text : steps) {
    PADDOCK_ASSIGN_OR_RETURN(const Step step, ParseStep(text));
    std::string fingerprint =
        std::string(step.definition->name) + "/" + std::to_string(step.definition->version);
    for (const auto& [key, value] : step.options) fingerprint += " " + key + "=" + value;
    PADDOCK_RETURN_IF_ERROR(CheckToolIsHere(step, text, tools));
    if (step.definition->tool == StepTool::kOnnxruntime)
      fingerprint += " onnxruntime=" + tools.onnxruntime_version;
    if (const Toolchain* const compiler = CompilerOf(*step.definition)) {
      PADDOCK_ASSIGN_OR_RETURN(const std::string compiled_by, CompilerFingerprint(*compiler));
      fingerprint += " " + compiled_by;
    }
    if (step.definition->tool == StepTool::kConverter) {
      PADDOCK_ASSIGN_OR_RETURN(const Converter* converter, FindConverter(tools.converters, step.options));
      PADDOCK_ASSIGN_OR_RETURN(const std::string version, ConverterVersion(*converter));
      fingerprint += " version=" + version + " declaration=" + EncodeConverters({converter, 1});
    }
    fingerprints.push_back(std::move(fingerprint));
  }
  return fingerprints;
}

Result<StepReport> RunStep(std::string_view text, StepRequest request) {
  PADDOCK_ASSIGN_OR_RETURN(const Step step, ParseStep(text));
  const std::string context = "step '" + std::string(text) + "'";
  const StepDefinition& definition = *step.definition;
  if (definition.needs_calibration && request.calibration_path.empty()) {
    return InvalidArgumentError(context + " needs calibration data; name them under `calibration`");
  }
  if (definition.needs_encodings && request.encodings_path.empty()) {
    return InvalidArgumentError(context + " needs the .encodings file that AIMET wrote beside the model");
  }
  const auto before = ReadModelInfo(request.in_path);
  if (!before.ok()) return before.status().WithContext(context);
  if (before->packed_bytes) {
    return InvalidArgumentError(context +
                                ": the model was packed by step 'compress'; name it as it was before that");
  }
  PADDOCK_ASSIGN_OR_RETURN(const StepKinds kinds, KindsOf(step, before->kind, request.tools));
  if (before->kind != FileKind(kinds.from)) {
    return InvalidArgumentError(context + " takes a model of kind '" + kinds.from + "', not '" +
                                before->kind + "'");
  }
  StepReport report{.step = std::string(text), .tool = "", .lines = {}};
  if (definition.tool == StepTool::kOnnxruntime) {
    const auto tools = FindStepTools(request.tools.onnxruntime_library_path);
    if (!tools.ok()) return tools.status().WithContext(context);
    report.tool = "onnxruntime " + tools->onnxruntime_version;
  }
  if (definition.tool == StepTool::kConverter) {
    PADDOCK_ASSIGN_OR_RETURN(const Converter* converter,
                             FindConverter(request.tools.converters, step.options));
    const auto version = ConverterVersion(*converter);
    if (!version.ok()) return version.status().WithContext(context);
    report.tool = *version;
  }
  if (const Toolchain* const compiler = CompilerOf(definition)) {
    const auto version = ToolchainVersion(*compiler);
    if (!version.ok()) return version.status().WithContext(context);
    report.tool = *version;
  }
  request.options = step.options;
  auto own_lines = definition.run(request);
  if (!own_lines.ok()) return own_lines.status().WithContext(context);
  if (!CanReadModelInfo(kinds.to)) {
    PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t bytes, FileSize(request.out_path));
    report.lines = {"bytes " + ChangeText(before->size_bytes, bytes)};
    report.lines.insert(report.lines.end(), own_lines->begin(), own_lines->end());
    return report;
  }
  const auto after = ReadModelInfo(request.out_path);
  if (!after.ok()) {
    return InternalError(context +
                         ": the model that it made cannot be read back: " + after.status().message());
  }
  report.lines = DescribeChange(*before, *after);
  report.lines.insert(report.lines.end(), own_lines->begin(), own_lines->end());
  return report;
}

Status RunSteps(std::span<const std::string> steps, const StepRequest& request,
                const std::function<void(const StepReport&)>& on_report) {
  StepRequest one = request;
  Status status;
  for (std::size_t i = 0; status.ok() && i < steps.size(); ++i) {
    one.out_path = request.out_path + ".step-" + std::to_string(i);
    const auto report = RunStep(steps[i], one);
    if (i > 0) PADDOCK_RETURN_IF_ERROR(RemoveFile(one.in_path));
    one.in_path = one.out_path;
    status = report.status();
    if (report.ok()) on_report(*report);
  }
  if (status.ok()) {
    const auto bytes = ReadFile(one.in_path);
    status = bytes.ok() ? WriteFileAtomically(request.out_path, *bytes) : bytes.status();
  }
  if (!steps.empty()) PADDOCK_RETURN_IF_ERROR(RemoveFile(one.out_path));
  return status;
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
