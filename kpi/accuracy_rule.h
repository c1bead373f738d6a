// What a verdict says of a run that asked for an interval of its accuracy.
#pragma once

#include <optional>

#include "kpi/verdict_rules.h"

namespace paddock {

// FEWER_ANSWERS informs that not all samples were answered; ACCURACY_INTERVAL (inconclusive) that all were and the interval is
// wider than asked. Empty when no interval was asked or there is no top-1.
std::optional<RuleFinding> FindAccuracyInterval(const RunEvidence& evidence);

}  // namespace paddock
