// Collects a model's outputs for the samples, as the tensors of a predictions file: one row per sample.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "kpi/accuracy_interval.h"
#include "kpi/tensor_file.h"

namespace paddock::agent {

class Predictions {
 public:
  explicit Predictions(const std::vector<TensorInfo>& outputs);

  // Outputs of a query of `rows` samples, of which the first `samples` are kept. An output of a query of one
  // row may lack the sample dimension. UNIMPLEMENTED when rows cannot be told apart, change their shape from
  // sample to sample, or are strings.
  Status Add(const std::vector<TensorView>& outputs, std::uint32_t samples, std::uint32_t rows);
  // Rows kept so far; the views are valid until the next Add().
  std::uint64_t samples() const;
  std::vector<NamedTensorView> views() const;
  // A tensor file (kpi/tensor_file.h).
  Result<std::string> Encode();

 private:
  std::vector<Tensor> tensors_;
};

// Says when enough samples are answered: top-1 of those is known as well as the plan asks (kpi/accuracy_interval.h).
class AnswerStop {
 public:
  // `width` absent: never. `labels_path` is a tensor file with one row per sample of the plan.
  static Result<AnswerStop> Load(std::optional<double> width, const std::string& labels_path);

  // To be asked after every query.
  bool IsEnough(const Predictions& predictions);

 private:
  AnswerStop() = default;
  std::optional<MappedFile> labels_;  // the evidence refers to its bytes
  RunEvidence evidence_;
  std::optional<AccuracyStop> stop_;
};

}  // namespace paddock::agent
