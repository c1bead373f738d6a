// KPIs of time, memory and size: each is the median over the repetitions of the repetition's own figure. Pure.
#pragma once

#include "kpi/catalog.h"

namespace paddock {

std::span<const KpiDefinition> TimingKpis();

}  // namespace paddock
