// Ranges of activations: what values a graph's tensors take on calibration data, and which part of them eight bits shall cover.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device_drivers/onnxruntime/ort_library.h"
#include "prepare/onnx_graph.h"
#include "prepare/passes/calibration_set.h"

namespace paddock {

struct Range {
  double min = 0;
  double max = 0;
};

// scale * (integer - zero_point), integers in [-128, 127].
struct Int8Parameters {
  float scale = 1;
  std::int64_t zero_point = 0;
};
// Zero is always exact. A range of nothing gets the scale 1/255.
Int8Parameters ParametersOf(Range range);
// `value` as it comes out of quantising and dequantising.
double FakeQuantized(double value, const Int8Parameters& parameters);

enum class RangeMethod { kMinMax, kPercentile, kMse, kEntropy };
std::string_view RangeMethodName(RangeMethod method);

// How often each of equal parts of [min, max] was met.
struct ActivationHistogram {
  Range range;
  std::vector<std::uint64_t> counts;
};

// kMinMax: all of it. kPercentile: `percentile` percent of the values, both tails cut alike. kMse: the least mean square of
// rounding and clipping. kEntropy: the least Kullback-Leibler divergence from the clipped distribution to its 256 levels, zeros
// left out. Pure.
Range ChooseRange(const ActivationHistogram& histogram, RangeMethod method, double percentile);

// Of each tensor over all samples; `with_counts` costs a second run. INVALID_ARGUMENT names a tensor that becomes NaN or
// infinite.
Result<std::vector<ActivationHistogram>> ObserveActivations(std::shared_ptr<const OrtLibrary> library,
                                                            const OnnxGraph& graph,
                                                            const std::vector<std::string>& tensors,
                                                            const CalibrationSet& calibration,
                                                            bool with_counts);

}  // namespace paddock
