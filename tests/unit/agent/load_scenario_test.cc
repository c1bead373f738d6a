#include "agent/load_scenario.h"

#include <catch2/catch.hpp>

#include "load_fixture.h"

namespace paddock::agent {
namespace {

TEST_CASE("queries are issued in order, pass after pass, and all are kept with warm-up flagged", "[load]") {
  LoadBench bench;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(bench.session.invoked ==
        std::vector<std::uint32_t>{10, 11, 12, 10, 11, 12, 10, 11, 12, 10, 11, 12, 10, 11, 12});
  CHECK(bench.stages == std::vector<std::string>{"warm-up", "measuring"});
  CHECK(result->series.warmup_count == 5);
  REQUIRE(result->series.latency_ns.size() == 15);
  CHECK(result->series.start_offset_ns[0] == 0);
  CHECK(result->series.start_offset_ns[7] == 7'000'000);
  CHECK(result->series.latency_ns[7] == 1'000'000);
  CHECK(result->series.intended_offset_ns.empty());
  CHECK(result->window_ns == 10'000'000);
  CHECK(bench.done.Load() == 15);
}

TEST_CASE("the last query of every pass is listed with its samples, so that none is lost", "[load]") {
  LoadBench bench;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.samples_per_query == 2);
  CHECK(result->series.short_queries ==
        std::map<std::uint64_t, std::uint32_t>{{2, 1}, {5, 1}, {8, 1}, {11, 1}, {14, 1}});
}

TEST_CASE("both minima must be met: of warm-up and of the window", "[load]") {
  LoadBench bench;
  bench.scenario.warmup.min_s = 0.020;
  bench.scenario.min_duration_s = 0.050;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.warmup_count == 20);
  CHECK(result->series.latency_ns.size() == 70);
  CHECK(result->window_ns == 50'000'000);
}

TEST_CASE("a slow device ends at the longest duration, after at least one query", "[load]") {
  LoadBench bench;
  bench.scenario.max_duration_s = 0.003;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.warmup_count == 3);
  CHECK(result->series.latency_ns.size() == 6);

  LoadBench slow;
  slow.scenario.max_duration_s = 0.003;
  slow.session.latency_ns = 10'000'000'000;
  const auto slow_result = slow.Run();
  REQUIRE(slow_result.ok());
  CHECK(slow_result->series.warmup_count == 1);
  CHECK(slow_result->series.latency_ns.size() == 2);
}

TEST_CASE("no warm-up asked for is none", "[load]") {
  LoadBench bench;
  bench.scenario.warmup = {.min_inferences = 0, .min_s = 0};
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.warmup_count == 0);
  CHECK(result->series.latency_ns.size() == 10);
}

TEST_CASE("a device with its own time is measured in it", "[load]") {
  LoadBench bench;
  bench.session.latency_ns = 10;
  bench.session.device_ns = 2'000'000;
  bench.scenario.min_duration_s = 0.030;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.latency_ns == std::vector<std::uint64_t>(20, 2'000'000));
  CHECK(result->series.start_offset_ns[6] == 12'000'000);
  CHECK(result->window_ns == 30'000'000);
}

TEST_CASE("energy is that of the window alone", "[load]") {
  LoadBench bench;
  bench.session.joules_per_query = 0.5;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->energy_j == 5.0);
  bench.session.joules_per_query.reset();
  CHECK_FALSE(bench.Run()->energy_j);
}

TEST_CASE("a query that fails ends the load with its error", "[load]") {
  LoadBench bench;
  bench.session.fail_at = 8;
  const auto result = bench.Run();
  CHECK(result.status().code() == StatusCode::kUnavailable);
  CHECK(bench.stages.back() == "measuring");
  CHECK(bench.done.Load() == 8);
}

TEST_CASE("more queries than were reserved for are all kept", "[load]") {
  LoadBench bench;
  bench.scenario.min_inferences = 100'000;
  bench.session.latency_ns = 100;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.latency_ns.size() == 100'005);
  CHECK(result->series.start_offset_ns.back() == 100'004u * 100);
}

TEST_CASE("a window goes on until its intervals are narrow, in time that stands still meanwhile", "[load]") {
  LoadBench bench;
  bench.scenario.median_precision = 0.01;
  bench.scenario.tail_precision = 0.05;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->stop_reason == "precise");
  CHECK(result->series.latency_ns.size() == 5 + 64);  // what a claim on p90 needs
  CHECK(result->window_ns == 64'000'000);
}

TEST_CASE("why a window ended is kept", "[load]") {
  LoadBench bench;
  CHECK(bench.Run()->stop_reason == "minimum");
  bench.scenario.max_duration_s = 0.003;
  CHECK(bench.Run()->stop_reason == "max_duration");
}

TEST_CASE("queries much shorter than the clock's floor are measured in blocks", "[load]") {
  LoadBench bench;
  bench.timer_floor_ns = 40;
  bench.session.latency_ns = 1000;  // 200 floors are 8 of them
  bench.scenario.min_inferences = 100;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.invocations_per_reading == 8);
  CHECK(result->series.warmup_count == 5);
  REQUIRE(result->series.latency_ns.size() == 5 + 13);
  CHECK(result->series.latency_ns[4] == 1000);
  CHECK(result->series.latency_ns[5] == 8000);
  CHECK(bench.session.invoked.size() == 5 + 13 * 8);
  // Blocks begin at the third bound query: 1 + (2 2 1) (2 2 1) 2 samples.
  CHECK(result->series.SamplesOf(5) == 13);
  std::uint64_t samples = 0;
  for (std::uint64_t entry = 0; entry < result->series.latency_ns.size(); ++entry)
    samples += result->series.SamplesOf(entry);
  CHECK(samples == 109 / 3 * 5 + 2);
}

TEST_CASE("readings are not batched above 200 floors, of a modelled device, or in an open loop", "[load]") {
  const auto block = [](auto change) {
    LoadBench bench;
    bench.timer_floor_ns = 40;
    bench.session.latency_ns = 1000;
    change(bench);
    const auto result = bench.Run();
    REQUIRE(result.status().ToString() == "OK");
    return result->series.invocations_per_reading;
  };
  CHECK(block([](LoadBench&) {}) == 8);
  CHECK(block([](LoadBench& bench) { bench.session.latency_ns = 8000; }) == 1);
  CHECK(block([](LoadBench& bench) { bench.session.device_ns = 1000; }) == 1);
  CHECK(block([](LoadBench& bench) { bench.timer_floor_ns.reset(); }) == 1);
  CHECK(block([](LoadBench& bench) {
          bench.scenario.kind = ScenarioKind::kPeriodic;
          bench.scenario.period_s = 0.001;
        }) == 1);
}

TEST_CASE("a query of multi-stream may take several invocations", "[load]") {
  LoadBench bench;
  bench.scenario.kind = ScenarioKind::kMultiStream;
  bench.invocations_per_query = 2;
  bench.scenario.min_inferences = 3;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.latency_ns == std::vector<std::uint64_t>(8, 2'000'000));
  CHECK(bench.session.invoked.size() == 16);
  CHECK(result->series.samples_per_query == 4);
  CHECK(result->series.SamplesOf(0) == 4);  // 2 2
  CHECK(result->series.SamplesOf(1) == 3);  // 1 2
  CHECK(result->series.SamplesOf(2) == 3);  // 2 1

  LoadBench modelled;
  modelled.session.device_ns = 700;
  modelled.invocations_per_query = 3;
  CHECK(modelled.Run()->series.latency_ns[0] == 2100);
}

TEST_CASE("the timer floor is the median of an empty pair", "[load]") {
  CHECK(MeasureTimerFloorNs(FakeClock()) == 0);
  CHECK(MeasureTimerFloorNs(SystemClock()) > 0);
}

}  // namespace
}  // namespace paddock::agent
