#include "kpi/verdict.h"

#include <catch2/catch.hpp>

#include "evidence.h"

namespace paddock {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;

// Five repetitions of 10 s and 10000 queries of a millisecond.
RunEvidence GoodEvidence() {
  RunEvidence evidence;
  evidence.repetitions_planned = 5;
  for (std::uint32_t i = 0; i < 5; ++i)
    evidence.repetitions.push_back(MakeRepetition(i, 10010, kMillisecond, 10));
  return evidence;
}

std::vector<std::string> Codes(const Judgement& judgement) {
  std::vector<std::string> codes;
  for (const Reason& reason : judgement.reasons) {
    CHECK_FALSE(reason.detail.empty());
    codes.push_back(reason.code);
  }
  return codes;
}

using Names = std::vector<std::string>;

TEST_CASE("a complete run is valid without a reason", "[kpi][verdict]") {
  const auto judgement = Judge(GoodEvidence(), {});
  CHECK(judgement.verdict == Verdict::kValid);
  CHECK(judgement.reasons.empty());
}

TEST_CASE("a run without repetitions is invalid", "[kpi][verdict]") {
  auto evidence = GoodEvidence();
  evidence.repetitions.clear();
  const auto judgement = Judge(evidence, {});
  CHECK(judgement.verdict == Verdict::kInvalid);
  CHECK(Codes(judgement) == Names{"NO_REPETITIONS"});
  CHECK(judgement.reasons[0].detail == "0 of 5 repetitions completed");
}

TEST_CASE("a run that lacks repetitions is degraded", "[kpi][verdict]") {
  auto evidence = GoodEvidence();
  evidence.repetitions.resize(3);
  const auto judgement = Judge(evidence, {});
  CHECK(judgement.verdict == Verdict::kDegraded);
  CHECK(Codes(judgement) == Names{"MISSING_REPETITIONS"});
  CHECK(judgement.reasons[0].detail == "3 of 5 repetitions completed");
}

TEST_CASE("a repetition of warm-up only makes the run invalid", "[kpi][verdict]") {
  auto evidence = GoodEvidence();
  evidence.repetitions[2] = MakeRepetition(2, 10, kMillisecond, 10);
  const auto judgement = Judge(evidence, {});
  CHECK(judgement.verdict == Verdict::kInvalid);
  CHECK_THAT(Codes(judgement), Catch::VectorContains(std::string("NO_MEASURED_QUERIES")));
  CHECK_THAT(judgement.reasons[0].detail, Catch::Contains("repetition 2"));
}

TEST_CASE("a window under the minimum duration is inconclusive, one of exactly the minimum is not",
          "[kpi][verdict]") {
  auto evidence = GoodEvidence();
  CHECK(evidence.repetitions[4].window_ns == 10'000'000'000);
  evidence.repetitions[4].window_ns -= 1;
  const auto judgement = Judge(evidence, {});
  CHECK(judgement.verdict == Verdict::kInconclusive);
  CHECK(Codes(judgement) == Names{"SHORT_WINDOW"});
  CHECK_THAT(judgement.reasons[0].detail, Catch::Contains("repetition 4") && Catch::Contains("10.0"));
}

TEST_CASE("too few inferences are inconclusive; a query of several samples counts each", "[kpi][verdict]") {
  Scenario scenario;
  scenario.min_inferences = 64;
  RunEvidence evidence;
  evidence.repetitions_planned = 2;
  for (std::uint32_t i = 0; i < 2; ++i)
    evidence.repetitions.push_back(MakeRepetition(i, 12, 1000 * kMillisecond, 1));
  CHECK(Codes(Judge(evidence, scenario)) == Names{"SHORT_WINDOW"});
  for (auto& repetition : evidence.repetitions) repetition.queries.samples_per_query = 6;
  CHECK(Judge(evidence, scenario).verdict == Verdict::kValid);
  evidence.repetitions[1].queries.short_queries[11] = 3;  // 63 left
  const auto judgement = Judge(evidence, scenario);
  CHECK(judgement.verdict == Verdict::kInconclusive);
  CHECK_THAT(judgement.reasons.at(0).detail, Catch::Contains("63 inferences"));
}

TEST_CASE("a single planned repetition informs and stays valid", "[kpi][verdict]") {
  auto evidence = GoodEvidence();
  evidence.repetitions_planned = 1;
  evidence.repetitions.resize(1);
  const auto judgement = Judge(evidence, {});
  CHECK(judgement.verdict == Verdict::kValid);
  CHECK(Codes(judgement) == Names{"FEW_REPETITIONS"});
}

TEST_CASE("latencies near the timer's floor are said so", "[kpi][verdict]") {
  auto evidence = GoodEvidence();
  evidence.repetitions[0].timer_floor_ns = 5000;  // 200 times is the median
  CHECK(Judge(evidence, {}).reasons.empty());
  evidence.repetitions[0].timer_floor_ns = 5001;
  const auto judgement = Judge(evidence, {});
  CHECK(judgement.verdict == Verdict::kValid);
  CHECK(Codes(judgement) == Names{"TIMER_FLOOR"});
}

TEST_CASE("the worst reason decides and all reasons are told", "[kpi][verdict]") {
  auto evidence = GoodEvidence();
  evidence.repetitions.resize(1);
  evidence.repetitions[0].window_ns = 5;
  const auto judgement = Judge(evidence, {});
  CHECK(judgement.verdict == Verdict::kInconclusive);
  CHECK(Codes(judgement) == Names{"SHORT_WINDOW", "MISSING_REPETITIONS", "FEW_REPETITIONS"});
  CHECK(VerdictName(judgement.verdict) == "inconclusive");
}

}  // namespace
}  // namespace paddock
