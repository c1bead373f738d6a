// The samples from which preparation steps learn the ranges of activations. They are never among the measured ones, so that
// no accuracy is flattered. Pure functions over files; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "kpi/catalog.h"
#include "kpi/data_spec.h"
#include "prepare/model_info.h"

namespace paddock {

struct CalibrationChoice {
  bool from_measured_file = true;  // false: any sample of the file may be taken
  std::uint64_t samples = 256;     // at the most
  std::uint64_t seed = 0;
};

// Finds at submit what WriteCalibration() would refuse; reads metadata and labels.
Status CheckCalibrationData(const DataSpec& spec, const std::string& data_path, const ModelInfo& model,
                            Task task, const CalibrationChoice& choice, const std::string& shown_name);

// Writes a tensor file with one tensor per input of `model`, preprocessed as for a run. From the measured file the samples are
// stratified as those of a run (prepare/batch.h); INVALID_ARGUMENT when all of them are measured. Returns their number.
Result<std::uint64_t> WriteCalibration(const DataSpec& spec, const std::string& data_path,
                                       const ModelInfo& model, Task task, const CalibrationChoice& choice,
                                       const std::string& out_path, const std::string& shown_name);

// A calibration file for a model without data: floating elements uniform in [0, 1), integers uniform in [-128, 127], saturated to their type. The ranges
// that are learned from it are those of noise. INVALID_ARGUMENT when it would be above 1 GiB.
Status WriteRandomCalibration(const ModelInfo& model, std::uint64_t samples, std::uint64_t seed,
                              const std::string& out_path);

}  // namespace paddock
