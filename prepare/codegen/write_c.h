// A network as C99: one file with the kernels it needs, its constants, its arena and what prepare/firmware/network.h promises.
// Pure function; internal to prepare/.
#pragma once

#include <string>

#include "prepare/codegen/network.h"

namespace paddock {

// The same text for the same network, everywhere. Includes "network.h", nothing else that is not of the C library; <math.h>
// where a kernel needs it. REQUIRES: places are given (plan_arena.h), and the network is as network.h says.
std::string WriteC(const Network& network);

}  // namespace paddock
