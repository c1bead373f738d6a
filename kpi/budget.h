// Limits that a job sets for its KPIs, judged with the intervals of what was measured: a limit that lies inside an interval is
// neither met nor missed. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kpi/verdict.h"

namespace paddock {

// In the KPI's base unit; a value on the limit is within it.
struct BudgetLimits {
  std::optional<double> max;
  std::optional<double> min;
  bool operator==(const BudgetLimits&) const = default;
};
using Budgets = std::map<std::string, BudgetLimits>;  // by KPI

// Every KPI exists and is one of a run with this task, and has a finite limit or two that leave room between them.
// INVALID_ARGUMENT names "budgets.<kpi>" and, for a mistyped KPI, the nearest one.
Status CheckBudgets(const Budgets& budgets, Task task);

enum class BudgetOutcome { kMet, kMissed, kUndecidable };
std::string_view BudgetOutcomeName(BudgetOutcome outcome);  // "met", "missed", "undecidable"

struct BudgetJudgement {
  std::string kpi;
  bool is_max = true;
  double limit = 0;
  BudgetOutcome outcome = BudgetOutcome::kUndecidable;
  std::string detail;  // the figures that were compared, or what is missing
};

// One judgement per limit, by KPI, the max first.
// - A run that is not valid decides nothing.
// - A KPI with an interval: met when the whole interval is within the limit, missed when all of it is beyond.
// - A KPI that is computed once and has no interval (the size of the artifact): by its value.
// - A KPI of repetitions without an interval (there was one repetition), or a missing one: undecidable.
std::vector<BudgetJudgement> JudgeBudgets(const Budgets& budgets, const KpiReport& kpis, Verdict verdict);

}  // namespace paddock
