// Step `equalize`: cross-layer equalisation. Between two layers with weights, with nothing in between that treats a channel
// scaled by a positive factor differently (Relu, pooling ...), each channel is scaled so that its weights have the same range on
// both sides: r1 = r2 = sqrt(r1 r2). The model computes the same, and quantises better, most of all with one weight scale for a
// whole layer. (Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019, eq. 9-11.)
// Batch norms must have been folded (`optimize level=basic`); a layer that is followed by one is named.
#pragma once

#include <string>
#include <vector>

#include "prepare/onnx_graph.h"
#include "prepare/steps.h"

namespace paddock {

Result<std::vector<std::string>> RunEqualize(const StepRequest& request);

// Changes the graph in place; lines for the report. INVALID_ARGUMENT: weights that are not finite.
Result<std::vector<std::string>> EqualizeLayers(OnnxGraph* graph);

}  // namespace paddock
