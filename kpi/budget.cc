#include "kpi/budget.h"

#include <cmath>
#include <cstdio>

#include "base/strict_json.h"

namespace paddock {
namespace {

std::string WithUnit(double value, std::string_view unit) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return unit == "1" || unit.empty() ? text : std::string(text) + " " + std::string(unit);
}

Status CheckBudget(const std::string& name, const BudgetLimits& limits, Task task) {
  const std::string field = "budgets." + name;
  const KpiDefinition* kpi = FindKpi(name);
  if (kpi == nullptr) {
    std::vector<std::string> known;
    for (const KpiDefinition& row : KpiCatalog()) known.emplace_back(row.name);
    const auto near = Nearest(name, known);
    return InvalidArgumentError(field + ": there is no such KPI" +
                                (near ? "; did you mean '" + *near + "'?" : "; kpi/README.md lists them"));
  }
  if (kpi->task != Task::kNone && kpi->task != task) {
    return InvalidArgumentError(field + ": a KPI of the task " + std::string(TaskName(kpi->task)) +
                                "; the job's task is " + std::string(TaskName(task)));
  }
  if (!limits.max && !limits.min) {
    return InvalidArgumentError(field + ": has no limit; give max or min, for example {max: 0.02}");
  }
  for (const auto& limit : {limits.max, limits.min}) {
    if (limit && !std::isfinite(*limit)) return InvalidArgumentError(field + ": a limit must be finite");
  }
  if (limits.max && limits.min && *limits.min > *limits.max) {
    return InvalidArgumentError(field + ": min is above max, which no value can meet");
  }
  return OkStatus();
}

void Decide(const KpiValue& kpi, std::string_view unit, BudgetJudgement& out) {
  const auto within = [&](double value) { return out.is_max ? value <= out.limit : value >= out.limit; };
  const std::string value = WithUnit(kpi.value, unit);
  const std::string against = (out.is_max ? " against max " : " against min ") + WithUnit(out.limit, unit);
  if (!kpi.interval) {
    if (!kpi.repetitions.empty()) {
      out.detail = value + against + ": one repetition gives no interval; measure more";
      return;
    }
    out.outcome = within(kpi.value) ? BudgetOutcome::kMet : BudgetOutcome::kMissed;
    out.detail = value + against;
    return;
  }
  const bool lower_within = within(kpi.interval->lower);
  const bool upper_within = within(kpi.interval->upper);
  out.detail = value + " (" + WithUnit(kpi.interval->lower, unit) + " .. " +
               WithUnit(kpi.interval->upper, unit) + ", " + WithUnit(100 * kpi.interval->confidence, "%") +
               ")" + against;
  if (lower_within != upper_within) {
    out.detail += ": the limit lies inside the interval; more repetitions make it narrower";
    return;
  }
  out.outcome = lower_within ? BudgetOutcome::kMet : BudgetOutcome::kMissed;
}

BudgetJudgement JudgeLimit(const std::string& name, bool is_max, double limit, const KpiReport& kpis,
                           Verdict verdict) {
  BudgetJudgement out{name, is_max, limit, BudgetOutcome::kUndecidable, ""};
  if (verdict != Verdict::kValid) {
    out.detail = "the run is " + std::string(VerdictName(verdict));
    return out;
  }
  const auto value = kpis.values.find(name);
  if (value == kpis.values.end()) {
    const auto missing = kpis.missing.find(name);
    out.detail = "missing: " + (missing == kpis.missing.end() ? "not_computed" : missing->second);
    return out;
  }
  const KpiDefinition* definition = FindKpi(name);
  Decide(value->second, definition == nullptr ? "" : definition->unit, out);
  return out;
}

}  // namespace

Status CheckBudgets(const Budgets& budgets, Task task) {
  for (const auto& [name, limits] : budgets) PADDOCK_RETURN_IF_ERROR(CheckBudget(name, limits, task));
  return OkStatus();
}

std::string_view BudgetOutcomeName(BudgetOutcome outcome) {
  switch (outcome) {
    case BudgetOutcome::kMet:
      return "met";
    case BudgetOutcome::kMissed:
      return "missed";
    case BudgetOutcome::kUndecidable:
      break;
  }
  return "undecidable";
}

std::vector<BudgetJudgement> JudgeBudgets(const Budgets& budgets, const KpiReport& kpis, Verdict verdict) {
  std::vector<BudgetJudgement> judgements;
  for (const auto& [name, limits] : budgets) {
    if (limits.max) judgements.push_back(JudgeLimit(name, true, *limits.max, kpis, verdict));
    if (limits.min) judgements.push_back(JudgeLimit(name, false, *limits.min, kpis, verdict));
  }
  return judgements;
}

}  // namespace paddock
