// What makes a Draft small, in the order in which it is done. Each leaves the numbers as they are, but for the rounding of
// float32. Pure.
#pragma once

#include "prepare/codegen/draft.h"

namespace paddock {

// Batch normalisation and constant factors and offsets go into the weights of the layer before; Relu and Clip become bounds of
// it; activations in a row become one node.
void FoldArithmetic(Draft* draft);

// Nodes between a DequantizeLinear and a QuantizeLinear compute on integers; what only moves elements passes either on, so that
// they meet. What is left of both computes or casts for itself; those at the inputs and outputs of the model vanish.
void FuseQuantization(Draft* draft);

// Zeros around the input of a convolution become its padding.
void FoldPads(Draft* draft);

}  // namespace paddock
