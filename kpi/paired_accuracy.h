// Do two runs answer the same samples equally well? Compared sample by sample, which sees far smaller differences than two
// intervals side by side. Pure.
#pragma once

#include <cstdint>

#include "kpi/scores.h"

namespace paddock {

struct PairedAccuracy {
  std::uint64_t both_right = 0;
  std::uint64_t only_first = 0;
  std::uint64_t only_second = 0;
  std::uint64_t both_wrong = 0;
  std::uint64_t samples() const { return both_right + only_first + only_second + both_wrong; }
  double p_value = 1;     // exact McNemar, two-sided
  double difference = 0;  // top-1 of the second less that of the first
  // Nominal 95 %: Newcombe's square-and-add interval of paired shares (Statistics in Medicine 17, 1998, method 10).
  Interval interval;
};

// From the first outputs of two runs (scores as for classification) and the labels of their samples. Runs of a job that asks
// for an accuracy interval answer the first samples of one order, each as many as it took: with `first_samples` those that both
// answered are compared, otherwise all three must be of the same length. Missing: "unsupported_outputs", "quantised_outputs"
// (one column), "label_mismatch", "label_out_of_range".
Found<PairedAccuracy> ComparePairedAccuracy(const NamedTensorView& first, const NamedTensorView& second,
                                            const NamedTensorView& labels, bool first_samples = false);
// REQUIRES: at least one sample.
PairedAccuracy PairedAccuracyOf(std::uint64_t both_right, std::uint64_t only_first, std::uint64_t only_second,
                                std::uint64_t both_wrong);

}  // namespace paddock
