#include "agent/stop_rule.h"

#include <catch2/catch.hpp>

#include "base/random.h"
#include "kpi/run_record.h"

namespace paddock::agent {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

StopTerms PreciseTerms() {
  StopTerms terms = StopTermsOf(Scenario{}, 1);
  terms.min_ns = 0;
  return terms;
}

// 1 ms with normal noise; AR(1) with `rho`.
std::vector<std::uint64_t> NoisySeries(std::size_t count, double noise, double rho = 0) {
  Random random(5);
  std::vector<std::uint64_t> series;
  double state = random.Normal();
  for (std::size_t i = 0; i < count; ++i) {
    series.push_back(static_cast<std::uint64_t>(1e6 * std::max(0.01, 1 + noise * state)));
    state = rho * state + std::sqrt(1 - rho * rho) * random.Normal();
  }
  return series;
}

// How many entries of the series the rule takes.
std::size_t StoppedAt(StopRule& rule, const std::vector<std::uint64_t>& series) {
  std::uint64_t elapsed = 0;
  for (std::size_t n = 1; n <= series.size(); ++n) {
    elapsed += series[n - 1];
    if (!rule.Due(n, elapsed)) continue;
    const auto reason = rule.Look(std::span(series).first(n), elapsed);
    if (reason == kStopPrecise) return n;
    REQUIRE(reason.empty());
  }
  return 0;
}

TEST_CASE("a quiet series is precise at the first checkpoint", "[load][stop]") {
  StopRule rule(PreciseTerms());
  CHECK(StoppedAt(rule, NoisySeries(1000, 0.01)) == 64);
}

TEST_CASE("a noisy series is looked at at doublings until its intervals are narrow", "[load][stop]") {
  StopRule rule(PreciseTerms());
  const std::size_t stopped = StoppedAt(rule, NoisySeries(100'000, 0.3));
  CHECK(stopped >= 2048);
  CHECK(std::has_single_bit(stopped));
}

TEST_CASE("a series whose neighbours are alike needs more queries than an independent one", "[load][stop]") {
  StopRule independent(PreciseTerms());
  StopRule alike(PreciseTerms());
  const std::size_t few = StoppedAt(independent, NoisySeries(200'000, 0.05));
  const std::size_t many = StoppedAt(alike, NoisySeries(200'000, 0.05, 0.95));
  CHECK(few > 0);
  CHECK(many >= 8 * few);
}

TEST_CASE("a tail of .99 is not looked at below 662 queries, of .90 below 64", "[load][stop]") {
  Scenario scenario;
  scenario.min_inferences = 1;
  CHECK(StopRule(StopTermsOf(scenario, 1)).next_look() == 64);
  for (const auto kind : {ScenarioKind::kMultiStream, ScenarioKind::kServer, ScenarioKind::kPeriodic}) {
    scenario.kind = kind;
    CHECK(StopRule(StopTermsOf(scenario, 1)).next_look() == 662);
  }
  scenario.kind = ScenarioKind::kOffline;
  CHECK(StopRule(StopTermsOf(scenario, 1)).next_look() == 1);
  scenario.kind = ScenarioKind::kServer;
  scenario.tail_precision = 0;
  CHECK(StopRule(StopTermsOf(scenario, 1)).next_look() == 1);
}

TEST_CASE("the minimum of inferences counts every query of a block", "[load][stop]") {
  Scenario scenario;
  scenario.min_inferences = 1000;
  CHECK(StopTermsOf(scenario, 64).min_entries == 16);
}

TEST_CASE("after a checkpoint between two doublings the next doubling follows", "[load][stop]") {
  StopTerms terms = PreciseTerms();
  terms.min_entries = 700;
  StopRule rule(terms);
  CHECK_FALSE(rule.Due(699, kSecond));
  REQUIRE(rule.Due(700, kSecond));
  const auto series = NoisySeries(700, 0.5);
  CHECK(rule.Look(series, kSecond).empty());
  CHECK(rule.next_look() == 1024);
}

TEST_CASE("without precision asked for the minima decide", "[load][stop]") {
  StopTerms terms;
  terms.min_entries = 10;
  terms.min_ns = kSecond;
  terms.max_ns = 5 * kSecond;
  StopRule rule(terms);
  CHECK(rule.LooksAreFree());
  CHECK_FALSE(rule.Due(10, kSecond - 1));
  CHECK_FALSE(rule.Due(9, kSecond));
  const std::vector<std::uint64_t> series(10, 100);
  REQUIRE(rule.Due(10, kSecond));
  CHECK(rule.Look(series, kSecond) == kStopMinimum);
  REQUIRE(rule.Due(9, 5 * kSecond));
  CHECK(rule.Look(std::span(series).first(9), 5 * kSecond) == kStopMaxDuration);
}

TEST_CASE("at the longest duration a series ends, precise or not", "[load][stop]") {
  StopTerms terms = PreciseTerms();
  terms.max_ns = kSecond;
  StopRule rule(terms);
  CHECK(rule.Look(NoisySeries(100, 0.5), kSecond) == kStopMaxDuration);
  CHECK(rule.Look(NoisySeries(100, 0.01), kSecond) == kStopPrecise);
  CHECK(rule.Look(NoisySeries(100, 0.5), 1000, true) == kStopMaxDuration);
}

TEST_CASE("a series that stays noisy is given up after the patience, but not before its minima",
          "[load][stop]") {
  Scenario scenario;
  scenario.min_duration_s = 2;
  scenario.min_inferences = 100;
  scenario.patience_s = UsualPatienceS(scenario.min_duration_s);
  StopRule rule(StopTermsOf(scenario, 1));
  const auto noisy = NoisySeries(100, 0.5);
  REQUIRE(rule.Due(100, 2 * kSecond));
  CHECK(rule.Look(noisy, 2 * kSecond).empty());
  CHECK_FALSE(rule.Due(127, 24 * kSecond - 1));
  REQUIRE(rule.Due(100, 24 * kSecond));
  CHECK(rule.Look(noisy, 24 * kSecond) == kStopPatience);
  CHECK(rule.Look(NoisySeries(100, 0.01), 24 * kSecond) == kStopPrecise);
  CHECK_FALSE(rule.Due(99, 24 * kSecond));
  // A tail of .99 is claimed from 662 queries on only.
  scenario.kind = ScenarioKind::kMultiStream;
  CHECK_FALSE(StopRule(StopTermsOf(scenario, 1)).Due(661, 119 * kSecond));
  CHECK(StopRule(StopTermsOf(scenario, 1)).Due(661, 120 * kSecond));
}

TEST_CASE("patience is twelve times the shortest duration, and ten seconds at least", "[load][stop]") {
  CHECK(UsualPatienceS(0.1) == 10);
  CHECK(UsualPatienceS(1) == 12);
  CHECK(UsualPatienceS(Scenario{}.min_duration_s) == Scenario{}.max_duration_s);
}

TEST_CASE("a series of one value is precise", "[load][stop]") {
  StopRule rule(PreciseTerms());
  CHECK(rule.Look(std::vector<std::uint64_t>(64, 1000), kSecond) == kStopPrecise);
}

}  // namespace
}  // namespace paddock::agent
