#include "kpi/verdict.h"

#include <catch2/catch.hpp>

#include "base/random.h"
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
  CHECK_THAT(judgement.reasons[0].detail, Catch::Contains("repetition 4") && Catch::Contains("10 s"));
}

TEST_CASE("too few inferences are inconclusive; a query of several samples counts each", "[kpi][verdict]") {
  Scenario scenario;
  scenario.min_inferences = 64;
  RunEvidence evidence;
  evidence.repetitions_planned = 2;
  RepetitionRecord record = MakeRepetition(0, 12, 1000 * kMillisecond, 1);
  evidence.repetitions = {record, record};
  CHECK(Codes(Judge(evidence, scenario)) == Names{"SHORT_WINDOW"});
  record.queries.samples_per_query = 6;
  evidence.repetitions = {record, record};
  CHECK(Judge(evidence, scenario).verdict == Verdict::kValid);
  record.queries.short_queries[11] = 3;  // 63 left
  evidence.repetitions[1] = record;
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

TEST_CASE("a device that becomes slower while it is measured has no steady state", "[kpi][verdict]") {
  const auto drifting = NoisyEvidence(1, 4096, [](std::size_t query, double ns, Random&) {
    return ns * (1 + 2e-5 * static_cast<double>(query));
  });
  const auto throttled = NoisyEvidence(
      2, 4096, [](std::size_t query, double ns, Random&) { return query < 3000 ? ns : ns * 1.3; });
  for (const RunEvidence& evidence : {drifting, throttled}) {
    const auto judgement = Judge(evidence, ShortScenario());
    CHECK(judgement.verdict == Verdict::kInconclusive);
    REQUIRE_THAT(Codes(judgement), Catch::VectorContains(std::string("NO_STEADY_STATE")));
    CHECK_THAT(judgement.reasons[0].evidence, Catch::Contains("\"steady_state_found\""));
  }
}

TEST_CASE("a device with two speeds is degraded", "[kpi][verdict]") {
  const auto evidence = NoisyEvidence(
      3, 4096, [](std::size_t, double ns, Random& random) { return random.Below(10) < 3 ? ns * 1.5 : ns; });
  const auto judgement = Judge(evidence, ShortScenario());
  CHECK(judgement.verdict == Verdict::kDegraded);
  CHECK(Codes(judgement) == Names{"BIMODAL"});
}

TEST_CASE("a window that ended at its longest duration is inconclusive and says how wide its intervals are",
          "[kpi][verdict]") {
  auto evidence = NoisyEvidence(4, 200, [](std::size_t, double ns, Random&) { return ns; });
  for (AnalysedRepetition& repetition : evidence.repetitions) repetition.stop_reason = kStopMaxDuration;
  const auto judgement = Judge(evidence, ShortScenario());
  CHECK(judgement.verdict == Verdict::kInconclusive);
  CHECK(Codes(judgement) == Names{"WIDE_INTERVAL"});
  CHECK_THAT(judgement.reasons[0].detail, Catch::Contains("1 % was asked for"));
  for (AnalysedRepetition& repetition : evidence.repetitions) repetition.stop_reason = kStopPatience;
  const auto given_up = Judge(evidence, ShortScenario());
  CHECK(given_up.verdict == Verdict::kInconclusive);
  CHECK(Codes(given_up) == Names{"WIDE_INTERVAL"});
  CHECK_THAT(given_up.reasons[0].detail, Catch::Contains("gave up after"));
}

TEST_CASE("a pacer that is late by more than a tenth of the period makes the run invalid", "[kpi][verdict]") {
  Scenario scenario = ShortScenario();
  scenario.kind = ScenarioKind::kPeriodic;
  scenario.period_s = 0.01;
  const auto late_by = [&](std::uint64_t lateness_ns) {
    RunEvidence evidence;
    evidence.repetitions_planned = 1;
    RepetitionRecord record;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      record.queries.intended_offset_ns.push_back(i * 10'000'000);
      record.queries.start_offset_ns.push_back(i * 10'000'000 + lateness_ns);
      record.queries.latency_ns.push_back(kMillisecond + lateness_ns);
    }
    record.window_ns = 10'000'000'000;
    evidence.repetitions.emplace_back(std::move(record));
    return Judge(evidence, scenario).verdict;
  };
  CHECK(late_by(900'000) == Verdict::kValid);
  CHECK(late_by(1'100'000) == Verdict::kInvalid);
}

TEST_CASE("what happened to the machine decides when it happened in half of the repetitions",
          "[kpi][verdict]") {
  auto evidence = NoisyEvidence(5, 1000, [](std::size_t, double ns, Random&) { return ns; });
  const auto contend = [&](std::size_t repetition) {
    RepetitionEnvironment environment;
    environment.before.own_wait_ns = 0;
    environment.after.own_wait_ns = 500'000'000;  // of a window of a second
    evidence.repetitions[repetition].environment = environment;
  };
  contend(0);
  contend(1);
  CHECK(Judge(evidence, ShortScenario()).verdict == Verdict::kValid);
  CHECK(Codes(Judge(evidence, ShortScenario())) == Names{"CPU_CONTENTION"});
  contend(2);
  CHECK(Judge(evidence, ShortScenario()).verdict == Verdict::kDegraded);

  // Throttling is not a matter of chance.
  RepetitionEnvironment throttled;
  throttled.before.throttle_counts = {{"core_throttle_count", 1}};
  throttled.after.throttle_counts = {{"core_throttle_count", 5}};
  evidence = NoisyEvidence(6, 1000, [](std::size_t, double ns, Random&) { return ns; });
  evidence.repetitions[4].environment = throttled;
  const auto judgement = Judge(evidence, ShortScenario());
  CHECK(judgement.verdict == Verdict::kDegraded);
  CHECK(Codes(judgement) == Names{"THROTTLED"});
}

}  // namespace
}  // namespace paddock
