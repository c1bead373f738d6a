// What one inference of a model takes, from its graph alone. Pure functions over a file; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "prepare/model_info.h"

namespace paddock {

struct ModelCost {
  // Of one sample, in convolutions, dense layers and matrix products; bias and elementwise work are not counted.
  std::optional<std::uint64_t> multiply_accumulates;
  // The most bytes of inputs, outputs and intermediate values of one sample that are alive at once when nodes run in the
  // file's order and no value takes another's place before that one is dead: what a runtime without fusion needs besides
  // weights. A QDQ model counts as the floating graph that it is written as.
  std::optional<std::uint64_t> activation_peak_bytes;
};

// `model` is what ReadModelInfo() said of the file. A figure is absent when a shape or an operator that it needs is not known;
// both are for an ONNX model with control flow.
Result<ModelCost> ReadModelCost(const std::string& path, const ModelInfo& model);

}  // namespace paddock
