// --budget on the command line: limits of KPIs, with or without units.
#pragma once

#include <string>

#include "base/status.h"
#include "paddock/v1/job.pb.h"

namespace paddock {

// Adds "latency_p99<=20ms,accuracy_top1>=90%" to the budgets of `spec`; a limit of the same KPI and direction is replaced.
// A number without a unit is in the KPI's base unit; with one (s ms us ns, J mJ uJ nJ, W mW uW, B kB MB KiB MiB, /s, %) it has to
// be of the KPI's kind. INVALID_ARGUMENT names the part that is wrong. KPIs that do not exist are left to the coordinator,
// unless they have a unit.
Status AddBudgets(const std::string& flag, v1::JobSpec& spec);

}  // namespace paddock
