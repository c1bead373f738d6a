#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "kpi/tensor_file.h"
#include "tests/unit/agent/runner_fixture.h"

namespace paddock::agent {
namespace {

bool Says(const Report& report, const std::string& what) {
  UNSCOPED_INFO((report.failure ? report.failure->message : std::string("no failure")));
  return report.failure && report.failure->message.find(what) != std::string::npos;
}

TEST_CASE("every repetition is measured in a process of its own and leaves its record", "[runner]") {
  Runner runner;
  const Report report = runner.Run({{"latency_us", "1000"}, {"noise", "0"}});
  UNSCOPED_INFO((report.failure ? report.failure->message : std::string()));
  REQUIRE(report.outcome == Outcome::kDone);
  REQUIRE(report.repetitions.size() == 2);
  const RepetitionRecord record = runner.Record(report, 1);
  CHECK(record.index == 1);
  CHECK(record.clock == "simulated");
  CHECK(record.queries.warmup_count == 4);
  CHECK(record.queries.latency_ns.size() == 4 + 64);  // as many as p90 needs
  CHECK(record.queries.latency_ns[20] == 1'000'000);
  CHECK(record.first_inference_ns.has_value());
  CHECK_FALSE(record.cold_start_ns);
  CHECK_FALSE(record.peak_memory_bytes);
  CHECK(record.energy_j.has_value());
  CHECK(report.repetitions[0].predictions_path.empty());

  std::vector<std::string> waterfall;
  for (const StageTime& stage : report.stages)
    waterfall.push_back(stage.stage + (stage.repetition ? " " + std::to_string(*stage.repetition) : ""));
  const auto place = [&](const std::string& name) {
    return std::find(waterfall.begin(), waterfall.end(), name) - waterfall.begin();
  };
  const auto count = static_cast<std::ptrdiff_t>(waterfall.size());
  REQUIRE(place("measured 1") < count);
  CHECK(place("transfer") < place("load 0"));
  CHECK(place("load 0") < place("warm-up 0"));
  CHECK(place("measured 0") < place("load 1"));
  CHECK(place("first-inference 0") == count);  // the driver's time is modelled, that of the waterfall is not
  const StageTime& transfer = report.stages[static_cast<std::size_t>(place("transfer"))];
  CHECK(transfer.bytes ==
        runner.run.model.size() + runner.run.batches[0].size() + runner.run.batches[1].size());
  CHECK(report.stages[static_cast<std::size_t>(place("measured 0"))].energy_j.has_value());

  std::vector<std::string> stages;
  for (const Progress& sent : runner.progress) {
    if (stages.empty() || stages.back() != sent.stage) stages.push_back(sent.stage);
  }
  CHECK(stages == std::vector<std::string>{"transferring", "loading", "warm-up", "measuring", "reporting",
                                           "loading", "warm-up", "measuring", "reporting"});
  CHECK(runner.progress.back().repetitions == 2);
}

TEST_CASE("predictions of the first repetition hold every sample once, whatever the queries hold",
          "[runner]") {
  Runner runner;
  runner.run.plan.scenario.kind = ScenarioKind::kOffline;
  runner.run.plan.scenario.samples_per_query = 2;
  const Report report = runner.Run({{"outputs", "hash"}});
  UNSCOPED_INFO((report.failure ? report.failure->message : std::string()));
  REQUIRE(report.outcome == Outcome::kDone);
  REQUIRE_FALSE(report.repetitions[0].predictions_path.empty());
  CHECK(report.repetitions[1].predictions_path.empty());
  const std::string file = ReadFile(report.repetitions[0].predictions_path).value();
  const auto tensors = DecodeTensorFile(file);
  REQUIRE(tensors.ok());
  CHECK(tensors->at(0).name == "y");
  CHECK(tensors->at(0).tensor.shape == Shape{5, 3});
  CHECK(runner.Record(report, 0).queries.SamplesOf(2) == 1);
}

TEST_CASE("a second run of the same artifact and data fetches nothing", "[runner]") {
  Runner runner;
  runner.run.plan.repetitions = 1;
  REQUIRE(runner.Run({}).outcome == Outcome::kDone);
  const std::uint64_t sent_bytes = runner.link.sent_bytes;
  CHECK(sent_bytes > 0);
  runner.spooled = runner.spool.Accept(runner.run.AssignmentFor(2)).value();
  REQUIRE(runner.Run({}).outcome == Outcome::kDone);
  CHECK(runner.link.sent_bytes == sent_bytes);
}

TEST_CASE("repetitions that are complete are not done again", "[runner]") {
  Runner runner;
  REQUIRE(runner.Run({}).outcome == Outcome::kDone);
  REQUIRE(RemoveFile(RecordPath(runner.spooled->folder, 1)).ok());
  const std::string first = ReadFile(RecordPath(runner.spooled->folder, 0)).value();
  runner.progress.clear();
  const Report report = runner.Run({{"seed", "9"}});
  CHECK(report.outcome == Outcome::kDone);
  CHECK(ReadFile(RecordPath(runner.spooled->folder, 0)).value() == first);
  for (const Progress& sent : runner.progress) CHECK(sent.repetition != 1);
}

TEST_CASE(
    "a worker that crashes each time is tried three times and then blamed on the job, by signal and stage",
    "[runner]") {
  Runner runner;
  const Report report = runner.Run({{"fault", "crash@measuring"}});
  REQUIRE(report.outcome == Outcome::kFailed);
  CHECK(report.failure->failure_class == FailureClass::kJob);
  CHECK(report.failure->stage == "measuring");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(Says(report, "signal 11 (Segmentation fault)"));
#endif
  CHECK(Says(report, "in 3 processes"));
  int warmups = 0;
  std::string before;
  for (const Progress& sent : runner.progress) {
    warmups += sent.stage == "warm-up" && before != "warm-up";
    before = sent.stage;
  }
  CHECK(warmups == 3);
}

TEST_CASE("a worker that crashes once costs nothing but time", "[runner]") {
  Runner runner;
  const Report report = runner.Run({{"fault", "crash@warm-up"}, {"fault_once", runner.state / "marker"}});
  CHECK(report.outcome == Outcome::kDone);
  CHECK(report.repetitions.size() == 2);
}

TEST_CASE("repetitions before the one that failed are in the report", "[runner]") {
  Runner runner;
  const Report report = runner.Run({{"fault", "exit@measuring#1:3"}});
  CHECK(report.outcome == Outcome::kFailed);
  CHECK(Says(report, "exit code 3"));
  CHECK(Says(report, "repetition 2"));
  REQUIRE(report.repetitions.size() == 1);
  CHECK(report.repetitions[0].index == 0);
}

TEST_CASE("a worker that never answers is killed at its deadline, once, and the device is blamed",
          "[runner]") {
  Runner runner;
  runner.run.plan.repetition_timeout_s = 1;
  const Report report = runner.Run({{"fault", "silent@warm-up"}});
  REQUIRE(report.outcome == Outcome::kFailed);
  CHECK(report.failure->failure_class == FailureClass::kDevice);
  CHECK(report.failure->stage == "warm-up");
  CHECK_FALSE(report.failure->retry);
  CHECK(Says(report, "deadline of 1 s"));
  CHECK_FALSE(Says(report, "processes"));
}

TEST_CASE("what the driver says is passed on: to the job, or to the device with another try", "[runner]") {
  Runner device;
  const Report gone = device.Run({{"fault", "error@measuring"}});
  REQUIRE(gone.outcome == Outcome::kFailed);
  CHECK(gone.failure->failure_class == FailureClass::kDevice);
  CHECK(gone.failure->retry);
  CHECK(gone.failure->stage == "measuring");

  Runner job;
  job.run.plan.options.threads = 2;
  const Report refused = job.Run({});
  REQUIRE(refused.outcome == Outcome::kFailed);
  CHECK(refused.failure->failure_class == FailureClass::kJob);
  CHECK(refused.failure->stage == "loading");
  CHECK_FALSE(refused.failure->retry);
  CHECK(Says(refused, "threads"));
}

TEST_CASE("a wrong option of the device is not the job's fault", "[runner]") {
  Runner runner;
  const Report report = runner.Run({{"latency_us", "fast"}});
  REQUIRE(report.outcome == Outcome::kFailed);
  CHECK(report.failure->failure_class == FailureClass::kDevice);
  CHECK(Says(report, "latency_us"));
}

TEST_CASE("a worker that something outside kills is the farm's matter and worth another try", "[runner]") {
  Runner runner;
  const std::string script = runner.state / "worker";
  REQUIRE(
      WriteFileAtomically(script, "#!/bin/sh\necho '@stage loading'\necho some last words >&2\nkill -9 $$\n")
          .ok());
  REQUIRE(::chmod(script.c_str(), 0755) == 0);
  RunnerSettings settings = SimulatedSettingsFor({});
  settings.worker_path = script;
  const Report report = runner.RunWith(settings);
  REQUIRE(report.outcome == Outcome::kFailed);
  CHECK(report.failure->failure_class == FailureClass::kFarm);
  CHECK(report.failure->retry);
  CHECK(Says(report, "signal 9"));
  CHECK(Says(report, "some last words"));

  settings.worker_path = runner.state / "no-such-worker";
  const Report missing = runner.RunWith(settings);
  CHECK(missing.failure->failure_class == FailureClass::kFarm);
  CHECK(Says(missing, "no-such-worker"));

  settings.worker_path = "/bin/true";
  const Report empty_handed = runner.RunWith(settings);
  CHECK(empty_handed.failure->failure_class == FailureClass::kFarm);
  CHECK(Says(empty_handed, "no record"));
}

TEST_CASE("an interrupted run is cancelled and its worker is gone", "[runner]") {
  Runner runner;
  bool measuring = false;
  const Report report = runner.Run({{"fault", "silent@measuring"}}, [&] {
    measuring = measuring || (!runner.progress.empty() && runner.progress.back().stage == "measuring");
    return measuring;
  });
  CHECK(report.outcome == Outcome::kCancelled);
  CHECK_FALSE(report.failure);
}

TEST_CASE("a blob that the coordinator lacks, or that stays damaged, fails the run in transfer", "[runner]") {
  Runner lacking;
  lacking.run.plan.batches.push_back(Sha256::Of("nobody has this"));
  const Report report = lacking.Run({});
  CHECK(report.failure->failure_class == FailureClass::kFarm);
  CHECK(report.failure->stage == "transferring");
  CHECK(Says(report, "NOT_FOUND"));

  Runner damaged;
  damaged.link.on_download = [](const Digest&, BlobCache::Partial& into) { return into.Append("x"); };
  const Report damaged_report = damaged.Run({});
  CHECK(damaged_report.failure->failure_class == FailureClass::kFarm);
  CHECK(Says(damaged_report, "fetched 3 times"));
  CHECK(damaged.link.checks == std::vector<bool>{false, true, true});
}

TEST_CASE("a transfer that breaks off goes on where it stopped", "[runner]") {
  Runner runner;
  runner.run.plan.repetitions = 1;
  bool broke = false;
  runner.link.on_download = [&](const Digest& digest, BlobCache::Partial& into) {
    if (broke || digest != runner.run.plan.artifact) return OkStatus();
    broke = true;
    (void)into.Append(runner.run.model.substr(0, 7));
    return UnavailableError("cable");
  };
  CHECK(runner.Run({}).outcome == Outcome::kDone);
  REQUIRE(runner.link.offsets.size() == 4);
  CHECK(runner.link.offsets[1] == 7);
}

TEST_CASE("a cache that is too small for the run says which setting to change", "[runner]") {
  Runner runner;
  runner.cache = BlobCache::Open(runner.state / "small", 50).value();
  const Report report = runner.Run({});
  CHECK(report.failure->failure_class == FailureClass::kFarm);
  CHECK(Says(report, "cache_bytes"));
}

TEST_CASE("a full disk fails the run as the farm's matter", "[runner]") {
  Runner runner;
  runner.link.on_download = [](const Digest&, BlobCache::Partial&) {
    return ErrnoStatus(ENOSPC, "cannot write /state/cache/x.part");
  };
  const Report report = runner.Run({});
  REQUIRE(report.outcome == Outcome::kFailed);
  CHECK(report.failure->failure_class == FailureClass::kFarm);
  CHECK(Says(report, "No space left on device"));
}

TEST_CASE("a plan that cannot be read is reported, not crashed on", "[runner]") {
  Runner runner;
  Assignment assignment = runner.run.AssignmentFor(1);
  assignment.plan_json = "{\"run_id\": 7}";
  runner.spooled = runner.spool.Accept(assignment).value();
  const Report report = runner.Run({});
  CHECK(report.failure->failure_class == FailureClass::kFarm);
  CHECK(Says(report, "plan"));
}

TEST_CASE("answers stop at the first checkpoint at which top-1 is known well enough", "[runner]") {
  Runner runner;
  constexpr std::int64_t kSamples = 200;
  runner.run.batches = {
      EncodeTensorFile({FloatTensor("x", {kSamples, 2}, std::vector<float>(2 * kSamples, 1))}).value()};
  Tensor labels{{"labels", ElementType::kInt64, {kSamples}}, std::vector<std::byte>(8 * kSamples)};
  const std::string labels_file = EncodeTensorFile({labels}).value();
  runner.run.plan.batches = {Sha256::Of(runner.run.batches[0])};
  runner.run.plan.sample_count = kSamples;
  runner.run.plan.repetitions = 1;
  runner.run.plan.labels = Sha256::Of(labels_file);
  runner.link.AddBlobsOf(runner.run);
  runner.link.AddBlob(labels_file);
  const auto answered = [&](double width) {
    runner.run.plan.run_id += "x";
    runner.run.plan.accuracy_interval = width;
    runner.spooled.reset();
    const Report report = runner.Run({{"outputs", "hash"}});
    UNSCOPED_INFO((report.failure ? report.failure->message : std::string()));
    REQUIRE(report.outcome == Outcome::kDone);
    const std::string file = ReadFile(report.repetitions[0].predictions_path).value();
    return DecodeTensorFile(file).value().at(0).tensor.shape[0];
  };
  CHECK(answered(0.5) == 64);
  CHECK(answered(0.001) == kSamples);
}

}  // namespace
}  // namespace paddock::agent
