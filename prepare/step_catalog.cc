// The tables of steps and variants.
#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "device_drivers/onnxruntime/ort_library.h"
#include "prepare/firmware/firmware_steps.h"
#include "prepare/onnx_normal_form.h"
#include "prepare/passes/compress.h"
#include "prepare/passes/equalize.h"
#include "prepare/passes/fp16.h"
#include "prepare/passes/import_encodings.h"
#include "prepare/passes/int8.h"
#include "prepare/passes/prune.h"
#include "prepare/passes/share_weights.h"
#include "prepare/steps.h"
#include "prepare/tflite/convert.h"

namespace paddock {
namespace {

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
    {.name = "firmware",
     .summary = "the network as C, compiled with Paddock's firmware to an image for a microcontroller board",
     .options = FirmwareStepOptions(),
     .from_kind = "onnx",
     .to_kind = "elf+BOARD",
     .needs_calibration = false,
     .tool = StepTool::kArmCompiler,
     .version = 1,
     .kind_made = FirmwareKind,
     .check = CheckFirmwareStep,
     .run = RunFirmwareStep},
    {.name = "host-c",
     .summary = "the same C, compiled to a shared object for the machine that prepares",
     .options = HostLibraryStepOptions(),
     .from_kind = "onnx",
     .to_kind = "so+ARCHITECTURE",
     .needs_calibration = false,
     .tool = StepTool::kHostCompiler,
     .version = 1,
     .kind_made = HostLibraryKind,
     .check = CheckHostLibraryStep,
     .run = RunHostLibraryStep},
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

}  // namespace

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

}  // namespace paddock
