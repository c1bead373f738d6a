// The steps of model preparation and the variants made of them: the visible tables. A step is a function from a model file to
// a model file. Adding one is a function, declared in its own header, and a row in step_catalog.cc.
//
// A step is written as its name and its options: "int8 method=percentile percentile=99.99". Its fingerprint is that text with
// the options sorted, the step's version and the version of the library that it uses; equal fingerprints over equal models
// and equal calibration data give equal results.
//
// A vendor's tool may crash on a model, so RunStep() is meant for a child process whose answer comes back as JSON; everything
// else here is pure and cheap.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/option_reader.h"
#include "base/status.h"
#include "prepare/converters.h"

namespace paddock {

// What the steps work with; the coordinator finds it once at its start.
struct StepTools {
  std::string onnxruntime_library_path;  // empty: not installed
  std::string onnxruntime_version;       // "1.30.0"; part of fingerprints
  std::vector<Converter> converters{};   // that step `external` may name
};

// Opens ONNX Runtime at `onnxruntime_library_path` (empty: PADDOCK_ONNXRUNTIME, then the system's) to learn path and version.
// FAILED_PRECONDITION says what was tried and what to install.
Result<StepTools> FindStepTools(const std::string& onnxruntime_library_path);

struct StepReport {
  std::string step;                // as written: "int8 method=percentile"
  std::string tool;                // "onnxruntime 1.30.0"; empty: our own
  std::vector<std::string> lines;  // what changed, for people: nodes by operator, parameters, MACs, bytes
  bool operator==(const StepReport&) const = default;
};
std::string EncodeStepReport(const StepReport& report);
Result<StepReport> DecodeStepReport(std::string_view json);

struct StepRequest {
  std::string in_path;
  std::string out_path;  // does not exist; after an error it may be there in part
  // Tensor file (kpi/tensor_file.h) with one tensor per input of the model that the whole variant began with, preprocessed
  // as for inference; empty: none was given.
  std::string calibration_path;
  std::string
      encodings_path{};  // AIMET's .encodings for the model that the whole variant began with; empty: none
  std::map<std::string, std::string> options;
  StepTools tools;
};

enum class StepTool { kNone, kOnnxruntime, kConverter, kArmCompiler, kHostCompiler };

struct StepDefinition {
  std::string_view name;
  std::string_view summary;
  std::span<const OptionDoc> options;
  // Of model: "onnx", "tflite"; empty: any, and what comes out is of the same kind. With kConverter its declaration says both.
  std::string_view from_kind;
  std::string_view to_kind;
  bool needs_calibration = false;
  bool needs_encodings = false;
  StepTool tool = StepTool::kNone;  // FAILED_PRECONDITION without it, with what to install or configure
  int version = 1;                  // raised when the step's meaning changes
  bool is_last = false;             // nothing can be done to what comes out
  // What it makes, where that depends on the options; they were checked. Null: to_kind.
  std::string (*kind_made)(const std::map<std::string, std::string>& options) = nullptr;
  // Refuses wrong options; cheap. Null: there are none.
  Status (*check)(const std::map<std::string, std::string>& options) = nullptr;
  // Lines for the report besides what can be seen from the two models. INVALID_ARGUMENT blames the model.
  Result<std::vector<std::string>> (*run)(const StepRequest& request) = nullptr;
};

struct VariantDefinition {
  std::string_view name;
  std::string_view summary;
  std::vector<std::string> steps;  // as written
};

std::span<const StepDefinition> StepCatalog();
std::span<const VariantDefinition> VariantCatalog();

// A step as written, understood. INVALID_ARGUMENT for options that it does not have; NOT_FOUND lists the known names, the
// nearest first.
struct Step {
  const StepDefinition* definition = nullptr;
  std::map<std::string, std::string> options;
};
Result<Step> ParseStep(std::string_view text);
Result<const VariantDefinition*> FindVariant(std::string_view name);
// The steps of a variant as a job writes it: those of the catalogue's variant `name` where it lists none; in a list the name of
// a variant stands for its steps.
Result<std::vector<std::string>> VariantSteps(std::string_view name, const std::vector<std::string>& written);

// What the steps make of a model of this kind: what lies in the file, and after a '+' what else is needed to run it
// ("tflite+edgetpu"). FAILED_PRECONDITION when a step is right and cannot be done here: it does not take what it is given, or
// its tool is not installed. INVALID_ARGUMENT or NOT_FOUND when a step is wrong in itself.
Result<std::string> KindAfter(std::span<const std::string> steps, std::string_view model_kind,
                              const StepTools& tools);
bool NeedsCalibration(std::span<const std::string> steps);
bool NeedsEncodings(std::span<const std::string> steps);

// One per step, for the recipe. Asks converters for their version, which may take a while.
Result<std::vector<std::string>> StepFingerprints(std::span<const std::string> steps, const StepTools& tools);

// One after the other, in this process; `request` says where from, where to and with what. No steps: a copy. `on_report` is
// called after each. What lies at out_path afterwards is whole or not there.
Status RunSteps(std::span<const std::string> steps, const StepRequest& request,
                const std::function<void(const StepReport&)>& on_report);

// `request.options` are those of `text`.
Result<StepReport> RunStep(std::string_view text, StepRequest request);

}  // namespace paddock
