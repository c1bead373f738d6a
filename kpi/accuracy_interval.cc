#include "kpi/accuracy_interval.h"

namespace paddock {

std::uint64_t MinSamplesForAccuracyInterval(double width) {
  PADDOCK_CHECK(width >= 1e-6 && width < 1, "an interval of a share is narrower than 1");
  const auto wide = [width](std::uint64_t samples) {
    const Interval interval = WilsonInterval(samples, samples);
    return interval.upper - interval.lower > width;
  };
  std::uint64_t too_few = 0;
  std::uint64_t enough = 1;
  while (wide(enough)) {
    too_few = enough;
    enough *= 2;
  }
  while (enough - too_few > 1) {
    const std::uint64_t middle = too_few + (enough - too_few) / 2;
    (wide(middle) ? too_few : enough) = middle;
  }
  return enough;
}

std::optional<double> AccuracyIntervalWidth(const RunEvidence& evidence) {
  const KpiOutcome top1 = FindKpi("accuracy_top1")->compute(evidence);
  if (!top1.value || !top1.value->interval) return std::nullopt;
  return top1.value->interval->upper - top1.value->interval->lower;
}

bool AccuracyStop::IsCheckpoint(std::uint64_t answered) {
  if (answered < checkpoint_) return false;
  while (checkpoint_ <= answered) checkpoint_ *= 2;
  return true;
}

bool AccuracyStop::IsEnough(const RunEvidence& evidence) const {
  const auto width = AccuracyIntervalWidth(evidence);
  return width && *width <= width_;
}

}  // namespace paddock
