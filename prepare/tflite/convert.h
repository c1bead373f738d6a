// The steps `to-tflite` and `to-onnx`: a model of one format as a model of the other, of the same numbers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "prepare/steps.h"

namespace paddock {

// ONNX to TensorFlow Lite. Inputs and outputs of rank 4 have their channels last in the result, unless the ONNX model itself turns
// them from or to that order; the batch dimension is 1. Quantised (QDQ) nodes become int8 operators. INVALID_ARGUMENT names the
// node that cannot be converted and what to do.
inline constexpr OptionDoc kToTfliteOptions[] = {
    {"io", "int8 (inputs and outputs that are quantised have the type int8; default) or float32"}};
Status CheckToTflite(const std::map<std::string, std::string>& options);
Result<std::vector<std::string>> RunToTflite(const StepRequest& request);

// TensorFlow Lite to ONNX of opset 13, with the same inputs and outputs: those that are int8 stay int8, and what lies between is
// quantised in the QDQ manner. Weights that are int8 beside float32 activations become float32. INVALID_ARGUMENT names the
// operator that cannot be converted and what to do.
Result<std::vector<std::string>> RunToOnnx(const StepRequest& request);

}  // namespace paddock
