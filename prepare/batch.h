// From a data file to what travels to a device: chosen samples, preprocessed, under the names of the model's inputs, cut into
// tensor files (kpi/tensor_file.h).
//
// Rules that both functions enforce, each with an error that names the field of the job and the next step:
//   - every input of the model is fed by one array, given by `inputs`; with an empty `inputs` the model has one input and the
//     file one array besides the labels
//   - all arrays used have the same number of samples (their first dimension), at least one
//   - after preprocessing, type and shape of one sample are the model input's (prepare/model_info.h, batch dimension rule)
//   - a task needs labels: classification one integer per sample, below the number of classes when the model states it (the
//     second dimension of its first output; 1 means two classes), regression numbers, segmentation integers of shape
//     [samples, ...], detection numbers of shape [samples, any, 5 or 6], events of shape [samples, any, 2]
// Samples are chosen stratified by label when labels are one integer per sample and the task is not regression; they keep the
// file's order. With an accuracy interval all are taken, in a random order whose beginnings are stratified.
// Pure functions over files; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "kpi/catalog.h"
#include "kpi/data_spec.h"
#include "prepare/model_info.h"

namespace paddock {

// Batch files are cut here even when the device takes more, so that memory stays bounded; a larger one holds one sample.
inline constexpr std::uint64_t kDefaultBatchBytes = 64 << 20;

struct DataLimits {
  std::optional<std::uint64_t> batch_bytes;  // of one tensor file, header included
};

struct BatchFile {
  std::string path;
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
};

struct PreparedData {
  std::vector<BatchFile> batches;      // in sample order; together every chosen sample
  std::string labels_path;             // tensor file with the one tensor "labels"; empty: no labels
  std::vector<std::uint64_t> indices;  // of the chosen samples in the data file, in sample order
  std::vector<std::string> notes;      // for people: the classes that the file has as text
};

// The cheap validation at submit: metadata, labels, and the elements of arrays of up to 1 MiB (so that a damaged file is
// found; larger ones are verified by PrepareData as far as it reads them).
Status CheckData(const DataSpec& spec, const std::string& data_path, const ModelInfo& model, Task task,
                 const std::string& shown_name = {});

// Writes batch-00000.tensors ... and labels.tensors into `output_folder`, which exists. The files are scratch: not synced.
// After an error the folder may hold some of them. INVALID_ARGUMENT also when one sample alone is above batch_bytes.
Result<PreparedData> PrepareData(const DataSpec& spec, const std::string& data_path, const ModelInfo& model,
                                 Task task, const DataLimits& limits, const std::string& output_folder,
                                 const std::string& shown_name = {});

}  // namespace paddock
