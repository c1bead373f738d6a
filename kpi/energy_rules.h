// What a verdict says of the energy of a run.
#pragma once

#include <optional>

#include "kpi/verdict_rules.h"

namespace paddock {

// ENERGY_SOURCE informs where the energy figures come from and what is wrong with them. Empty without a meter.
std::optional<RuleFinding> FindEnergySource(const RunEvidence& evidence);

// ENERGY_WINDOWS (inconclusive): between edges of the device's pin there are fewer than five windows of 10 s, which is what MLPerf
// Tiny asks for. Empty where edges do not mark the windows, or none of them has an energy.
std::optional<RuleFinding> FindEnergyWindows(const RunEvidence& evidence);

}  // namespace paddock
