// The search of step `int8`: which ranges, whether biases are corrected, which layers stay float; each try is a quantised graph
// that is run on the calibration samples and compared with the float graph.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "prepare/onnx_graph.h"
#include "prepare/passes/activation_ranges.h"
#include "prepare/passes/quantization_plan.h"

namespace paddock {

struct Int8Settings {
  std::optional<RangeMethod> method;  // absent: min-max, or another that comes noticeably nearer
  double percentile = 99.99;
  bool per_channel = true;
  std::optional<bool> corrects_bias;  // absent: where that comes noticeably nearer
  bool equalizes = false;             // before all this
  std::optional<double> tolerance;    // of Agreement::loss
  QuantizationChoice choice;
};

struct QuantisedModel {
  OnnxGraph graph;
  std::vector<std::string> lines;  // for the report
};

// `source` is a float graph of opset 13 or newer with constants and batch norms folded.
Result<QuantisedModel> Quantise(std::shared_ptr<const OrtLibrary> library, const OnnxGraph& source,
                                const CalibrationSet& calibration, const Int8Settings& settings);

}  // namespace paddock
