#include "kpi/pareto.h"

#include <algorithm>
#include <array>

namespace paddock {
namespace {

constexpr std::array<std::string_view, 3> kCosts = {"latency_p50", "energy_per_inference", "artifact_size"};

// In the direction of `better`, by the values.
bool IsWorse(Better better, const KpiValue& a, const KpiValue& b) {
  return better == Better::kLower ? a.value > b.value : a.value < b.value;
}

bool IsClearlyBetter(Better better, const KpiValue& a, const KpiValue& b) {
  const auto bounds = [](const KpiValue& kpi) {
    return kpi.interval ? *kpi.interval : Interval{kpi.value, kpi.value, 1};
  };
  const auto is_known = [](const KpiValue& kpi) { return kpi.interval || kpi.repetitions.empty(); };
  if (!is_known(a) || !is_known(b)) return false;
  return better == Better::kLower ? bounds(a).upper < bounds(b).lower : bounds(a).lower > bounds(b).upper;
}

bool Dominates(const KpiReport& a, const KpiReport& b, std::span<const KpiDefinition* const> objectives) {
  bool better_in_one = false;
  for (const KpiDefinition* objective : objectives) {
    const KpiValue& value_a = a.values.at(std::string(objective->name));
    const KpiValue& value_b = b.values.at(std::string(objective->name));
    if (IsWorse(objective->better, value_a, value_b)) return false;
    better_in_one = better_in_one || IsClearlyBetter(objective->better, value_a, value_b);
  }
  return better_in_one;
}

}  // namespace

std::string_view AccuracyKpi(Task task) {
  switch (task) {
    case Task::kClassification:
      return "accuracy_top1";
    case Task::kRegression:
      return "rmse";
    case Task::kSegmentation:
      return "miou";
    case Task::kDetection:
      return "map";
    case Task::kEvents:
      return "event_false_negatives";
    case Task::kNone:
      break;
  }
  return "output_agreement";
}

std::vector<const KpiDefinition*> ParetoObjectives(std::span<const KpiReport* const> reports, Task task) {
  std::vector<std::string_view> names{AccuracyKpi(task)};
  names.insert(names.end(), kCosts.begin(), kCosts.end());
  std::vector<const KpiDefinition*> objectives;
  for (const std::string_view name : names) {
    const KpiDefinition* kpi = FindKpi(name);
    const bool everywhere = std::all_of(reports.begin(), reports.end(), [&](const KpiReport* report) {
      return report->values.contains(std::string(name));
    });
    if (kpi != nullptr && everywhere) objectives.push_back(kpi);
  }
  return objectives;
}

std::vector<std::vector<std::size_t>> DominatedBy(std::span<const KpiReport* const> reports,
                                                  std::span<const KpiDefinition* const> objectives) {
  std::vector<std::vector<std::size_t>> dominated(reports.size());
  for (std::size_t i = 0; i < reports.size(); ++i) {
    for (std::size_t j = 0; j < reports.size(); ++j) {
      if (i != j && Dominates(*reports[j], *reports[i], objectives)) dominated[i].push_back(j);
    }
  }
  return dominated;
}

}  // namespace paddock
