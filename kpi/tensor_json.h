// The JSON form of tensor descriptions, in run plans and in the coordinator's store:
// [{"name": "x", "type": "int8", "shape": [1, 8], "quantization": {"scale": 0.5, "zero_point": -3}}, ...].
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "kpi/tensor.h"

namespace paddock {

Json TensorsAsJson(const std::vector<TensorInfo>& tensors);

// Replaces *out by the list `key` of `parent`, which must be there. Errors are left in `parent`.
void ReadTensors(StrictObject& parent, std::string_view key, std::vector<TensorInfo>* out);

}  // namespace paddock
