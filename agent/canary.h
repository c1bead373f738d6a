// A fixed loop of integer and floating-point arithmetic that depends on nothing but the CPU and its clock: when it takes longer
// than it did, the machine became slower and not the model. About 2 ms a pass on a 2 GHz server core.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/status.h"

namespace paddock::agent {

inline constexpr int kCanaryPasses = 12;

// The duration of the shortest pass: a pass that was interrupted is longer, never shorter. `passes` > 0.
// INTERNAL when the loop computed something else than it must: such a CPU cannot be trusted with a measurement.
Result<std::uint64_t> RunCanary(const Clock& clock, int passes = kCanaryPasses);

}  // namespace paddock::agent
