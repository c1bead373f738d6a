// Calibration samples as a step feeds them to a model: batches of views into the mapped tensor file. Immutable.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "kpi/tensor_file.h"
#include "prepare/model_info.h"

namespace paddock {

class CalibrationSet {
 public:
  // The file must hold one tensor for each input of `model`, with its name, type and sample shape, and no NaN or infinity;
  // INVALID_ARGUMENT names what is wrong, also when the model breaks the batch dimension rule (model_info.h).
  static Result<CalibrationSet> Load(const std::string& path, const ModelInfo& model);

  std::size_t samples() const { return samples_; }
  std::size_t batches() const { return (samples_ + batch_ - 1) / batch_; }
  // A model with a fixed batch dimension is fed one sample at a time. The views live as long as the set.
  std::vector<NamedTensorView> Batch(std::size_t index) const;

 private:
  explicit CalibrationSet(MappedFile file) : file_(std::move(file)) {}

  MappedFile file_;
  std::vector<NamedTensorView> inputs_;
  std::size_t samples_ = 0;
  std::size_t batch_ = 1;
};

}  // namespace paddock
