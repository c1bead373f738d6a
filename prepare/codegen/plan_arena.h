// Gives every value of a network, and the scratch of every layer, a place in one arena, so that nothing that is still needed is
// overwritten. Inputs keep their place for the whole run and outputs from their making to its end. Values that may share their
// place (KernelMayOverwrite()) do. Pure; the same network gives the same places.
#pragma once

#include "base/status.h"
#include "prepare/codegen/network.h"

namespace paddock {

// Sets arena_offset, scratch_bytes, scratch_offset and arena_bytes. RESOURCE_EXHAUSTED: it would take over 1 GiB.
Status PlanArena(Network* network);

// The most bytes that are in use at once, in layer `*layer`: no arena can be smaller.
std::uint64_t LeastArenaBytes(const Network& network, std::size_t* layer);

}  // namespace paddock
