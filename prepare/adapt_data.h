// How the data of a job, described for its model, are fed to an artifact made of that model. Pure; any thread.
#pragma once

#include <span>
#include <string_view>

#include "base/status.h"
#include "kpi/data_spec.h"
#include "kpi/tensor.h"

namespace paddock {

struct ModelSignature {
  std::string_view kind;  // of the model: "onnx", "tflite"
  std::span<const TensorInfo> inputs;
};

// Inputs match by position. Each takes the artifact's name; where an ONNX model became a TFLite one, a sample [c,h,w] becomes
// [h,w,c], the layout that the conversion gives every input of four dimensions. INTERNAL when the inputs do not match.
Result<DataSpec> AdaptData(DataSpec spec, const ModelSignature& model, const ModelSignature& artifact);

}  // namespace paddock
