// Cache keys of preparation: the same key is never prepared twice. A key is a digest over a canonical JSON document that holds
// everything the result depends on and nothing else. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/digest.h"
#include "kpi/catalog.h"
#include "kpi/data_spec.h"
#include "kpi/tensor.h"

namespace paddock {

// The device as far as a prepared model depends on it.
struct TargetProfile {
  std::string artifact_kind;  // "onnx"
};

// `step_fingerprints` (prepare/steps.h) hold parameters and tool versions; empty: the model as it is.
Digest ModelRecipeKey(const Digest& model, std::span<const std::string> step_fingerprints,
                      const TargetProfile& target);

// `inputs`: the model's, whose names and shapes the batches carry.
Digest DataRecipeKey(const Digest& data, const DataSpec& spec, std::span<const TensorInfo> inputs, Task task,
                     std::optional<std::uint64_t> batch_bytes);

// The document's part for a DataSpec: every field, keys sorted, steps in order.
std::string CanonicalJson(const DataSpec& spec);

}  // namespace paddock
