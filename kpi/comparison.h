// Is B better than A? Decided from the intervals of the two values, never from the values alone.
#pragma once

#include <optional>
#include <string_view>

#include "kpi/catalog.h"

namespace paddock {

enum class Change { kBetter, kWorse, kNoDifferenceSeen, kNotDecidable };
std::string_view ChangeName(Change change);  // "better", "worse", "no difference seen", "not decidable"

struct KpiComparison {
  std::optional<double> ratio;  // b / a; absent when a is 0
  Change change = Change::kNotDecidable;
};

// Better or worse when the intervals do not overlap; not decidable when one side has no interval and the values differ.
KpiComparison CompareKpi(Better better, const KpiValue& a, const KpiValue& b);

}  // namespace paddock
