#include "kpi/accuracy_interval.h"

#include <catch2/catch.hpp>

#include "answered_samples.h"
#include "base/random.h"

namespace paddock {
namespace {

TEST_CASE("an accuracy interval is looked at after 64 answers and at every doubling", "[kpi][interval]") {
  AccuracyStop stop(0.02);
  std::vector<std::uint64_t> looked;
  for (std::uint64_t answered = 0; answered <= 600; ++answered) {
    if (stop.IsCheckpoint(answered)) looked.push_back(answered);
  }
  CHECK(looked == std::vector<std::uint64_t>{64, 128, 256, 512});
  AccuracyStop by_batch(0.02);
  looked.clear();
  for (std::uint64_t answered = 0; answered <= 600; answered += 100) {
    if (by_batch.IsCheckpoint(answered)) looked.push_back(answered);
  }
  CHECK(looked == std::vector<std::uint64_t>{100, 200, 300, 600});
}

TEST_CASE("answers are enough when the Wilson interval of top-1 is as narrow as asked", "[kpi][interval]") {
  const AnsweredSamples good(62, 64, 1000);
  const double width = *AccuracyIntervalWidth(good.Evidence(0.1));
  const Interval wilson = WilsonInterval(62, 64);
  CHECK(width == wilson.upper - wilson.lower);
  CHECK(AccuracyStop(width).IsEnough(good.Evidence(width)));
  CHECK_FALSE(AccuracyStop(width - 1e-9).IsEnough(good.Evidence(width - 1e-9)));
  RunEvidence unlabelled = good.Evidence(width);
  unlabelled.labels.reset();
  CHECK_FALSE(AccuracyStop(width).IsEnough(unlabelled));
}

TEST_CASE("the fewest samples for an interval are those with every answer right", "[kpi][interval]") {
  for (const double width : {0.5, 0.1, 0.02, 0.001}) {
    const std::uint64_t fewest = MinSamplesForAccuracyInterval(width);
    const auto width_of = [](std::uint64_t n) { return 1 - WilsonInterval(n, n).lower; };
    CHECK(width_of(fewest) <= width);
    CHECK(width_of(fewest - 1) > width);
  }
  CHECK(MinSamplesForAccuracyInterval(0.02) == 189);  // 1.96^2 (1 / 0.02 - 1) = 188.2
}

TEST_CASE("stopping at a narrow interval costs it little of its coverage", "[kpi][interval]") {
  constexpr double kTruth = 0.9;
  constexpr int kRounds = 1000;
  Random random(4);
  int covered = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::uint64_t right = 0;
    Interval interval{0, 1, 0.95};
    AccuracyStop stop(0.06);
    for (std::uint64_t n = 1; interval.upper - interval.lower > 0.06; ++n) {
      right += random.Uniform() < kTruth ? 1 : 0;
      if (stop.IsCheckpoint(n)) interval = WilsonInterval(right, n);
    }
    covered += interval.lower <= kTruth && kTruth <= interval.upper ? 1 : 0;
  }
  CHECK(covered > 0.92 * kRounds);
}

}  // namespace
}  // namespace paddock
