// What a difference of the machine before and after the window means.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/strict_json.h"
#include "kpi/environment.h"

namespace paddock {

enum class FindingSeverity { kInforms, kDegrades, kInvalidates };

struct EnvironmentFinding {
  std::string code;    // "THROTTLED"
  std::string detail;  // "core_throttle_count rose by 12"
  Json evidence;       // an object: the figures that were compared
  FindingSeverity severity = FindingSeverity::kInforms;
};

// At most one finding a code, in a fixed order. `window_ns` stands in for the time between the snapshots where
// these do not carry it. The thresholds and their sources are in environment_rules.cc and docs/measurement.md.
std::vector<EnvironmentFinding> CompareEnvironment(const RepetitionEnvironment& environment,
                                                   std::uint64_t window_ns);

}  // namespace paddock
