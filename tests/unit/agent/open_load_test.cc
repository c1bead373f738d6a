#include <catch2/catch.hpp>

#include "agent/arrival_schedule.h"
#include "kpi/statistics.h"
#include "load_fixture.h"

namespace paddock::agent {
namespace {

std::uint64_t MeasuredPercentile(const QuerySeries& series, double p) {
  std::vector<std::uint64_t> sorted(
      series.latency_ns.begin() + static_cast<std::ptrdiff_t>(series.warmup_count), series.latency_ns.end());
  std::sort(sorted.begin(), sorted.end());
  return PercentileOfSorted(sorted, p);
}

struct OpenBench : LoadBench {
  explicit OpenBench(ScenarioKind kind) {
    scenario.kind = kind;
    if (kind == ScenarioKind::kServer) scenario.target_rate_hz = 100;
    if (kind == ScenarioKind::kPeriodic) scenario.period_s = 0.010;
    scenario.min_inferences = 1000;
  }
};

TEST_CASE("queries of an open loop are issued when they are due", "[load][open]") {
  OpenBench bench(ScenarioKind::kPeriodic);
  bench.scenario.min_inferences = 4;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  // Warm-up is a closed loop of five queries of 1 ms.
  CHECK(result->series.intended_offset_ns == std::vector<std::uint64_t>{0, 1'000'000, 2'000'000, 3'000'000,
                                                                        4'000'000, 5'000'000, 15'000'000,
                                                                        25'000'000, 35'000'000});
  CHECK(result->series.start_offset_ns == result->series.intended_offset_ns);
  CHECK(result->series.latency_ns == std::vector<std::uint64_t>(9, 1'000'000));
  CHECK(result->window_ns == 31'000'000);
  CHECK_FALSE(result->rate_hz);
}

TEST_CASE("the arrivals of server are the schedule of its seed", "[load][open]") {
  OpenBench bench(ScenarioKind::kServer);
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->rate_hz == 100.0);
  ArrivalSchedule schedule = ArrivalSchedule::Poisson(100, 42);
  for (std::size_t i = 5; i < result->series.intended_offset_ns.size(); ++i)
    REQUIRE(result->series.intended_offset_ns[i] == 5'000'000 + schedule.Next());
}

TEST_CASE("what comes while the device is busy waits, and its wait is latency", "[load][open]") {
  const bool modelled = GENERATE(false, true);
  OpenBench bench(ScenarioKind::kPeriodic);
  bench.scenario.min_inferences = 4;
  bench.scenario.warmup = {.min_inferences = 1, .min_s = 0};
  bench.session.stall_at = 2;
  bench.session.stall_ns = 22'000'000;
  if (modelled) {
    bench.session.device_ns = 1'000'000;
    bench.session.latency_ns = 0;
  }
  const auto result = bench.Run();
  REQUIRE(result.ok());
  if (!modelled) {
    CHECK(result->series.start_offset_ns ==
          std::vector<std::uint64_t>{0, 1'000'000, 11'000'000, 34'000'000, 35'000'000});
    CHECK(result->series.latency_ns ==
          std::vector<std::uint64_t>{1'000'000, 1'000'000, 23'000'000, 14'000'000, 5'000'000});
  }
  for (std::uint64_t i = 0; i < 5; ++i) CHECK(result->series.PacerLatenessNs(i) == 0);
}

// A closed loop would show one long query of a thousand.
TEST_CASE("a stall shows in the p99 of open loops", "[load][open]") {
  const auto kind = GENERATE(ScenarioKind::kServer, ScenarioKind::kPeriodic);
  OpenBench bench(kind);
  bench.session.stall_at = 300;
  bench.session.stall_ns = 500'000'000;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(MeasuredPercentile(result->series, 0.99) > 300'000'000);
  CHECK(MeasuredPercentile(result->series, 0.5) == 1'000'000);

  LoadBench closed;
  closed.scenario.min_inferences = 1000;
  closed.session.stall_at = 300;
  closed.session.stall_ns = 500'000'000;
  const auto omitted = closed.Run();
  REQUIRE(omitted.ok());
  CHECK(MeasuredPercentile(omitted->series, 0.99) == 1'000'000);
}

TEST_CASE("a late pacer is seen in every query and counts as latency", "[load][open]") {
  OpenBench bench(ScenarioKind::kPeriodic);
  bench.scenario.min_inferences = 3;
  bench.pacer.late_ns = 70'000;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  for (std::uint64_t i = 5; i < 8; ++i) {
    CHECK(result->series.PacerLatenessNs(i) == 70'000);
    CHECK(result->series.latency_ns[i] == 1'070'000);
  }
}

TEST_CASE("an open loop does not wait for a query that is due after the longest duration", "[load][open]") {
  OpenBench bench(ScenarioKind::kPeriodic);
  bench.scenario.period_s = 100;
  bench.scenario.max_duration_s = 50;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.latency_ns.size() == 6);
  CHECK(result->stop_reason == "max_duration");
  CHECK(bench.clock.Now() < MonotonicTime(std::chrono::seconds(10)));
}

TEST_CASE("a scenario that lacks what it needs is refused before anything is issued", "[load][open]") {
  OpenBench bench(ScenarioKind::kServer);
  bench.scenario.target_rate_hz.reset();
  const auto result = bench.Run();
  CHECK(result.status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(result.status().message(), Catch::Contains("scenario.target_rate_hz"));
  CHECK(bench.session.invoked.empty());
}

// Of M/D/1 with a service time of 1 ms, p99 of the waiting time is about 4.6 / 2 service times at half load.
TEST_CASE("the search finds the highest rate that meets the limit", "[load][open]") {
  OpenBench bench(ScenarioKind::kServer);
  bench.scenario.target_rate_hz.reset();
  bench.scenario.latency_limit_s = 0.003;
  bench.scenario.probe_duration_s = 5;
  bench.session.device_ns = 1'000'000;
  bench.session.latency_ns = 0;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  REQUIRE(result->rate_hz);
  CHECK(*result->rate_hz > 300);
  CHECK(*result->rate_hz < 600);
  double highest_passed = 0;
  double lowest_failed = 1e9;
  for (const RateProbe& probe : result->rate_probes) {
    CHECK(probe.passed == (probe.percentile_ns <= 3'000'000));
    if (probe.passed)
      CHECK(static_cast<double>(probe.queries) >= std::max(662.0, std::floor(probe.rate_hz * 5)));
    if (probe.passed) highest_passed = std::max(highest_passed, probe.rate_hz);
    if (!probe.passed) lowest_failed = std::min(lowest_failed, probe.rate_hz);
  }
  CHECK(*result->rate_hz == highest_passed);
  CHECK(lowest_failed > highest_passed);
  CHECK(lowest_failed - highest_passed <= 0.01 * lowest_failed);
  // The probes are no part of the record's series.
  CHECK(result->series.latency_ns.size() == 1005);
  CHECK(result->series.intended_offset_ns[5] > 5'000'000);
  CHECK(result->window_ns < 10'000'000'000);
}

TEST_CASE("a limit below the service time is met by no rate, and the probes say so", "[load][open]") {
  OpenBench bench(ScenarioKind::kServer);
  bench.scenario.target_rate_hz.reset();
  bench.scenario.latency_limit_s = 0.0005;
  bench.session.device_ns = 1'000'000;
  bench.session.latency_ns = 0;
  bench.scenario.min_inferences = 10;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->rate_probes.size() == 7);
  for (const RateProbe& probe : result->rate_probes) CHECK_FALSE(probe.passed);
  CHECK(*result->rate_hz == result->rate_probes.back().rate_hz);
}

}  // namespace
}  // namespace paddock::agent
