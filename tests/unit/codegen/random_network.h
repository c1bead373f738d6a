// Networks of layers with random sizes, weights and quantisation: for comparing kernels.
#pragma once

#include "prepare/codegen/network.h"

namespace paddock {

// `chains` chains that do not depend on one another: a layer of any kind, half the time behind an activation, so that its output
// may lie where its input lies. Places are given.
Network RandomNetwork(unsigned seed, int chains, ElementType type);

}  // namespace paddock
