#include "server/rpc/job_check.h"

#include <string>

#include "prepare/batch.h"
#include "prepare/calibration.h"
#include "prepare/model_info.h"
#include "prepare/passes/aimet_encodings.h"
#include "prepare/steps.h"

namespace paddock {
namespace {

Result<std::string> UploadedPath(ArtifactStore& artifacts, const std::string& field, const Digest& digest) {
  auto path = artifacts.PathOf(digest);
  if (path.ok()) return path;
  return FailedPreconditionError(field + ": " + path.status().message() + "; upload it first");
}

Result<ModelInfo> CheckModel(ArtifactStore& artifacts, const std::string& field, const Digest& digest,
                             const std::string& shown_name) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string path, UploadedPath(artifacts, field, digest));
  auto model = ReadModelInfo(path, shown_name);
  if (!model.ok()) return model.status().WithContext(field);
  // An agent would run it as its own user: what devices run of this kind is only ever made by preparation.
  if (IsCompiled(model->kind)) {
    return InvalidArgumentError(
        field + ": " + shown_name +
        " is a compiled program, which no job may bring; submit the model that it was made of");
  }
  if (const auto shapes = SampleShapes(*model); !shapes.ok()) return shapes.status().WithContext(field);
  return model;
}

Status CheckCalibration(ArtifactStore& artifacts, const JobSpec& spec, const Variant& variant) {
  const bool has_file = !spec.calibration.data.empty();
  PADDOCK_ASSIGN_OR_RETURN(const std::string data_path,
                           UploadedPath(artifacts, has_file ? "calibration.file" : "data.file",
                                        has_file ? spec.calibration.data : spec.data));
  PADDOCK_ASSIGN_OR_RETURN(const std::string model_path,
                           UploadedPath(artifacts, "model", spec.ModelOf(variant)));
  PADDOCK_ASSIGN_OR_RETURN(const ModelInfo model, ReadModelInfo(model_path, spec.ModelPathOf(variant)));
  return CheckCalibrationData(spec.data_spec, data_path, model, spec.task,
                              {.from_measured_file = !has_file || spec.calibration.data == spec.data,
                               .samples = spec.calibration.samples,
                               .seed = spec.calibration.seed},
                              has_file ? spec.calibration.path : spec.data_path);
}

Status CheckEncodings(ArtifactStore& artifacts, const Variant& variant, const std::string& field) {
  if (variant.encodings.empty()) {
    if (!NeedsEncodings(variant.steps)) return OkStatus();
    return InvalidArgumentError(
        field + ".encodings: is missing; name the .encodings file that AIMET wrote with the model");
  }
  PADDOCK_ASSIGN_OR_RETURN(const std::string path,
                           UploadedPath(artifacts, field + ".encodings", variant.encodings));
  return ReadAimetEncodings(path, variant.encodings_path).status().WithContext(field + ".encodings");
}

}  // namespace

Status CheckJobFiles(ArtifactStore& artifacts, const StepTools& tools, JobSpec* spec) {
  PADDOCK_ASSIGN_OR_RETURN(const ModelInfo model,
                           CheckModel(artifacts, "model", spec->model, spec->model_path));
  PADDOCK_ASSIGN_OR_RETURN(const std::string data_path, UploadedPath(artifacts, "data.file", spec->data));
  PADDOCK_RETURN_IF_ERROR(CheckData(spec->data_spec, data_path, model, spec->task, spec->data_path));
  for (std::size_t i = 0; i < spec->variants.size(); ++i) {
    Variant& variant = spec->variants[i];
    const std::string field = "variants[" + std::to_string(i) + "]";
    ModelInfo own;
    if (!variant.model.empty()) {
      PADDOCK_ASSIGN_OR_RETURN(own,
                               CheckModel(artifacts, field + ".model", variant.model, variant.model_path));
      if (own.inputs.size() != model.inputs.size()) {
        return InvalidArgumentError(field + ".model: it has " + std::to_string(own.inputs.size()) +
                                    " inputs, and the job's model has " +
                                    std::to_string(model.inputs.size()) + "; make it a job of its own");
      }
    }
    auto kind = KindAfter(variant.steps, variant.model.empty() ? model.kind : own.kind, tools);
    if (kind.status().code() == StatusCode::kFailedPrecondition) {
      variant.obstacle = kind.status().message();
      continue;
    }
    if (!kind.ok()) return kind.status().WithContext(field);
    variant.artifact_kind = *std::move(kind);
    PADDOCK_RETURN_IF_ERROR(CheckEncodings(artifacts, variant, field));
    if (NeedsCalibration(variant.steps)) PADDOCK_RETURN_IF_ERROR(CheckCalibration(artifacts, *spec, variant));
  }
  return OkStatus();
}

}  // namespace paddock
