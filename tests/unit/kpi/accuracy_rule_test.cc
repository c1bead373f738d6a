#include "kpi/accuracy_rule.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "answered_samples.h"

namespace paddock {
namespace {

TEST_CASE("a run tells how many samples were answered and whether that was enough", "[kpi][interval]") {
  const auto fewer = FindAccuracyInterval(AnsweredSamples(62, 64, 1000).Evidence(0.2));
  REQUIRE(fewer.has_value());
  CHECK(fewer->code == "FEWER_ANSWERS");
  CHECK(fewer->verdict == Verdict::kValid);
  CHECK_THAT(fewer->detail, Catch::Contains("64 of 1000"));
  CHECK(fewer->evidence.at("answered") == 64);
  const auto wide = FindAccuracyInterval(AnsweredSamples(62, 64, 64).Evidence(0.02));
  REQUIRE(wide.has_value());
  CHECK(wide->code == "ACCURACY_INTERVAL");
  CHECK(wide->verdict == Verdict::kInconclusive);
  CHECK_THAT(wide->detail, Catch::Contains("0.02") && Catch::Contains("more data"));
  CHECK_FALSE(FindAccuracyInterval(AnsweredSamples(62, 64, 64).Evidence(0.2)));
  const AnsweredSamples answered_1(62, 64, 64);
  RunEvidence unasked = answered_1.Evidence(0.02);
  unasked.accuracy_interval.reset();
  CHECK_FALSE(FindAccuracyInterval(unasked));
  const AnsweredSamples answered_2(62, 64, 64);
  RunEvidence unlabelled = answered_2.Evidence(0.02);
  unlabelled.labels.reset();
  CHECK_FALSE(FindAccuracyInterval(unlabelled));
}

TEST_CASE("a verdict holds what became of the accuracy interval", "[kpi][interval]") {
  const AnsweredSamples answered_3(62, 64, 64);
  RunEvidence evidence = answered_3.Evidence(0.02);
  const Judgement judgement = Judge(evidence, Scenario{});
  CHECK(judgement.verdict >= Verdict::kInconclusive);
  CHECK(std::any_of(judgement.reasons.begin(), judgement.reasons.end(),
                    [](const Reason& reason) { return reason.code == "ACCURACY_INTERVAL"; }));
}

}  // namespace
}  // namespace paddock
