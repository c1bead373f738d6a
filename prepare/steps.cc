#include "prepare/steps.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "base/strict_json.h"
#include "device_drivers/onnxruntime/ort_library.h"
#include "prepare/model_info.h"
#include "prepare/onnx_normal_form.h"
#include "prepare/passes/compress.h"
#include "prepare/passes/equalize.h"
#include "prepare/passes/fp16.h"
#include "prepare/passes/import_encodings.h"
#include "prepare/passes/int8.h"
#include "prepare/passes/prune.h"
#include "prepare/passes/share_weights.h"
#include "prepare/tflite/convert.h"

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
                                    "parameters " + ChangeText(before.parameters, after.parameters),
                                    "bytes " + ChangeText(before.size_bytes, after.size_bytes)};
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

constexpr OptionDoc kOptimizeOptions[] = {
    {"level",
     "basic (operators of ONNX only: for steps that follow) or extended (ONNX Runtime's own too; default)"}};

Result<GraphLevel> OptimizeLevel(const std::map<std::string, std::string>& options) {
  OptionReader reader("step 'optimize'", options);
  const std::string level = reader.Choice("level", "extended", {"basic", "extended"});
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  return ParseGraphLevel(level);
}

Status CheckOptimize(const std::map<std::string, std::string>& options) {
  return OptimizeLevel(options).status();
}

// The level above would tie the result to the kind of CPU that this is.
Result<std::vector<std::string>> Optimize(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const GraphLevel level, OptimizeLevel(request.options));
  PADDOCK_ASSIGN_OR_RETURN(const auto library, OrtLibrary::Open(request.tools.onnxruntime_library_path));
  const std::string constant_path = request.out_path + ".constant";
  PADDOCK_ASSIGN_OR_RETURN(const bool is_changed,
                           WriteWithConstantInitializers(request.in_path, constant_path));
  const Status status =
      WriteOptimizedModel(*library, is_changed ? constant_path : request.in_path, request.out_path, level);
  PADDOCK_RETURN_IF_ERROR(RemoveFile(constant_path));
  if (!status.ok()) return BlameForeignNode(status, request.in_path);
  return std::vector<std::string>();
}

constexpr OptionDoc kExternalOptions[] = {
    {"tool", "the declared converter: edgetpu_compiler, vela, trtexec, stedgeai, or one of --converters"},
    {"KEY", "option KEY of that converter"},
};

Status CheckExternal(const std::map<std::string, std::string>& options) {
  if (options.contains("tool")) return OkStatus();
  return InvalidArgumentError("step 'external' needs tool=NAME: which declared converter runs");
}

Result<std::vector<std::string>> RunExternal(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const Converter* converter,
                           FindConverter(request.tools.converters, request.options));
  return RunConverter(*converter, request.options, request.in_path, request.out_path);
}

struct StepKinds {
  std::string from;
  std::string to;
};

// `given`: the kind of model that the step is given.
Result<StepKinds> KindsOf(const Step& step, const std::string& given, const StepTools& tools) {
  if (step.definition->tool != StepTool::kConverter) {
    if (!step.definition->from_kind.empty())
      return StepKinds{std::string(step.definition->from_kind), std::string(step.definition->to_kind)};
    return StepKinds{CanReadModelInfo(given) ? given : "onnx or tflite", given};
  }
  PADDOCK_ASSIGN_OR_RETURN(const Converter* converter, FindConverter(tools.converters, step.options));
  return StepKinds{converter->from_kind, converter->to_kind};
}

Status CheckToolIsHere(const Step& step, std::string_view text, const StepTools& tools) {
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

const StepDefinition kSteps[] = {
    {.name = "optimize",
     .summary = "ONNX Runtime's graph optimiser: constant folding, batch-norm folding, dead code, fusion",
     .options = kOptimizeOptions,
     .from_kind = "onnx",
     .to_kind = "onnx",
     .needs_calibration = false,
     .tool = StepTool::kOnnxruntime,
     .version = 1,
     .check = CheckOptimize,
     .run = Optimize},
    {.name = "to-tflite",
     .summary = "ONNX, float32 or quantised (QDQ), as a TensorFlow Lite model",
     .options = kToTfliteOptions,
     .from_kind = "onnx",
     .to_kind = "tflite",
     .needs_calibration = false,
     .tool = StepTool::kNone,
     .version = 1,
     .check = CheckToTflite,
     .run = RunToTflite},
    {.name = "equalize",
     .summary = "cross-layer equalisation of weight ranges; the model computes the same",
     .options = {},
     .from_kind = "onnx",
     .to_kind = "onnx",
     .needs_calibration = false,
     .tool = StepTool::kNone,
     .version = 1,
     .check = nullptr,
     .run = RunEqualize},
    {.name = "fp16",
     .summary = "weights as float16, or the whole graph",
     .options = Fp16Options(),
     .from_kind = "onnx",
     .to_kind = "onnx",
     .needs_calibration = false,
     .tool = StepTool::kNone,
     .version = 1,
     .check = CheckFp16Options,
     .run = RunFp16},
    {.name = "import-encodings",
     .summary = "AIMET's .encodings, the file beside the model, written into it as QDQ",
     .options = {},
     .from_kind = "onnx",
     .to_kind = "onnx",
     .needs_calibration = false,
     .needs_encodings = true,
     .tool = StepTool::kNone,
     .version = 1,
     .check = nullptr,
     .run = RunImportEncodings},
    {.name = "int8",
     .summary = "post-training quantisation to int8 (QDQ), with ranges from calibration data",
     .options = Int8Options(),
     .from_kind = "onnx",
     .to_kind = "onnx",
     .needs_calibration = true,
     .tool = StepTool::kOnnxruntime,
     .version = 2,
     .check = CheckInt8Options,
     .run = RunInt8},
    {.name = "prune",
     .summary = "zeroes the least weights, or removes the least channels",
     .options = PruneOptions(),
     .from_kind = "onnx",
     .to_kind = "onnx",
     .needs_calibration = false,
     .tool = StepTool::kNone,
     .version = 1,
     .check = CheckPruneOptions,
     .run = RunPrune},
    {.name = "share-weights",
     .summary = "few distinct values in each weight tensor, for `compress`",
     .options = ShareWeightsOptions(),
     .from_kind = "onnx",
     .to_kind = "onnx",
     .needs_calibration = false,
     .tool = StepTool::kNone,
     .version = 1,
     .check = CheckShareWeightsOptions,
     .run = RunShareWeights},
    {.name = "compress",
     .summary = "packed for the store and the way, where it pays; unpacked on arrival. The last step",
     .options = {},
     .from_kind = "",
     .to_kind = "",
     .needs_calibration = false,
     .tool = StepTool::kNone,
     .version = 1,
     .is_last = true,
     .check = nullptr,
     .run = RunCompress},
    {.name = "to-onnx",
     .summary = "TensorFlow Lite, float32 or int8, as an ONNX model (int8: QDQ)",
     .options = {},
     .from_kind = "tflite",
     .to_kind = "onnx",
     .needs_calibration = false,
     .tool = StepTool::kNone,
     .version = 2,
     .check = nullptr,
     .run = RunToOnnx},
    {.name = "external",
     .summary = "a vendor's converter, as it was declared",
     .options = kExternalOptions,
     .from_kind = "",
     .to_kind = "",
     .needs_calibration = false,
     .tool = StepTool::kConverter,
     .version = 1,
     .check = CheckExternal,
     .run = RunExternal},
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
      {"fp32", "the graph optimised in operators of ONNX only", {"optimize level=basic"}},
      {"fp16", "weights stored as float16", {"fp16"}},
      {"int8", "quantised to int8, ranges by the best of min-max, square error and percentile", {"int8"}},
      {"int8-percentile", "quantised to int8, ranges by percentile", {"int8 method=percentile"}},
      {"int8-entropy", "quantised to int8, ranges by entropy", {"int8 method=entropy"}},
      {"aimet", "quantised as the .encodings that AIMET wrote say", {"import-encodings"}},
      {"pruned-magnitude", "half of the weights zero", {"prune kind=magnitude ratio=0.5"}},
      {"pruned-2:4", "two of each four weights zero", {"prune kind=2:4"}},
      {"pruned-channels",
       "optimised, without a quarter of the channels",
       {"optimize level=basic", "prune kind=channels ratio=0.25"}},
      {"shared-16",
       "16 values in each weight tensor, packed on the way",
       {"optimize level=basic", "share-weights clusters=16", "compress"}},
      {"compressed", "the model as it was submitted, packed on the way", {"compress"}},
      {"int8-compressed", "quantised to int8, packed on the way", {"int8", "compress"}},
      {"tflite-fp32", "as a TensorFlow Lite model", {"optimize level=basic", "to-tflite"}},
      {"tflite-int8", "quantised to int8, as a TensorFlow Lite model", {"int8", "to-tflite"}},
  };
  return kVariants;
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
