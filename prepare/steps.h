// The steps of model preparation and the variants made of them: the visible tables. A step is a function from a model file to
// a model file. Adding one is a function and a row.
//
// A vendor's tool may crash on a model, so RunStep() is meant for a child process whose answer comes back as JSON; everything
// else here is pure and cheap.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

// What the steps work with; the coordinator finds it once at its start.
struct StepTools {
  std::string onnxruntime_library_path;  // empty: not installed
  std::string onnxruntime_version;       // "1.30.0"; part of fingerprints
};

// Opens ONNX Runtime at `onnxruntime_library_path` (empty: PADDOCK_ONNXRUNTIME, then the system's) to learn path and version.
// FAILED_PRECONDITION says what was tried and what to install.
Result<StepTools> FindStepTools(const std::string& onnxruntime_library_path);

struct StepReport {
  std::string step;
  std::string tool;                // "onnxruntime 1.30.0"
  std::vector<std::string> lines;  // what changed, for people: nodes by operator, bytes
  bool operator==(const StepReport&) const = default;
};
std::string EncodeStepReport(const StepReport& report);
Result<StepReport> DecodeStepReport(std::string_view json);

struct StepDefinition {
  std::string_view name;
  std::string_view summary;
  // Everything besides the model that decides the output; changes when the step's meaning changes.
  // FAILED_PRECONDITION when the tool is missing, with what to install or configure.
  Result<std::string> (*fingerprint)(const StepTools& tools);
  // Writes out_path, which does not exist; after an error it may be there in part. INVALID_ARGUMENT blames the model.
  Result<StepReport> (*run)(const std::string& in_path, const std::string& out_path, const StepTools& tools);
};

struct VariantDefinition {
  std::string_view name;
  std::string_view summary;
  std::vector<std::string> steps;
};

std::span<const StepDefinition> StepCatalog();
std::span<const VariantDefinition> VariantCatalog();

// NOT_FOUND lists the known names, the nearest first.
Result<const StepDefinition*> FindStep(std::string_view name);
Result<const VariantDefinition*> FindVariant(std::string_view name);

// One per step, for the recipe.
Result<std::vector<std::string>> StepFingerprints(std::span<const std::string> steps, const StepTools& tools);

Result<StepReport> RunStep(std::string_view step_name, const std::string& in_path,
                           const std::string& out_path, const StepTools& tools);

}  // namespace paddock
