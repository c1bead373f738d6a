// ONNX to a Network: reads the graph, folds batch normalisation, constants and activations, turns what stands between
// DequantizeLinear and QuantizeLinear into integers, and images into NHWC. Float and integer parts may alternate.
#pragma once

#include <string>

#include "base/status.h"
#include "prepare/codegen/network.h"

namespace paddock {

// `name` becomes Network::name, with what C has no letters for replaced. An open batch dimension is 1. Scratch and places are
// left at 0. INVALID_ARGUMENT: the file is no model, or the model is wrong. UNIMPLEMENTED: no code can be generated for it. Both
// name the node, the reason and what to do; a model that is read is computed as ONNX says, to the rounding of its types.
Result<Network> ImportOnnx(const std::string& path, const std::string& name);

}  // namespace paddock
