// Answering samples until top-1 is known well enough. The data are in a random order; the interval is looked at after 64
// answers and at every doubling, which costs about a point of coverage: 95 % is nominal. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "kpi/catalog.h"

namespace paddock {

// Fewest samples of which an interval of top-1 can be so narrow: when all are answered right. REQUIRES: 1e-6 <= width < 1.
std::uint64_t MinSamplesForAccuracyInterval(double width);

// Of the 95 % interval of top-1, over the samples with predictions; empty when there is no top-1.
std::optional<double> AccuracyIntervalWidth(const RunEvidence& evidence);

// When to look, and whether that was enough.
class AccuracyStop {
 public:
  explicit AccuracyStop(double width) : width_(width) {}

  // True at the first count from the next checkpoint on. A query of many samples may pass several at once.
  bool IsCheckpoint(std::uint64_t answered);
  bool IsEnough(const RunEvidence& evidence) const;

 private:
  const double width_;
  std::uint64_t checkpoint_ = 64;
};

}  // namespace paddock
