// Energies of windows that edges of the device's pin mark. Pure.
//
// The energy of a window is the sum of the samples between its two edges, times the period of the meter, and its duration is as
// many periods: the meter's clock alone decides. It is how MLPerf Tiny's figures come about (kpi/mlperf_tiny/): samples of
// energy, each over the period before it, of which one that an edge cuts is in at the first edge and out at the second.
//
// The codes of problems, besides those of kpi/energy.h; both leave no energy:
//   NO_EDGES    fewer than two edges belong to the window's command
//   LOST_EDGES  the meter counted more edges than it told: which of them are the window's is not known
#pragma once

#include <span>
#include <vector>

#include "kpi/energy.h"
#include "kpi/power_trace.h"

namespace paddock {

// One for each command, in order. Lines of a meter come late, and its clock is not ours: an edge up to half a second beside a command
// belongs to it, unless another is nearer. The last two of a command count: a pin may move while the device starts or takes its
// input.
// REQUIRES: commands in order of time.
std::vector<EnergyResult> EnergiesBetweenEdges(const PowerTrace& trace, std::span<const TimeSpan> commands);

}  // namespace paddock
