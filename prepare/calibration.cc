#include "prepare/calibration.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "kpi/tensor_file.h"
#include "prepare/data_plan.h"
#include "prepare/preprocess.h"
#include "prepare/read_samples.h"
#include "prepare/subsample.h"

namespace paddock {
namespace {

Result<std::vector<std::uint64_t>> ChooseCalibration(const DataPlan& plan, const DataSpec& spec,
                                                     const CalibrationChoice& choice) {
  std::vector<bool> is_measured(plan.samples);
  if (choice.from_measured_file) {
    PADDOCK_ASSIGN_OR_RETURN(const auto measured, ChooseMeasured(plan, spec));
    for (const std::uint64_t sample : measured) is_measured[sample] = true;
  }
  std::vector<std::uint64_t> free;
  std::vector<std::int64_t> labels;
  for (std::uint64_t sample = 0; sample < plan.samples; ++sample) {
    if (is_measured[sample]) continue;
    free.push_back(sample);
    if (plan.strata) labels.push_back((*plan.strata)[sample]);
  }
  if (free.empty()) {
    return InvalidArgumentError(
        "all " + std::to_string(plan.samples) +
        " samples of the data are measured, and none is left for calibration; measure "
        "fewer (data.samples, --samples) or name other data under calibration.file");
  }
  std::optional<std::span<const std::int64_t>> strata;
  if (plan.strata) strata = labels;
  PADDOCK_ASSIGN_OR_RETURN(
      std::vector<std::uint64_t> chosen,
      ChooseSamples(free.size(), strata, std::min<std::uint64_t>(choice.samples, free.size()), choice.seed));
  for (std::uint64_t& sample : chosen) sample = free[sample];
  return chosen;
}

struct OpenCalibration {
  DataFile file;
  DataPlan plan;
  std::vector<std::uint64_t> rows;
};

Result<OpenCalibration> Open(const DataSpec& spec, const std::string& data_path, const ModelInfo& model,
                             Task task, const CalibrationChoice& choice, const std::string& shown_name) {
  PADDOCK_ASSIGN_OR_RETURN(DataFile file, DataFile::Open(data_path, shown_name, spec));
  DataSpec used = spec;
  if (!choice.from_measured_file) {
    task = Task::kNone;
    if (!file.Find(spec.labels).ok()) used.labels.clear();
  }
  PADDOCK_ASSIGN_OR_RETURN(DataPlan plan, PlanData(file, used, model, task));
  PADDOCK_ASSIGN_OR_RETURN(auto rows, ChooseCalibration(plan, used, choice));
  return OpenCalibration{std::move(file), std::move(plan), std::move(rows)};
}

}  // namespace

Status CheckCalibrationData(const DataSpec& spec, const std::string& data_path, const ModelInfo& model,
                            Task task, const CalibrationChoice& choice, const std::string& shown_name) {
  return Open(spec, data_path, model, task, choice, shown_name).status().WithContext("calibration");
}

Result<std::uint64_t> WriteCalibration(const DataSpec& spec, const std::string& data_path,
                                       const ModelInfo& model, Task task, const CalibrationChoice& choice,
                                       const std::string& out_path, const std::string& shown_name) {
  auto open = Open(spec, data_path, model, task, choice, shown_name);
  if (!open.ok()) return open.status().WithContext("calibration");
  const auto tensors = ReadSamples(open->file, open->plan, open->rows);
  if (!tensors.ok()) return tensors.status().WithContext("calibration");
  PADDOCK_ASSIGN_OR_RETURN(const std::string bytes, EncodeTensorFile(*tensors));
  PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(out_path, bytes));
  return open->rows.size();
}

Status WriteRandomCalibration(const ModelInfo& model, std::uint64_t samples, std::uint64_t seed,
                              const std::string& out_path) {
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<Shape> shapes, SampleShapes(model));
  Random random(seed);
  std::vector<Tensor> tensors;
  std::uint64_t left_bytes = kMaxReadBytes;
  for (std::size_t i = 0; i < model.inputs.size(); ++i) {
    Shape shape = shapes[i];
    shape.insert(shape.begin(), static_cast<std::int64_t>(samples));
    const auto elements = ElementCount(shape);
    if (!elements || *elements > left_bytes / sizeof(double)) {
      return InvalidArgumentError("random samples for " + TensorText(model.inputs[i]) +
                                  " would take too much memory; ask for fewer");
    }
    left_bytes -= *elements * sizeof(double);
    Tensor noise{{model.inputs[i].name, ElementType::kFloat64, shape}, {}};
    noise.bytes.resize(*elements * sizeof(double));
    const bool is_floating = IsFloating(model.inputs[i].type);
    for (std::uint64_t element = 0; element < *elements; ++element) {
      const double value = is_floating ? random.Uniform() : static_cast<double>(random.Below(256)) - 128;
      std::memcpy(noise.bytes.data() + element * sizeof(double), &value, sizeof(double));
    }
    const std::vector<PreprocessStep> cast = {{.input = "", .action = CastStep{model.inputs[i].type}}};
    PADDOCK_ASSIGN_OR_RETURN(Tensor tensor, Preprocess(std::move(noise), cast));
    tensors.push_back(std::move(tensor));
  }
  PADDOCK_ASSIGN_OR_RETURN(const std::string bytes, EncodeTensorFile(tensors));
  return WriteFileAtomically(out_path, bytes);
}

}  // namespace paddock
