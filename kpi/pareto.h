// Which of several candidates is worth keeping when there is more than one objective. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kpi/catalog.h"

namespace paddock {

// "accuracy_top1", "rmse" ...; "output_agreement" for no task.
std::string_view AccuracyKpi(Task task);

// KPIs by which the runs of a comparison are weighed against each other: accuracy of the task, latency, energy, size. Those that
// every report has; empty when none.
std::vector<const KpiDefinition*> ParetoObjectives(std::span<const KpiReport* const> reports, Task task);

// For each report the indices of those that dominate it: worse in no objective, and better in at least one by more than both
// intervals (they do not overlap). What has repetitions but no interval is never better enough. REQUIRES: each report has each
// objective.
std::vector<std::vector<std::size_t>> DominatedBy(std::span<const KpiReport* const> reports,
                                                  std::span<const KpiDefinition* const> objectives);

}  // namespace paddock
