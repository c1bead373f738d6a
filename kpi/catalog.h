// The KPI catalogue: the one visible table of what can be computed from a run. Adding a KPI is one function, one row, one
// golden case (tests/golden/kpi/).
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kpi/latency_analysis.h"
#include "kpi/run_record.h"
#include "kpi/statistics.h"
#include "kpi/tensor_file.h"

namespace paddock {

enum class Better { kLower, kHigher };
std::string_view BetterName(Better better);  // "lower", "higher"

enum class Task { kNone, kClassification, kRegression, kSegmentation, kDetection, kEvents };
std::string_view TaskName(Task task);
Result<Task> ParseTask(std::string_view name);

// Everything that KPIs are computed from. The caller owns what the views refer to.
struct RunEvidence {
  std::vector<AnalysedRepetition> repetitions;  // those that completed, by index
  std::optional<double> deadline_s;             // of a query, in a scenario that has one
  std::uint32_t repetitions_planned = 0;
  std::uint64_t artifact_bytes = 0;
  Task task = Task::kNone;
  bool computes_outputs = true;  // false: the device only times (a model of a device has no outputs)
  std::vector<NamedTensorView> predictions;  // model outputs, first dimension = sample; empty: none kept
  // One row per sample; what a row holds depends on the task: kpi/README.md.
  std::optional<NamedTensorView> labels;
  // The width of the 95 % interval of top-1 at which predictions were to stop; set: they may be of the first samples only.
  std::optional<double> accuracy_interval;
  std::vector<NamedTensorView> reference;  // predictions of the run that output_agreement compares with
};

struct KpiValue {
  double value = 0;
  std::optional<Interval> interval;
  std::vector<double>
      repetitions{};  // the figure of each repetition, by index; empty for what is computed once
  std::optional<double> relative{};  // to the median of the device's golden runs (kpi/golden.h)
};

// A value, or why there is none: a code such as "no_labels", "no_sensor", "too_few_samples" (all in kpi/README.md).
struct KpiOutcome {
  std::optional<KpiValue> value;
  std::string missing;
};

struct KpiDefinition {
  std::string_view name;
  std::string_view unit;  // base SI: "s", "J", "W", "B", "1/s", "1", "cycles"
  Better better = Better::kLower;
  Task task = Task::kNone;  // the task that it belongs to; kNone: every one
  std::string_view needs;   // what evidence it takes, for people
  KpiOutcome (*compute)(const RunEvidence&);
};

std::span<const KpiDefinition> KpiCatalog();
// Null for a name that is not in the catalogue.
const KpiDefinition* FindKpi(std::string_view name);

struct KpiReport {
  std::map<std::string, KpiValue> values;
  std::map<std::string, std::string> missing;
};
// Every row of the catalogue applied: each name is in exactly one of the two maps. KPIs of another task than the run's are in
// neither. Values are finite.
KpiReport ComputeKpis(const RunEvidence& evidence);

}  // namespace paddock
