// A network's description as C, for the firmware that speaks ST's protocol: shapes, quantisation and the place of each layer's
// output (device/model.h). Pure; the same text for the same network.
#pragma once

#include <string>

#include "prepare/codegen/network.h"

namespace paddock {

// REQUIRES: places are given (plan_arena.h).
std::string WriteModelTable(const Network& network);

}  // namespace paddock
