#include "kpi/scenario.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

Scenario Of(ScenarioKind kind) {
  Scenario scenario;
  scenario.kind = kind;
  return scenario;
}

std::string ScenarioError(const Scenario& scenario) {
  const Status status = CheckScenario(scenario);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  return status.message();
}

TEST_CASE("every scenario has a name that is read back", "[kpi][scenario]") {
  for (const char* name : {"single-stream", "multi-stream", "offline", "server", "periodic"}) {
    const auto kind = ParseScenarioKind(name);
    REQUIRE(kind.ok());
    CHECK(ScenarioKindName(*kind) == name);
  }
  CHECK_THAT(ParseScenarioKind("poisson").status().message(),
             Catch::Contains("known are single-stream, multi-stream, offline, server, periodic"));
}

TEST_CASE("what a scenario needs, needs alone or cannot have is refused by the field's name",
          "[kpi][scenario]") {
  using Catch::StartsWith;
  CHECK(CheckScenario(Of(ScenarioKind::kSingleStream)).ok());
  CHECK(CheckScenario(Of(ScenarioKind::kMultiStream)).ok());
  CHECK(CheckScenario(Of(ScenarioKind::kOffline)).ok());

  Scenario server = Of(ScenarioKind::kServer);
  CHECK_THAT(ScenarioError(server), StartsWith("scenario.target_rate_hz: is missing"));
  server.target_rate_hz = 100;
  CHECK(CheckScenario(server).ok());
  server.latency_limit_s = 0.01;
  CHECK_THAT(ScenarioError(server), StartsWith("scenario.latency_limit_s: stands beside"));
  server.target_rate_hz.reset();
  CHECK(CheckScenario(server).ok());
  server.samples_per_query = 2;
  CHECK_THAT(ScenarioError(server), StartsWith("scenario.samples_per_query: server has one"));

  Scenario periodic = Of(ScenarioKind::kPeriodic);
  CHECK_THAT(ScenarioError(periodic), StartsWith("scenario.period_s: is missing"));
  periodic.period_s = 0.04;
  CHECK(CheckScenario(periodic).ok());
  CHECK(periodic.DeadlineS() == 0.04);
  periodic.deadline_s = 0.03;
  CHECK(periodic.DeadlineS() == 0.03);

  Scenario single = Of(ScenarioKind::kSingleStream);
  single.target_rate_hz = 100;
  CHECK_THAT(ScenarioError(single), StartsWith("scenario.target_rate_hz: single-stream has no rate"));
  single = Of(ScenarioKind::kOffline);
  single.period_s = 1;
  CHECK_THAT(ScenarioError(single), StartsWith("scenario.period_s: offline has no period"));
  single.period_s.reset();
  single.deadline_s = 1;
  CHECK_THAT(ScenarioError(single), StartsWith("scenario.deadline_s: offline"));
  single.deadline_s.reset();
  single.latency_limit_s = 1;
  CHECK_THAT(ScenarioError(single), StartsWith("scenario.latency_limit_s: offline"));
}

TEST_CASE("a number out of range is refused by the field's name and its range", "[kpi][scenario]") {
  const auto error = [](ScenarioKind kind, auto change) {
    Scenario scenario = Of(kind);
    change(scenario);
    return ScenarioError(scenario);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(error(ScenarioKind::kServer, [](Scenario& s) { s.target_rate_hz = 0; }) ==
        "scenario.target_rate_hz: must be between 0.001 and 1000000 queries/s");
  CHECK(error(ScenarioKind::kServer, [&](Scenario& s) { s.latency_limit_s = nan; }) ==
        "scenario.latency_limit_s: must be between 1e-06 and 3600 seconds");
  CHECK(error(ScenarioKind::kPeriodic, [](Scenario& s) { s.period_s = -1; }) ==
        "scenario.period_s: must be between 1e-06 and 3600 seconds");
  CHECK(error(ScenarioKind::kOffline, [](Scenario& s) { s.median_precision = 1.5; }) ==
        "scenario.median_precision: must be between 0 and 1");
  CHECK(error(ScenarioKind::kOffline, [](Scenario& s) { s.min_inferences = 0; }) ==
        "scenario.min_inferences: must be at least 1");
  CHECK(error(ScenarioKind::kOffline, [](Scenario& s) { s.max_duration_s = 5; }) ==
        "scenario.max_duration_s: is shorter than scenario.min_duration_s");
}

}  // namespace
}  // namespace paddock
