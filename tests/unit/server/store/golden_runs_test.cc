#include "tests/unit/server/store/store_fixture.h"

namespace paddock {
namespace {

// A device that makes golden runs. Jobs, runs and leases are numbered alike: j-3 has r-3, which has lease 3.
struct GoldenStore : StoreFixture {
  GoldenStore() {
    for (const char* id : {"board-1", "board-2"}) {
      DeviceRecord device = MakeDevice(id);
      device.golden = GoldenPolicy{};
      REQUIRE(store->UpsertDevice(device).ok());
    }
  }

  Run Add(std::uint64_t number, bool golden, RunState state = RunState::kDone,
          const std::string& device = "board-1", const std::string& model = "golden model") {
    Run run = MakeRun(number, "j-" + std::to_string(number), device);
    Job job = MakeJob(number, {run.id});
    job.spec.golden = golden;
    if (golden) job.spec.model = Sha256::Of(model);
    REQUIRE(store->InsertJob(job, {run}).ok());
    if (state == RunState::kPreparing) return run;
    REQUIRE(store->InsertLease({number, run.id, run.device, 0, 1}).ok());
    run.lease = number;
    run.state = state;
    run.finished_wall_ms = IsTerminal(state) ? static_cast<std::int64_t>(1000 * number) : 0;
    RunReport report;
    report.run = run.id;
    report.lease = number;
    report.repetitions = {{0, "record", {}, {}}};
    REQUIRE(store->InsertMeasurements(report).ok());
    REQUIRE(store->EndLease(number, "reported", static_cast<std::int64_t>(1000 * number)).ok());
    REQUIRE(store->UpdateRun(run).ok());
    return run;
  }
  void Evaluate(const Run& run, double latency_s, Verdict without_drift = Verdict::kValid,
                bool drifting = false, const std::string& runtime = "simulated 1") {
    Evaluation evaluation;
    evaluation.kpis.values["latency_p50"] = {latency_s, std::nullopt, {}, 1.25};
    evaluation.kpis.missing["accuracy_top1"] = "no_labels";
    evaluation.runtime = runtime;
    evaluation.verdict_without_drift = without_drift;
    evaluation.judgement.verdict = drifting ? std::max(without_drift, Verdict::kDegraded) : without_drift;
    evaluation.golden = GoldenComparison{};
    evaluation.golden->near_runs = {run.id.str()};
    evaluation.golden->drifting = drifting;
    evaluation.golden->ratio = 1.125;
    REQUIRE(store->InsertEvaluation(run.id, evaluation).ok());
  }

  static std::string IdsOf(const std::vector<GoldenRun>& runs) {
    std::string text;
    for (const GoldenRun& run : runs) text += (text.empty() ? "" : " ") + run.id;
    return text;
  }
  GoldenHistory HistoryOf(const Run& run) const {
    auto history = Reader()->GetGoldenHistory(run.id, Sha256::Of("golden model"), "simulated 1");
    INFO(history.status().ToString());
    REQUIRE(history.ok());
    return *history;
  }
  StorePort::GoldenUse UseOf(const std::string& device) const {
    const auto snapshot = store->Load();
    REQUIRE(snapshot.ok());
    for (const auto& use : snapshot->golden_uses) {
      if (use.device == DeviceId(device)) return use;
    }
    FAIL("the device is not among them");
    return {};
  }
};

TEST_CASE_METHOD(GoldenStore, "a golden history has the golden runs before and after a run, oldest first",
                 "[store][golden]") {
  Evaluate(Add(1, true), 0.001);
  Evaluate(Add(2, true), 0.002);
  const Run measured = Add(3, false);
  Evaluate(Add(4, true), 0.004);
  const GoldenHistory history = HistoryOf(measured);
  CHECK(IdsOf(history.before) == "r-1 r-2");
  CHECK(IdsOf(history.after) == "r-4");
  CHECK(history.after[0].kpis == std::map<std::string, double>{{"latency_p50", 0.004}});
}

TEST_CASE_METHOD(GoldenStore,
                 "a golden history leaves out what cannot be compared, and keeps what only drifted",
                 "[store][golden]") {
  Evaluate(Add(1, true), 0.001);
  Evaluate(Add(2, true), 0.001, Verdict::kInconclusive);
  Evaluate(Add(3, true), 0.001, Verdict::kInconclusive, true);
  Evaluate(Add(4, true), 0.002, Verdict::kValid, true);
  Evaluate(Add(5, true), 0.001, Verdict::kValid, false, "simulated 2");
  Evaluate(Add(6, true, RunState::kDone, "board-1", "another model"), 0.001);
  Evaluate(Add(7, true, RunState::kDone, "board-2"), 0.001);
  Evaluate(Add(8, false), 0.001);
  Add(9, true, RunState::kFailed);
  const Run golden = Add(10, true, RunState::kEvaluating);
  CHECK(IdsOf(HistoryOf(golden).before) == "r-1 r-4");
  CHECK(HistoryOf(golden).after.empty());
  // Evaluated again, it is still not compared with itself.
  Evaluate(golden, 0.001);
  CHECK(IdsOf(HistoryOf(golden).before) == "r-1 r-4");
}

TEST_CASE_METHOD(GoldenStore, "a golden history goes back a hundred runs", "[store][golden]") {
  REQUIRE(store->Begin().ok());
  for (std::uint64_t number = 1; number <= 120; ++number) Evaluate(Add(number, true), 0.001);
  const Run measured = Add(121, false);
  REQUIRE(store->Commit().ok());
  const GoldenHistory history = HistoryOf(measured);
  REQUIRE(history.before.size() == 100);
  CHECK(history.before.front().id == "r-21");
  CHECK(history.before.back().id == "r-120");
}

TEST_CASE_METHOD(GoldenStore, "what golden runs say of a run is kept with it", "[store][golden]") {
  const Run run = Add(1, false);
  Evaluate(run, 0.001, Verdict::kValid, true);
  const auto result = Reader()->GetResult(run.id);
  REQUIRE(result.ok());
  CHECK(result->evaluation->kpis.values.at("latency_p50").relative == 1.25);
  CHECK(result->evaluation->golden->ratio == 1.125);
  CHECK(result->evaluation->judgement.verdict == Verdict::kDegraded);
  CHECK(result->evaluation->verdict_without_drift == Verdict::kValid);
}

TEST_CASE_METHOD(GoldenStore, "golden runs are listed only when asked for, and are in no average",
                 "[store][golden]") {
  Evaluate(Add(1, true), 0.001);
  Evaluate(Add(2, false), 0.001);
  const auto reader = Reader();
  REQUIRE(reader->ListResults(10)->size() == 1);
  CHECK(reader->ListResults(10)->at(0).run.id == RunId("r-2"));
  CHECK(reader->ListResults(10, true)->size() == 2);
  REQUIRE(reader->ListJobs(10)->size() == 1);
  CHECK(reader->ListJobs(10)->at(0).job.id == JobId("j-2"));
  CHECK(reader->ListJobs(10, true)->size() == 2);
  CHECK(reader->ListResultsOf(JobId("j-1"))->size() == 1);
  CHECK(reader->GetResult(RunId("r-1"))->spec.golden);

  Database database = Database::Open(path, Database::Mode::kReadOnly).value();
  for (const char* view : {"SELECT id FROM valid_runs", "SELECT DISTINCT run FROM valid_kpis"}) {
    std::string ids;
    REQUIRE(database.Prepare(view)
                .value()
                .ForEach([&](const Row& row) {
                  ids += row.Text(0);
                  return OkStatus();
                })
                .ok());
    CHECK(ids == "r-2");
  }
}

TEST_CASE_METHOD(GoldenStore, "a device's golden runs are summed up with the last one", "[store][golden]") {
  CHECK(Reader()->GetGoldenSummaries()->empty());
  Evaluate(Add(1, true), 0.001);
  Evaluate(Add(2, true), 0.001, Verdict::kValid, true);
  Add(3, true, RunState::kFailed);
  Evaluate(Add(4, false), 0.001);
  Evaluate(Add(5, true, RunState::kDone, "board-2"), 0.001, Verdict::kInconclusive);
  const auto summaries = Reader()->GetGoldenSummaries();
  REQUIRE(summaries->size() == 2);
  CHECK(summaries->at(DeviceId("board-2")).runs == 1);
  CHECK(summaries->at(DeviceId("board-2")).last.str().empty());
  const GoldenSummary& summary = summaries->at(DeviceId("board-1"));
  CHECK(summary.runs == 2);
  CHECK(summary.last == RunId("r-2"));
  CHECK(summary.comparison->drifting);
  CHECK(summary.comparison->ratio == 1.125);
}

TEST_CASE_METHOD(GoldenStore, "at the start it is known what a device did since its last golden run",
                 "[store][golden]") {
  CHECK_FALSE(UseOf("board-1").runs_since);
  Add(1, true);
  CHECK(UseOf("board-1").runs_since == 0);
  CHECK(UseOf("board-1").ended_wall_ms == 1000);
  CHECK_FALSE(UseOf("board-2").runs_since);
  Add(2, false);
  Add(3, false, RunState::kEvaluating);
  Add(4, false, RunState::kCancelled);
  Add(5, false, RunState::kQueued);  // has had a turn
  Add(6, false, RunState::kPreparing);
  CHECK(UseOf("board-1").runs_since == 3);
  CHECK_FALSE(UseOf("board-1").ended_wall_ms);
  Add(7, true);
  CHECK(UseOf("board-1").runs_since == 0);
  CHECK(UseOf("board-1").ended_wall_ms == 7000);
  Add(8, true, RunState::kQueued);
  CHECK_FALSE(UseOf("board-1").ended_wall_ms);
  Add(9, true, RunState::kLost);
  CHECK(UseOf("board-1").ended_wall_ms == 9000);
}

}  // namespace
}  // namespace paddock
