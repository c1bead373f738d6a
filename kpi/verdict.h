// May a run be trusted? A verdict with every reason, in the manner of MLPerf LoadGen's VALID / INVALID. One function per
// rule, in one table (verdict_rules.cc); the rules about the machine are kpi/environment.h's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kpi/catalog.h"
#include "kpi/run_plan.h"

namespace paddock {

enum class Verdict { kValid, kDegraded, kInconclusive, kInvalid };  // from best to worst
std::string_view VerdictName(Verdict verdict);  // "valid", "degraded", "inconclusive", "invalid"

struct Reason {
  std::string code;        // "MISSING_REPETITIONS"
  std::string detail;      // "3 of 5 repetitions completed"
  std::string evidence{};  // the figures that were compared, as a JSON object; empty: the detail says all
};

struct Judgement {
  Verdict verdict = Verdict::kValid;
  // The worst reason decides; a reason may also only inform (FEW_REPETITIONS leaves a run valid but without intervals). What
  // touches single repetitions decides when it touches at least half of them, since a KPI is the median over repetitions.
  std::vector<Reason> reasons;
};

Judgement Judge(const RunEvidence& evidence, const Scenario& scenario);

}  // namespace paddock
