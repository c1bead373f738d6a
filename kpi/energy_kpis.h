// KPIs of energy, power, cycles and temperature: each is the median over the repetitions of the repetition's own figure. What no
// meter or counter gave is missing with its code; nothing is modelled. Pure.
#pragma once

#include "kpi/catalog.h"

namespace paddock {

std::span<const KpiDefinition> EnergyKpis();

}  // namespace paddock
