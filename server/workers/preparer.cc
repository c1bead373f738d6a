#include "server/workers/preparer.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/scratch_folder.h"
#include "prepare/adapt_data.h"
#include "prepare/batch.h"
#include "prepare/calibration.h"
#include "prepare/model_info.h"
#include "prepare/recipe.h"

namespace paddock {
namespace {

namespace fs = std::filesystem;

Status CheckDeviceTakes(const PreparedRun& model, const DeviceDescription& device) {
  const auto& kinds = device.artifact_kinds;
  if (std::find(kinds.begin(), kinds.end(), model.artifact_kind) == kinds.end()) {
    return InvalidArgumentError("driver '" + device.driver + "' does not take models of kind '" +
                                model.artifact_kind + "'; choose another device or variant");
  }
  if (device.limits.artifact_bytes && model.artifact_bytes > *device.limits.artifact_bytes) {
    return InvalidArgumentError(
        "the prepared model has " + std::to_string(model.artifact_bytes) + " bytes and the device takes " +
        std::to_string(*device.limits.artifact_bytes) + "; choose a smaller model or another device");
  }
  return OkStatus();
}

// The variant's, and the device's own behind them where it does not take what they make.
std::vector<std::string> StepsFor(const Variant& variant, const DeviceDescription& device) {
  std::vector<std::string> steps = variant.steps;
  const auto& kinds = device.artifact_kinds;
  const auto last = device.last_steps.find(variant.artifact_kind);
  if (std::find(kinds.begin(), kinds.end(), variant.artifact_kind) == kinds.end() &&
      last != device.last_steps.end()) {
    steps.insert(steps.end(), last->second.begin(), last->second.end());
  }
  return steps;
}

// What decides which samples calibrate, and what is done to them.
std::string CalibrationFingerprint(const JobSpec& spec) {
  const Digest& data = spec.calibration.data.empty() ? spec.data : spec.calibration.data;
  return "calibration data=" + data.hex() + " measured=" + spec.data.hex() +
         " samples=" + std::to_string(spec.calibration.samples) +
         " seed=" + std::to_string(spec.calibration.seed) + " spec=" + CanonicalJson(spec.data_spec) +
         " task=" + std::string(TaskName(spec.task));
}

}  // namespace

Result<std::unique_ptr<Preparer>> Preparer::Open(PreparerSettings settings, ArtifactStore& artifacts,
                                                 StoreReader& reader, RecipeCache::Save save_recipe) {
  std::error_code error;
  fs::remove_all(settings.scratch_folder, error);
  if (error) return ErrnoStatus(error.value(), "empty " + settings.scratch_folder);
  PADDOCK_RETURN_IF_ERROR(CreateDirectories(settings.scratch_folder));
  return std::unique_ptr<Preparer>(
      new Preparer(std::move(settings), artifacts, reader, std::move(save_recipe)));
}

FailureClass Preparer::ClassOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kUnimplemented:
    case StatusCode::kOutOfRange:
    case StatusCode::kAborted:           // the model crashed a step
    case StatusCode::kDeadlineExceeded:  // or kept it busy for too long
      return FailureClass::kJob;
    default:
      return FailureClass::kFarm;
  }
}

Result<PreparedRun> Preparer::Prepare(const PreparationRequest& request) {
  if (cancelled_) return CancelledError("the coordinator ends");
  const auto start = std::chrono::steady_clock::now();
  const Variant& variant = request.spec.variants.at(request.variant);
  const std::vector<std::string> steps = StepsFor(variant, request.device);

  PADDOCK_ASSIGN_OR_RETURN(std::vector<std::string> fingerprints,
                           StepFingerprints(steps, settings_.steps.tools));
  if (NeedsCalibration(variant.steps)) fingerprints.push_back(CalibrationFingerprint(request.spec));
  if (NeedsEncodings(variant.steps)) fingerprints.push_back("encodings=" + variant.encodings.hex());
  const Digest& model_digest = request.spec.ModelOf(variant);
  const Digest model_key = ModelRecipeKey(model_digest, fingerprints, TargetProfile{"onnx"});
  PADDOCK_ASSIGN_OR_RETURN(RecipeCache::Recipe model, recipes_.GetOrMake(model_key, [&] {
    return PrepareModel(request.spec, variant, steps);
  }));
  PADDOCK_RETURN_IF_ERROR(CheckDeviceTakes(model.content, request.device));

  PADDOCK_ASSIGN_OR_RETURN(const DataSpec data_spec,
                           AdaptedData(request.spec, variant, steps, model.content));
  const Digest data_key = DataRecipeKey(request.spec.data, data_spec, model.content.inputs, request.spec.task,
                                        request.device.limits.batch_bytes);
  PADDOCK_ASSIGN_OR_RETURN(RecipeCache::Recipe data, recipes_.GetOrMake(data_key, [&] {
    return PrepareBatches(request.spec, data_spec, model.content, request.device);
  }));

  PreparedRun prepared = std::move(model.content);
  prepared.batches = std::move(data.content.batches);
  prepared.labels = std::move(data.content.labels);
  prepared.sample_count = data.content.sample_count;
  if (model.from_cache) prepared.report.push_back("model from cache");
  prepared.report.insert(prepared.report.end(), data.content.report.begin(), data.content.report.end());
  if (data.from_cache) prepared.report.push_back("data from cache");
  prepared.preparation_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return prepared;
}

Result<PreparedRun> Preparer::PrepareModel(const JobSpec& spec, const Variant& variant,
                                           const std::vector<std::string>& steps) {
  PADDOCK_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make(settings_.scratch_folder));
  PreparedRun recipe;
  recipe.artifact = spec.ModelOf(variant);
  PADDOCK_ASSIGN_OR_RETURN(std::string path, artifacts_.PathOf(recipe.artifact));
  StepRequest files;
  if (!variant.encodings.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(files.encodings_path, artifacts_.PathOf(variant.encodings));
  }
  if (NeedsCalibration(variant.steps)) {
    files.calibration_path = scratch.path() + "/calibration.tensors";
    PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t samples,
                             PrepareCalibration(spec, variant, path, files.calibration_path));
    recipe.report.push_back("calibration: " + std::to_string(samples) + " samples that are not measured");
  }
  PADDOCK_ASSIGN_OR_RETURN(ModelInfo info, ReadModelInfo(path, spec.ModelPathOf(variant)));
  recipe.artifact_kind = info.kind;
  std::size_t number = 0;
  for (const std::string& step : steps) {
    files.in_path = path;
    files.out_path = scratch.path() + "/" + std::to_string(number++);
    PADDOCK_ASSIGN_OR_RETURN(const StepReport report, RunStepInChild(step, files, settings_.steps,
                                                                     [this] { return cancelled_.load(); }));
    for (const std::string& line : report.lines)
      recipe.report.push_back(report.step + (report.tool.empty() ? "" : " (" + report.tool + ")") + ": " +
                              line);
    path = files.out_path;
    PADDOCK_ASSIGN_OR_RETURN(recipe.artifact_kind,
                             KindAfter({&step, 1}, recipe.artifact_kind, settings_.steps.tools));
    if (CanReadModelInfo(recipe.artifact_kind)) {
      PADDOCK_ASSIGN_OR_RETURN(info, ReadModelInfo(path));
    } else {
      PADDOCK_ASSIGN_OR_RETURN(info.size_bytes, FileSize(path));
    }
  }
  if (steps.empty()) recipe.report.push_back("model as it is");
  recipe.artifact_bytes = info.size_bytes;
  recipe.inputs = std::move(info.inputs);
  recipe.outputs = std::move(info.outputs);
  if (!steps.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(recipe.artifact, artifacts_.Adopt(path));
  }
  return recipe;
}

Result<std::uint64_t> Preparer::PrepareCalibration(const JobSpec& spec, const Variant& variant,
                                                   const std::string& model_path,
                                                   const std::string& out_path) {
  PADDOCK_ASSIGN_OR_RETURN(const ModelInfo model, ReadModelInfo(model_path, spec.ModelPathOf(variant)));
  const bool has_file = !spec.calibration.data.empty();
  const CalibrationChoice choice{.from_measured_file = !has_file || spec.calibration.data == spec.data,
                                 .samples = spec.calibration.samples,
                                 .seed = spec.calibration.seed};
  PADDOCK_ASSIGN_OR_RETURN(const std::string data_path,
                           artifacts_.PathOf(has_file ? spec.calibration.data : spec.data));
  return WriteCalibration(spec.data_spec, data_path, model, spec.task, choice, out_path,
                          has_file ? spec.calibration.path : spec.data_path);
}

// The data spec for what was made of the variant's model.
Result<DataSpec> Preparer::AdaptedData(const JobSpec& spec, const Variant& variant,
                                       const std::vector<std::string>& steps, const PreparedRun& artifact) {
  if (steps.empty() && variant.model.empty()) return spec.data_spec;
  PADDOCK_ASSIGN_OR_RETURN(const std::string path, artifacts_.PathOf(spec.model));
  PADDOCK_ASSIGN_OR_RETURN(const ModelInfo model, ReadModelInfo(path, spec.model_path));
  // What was a TensorFlow Lite model on the way has its layout still.
  std::string kind = model.kind;
  if (!variant.model.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(const std::string own_path, artifacts_.PathOf(variant.model));
    PADDOCK_ASSIGN_OR_RETURN(const ModelInfo own, ReadModelInfo(own_path, variant.model_path));
    kind = own.kind;
  }
  std::string layout_kind = artifact.artifact_kind;
  for (const std::string& step : steps) {
    if (FileKind(kind) == "tflite") layout_kind = kind;
    PADDOCK_ASSIGN_OR_RETURN(kind, KindAfter({&step, 1}, kind, settings_.steps.tools));
  }
  return AdaptData(spec.data_spec, {model.kind, model.inputs}, {layout_kind, artifact.inputs});
}

Result<PreparedRun> Preparer::PrepareBatches(const JobSpec& spec, const DataSpec& data_spec,
                                             const PreparedRun& model, const DeviceDescription& device) {
  PADDOCK_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make(settings_.scratch_folder));
  ModelInfo info;
  info.kind = model.artifact_kind;
  info.inputs = model.inputs;
  info.outputs = model.outputs;
  PADDOCK_ASSIGN_OR_RETURN(const std::string path, artifacts_.PathOf(spec.data));
  PADDOCK_ASSIGN_OR_RETURN(const PreparedData data, PrepareData(data_spec, path, info, spec.task,
                                                                DataLimits{device.limits.batch_bytes},
                                                                scratch.path(), spec.data_path));
  PreparedRun recipe;
  std::uint64_t bytes = 0;
  for (const BatchFile& batch : data.batches) {
    PADDOCK_ASSIGN_OR_RETURN(Digest digest, artifacts_.Adopt(batch.path));
    recipe.batches.push_back(std::move(digest));
    recipe.sample_count += batch.samples;
    bytes += batch.bytes;
  }
  if (!data.labels_path.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(recipe.labels, artifacts_.Adopt(data.labels_path));
  }
  recipe.report.push_back("data: " + std::to_string(recipe.sample_count) + " samples in " +
                          std::to_string(recipe.batches.size()) +
                          (recipe.batches.size() == 1 ? " batch, " : " batches, ") + std::to_string(bytes) +
                          " bytes");
  recipe.report.insert(recipe.report.end(), data.notes.begin(), data.notes.end());
  return recipe;
}

}  // namespace paddock
