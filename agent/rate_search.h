// The highest rate of Poisson arrivals at which a percentile of latency stays within a limit, by bisection.
#pragma once

#include <cstdint>
#include <vector>

#include "agent/load_loop.h"
#include "base/status.h"
#include "kpi/run_record.h"
#include "kpi/scenario.h"

namespace paddock::agent {

struct RateSearchResult {
  double rate_hz = 0;  // the highest that passed, or the lowest tried when none did
  std::vector<RateProbe> probes;
};

// Begins at the rate that a device busy all the time could serve by `service_ns`, the time of one query; doubles it while
// it passes (a device may do better under load, at most 8 times), then halves the interval until it is 1 % wide. Every probe
// issues the same unit gaps of the seed at its rate, for probe_duration_s at least and as many queries as the percentile
// needs at least; it ends early once so many are over the limit that it cannot pass any more. Its entries are forgotten. A
// probe that takes longer than max_duration_s fails. REQUIRES: scenario.latency_limit_s, service_ns > 0.
Result<RateSearchResult> SearchRate(LoadLoop& loop, const Scenario& scenario, std::uint64_t seed,
                                    std::uint64_t service_ns);

}  // namespace paddock::agent
