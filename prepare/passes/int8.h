// Step `int8`: post-training quantisation of a float ONNX model to QDQ. ONNX Runtime first optimises it (level basic: batch
// norms folded, ONNX operators only), runs it on the calibration samples to see the ranges of its activations, and judges the
// result: the signal-to-quantisation-noise ratio of the outputs and how often the top-1 class stays what it was. There are no
// labels here, so accuracy itself is measured by a run.
//
// A model that holds QuantizeLinear or the like already passes through byte for byte. Opsets below 13 become 13.
// INVALID_ARGUMENT: no node with constant float32 weights to quantise, NaN in weights or activations, calibration data that do
// not fit. What is quantised: quantization_plan.h. What is written: qdq_writer.h.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "prepare/steps.h"

namespace paddock {

std::span<const OptionDoc> Int8Options();
Status CheckInt8Options(const std::map<std::string, std::string>& options);
Result<std::vector<std::string>> RunInt8(const StepRequest& request);

}  // namespace paddock
