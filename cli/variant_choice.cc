#include "cli/variant_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "cli/result_table.h"
#include "kpi/pareto.h"

namespace paddock {
namespace {

constexpr std::array kTasks = {Task::kClassification, Task::kRegression, Task::kSegmentation,
                               Task::kDetection,      Task::kEvents,     Task::kNone};

KpiReport ReportOf(const v1::RunResult& result) {
  KpiReport report;
  for (const auto& [name, kpi] : result.kpis()) report.values.emplace(name, KpiValueOf(kpi));
  return report;
}

Task TaskOf(const v1::RunResult& result) {
  for (const Task task : kTasks) {
    if (result.kpis().contains(std::string(AccuracyKpi(task)))) return task;
  }
  return Task::kNone;
}

// Of the rows on one device.
void JudgeFront(const std::vector<VariantRow*>& rows) {
  std::vector<KpiReport> reports;
  std::vector<VariantRow*> judged;
  for (VariantRow* row : rows) {
    if (row->run->verdict() != "valid") continue;
    reports.push_back(ReportOf(*row->run));
    judged.push_back(row);
  }
  if (judged.empty()) return;
  std::vector<const KpiReport*> pointers;
  for (const KpiReport& report : reports) pointers.push_back(&report);
  const auto objectives = ParetoObjectives(pointers, TaskOf(*judged.front()->run));
  const auto dominated = DominatedBy(pointers, objectives);
  for (std::size_t i = 0; i < judged.size(); ++i) {
    judged[i]->is_judged = !objectives.empty();
    judged[i]->on_front = judged[i]->is_judged && dominated[i].empty();
  }
}

std::string ValueText(const v1::RunResult& run, const std::string& name) {
  const auto kpi = run.kpis().find(name);
  return kpi == run.kpis().end() ? "-" : Figure(kpi->second.value(), kpi->second.unit());
}

std::string AccuracyText(const VariantRow& row) {
  if (row.accuracy_kpi.empty()) return "-";
  const v1::Kpi& kpi = row.run->kpis().at(row.accuracy_kpi);
  const std::string interval = IntervalText(kpi);
  return Figure(kpi.value(), kpi.unit()) + (interval.empty() ? "" : " (" + interval + ")");
}

std::string ChangeText(const VariantRow& row, const AccuracyChanges& changes) {
  if (row.accuracy_kpi.empty()) return "-";
  if (row.base == nullptr) return "the first";
  const auto change = changes.find(row.run->run_id());
  if (change == changes.end()) {
    const bool both_valid = row.run->verdict() == "valid" && row.base->verdict() == "valid";
    return both_valid ? "not comparable" : "only valid runs are compared";
  }
  const std::string& test = change->second.effect().test();
  return change->second.change() + (test.empty() ? "" : ": " + test);
}

std::string MissedBudgets(const v1::RunResult& run) {
  std::string missed;
  for (const v1::BudgetJudgement& budget : run.budgets()) {
    if (budget.outcome() == "met") continue;
    missed += (missed.empty() ? "" : ", ") + budget.kpi() + " " + budget.outcome();
  }
  return missed;
}

double Latency(const v1::RunResult& run) {
  const auto kpi = run.kpis().find("latency_p50");
  return kpi == run.kpis().end() ? HUGE_VAL : kpi->second.value();
}

}  // namespace

std::vector<VariantRow> VariantRows(const std::vector<v1::RunResult>& results) {
  std::vector<VariantRow> rows;
  std::set<std::string> variants;
  for (const v1::RunResult& result : results) {
    if (result.state() != "done") continue;
    VariantRow& row = rows.emplace_back();
    row.run = &result;
    const std::string accuracy(AccuracyKpi(TaskOf(result)));
    if (result.kpis().contains(accuracy)) row.accuracy_kpi = accuracy;
    variants.insert(result.variant());
  }
  if (variants.size() < 2) return {};
  // The first variant of the job: results come in the job's order, though its runs may all have failed.
  const std::string& first = rows.front().run->variant();
  std::map<std::string, std::vector<VariantRow*>> by_device;
  for (VariantRow& row : rows) by_device[row.run->device()].push_back(&row);
  for (auto& [device, of_device] : by_device) {
    const auto same = std::find_if(of_device.begin(), of_device.end(),
                                   [&](const VariantRow* row) { return row->run->variant() == first; });
    const v1::RunResult* const base = same == of_device.end() ? rows.front().run : (*same)->run;
    for (VariantRow* row : of_device) {
      if (row->run->variant() != first) row->base = base;
    }
    JudgeFront(of_device);
  }
  return rows;
}

Table VariantTable(const std::vector<VariantRow>& rows, const AccuracyChanges& changes) {
  Table table{{"DEVICE", "VARIANT", "VERDICT", "ACCURACY", "AGAINST THE FIRST", "LATENCY P50", "P99", "SIZE",
               "PEAK MEMORY", "PARETO"},
              {}};
  for (const VariantRow& row : rows) {
    table.rows.push_back({row.run->device(), row.run->variant(), VerdictOrState(*row.run), AccuracyText(row),
                          ChangeText(row, changes), ValueText(*row.run, "latency_p50"),
                          ValueText(*row.run, "latency_p99"), ValueText(*row.run, "artifact_size"),
                          ValueText(*row.run, "peak_memory"),
                          !row.is_judged ? "not judged"
                          : row.on_front ? "on the front"
                                         : "dominated"});
  }
  return table;
}

std::vector<VariantChoice> ChooseVariants(const std::vector<v1::RunResult>& results) {
  if (VariantRows(results).empty()) return {};
  std::map<std::string, std::vector<const v1::RunResult*>> by_device;
  for (const v1::RunResult& result : results) {
    if (result.budgets_size() > 0) by_device[result.device()].push_back(&result);
  }
  std::vector<VariantChoice> choices;
  for (const auto& [device, runs] : by_device) {
    const v1::RunResult* best = nullptr;
    std::string missed;
    bool is_decided = true;
    for (const v1::RunResult* run : runs) {
      const std::string why = run->verdict() != "valid" ? VerdictOrState(*run) : MissedBudgets(*run);
      is_decided = is_decided && run->verdict() == "valid" && why.find("undecidable") == why.npos;
      if (!why.empty()) {
        missed += (missed.empty() ? "" : "; ") + run->variant() + ": " + why;
      } else if (best == nullptr || Latency(*run) < Latency(*best)) {
        best = run;
      }
    }
    if (best == nullptr) {
      choices.push_back({device, "", "",
                         is_decided
                             ? "none meets the budgets: " + missed
                             : "none is known to meet the budgets: " + missed +
                                   "; what is not valid or undecidable may meet them when measured again"});
    } else {
      choices.push_back({device, best->variant(), best->run_id(),
                         "the lowest latency_p50 (" + ValueText(*best, "latency_p50") +
                             ") of those that meet the budgets"});
    }
  }
  return choices;
}

}  // namespace paddock
