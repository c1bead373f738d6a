#include "prepare/calibration.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "base/file.h"
#include "kpi/tensor_file.h"
#include "prepare/data_plan.h"
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

}  // namespace paddock
