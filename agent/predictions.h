// Collects a model's outputs for every sample, as the tensors of a predictions file: one row per sample.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock::agent {

class Predictions {
 public:
  explicit Predictions(const std::vector<TensorInfo>& outputs);

  // Outputs of a query of `rows` samples, of which the first `samples` are kept. An output of a query of one
  // row may lack the sample dimension. UNIMPLEMENTED when rows cannot be told apart, change their shape from
  // sample to sample, or are strings.
  Status Add(const std::vector<TensorView>& outputs, std::uint32_t samples, std::uint32_t rows);
  // A tensor file (kpi/tensor_file.h).
  Result<std::string> Encode();

 private:
  std::vector<Tensor> tensors_;
};

}  // namespace paddock::agent
