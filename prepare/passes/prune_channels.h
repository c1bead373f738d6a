// Structured pruning: takes output channels out of convolutions, and what reads them out of the nodes that follow.
//
// A channel is followed through batch norms, activations, pooling, depthwise convolutions and Flatten, Reshape or a Transpose to
// channels-last, down to the input channels of the next Conv, Gemm or MatMul. A convolution whose channels meet others (Add,
// Concat ...) or an output of the model is left as it is, and named.
#pragma once

#include <string>
#include <vector>

#include "prepare/onnx_graph.h"

namespace paddock {

// Removes of each convolution the share `ratio` of its channels, those with the least sum of magnitudes; one stays. Lines for the
// report. INVALID_ARGUMENT: weights that are not finite, or no convolution can lose channels.
Result<std::vector<std::string>> PruneChannels(double ratio, OnnxGraph* graph);

}  // namespace paddock
