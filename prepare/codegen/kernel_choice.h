// Which kernel computes a convolution. Pure functions; internal to prepare/codegen/.
#pragma once

#include "prepare/codegen/network.h"

namespace paddock {

// Each output channel comes from the input channel of its number (kernels/depthwise_*.h).
bool IsDepthwise(const NetworkLayer& layer);
// The int8 kernel for the usual depthwise convolution fits (kernels/depthwise_3x3_s8.h).
bool IsDepthwise3x3(const NetworkLayer& layer);
// Every output pixel comes from the input pixel at its place.
bool IsPointwise(const NetworkLayer& layer);

}  // namespace paddock
