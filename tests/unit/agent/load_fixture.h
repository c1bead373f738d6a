// A session, a pacer and a clock that a test moves, and a load over them: three bound queries of 2, 2 and 1 samples, 1 ms each.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "agent/load_scenario.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::agent {

// Takes `latency_ns` of the fake clock per query; keeps what it was asked.
class LoadSession final : public Session {
 public:
  explicit LoadSession(FakeClock& clock) : clock_(clock) {}
  const std::vector<TensorInfo>& Inputs() const override { return none_; }
  const std::vector<TensorInfo>& Outputs() const override { return none_; }
  std::map<std::string, std::string> EffectiveOptions() const override { return {}; }
  Result<std::uint32_t> Bind(std::span<const TensorView>) override { return 0; }
  Status Invoke(std::uint32_t query) override {
    if (fail_at && invoked.size() == *fail_at) return UnavailableError("the board is gone");
    invoked.push_back(query);
    const auto stalled = stall_at && invoked.size() == *stall_at + 1 ? stall_ns : 0;
    clock_.Advance(std::chrono::nanoseconds(latency_ns + stalled));
    if (device_ns) last_device_ns_ = *device_ns + static_cast<std::uint64_t>(stalled);
    return OkStatus();
  }
  Result<std::vector<TensorView>> ReadOutputs() override { return std::vector<TensorView>(); }
  std::optional<std::uint64_t> DeviceTimeNs() const override {
    return device_ns ? std::max(*device_ns, last_device_ns_) : device_ns;
  }
  std::optional<double> EnergyJ() const override {
    if (!joules_per_query) return std::nullopt;
    return *joules_per_query * static_cast<double>(invoked.size());
  }

  std::int64_t latency_ns = 1'000'000;
  std::optional<std::uint64_t> device_ns;
  std::optional<double> joules_per_query;
  std::optional<std::size_t> fail_at;
  std::optional<std::size_t> stall_at;  // this query, counted from the first, takes stall_ns longer
  std::int64_t stall_ns = 0;
  std::vector<std::uint32_t> invoked;

 private:
  FakeClock& clock_;
  std::uint64_t last_device_ns_ = 0;
  std::vector<TensorInfo> none_;
};

// Moves the clock instead of waiting; late by `late_ns`.
class JumpingPacer final : public Pacer {
 public:
  explicit JumpingPacer(FakeClock& clock) : clock_(clock) {}
  void WaitUntil(MonotonicTime when) override {
    when += std::chrono::nanoseconds(late_ns);
    if (when > clock_.Now()) clock_.Advance(when - clock_.Now());
  }
  std::int64_t late_ns = 0;

 private:
  FakeClock& clock_;
};

struct LoadBench {
  FakeClock clock;
  LoadSession session{clock};
  JumpingPacer pacer{clock};
  TempDir folder;
  SharedCounter done = SharedCounter::Open(folder / "progress").value();
  std::vector<BoundQuery> queries = {
      {.handle = 10, .samples = 2}, {.handle = 11, .samples = 2}, {.handle = 12, .samples = 1}};
  Scenario scenario;
  std::uint32_t invocations_per_query = 1;
  std::optional<std::uint64_t> timer_floor_ns;
  std::vector<std::string> stages;

  LoadBench() {
    scenario.warmup = {.min_inferences = 5, .min_s = 0};
    scenario.min_inferences = 10;
    scenario.min_duration_s = 0;
    scenario.median_precision = 0;
    scenario.tail_precision = 0;
  }
  Result<LoadResult> Run() {
    return RunLoad(session,
                   {.scenario = scenario,
                    .queries = queries,
                    .samples_per_query = 2 * invocations_per_query,
                    .invocations_per_query = invocations_per_query,
                    .seed = 42,
                    .timer_floor_ns = timer_floor_ns,
                    .pacer = &pacer},
                   clock, done, [this](std::string_view stage) { stages.emplace_back(stage); });
  }
};

}  // namespace paddock::agent
