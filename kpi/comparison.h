// Is B better than A, and by how much? Decided from the figures of the repetitions, never from two values alone. Pure.
//
// Within one device: the Hodges-Lehmann shift with Moses' interval, and the Mann-Whitney test. Over several devices: the
// Hodges-Lehmann estimate of the devices' own shifts, and the signed-rank test. A change is `better` or `worse` when the test's
// two-sided p-value is at most .05, and not decidable when so few figures could not give one (3 against 3).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kpi/catalog.h"
#include "kpi/paired_accuracy.h"

namespace paddock {

enum class Change { kBetter, kWorse, kNoDifferenceSeen, kNotDecidable };
std::string_view ChangeName(Change change);  // "better", "worse", "no difference seen", "not decidable"

struct Effect {
  // B / A, estimated over logarithms: for positive figures of a KPI with a unit. Otherwise B - A in the KPI's unit.
  bool is_ratio = false;
  double value = 0;
  std::optional<Interval> interval;
  std::optional<double> p_value;
  std::string test;  // for people: "Hodges-Lehmann, Moses 96.8 %; Mann-Whitney exact p=0.0079"
};

struct KpiComparison {
  std::optional<double> ratio;  // b / a of the values; absent when a is 0
  Change change = Change::kNotDecidable;
  std::optional<Effect> effect;
};

// - Both have repetitions: as above.
// - Both have an interval only (a share of samples): the difference with the square-and-add interval of two independent
//   figures; a change when that does not hold 0.
// - What is known before anything is measured (the size of the artifact): the values as they are.
// - Otherwise no effect; no difference seen when the values are equal, else not decidable.
KpiComparison CompareKpi(const KpiDefinition& kpi, const KpiValue& a, const KpiValue& b);
// As CompareKpi for accuracy_top1 of two runs that answered the same samples: exact McNemar.
KpiComparison ComparePaired(const KpiValue& a, const KpiValue& b, const PairedAccuracy& pairs);

struct DevicePair {
  const KpiValue* a = nullptr;
  const KpiValue* b = nullptr;
};
struct CombinedComparison {
  Effect effect;
  Change change = Change::kNotDecidable;
};
// One pair of values for each device. REQUIRES: at least two.
CombinedComparison CompareOverDevices(const KpiDefinition& kpi, std::span<const DevicePair> devices);

}  // namespace paddock
