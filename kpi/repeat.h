// Does a run that repeats another one find the same? Pure.
#pragma once

#include <string_view>

#include "kpi/catalog.h"

namespace paddock {

enum class RepeatPlace { kInside, kOutside, kUndecidable };
std::string_view RepeatPlaceName(RepeatPlace place);  // "inside", "outside", "undecidable"

struct RepeatJudgement {
  RepeatPlace place = RepeatPlace::kUndecidable;
  double outside_by =
      0;  // distance from the nearer bound, as a share of it; the bound is 0: the distance itself
};

// Is the repeat's value inside the original's interval, bounds included? What is computed once and has no interval has to be
// equal. Undecidable: the original had one repetition only, hence no interval.
RepeatJudgement JudgeRepeat(const KpiValue& original, const KpiValue& repeat);

}  // namespace paddock
