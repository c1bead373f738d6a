#include "kpi/verdict.h"

#include <algorithm>

#include "base/strict_json.h"
#include "kpi/verdict_rules.h"

namespace paddock {

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kValid:
      return "valid";
    case Verdict::kDegraded:
      return "degraded";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kInvalid:
      break;
  }
  return "invalid";
}

Judgement Judge(const RunEvidence& evidence, const Scenario& scenario) {
  Judgement judgement;
  for (RuleFinding& finding : ApplyRules(evidence, scenario)) {
    judgement.verdict = std::max(judgement.verdict, finding.verdict);
    judgement.reasons.push_back({std::move(finding.code), std::move(finding.detail),
                                 finding.evidence.dump(-1, ' ', false, Json::error_handler_t::replace)});
  }
  return judgement;
}

}  // namespace paddock
