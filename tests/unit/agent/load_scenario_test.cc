#include "agent/load_scenario.h"

#include <catch2/catch.hpp>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::agent {
namespace {

// Takes `latency_ns` of the fake clock per query; keeps what it was asked.
class FakeSession final : public Session {
 public:
  explicit FakeSession(FakeClock& clock) : clock_(clock) {}
  const std::vector<TensorInfo>& Inputs() const override { return none_; }
  const std::vector<TensorInfo>& Outputs() const override { return none_; }
  std::map<std::string, std::string> EffectiveOptions() const override { return {}; }
  Result<std::uint32_t> Bind(std::span<const TensorView>) override { return 0; }
  Status Invoke(std::uint32_t query) override {
    if (fail_at && invoked.size() == *fail_at) return UnavailableError("the board is gone");
    invoked.push_back(query);
    clock_.Advance(std::chrono::nanoseconds(latency_ns));
    return OkStatus();
  }
  Result<std::vector<TensorView>> ReadOutputs() override { return std::vector<TensorView>(); }
  std::optional<std::uint64_t> DeviceTimeNs() const override { return device_ns; }
  std::optional<double> EnergyJ() const override {
    if (!joules_per_query) return std::nullopt;
    return *joules_per_query * static_cast<double>(invoked.size());
  }

  std::int64_t latency_ns = 1'000'000;
  std::optional<std::uint64_t> device_ns;
  std::optional<double> joules_per_query;
  std::optional<std::size_t> fail_at;
  std::vector<std::uint32_t> invoked;

 private:
  FakeClock& clock_;
  std::vector<TensorInfo> none_;
};

struct Bench {
  FakeClock clock;
  FakeSession session{clock};
  TempDir folder;
  SharedCounter done = SharedCounter::Open(folder / "progress").value();
  std::vector<BoundQuery> queries = {
      {.handle = 10, .samples = 2}, {.handle = 11, .samples = 2}, {.handle = 12, .samples = 1}};
  Scenario scenario;
  std::vector<std::string> stages;

  Bench() {
    scenario.warmup = {.min_inferences = 5, .min_s = 0};
    scenario.min_inferences = 10;
    scenario.min_duration_s = 0;
  }
  Result<LoadResult> Run() {
    return RunLoad(session, {.scenario = scenario, .queries = queries, .samples_per_query = 2}, clock, done,
                   [this](std::string_view stage) { stages.emplace_back(stage); });
  }
};

TEST_CASE("queries are issued in order, pass after pass, and all are kept with warm-up flagged", "[load]") {
  Bench bench;
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
  Bench bench;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.samples_per_query == 2);
  CHECK(result->series.short_queries ==
        std::map<std::uint64_t, std::uint32_t>{{2, 1}, {5, 1}, {8, 1}, {11, 1}, {14, 1}});
}

TEST_CASE("both minima must be met: of warm-up and of the window", "[load]") {
  Bench bench;
  bench.scenario.warmup.min_s = 0.020;
  bench.scenario.min_duration_s = 0.050;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.warmup_count == 20);
  CHECK(result->series.latency_ns.size() == 70);
  CHECK(result->window_ns == 50'000'000);
}

TEST_CASE("a slow device ends at the longest duration, after at least one query", "[load]") {
  Bench bench;
  bench.scenario.max_duration_s = 0.003;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.warmup_count == 3);
  CHECK(result->series.latency_ns.size() == 6);

  Bench slow;
  slow.scenario.max_duration_s = 0.003;
  slow.session.latency_ns = 10'000'000'000;
  const auto slow_result = slow.Run();
  REQUIRE(slow_result.ok());
  CHECK(slow_result->series.warmup_count == 1);
  CHECK(slow_result->series.latency_ns.size() == 2);
}

TEST_CASE("no warm-up asked for is none", "[load]") {
  Bench bench;
  bench.scenario.warmup = {.min_inferences = 0, .min_s = 0};
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.warmup_count == 0);
  CHECK(result->series.latency_ns.size() == 10);
}

TEST_CASE("a device with its own time is measured in it", "[load]") {
  Bench bench;
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
  Bench bench;
  bench.session.joules_per_query = 0.5;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->energy_j == 5.0);
  bench.session.joules_per_query.reset();
  CHECK_FALSE(bench.Run()->energy_j);
}

TEST_CASE("a query that fails ends the load with its error", "[load]") {
  Bench bench;
  bench.session.fail_at = 8;
  const auto result = bench.Run();
  CHECK(result.status().code() == StatusCode::kUnavailable);
  CHECK(bench.stages.back() == "measuring");
  CHECK(bench.done.Load() == 8);
}

TEST_CASE("more queries than were reserved for are all kept", "[load]") {
  Bench bench;
  bench.scenario.min_inferences = 100'000;
  bench.session.latency_ns = 100;
  const auto result = bench.Run();
  REQUIRE(result.ok());
  CHECK(result->series.latency_ns.size() == 100'005);
  CHECK(result->series.start_offset_ns.back() == 100'004u * 100);
}

TEST_CASE("the timer floor is the median of an empty pair", "[load]") {
  CHECK(MeasureTimerFloorNs(FakeClock()) == 0);
  CHECK(MeasureTimerFloorNs(SystemClock()) > 0);
}

}  // namespace
}  // namespace paddock::agent
