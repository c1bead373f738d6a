#include "kpi/repeat.h"

#include <cmath>

namespace paddock {

std::string_view RepeatPlaceName(RepeatPlace place) {
  switch (place) {
    case RepeatPlace::kInside:
      return "inside";
    case RepeatPlace::kOutside:
      return "outside";
    case RepeatPlace::kUndecidable:
      break;
  }
  return "undecidable";
}

RepeatJudgement JudgeRepeat(const KpiValue& original, const KpiValue& repeat) {
  if (!original.interval && !original.repetitions.empty()) return {};
  const Interval interval = original.interval.value_or(Interval{original.value, original.value, 1});
  if (repeat.value >= interval.lower && repeat.value <= interval.upper) return {RepeatPlace::kInside, 0};
  const double bound = repeat.value < interval.lower ? interval.lower : interval.upper;
  const double distance = std::abs(repeat.value - bound);
  return {RepeatPlace::kOutside, bound == 0 ? distance : distance / std::abs(bound)};
}

}  // namespace paddock
