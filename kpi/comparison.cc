#include "kpi/comparison.h"

namespace paddock {

std::string_view ChangeName(Change change) {
  switch (change) {
    case Change::kBetter:
      return "better";
    case Change::kWorse:
      return "worse";
    case Change::kNoDifferenceSeen:
      return "no difference seen";
    case Change::kNotDecidable:
      return "not decidable";
  }
  return "not decidable";
}

KpiComparison CompareKpi(Better better, const KpiValue& a, const KpiValue& b) {
  KpiComparison out;
  if (a.value != 0) out.ratio = b.value / a.value;
  if (a.interval && b.interval) {
    if (a.interval->lower <= b.interval->upper && b.interval->lower <= a.interval->upper) {
      out.change = Change::kNoDifferenceSeen;
    } else {
      const bool b_is_lower = b.interval->upper < a.interval->lower;
      out.change = b_is_lower == (better == Better::kLower) ? Change::kBetter : Change::kWorse;
    }
  } else if (a.value == b.value) {
    out.change = Change::kNoDifferenceSeen;
  }
  return out;
}

}  // namespace paddock
