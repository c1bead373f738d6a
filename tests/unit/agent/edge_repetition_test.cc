#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "agent/repetition.h"
#include "kpi/latency_analysis.h"
#include "kpi/verdict.h"
#include "tests/fakes/fake_lpm01a.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/agent/run_fixture.h"

namespace paddock::agent {
namespace {

// Half a millisecond an inference, by its own clock; a pin on the meter's D7.
class BoardSession final : public Session {
 public:
  BoardSession(const SessionRequest& request, FakeLpm01a* meter, bool has_pin)
      : inputs_(request.inputs), outputs_(request.outputs), meter_(meter), has_pin_(has_pin) {}
  const std::vector<TensorInfo>& Inputs() const override { return inputs_; }
  const std::vector<TensorInfo>& Outputs() const override { return outputs_; }
  std::map<std::string, std::string> EffectiveOptions() const override { return {}; }
  Result<std::uint32_t> Bind(std::span<const TensorView>) override { return bound_++; }
  Status Invoke(std::uint32_t) override { return OkStatus(); }
  std::optional<std::uint64_t> DeviceTimeNs() const override { return 500'000; }
  Status InvokeBetweenEdges(std::uint32_t query, std::uint64_t count) override {
    if (!has_pin_) return Session::InvokeBetweenEdges(query, count);
    if (meter_) meter_->Edges({0});
    std::this_thread::sleep_for(std::chrono::microseconds(500) * count);
    if (meter_) meter_->Edges({0});
    return OkStatus();
  }
  Result<std::vector<TensorView>> ReadOutputs() override { return std::vector<TensorView>(); }

 private:
  const std::vector<TensorInfo> inputs_;
  const std::vector<TensorInfo> outputs_;
  FakeLpm01a* const meter_;
  const bool has_pin_;
  std::uint32_t bound_ = 0;
};

struct BoardDriver final : public DeviceDriver {
  BoardDriver() {
    description.computes_outputs = false;
    description.time_source = TimeSource::kDevice;
  }
  const DeviceDescription& Describe() const override { return description; }
  Status Probe(Deadline) override { return OkStatus(); }
  Result<std::unique_ptr<Session>> Open(const SessionRequest& request, Deadline) override {
    if (meter) commands_before_open = meter->commands();
    return std::unique_ptr<Session>(
        std::make_unique<BoardSession>(request, wired ? meter : nullptr, has_pin));
  }

  DeviceDescription description;
  FakeLpm01a* meter = nullptr;
  bool wired = true;
  bool has_pin = true;
  std::vector<std::string> commands_before_open;
};

struct BoardRepetition {
  TempDir folder;
  WorkerRequest work;
  BoardDriver driver;
  std::vector<std::string> stages{};

  BoardRepetition() {
    const SmallRun run;
    work.plan = run.plan;
    work.plan.scenario.min_duration_s = 0.01;
    work.plan.scenario.median_precision = 0;
    work.plan.scenario.tail_precision = 0;
    for (const std::string& batch : run.batches) {
      work.batch_paths.push_back(folder / ("batch-" + std::to_string(work.batch_paths.size())));
      REQUIRE(WriteFileAtomically(work.batch_paths.back(), batch).ok());
    }
  }
  void Attach(FakeLpm01a* meter) {
    driver.meter = meter;
    work.meter = "lpm01a";
    work.meter_options = {{"port", meter->port()}, {"edges", "d7"}};
  }
  RepetitionRecord Run(double first_edges_s = 10) {
    const RepetitionRequest request{
        .work = work,
        .folder = folder.path(),
        .index = 1,
        .spawned = SystemClock().Now(),
        .energy_times = {
            .idle_s = 0.1, .window_s = 0.1, .between_windows_s = 0.1, .first_edges_s = first_edges_s}};
    const auto failure = RunRepetition(driver, request, SystemClock(),
                                       [this](std::string_view stage) { stages.emplace_back(stage); });
    INFO((failure ? failure->message : std::string()));
    REQUIRE_FALSE(failure);
    return DecodeRepetition(ReadFile(RecordPath(folder.path(), 1)).value()).value();
  }
};

std::string MissingEnergy(const RepetitionRecord& record) {
  RunEvidence evidence;
  evidence.repetitions.emplace_back(record);
  return ComputeKpis(evidence).missing["energy_per_inference"];
}

TEST_CASE("a board marks five windows with its pin, and the meter's samples between the edges are its energy",
          "[repetition]") {
  FakeLpm01a meter;
  BoardRepetition repetition;
  repetition.Attach(&meter);
  const RepetitionRecord record = repetition.Run();
  CHECK(repetition.stages ==
        std::vector<std::string>{"loading", "warm-up", "measuring", "energy", "reporting"});
  // The meter feeds the board, so it runs before the board is asked anything.
  const auto& before = repetition.driver.commands_before_open;
  CHECK(std::find(before.begin(), before.end(), "start") != before.end());

  CHECK(record.clock == kDeviceClock);
  CHECK(record.no_energy.empty());
  CHECK(record.edge_source == kGpioEdges);
  REQUIRE(record.edge_windows.size() == 5);
  for (const EdgeWindow& window : record.edge_windows) CHECK(window.samples == 210);  // 105 ms of 0.5 ms
  REQUIRE(record.power);
  CHECK(record.power->edges.size() == 10);
  CHECK(record.power->lost_edges == 0);
  CHECK(record.power->idle_before);
  CHECK(record.power->idle_after);

  RunEvidence evidence;
  evidence.repetitions_planned = 1;
  evidence.repetitions.emplace_back(record);
  const auto kpis = ComputeKpis(evidence);
  CHECK(kpis.values.at("power_mean").value == Approx(0.01));  // 10 uJ in each millisecond
  const auto reasons = Judge(evidence, repetition.work.plan.scenario).reasons;
  CHECK(std::any_of(reasons.begin(), reasons.end(),
                    [](const Reason& reason) { return reason.code == "ENERGY_WINDOWS"; }));
}

TEST_CASE("a board without edges has no energy, and the record says what is missing", "[repetition]") {
  BoardRepetition repetition;
  RepetitionRecord record;
  SECTION("a meter that sees none") {
    const std::string path = repetition.folder / "vcgencmd";
    REQUIRE(WriteFileAtomically(
                path, "#!/bin/sh\necho 'VDD_CORE_A current(7)=1.0A'\necho 'VDD_CORE_V volt(15)=0.8V'\n")
                .ok());
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    repetition.work.meter = "pmic";
    repetition.work.meter_options = {{"command", path}};
    record = repetition.Run();
    CHECK_THAT(record.no_energy, Catch::Contains("meter pmic sees no edges") && Catch::Contains("edges=d7"));
  }
  FakeLpm01a meter;
  SECTION("a device without a pin") {
    repetition.Attach(&meter);
    repetition.driver.has_pin = false;
    record = repetition.Run();
    CHECK_THAT(record.no_energy, Catch::Contains("moves no pin"));
  }
  SECTION("a pin that nobody wired") {
    repetition.Attach(&meter);
    repetition.driver.wired = false;
    record = repetition.Run(0.05);
    CHECK_THAT(record.no_energy, Catch::Contains("the meter saw 0 edges") && Catch::Contains("wired"));
  }
  CHECK(record.edge_source == kNoEdges);
  CHECK(record.edge_windows.empty());
  CHECK_FALSE(record.power);
  CHECK(record.queries.latency_ns.size() > record.queries.warmup_count);
  CHECK(MissingEnergy(record) == "no_edges");
}

TEST_CASE("a meter with edges that cannot be opened costs a board's energy and says why", "[repetition]") {
  BoardRepetition repetition;
  repetition.work.meter = "lpm01a";
  repetition.work.meter_options = {{"port", "/dev/nothing"}, {"edges", "d7"}};
  const RepetitionRecord record = repetition.Run();
  CHECK_THAT(record.no_energy, Catch::Contains("/dev/nothing"));
  CHECK(record.edge_source.empty());
  CHECK(MissingEnergy(record) == "sensor_failed");
}

}  // namespace
}  // namespace paddock::agent
