// How a data file feeds a model: the rules of prepare/batch.h worked out on metadata and labels. Internal to batch.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kpi/catalog.h"
#include "kpi/data_spec.h"
#include "prepare/data_file.h"
#include "prepare/model_info.h"

namespace paddock {

struct InputFeed {
  std::string array;
  TensorInfo row;  // one sample after preprocessing, under the model input's name, shape [1, ...]
  std::uint64_t row_bytes = 0;
  std::uint64_t raw_row_bytes = 0;  // before preprocessing; of images and recordings, the first one's
  bool one_by_one = false;          // rows have shapes of their own
};

struct DataPlan {
  std::vector<InputFeed> feeds;  // in the order of the model's inputs
  std::uint64_t samples = 0;     // in the file
  // One per sample in the file, when samples are to be stratified by them.
  std::optional<std::vector<std::int64_t>> strata;
  // The job's, then a quantize step for each input whose model is quantised and whose data are not.
  std::vector<PreprocessStep> preprocess;
};

// Reads the labels, no input.
Result<DataPlan> PlanData(DataFile& file, const DataSpec& spec, const ModelInfo& model, Task task);

// The samples to be measured, in their order.
Result<std::vector<std::uint64_t>> ChooseMeasured(const DataPlan& plan, const DataSpec& spec);

}  // namespace paddock
