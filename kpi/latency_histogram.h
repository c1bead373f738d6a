// What is kept for ever of a repetition's latencies: an HdrHistogram that percentiles are read from and that is merged with
// those of other repetitions and runs. Percentiles are never averaged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "kpi/histogram.h"
#include "kpi/run_record.h"

namespace paddock {

struct LatencyHistogram {
  std::string encoded;  // Histogram::Encode(), nanoseconds, 3 significant digits
  // More than 1: each value is the mean of a block of so many inferences, so that single slow ones are hidden.
  std::uint32_t invocations_per_value = 1;
  bool operator==(const LatencyHistogram&) const = default;
};

// Of the entries after the warm-up. No latency is left out, however long. A record without measured queries has an empty
// histogram, and so has one whose clock counts instructions.
LatencyHistogram MakeLatencyHistogram(const RepetitionRecord& record);

// All values of `parts`. INVALID_ARGUMENT: one is damaged, or has another unit or precision; or there is none.
Result<Histogram> MergeLatencyHistograms(const std::vector<LatencyHistogram>& parts);

// The share of the recorded values up to and including `value`, for each of `values`, which grow. Empty histogram: zeros.
std::vector<double> CumulativeShares(const Histogram& histogram, const std::vector<std::int64_t>& values);

}  // namespace paddock
