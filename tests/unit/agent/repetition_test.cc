#include "agent/repetition.h"

#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include <catch2/catch.hpp>

#include "agent/processor_placement.h"
#include "kpi/environment_rules.h"
#include "kpi/run_record.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/agent/run_fixture.h"

namespace paddock::agent {
namespace {

class HostSession final : public Session {
 public:
  explicit HostSession(const SessionRequest& request) : inputs_(request.inputs), outputs_(request.outputs) {}
  const std::vector<TensorInfo>& Inputs() const override { return inputs_; }
  const std::vector<TensorInfo>& Outputs() const override { return outputs_; }
  std::map<std::string, std::string> EffectiveOptions() const override { return {}; }
  Result<std::uint32_t> Bind(std::span<const TensorView>) override { return 0; }
  Status Invoke(std::uint32_t) override {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    return OkStatus();
  }
  Result<std::vector<TensorView>> ReadOutputs() override { return std::vector<TensorView>(); }

 private:
  const std::vector<TensorInfo> inputs_;
  const std::vector<TensorInfo> outputs_;
};

// An emulated board: 1,000 instructions an inference, 600 and 400 of them in its two layers.
class CountingSession final : public Session {
 public:
  explicit CountingSession(const SessionRequest& request)
      : inputs_(request.inputs), outputs_(request.outputs) {
    facts_.target = "qemu-board";
    facts_.layers = {{"conv", "Conv", 60, 6}, {"dense", "Gemm", 40, 4}};
  }
  const std::vector<TensorInfo>& Inputs() const override { return inputs_; }
  const std::vector<TensorInfo>& Outputs() const override { return outputs_; }
  std::map<std::string, std::string> EffectiveOptions() const override { return {}; }
  Result<std::uint32_t> Bind(std::span<const TensorView>) override { return 0; }
  Status Invoke(std::uint32_t) override {
    instructions_ += 1000;
    return OkStatus();
  }
  Result<std::vector<TensorView>> ReadOutputs() override { return std::vector<TensorView>(); }
  std::optional<std::uint64_t> DeviceTimeNs() const override { return 1000; }
  std::optional<std::uint64_t> Instructions() const override { return instructions_; }
  const NetworkFacts* Facts() const override { return &facts_; }
  Result<LayerCounts> CountLayers() override { return LayerCounts{"instructions", {600, 400}}; }
  std::string Transcript() const override { return "> infer 1 0%\n"; }

 private:
  const std::vector<TensorInfo> inputs_;
  const std::vector<TensorInfo> outputs_;
  NetworkFacts facts_;
  std::uint64_t instructions_ = 0;
};

// Runs on this machine, in its time or on an emulated board, and computes nothing.
class HostDriver final : public DeviceDriver {
 public:
  explicit HostDriver(TimeSource time_source) {
    description_.computes_outputs = false;
    description_.time_source = time_source;
  }
  const DeviceDescription& Describe() const override { return description_; }
  Status Probe(Deadline) override { return OkStatus(); }
  Result<std::unique_ptr<Session>> Open(const SessionRequest& request, Deadline) override {
    if (description_.time_source == TimeSource::kInstructions)
      return std::unique_ptr<Session>(std::make_unique<CountingSession>(request));
    return std::unique_ptr<Session>(std::make_unique<HostSession>(request));
  }

 private:
  DeviceDescription description_;
};

struct HostRepetition {
  TempDir folder;
  WorkerRequest work;
  std::vector<std::string> stages{};
  TimeSource time_source = TimeSource::kHost;
  std::uint32_t index = 0;

  HostRepetition() {
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
  std::string Script(const std::string& text) const {
    const std::string path = folder / "vcgencmd";
    REQUIRE(WriteFileAtomically(path, "#!/bin/sh\n" + text).ok());
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    return path;
  }
  // On a thread of its own, which what it does to its processors ends with.
  RepetitionRecord Run() {
    std::optional<Failure> failure;
    std::thread([&] {
      HostDriver driver(time_source);
      const RepetitionRequest request{
          .work = work, .folder = folder.path(), .index = index, .spawned = SystemClock().Now()};
      failure = RunRepetition(driver, request, SystemClock(),
                              [this](std::string_view stage) { stages.emplace_back(stage); });
    }).join();
    INFO((failure ? failure->message : std::string()));
    REQUIRE_FALSE(failure);
    return DecodeRepetition(ReadFile(RecordPath(folder.path(), index)).value()).value();
  }
};

TEST_CASE("the record has what was waited before the repetition, and the CPUs that were named",
          "[repetition]") {
  HostRepetition repetition;
  repetition.work.cooldown_s = 12.5;
  repetition.work.cooldown_reached = false;
  const std::uint32_t cpu = KernelScheduler().allowed_cpus().front();
  repetition.work.cpus = {cpu};
  const RepetitionRecord record = repetition.Run();
  REQUIRE(record.environment);
  CHECK(record.environment->cooldown_s == 12.5);
  CHECK(record.environment->cooldown_reached == false);
  CHECK(record.environment->fingerprint.affinity == std::to_string(cpu));
  CHECK(repetition.stages == std::vector<std::string>{"loading", "warm-up", "measuring", "reporting"});

  const auto findings = CompareEnvironment(*record.environment, record.window_ns);
  const auto timeout = std::find_if(findings.begin(), findings.end(),
                                    [](const auto& finding) { return finding.code == "COOLDOWN_TIMEOUT"; });
  REQUIRE(timeout != findings.end());
  CHECK(timeout->severity == FindingSeverity::kDegrades);
}

TEST_CASE("an emulated board gives instructions, its network's facts and transcript, and no time of the host",
          "[repetition]") {
  HostRepetition repetition;
  repetition.time_source = TimeSource::kInstructions;
  repetition.index = GENERATE(0u, 1u);
  const RepetitionRecord record = repetition.Run();
  CHECK(record.clock == kInstructionClock);
  REQUIRE(record.counters);
  CHECK(record.counters->instructions ==
        1000 * (record.queries.latency_ns.size() - record.queries.warmup_count));
  CHECK_FALSE(record.counters->cycles);
  CHECK_FALSE(record.model_load_ns);
  CHECK_FALSE(record.cold_start_ns);
  CHECK_FALSE(record.peak_memory_bytes);
  CHECK_FALSE(record.environment);
  REQUIRE(record.network);
  CHECK(record.network->target == "qemu-board");
  CHECK(record.transcript == "> infer 1 0%\n");
  // Once in a run is enough.
  CHECK(record.layer_counts ==
        (repetition.index == 0 ? std::vector<std::uint64_t>{600, 400} : std::vector<std::uint64_t>()));
  CHECK(record.layer_unit == (repetition.index == 0 ? "instructions" : ""));
}

TEST_CASE("a repetition that waited for nothing says nothing of it", "[repetition]") {
  HostRepetition repetition;
  const RepetitionRecord record = repetition.Run();
  REQUIRE(record.environment);
  CHECK_FALSE(record.environment->cooldown_s);
  CHECK_FALSE(record.environment->cooldown_reached);
}

TEST_CASE("a meter that does not answer costs the energy and says why", "[repetition]") {
  HostRepetition repetition;
  repetition.work.meter = "pmic";
  repetition.work.meter_options = {{"command", repetition.Script("echo 'no such board' >&2; exit 1\n")}};
  const RepetitionRecord record = repetition.Run();
  CHECK_FALSE(record.power);
  CHECK_FALSE(record.energy_window);
  CHECK(record.no_energy.find("no such board") != std::string::npos);
  CHECK(record.queries.latency_ns.size() > record.queries.warmup_count);
}

TEST_CASE("an instrument that cannot be opened costs the energy and says why", "[repetition]") {
  HostRepetition repetition;
  repetition.work.meter = "joulescope";
  repetition.work.meter_options = {{"port", "/dev/nothing"}};
  const RepetitionRecord record = repetition.Run();
  CHECK_FALSE(record.power);
  CHECK(record.no_energy.find("/dev/nothing") != std::string::npos);
}

}  // namespace
}  // namespace paddock::agent
