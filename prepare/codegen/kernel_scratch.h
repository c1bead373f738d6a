// What the kernels of kernels/ ask of the place that a network's values are given. Pure functions; internal to prepare/.
#pragma once

#include <cstddef>
#include <cstdint>

#include "prepare/codegen/network.h"

namespace paddock {

// Bytes of the arena, from a multiple of 4 on, that the layer's kernel writes while it runs, besides its output. Depends on
// shapes and types, not on places.
std::uint64_t KernelScratchBytes(const NetworkLayer& layer, const Network& network);

// Whether the output may begin at the very byte where `layer.inputs[input]` begins, when nobody reads that input later: the
// kernel has read what it overwrites. Where they begin elsewhere they must not overlap.
bool KernelMayOverwrite(const NetworkLayer& layer, const Network& network, std::size_t input);

}  // namespace paddock
