// KPIs of what the model answered, from the predictions of repetition 0. Pure. Conventions (see
// kpi/README.md): the first output is the one that is judged; a sample whose scores hold a NaN counts as
// wrong; ties go to the lowest index.
#pragma once

#include "kpi/catalog.h"

namespace paddock {

std::span<const KpiDefinition> AccuracyKpis();

}  // namespace paddock
