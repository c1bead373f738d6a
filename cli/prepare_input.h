// What `paddock prepare` works on: its flags, or a job (--job) with the flags above it. Reads the job file; packs a folder of
// samples.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/scratch_folder.h"
#include "base/status.h"
#include "cli/commands.h"
#include "kpi/catalog.h"
#include "kpi/data_spec.h"
#include "prepare/calibration.h"
#include "prepare/model_info.h"

namespace paddock {

struct PrepareInput {
  std::string model_path;
  std::vector<std::string> steps;
  std::string encodings_path;    // there or not
  std::string calibration_path;  // empty: none was named
  bool is_random = false;        // calibration by noise
  CalibrationChoice calibration;
  DataSpec data_spec;
  Task task = Task::kNone;
  std::optional<ScratchFolder> packed;  // where calibration_path lies, if it was a folder
};

Result<PrepareInput> ReadPrepareInput(const PrepareFlags& flags);

// A calibration file for `steps` (prepare/calibration.h) at `out_path`.
Status WriteCalibrationOf(const PrepareInput& input, const ModelInfo& model, const std::string& out_path);

}  // namespace paddock
