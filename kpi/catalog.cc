#include "kpi/catalog.h"

#include <cmath>

#include "kpi/accuracy_kpis.h"
#include "kpi/energy_kpis.h"
#include "kpi/task_kpis.h"
#include "kpi/timing_kpis.h"

namespace paddock {
namespace {

std::vector<KpiDefinition> AllKpis() {
  std::vector<KpiDefinition> all;
  for (const auto& part : {TimingKpis(), EnergyKpis(), AccuracyKpis(), CalibrationKpis(), SegmentationKpis(),
                           DetectionKpis(), EventKpis()}) {
    for (const KpiDefinition& row : part) {
      for (const KpiDefinition& other : all) PADDOCK_CHECK(other.name != row.name, "a KPI has one row");
      all.push_back(row);
    }
  }
  return all;
}

}  // namespace

std::string_view BetterName(Better better) { return better == Better::kLower ? "lower" : "higher"; }

std::string_view TaskName(Task task) {
  switch (task) {
    case Task::kClassification:
      return "classification";
    case Task::kRegression:
      return "regression";
    case Task::kSegmentation:
      return "segmentation";
    case Task::kDetection:
      return "detection";
    case Task::kEvents:
      return "events";
    case Task::kNone:
      break;
  }
  return "none";
}

Result<Task> ParseTask(std::string_view name) {
  for (const Task task : {Task::kNone, Task::kClassification, Task::kRegression, Task::kSegmentation,
                          Task::kDetection, Task::kEvents}) {
    if (TaskName(task) == name) return task;
  }
  return InvalidArgumentError("\"" + std::string(name.substr(0, 40)) +
                              "\" is no task; known are none, classification, regression, segmentation, "
                              "detection, events");
}

std::span<const KpiDefinition> KpiCatalog() {
  static const std::vector<KpiDefinition> kAll = AllKpis();
  return kAll;
}

const KpiDefinition* FindKpi(std::string_view name) {
  for (const KpiDefinition& row : KpiCatalog()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

KpiReport ComputeKpis(const RunEvidence& evidence) {
  KpiReport report;
  for (const KpiDefinition& row : KpiCatalog()) {
    if (row.task != Task::kNone && row.task != evidence.task) continue;
    KpiOutcome outcome = row.compute(evidence);
    if (outcome.value && !std::isfinite(outcome.value->value)) outcome = {std::nullopt, "not_finite"};
    if (outcome.value) {
      report.values.emplace(row.name, *outcome.value);
    } else {
      report.missing.emplace(row.name, std::move(outcome.missing));
    }
  }
  return report;
}

}  // namespace paddock
