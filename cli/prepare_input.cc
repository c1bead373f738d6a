#include "cli/prepare_input.h"

#include "cli/exit_code.h"
#include "cli/job_file.h"
#include "cli/pack_folder.h"
#include "prepare/steps.h"
#include "proto/data_spec.h"

namespace paddock {
namespace {

constexpr std::string_view kRandomNoise = "random";

Status NothingToDo() {
  return InvalidArgumentError(
      "name a variant with --variant, or steps with --step; `paddock prepare --list` shows them");
}

Result<PrepareInput> FromFlags(const PrepareFlags& flags) {
  PrepareInput input;
  input.model_path = flags.model;
  input.steps = flags.steps;
  if (input.steps.empty()) {
    if (flags.variant.empty()) return NothingToDo();
    PADDOCK_ASSIGN_OR_RETURN(const VariantDefinition* variant, FindVariant(flags.variant));
    input.steps = variant->steps;
  }
  for (const std::string& array : flags.inputs) {
    const auto equals = array.find('=');
    if (equals == std::string::npos || equals == 0)
      return InvalidArgumentError("--input '" + array + "' is not MODEL_INPUT=ARRAY");
    input.data_spec.inputs[array.substr(0, equals)] = array.substr(equals + 1);
  }
  input.encodings_path = EncodingsBeside(flags.model);
  input.calibration_path = flags.calibration;
  input.calibration.from_measured_file = false;
  return input;
}

Result<PrepareInput> FromJob(const PrepareFlags& flags) {
  JobFlags in_job;
  in_job.file = flags.job;
  in_job.model = flags.model;
  in_job.inputs = flags.inputs;
  in_job.on = {"all"};
  if (flags.calibration != kRandomNoise) in_job.calibration = flags.calibration;
  if (!flags.variant.empty()) in_job.variants = {flags.variant};
  PADDOCK_ASSIGN_OR_RETURN(const JobRequest job, ReadJob(in_job));

  PrepareInput input;
  std::string model = job.spec.model();
  input.steps = flags.steps;
  if (input.steps.empty()) {
    if (flags.variant.empty()) return NothingToDo();
    const v1::Variant& variant = job.spec.variants(0);
    PADDOCK_ASSIGN_OR_RETURN(input.steps,
                             VariantSteps(variant.name(), {variant.steps().begin(), variant.steps().end()}));
    if (!variant.model().empty()) model = variant.model();
    if (!variant.encodings().empty()) input.encodings_path = job.files.at(variant.encodings());
  }
  input.model_path = job.files.at(model);
  if (input.encodings_path.empty()) input.encodings_path = EncodingsBeside(input.model_path);
  PADDOCK_ASSIGN_OR_RETURN(input.data_spec, DataSpecFromProto(job.spec));
  if (!job.spec.task().empty()) {
    PADDOCK_ASSIGN_OR_RETURN(input.task, ParseTask(job.spec.task()));
  }
  const v1::Calibration& calibration = job.spec.calibration();
  const bool has_file = !calibration.file().empty();
  input.calibration_path = job.files.at(has_file ? calibration.file() : job.spec.data().file());
  input.calibration.from_measured_file = !has_file || calibration.file() == job.spec.data().file();
  if (calibration.has_samples()) input.calibration.samples = calibration.samples();
  input.calibration.seed = calibration.seed();
  return input;
}

}  // namespace

Result<PrepareInput> ReadPrepareInput(const PrepareFlags& flags) {
  PADDOCK_ASSIGN_OR_RETURN(PrepareInput input, flags.job.empty() ? FromFlags(flags) : FromJob(flags));
  input.is_random = flags.calibration == kRandomNoise;
  if (flags.calibration_samples) input.calibration.samples = *flags.calibration_samples;
  if (flags.seed) input.calibration.seed = *flags.seed;
  if (!flags.encodings.empty()) input.encodings_path = flags.encodings;
  if (!input.is_random && NeedsCalibration(input.steps)) {
    PADDOCK_ASSIGN_OR_RETURN(input.packed, PackIfFolder(&input.calibration_path));
  }
  return input;
}

Status WriteCalibrationOf(const PrepareInput& input, const ModelInfo& model, const std::string& out_path) {
  if (input.is_random)
    return WriteRandomCalibration(model, input.calibration.samples, input.calibration.seed, out_path);
  if (input.calibration_path.empty()) {
    return InvalidArgumentError(
        "a step of the variant learns ranges from samples; name a file with --calibration FILE, the job that "
        "says how samples are prepared with --job JOB.yaml, or --calibration random for noise");
  }
  const auto written = WriteCalibration(input.data_spec, input.calibration_path, model, input.task,
                                        input.calibration, out_path, input.calibration_path);
  if (written.status().code() == StatusCode::kNotFound) return LocalFileError(written.status());
  if (written.ok() || written.status().code() != StatusCode::kInvalidArgument ||
      !input.data_spec.preprocess.empty()) {
    return written.status();
  }
  return InvalidArgumentError(
      written.status().message() +
      ". Here samples are taken as they are; name a job that prepares them with --job");
}

}  // namespace paddock
