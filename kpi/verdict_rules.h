// The rules behind a verdict. For verdict.cc and its tests.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strict_json.h"
#include "kpi/verdict.h"

namespace paddock {

struct RuleFinding {
  std::string code;
  Verdict verdict = Verdict::kValid;  // kValid: it only informs
  std::string detail;
  Json evidence;  // an object
};

// Every rule over the series, then those over the machine, each code at most once.
std::vector<RuleFinding> ApplyRules(const RunEvidence& evidence, const Scenario& scenario);

}  // namespace paddock
