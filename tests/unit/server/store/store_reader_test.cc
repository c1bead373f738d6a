#include "server/store/store_reader.h"

#include <atomic>
#include <limits>
#include <thread>

#include "tests/unit/server/store/store_fixture.h"

namespace paddock {
namespace {

Evaluation MakeEvaluation() {
  Evaluation evaluation;
  evaluation.kpis.values = {{"latency_p50", {0.002, Interval{0.001, 0.003, 0.9375}}},
                            {"throughput", {500, std::nullopt}}};
  evaluation.kpis.missing = {{"accuracy_top1", "no_labels"}};
  evaluation.judgement = {Verdict::kDegraded, {{"B_CODE", "first"}, {"A_CODE", "second"}}};
  evaluation.runtime = "onnxruntime 1.30.0";
  evaluation.options = {{"threads", "2"}};
  evaluation.machine = {{"kernel", "6.1.0-25"}};
  evaluation.budgets = {{"latency_p50", true, 0.01, BudgetOutcome::kMet, "2 ms"},
                        {"latency_p50", false, 0.005, BudgetOutcome::kMissed, "too fast"}};
  return evaluation;
}

RunReport MakeReport(const std::string& run, LeaseId lease) {
  RunReport report;
  report.run = RunId(run);
  report.lease = lease;
  report.repetitions = {{0, "inline bytes", {}, Sha256::Of("predictions")},
                        {1, "", Sha256::Of("record"), {}}};
  return report;
}

struct MeasuredFarm : StoreFixture {
  MeasuredFarm() {
    InsertJob();
    REQUIRE(store->InsertLease({4, RunId("r-1"), DeviceId("board-1"), 0, 1}).ok());
    REQUIRE(store->InsertMeasurements(MakeReport("r-1", 4)).ok());
    REQUIRE(store->InsertEvaluation(RunId("r-1"), MakeEvaluation()).ok());
    Run run = MakeRun(1, "j-1");
    run.state = RunState::kDone;
    run.prepared = PreparedRun{};
    run.prepared->labels = Sha256::Of("labels");
    run.prepared->batches = {Sha256::Of("batch")};
    REQUIRE(store->UpdateRun(run).ok());
    REQUIRE(store->SetPrepared(run.id, *run.prepared).ok());
  }
};

TEST_CASE_METHOD(MeasuredFarm, "a result is read with everything that belongs to it", "[store][reader]") {
  const auto result = Reader()->GetResult(RunId("r-1"));
  REQUIRE(result.ok());
  CHECK(result->driver == "simulated");
  CHECK(result->spec.name == "nightly");
  CHECK(result->measured_lease == 4);
  REQUIRE(result->measurements.size() == 2);
  CHECK(result->measurements[0].record_inline == "inline bytes");
  CHECK(result->measurements[0].predictions == Sha256::Of("predictions"));
  CHECK(result->measurements[1].record_blob == Sha256::Of("record"));
  const auto measurements = Reader()->GetMeasurements(RunId("r-1"));
  REQUIRE(measurements.ok());
  REQUIRE(measurements->size() == 2);
  CHECK(measurements->at(0).record_inline == "inline bytes");
  CHECK(measurements->at(1).record_blob == Sha256::Of("record"));
  REQUIRE(result->evaluation);
  const KpiReport& kpis = result->evaluation->kpis;
  CHECK(kpis.values.at("latency_p50").value == 0.002);
  CHECK(kpis.values.at("latency_p50").interval->confidence == 0.9375);
  CHECK_FALSE(kpis.values.at("throughput").interval);
  CHECK(kpis.missing == std::map<std::string, std::string>{{"accuracy_top1", "no_labels"}});
  CHECK(result->evaluation->judgement.verdict == Verdict::kDegraded);
  CHECK(result->evaluation->judgement.reasons.at(0).code == "B_CODE");
  CHECK(result->evaluation->options.at("threads") == "2");
  CHECK(result->evaluation->machine.at("kernel") == "6.1.0-25");
  REQUIRE(result->evaluation->budgets.size() == 2);
  CHECK(result->evaluation->budgets[0].is_max);
  CHECK(result->evaluation->budgets[1].limit == 0.005);
  CHECK(result->evaluation->budgets[1].outcome == BudgetOutcome::kMissed);
  CHECK(result->evaluation->budgets[1].detail == "too fast");
}

TEST_CASE_METHOD(MeasuredFarm,
                 "a later lease adds its repetitions to a run; a new evaluation replaces the earlier one",
                 "[store][reader]") {
  REQUIRE(store->EndLease(4, "expired", 2).ok());
  REQUIRE(store->InsertLease({5, RunId("r-1"), DeviceId("board-1"), 3, 4}).ok());
  RunReport report = MakeReport("r-1", 5);
  report.repetitions.resize(1);
  report.repetitions[0].record_inline = "measured again";
  report.repetitions.push_back({7, "one more", {}, {}});
  REQUIRE(store->InsertMeasurements(report).ok());
  Evaluation evaluation = MakeEvaluation();
  evaluation.kpis.values.erase("throughput");
  evaluation.judgement = {Verdict::kValid, {}};
  REQUIRE(store->InsertEvaluation(RunId("r-1"), evaluation).ok());
  const auto result = Reader()->GetResult(RunId("r-1"));
  CHECK(result->measured_lease == 5);
  REQUIRE(result->measurements.size() == 3);
  CHECK(result->measurements[0].record_inline == "measured again");
  CHECK(result->measurements[2].index == 7);
  CHECK(result->evaluation->kpis.values.size() == 1);
  CHECK(result->evaluation->judgement.reasons.empty());
}

TEST_CASE_METHOD(MeasuredFarm, "a KPI that is not a number is kept as missing", "[store][reader]") {
  Evaluation evaluation = MakeEvaluation();
  evaluation.kpis.values["throughput"].value = std::numeric_limits<double>::quiet_NaN();
  REQUIRE(store->InsertEvaluation(RunId("r-1"), evaluation).ok());
  CHECK(Reader()->GetResult(RunId("r-1"))->evaluation->kpis.missing.at("throughput") == "not_a_number");
}

TEST_CASE_METHOD(MeasuredFarm, "jobs and results are listed newest first, results of a job in its order",
                 "[store][reader]") {
  const Run third = MakeRun(3, "j-2");
  Run ended = third;
  ended.state = RunState::kLost;
  REQUIRE(store->InsertJob(MakeJob(2, {third.id}), {third}).ok());
  REQUIRE(store->UpdateRun(ended).ok());
  const auto reader = Reader();
  const auto jobs = reader->ListJobs(10);
  REQUIRE(jobs->size() == 2);
  CHECK(jobs->at(0).job.id == JobId("j-2"));
  CHECK(jobs->at(1).runs.at(0).verdict == Verdict::kDegraded);
  CHECK_FALSE(jobs->at(1).runs.at(1).verdict);
  CHECK(reader->ListJobs(1)->size() == 1);

  const auto all = reader->ListResults(10);
  REQUIRE(all->size() == 2);  // r-2 has not ended
  CHECK(all->at(0).run.id == RunId("r-3"));
  CHECK(all->at(1).run.id == RunId("r-1"));
  const auto of_job = reader->ListResultsOf(JobId("j-1"));
  REQUIRE(of_job->size() == 2);
  CHECK(of_job->at(0).run.id == RunId("r-1"));
  CHECK(reader->GetJob(JobId("j-1"))->job.runs.size() == 2);
}

TEST_CASE_METHOD(MeasuredFarm, "what does not exist is named with where to look", "[store][reader]") {
  const auto reader = Reader();
  CHECK(reader->GetJob(JobId("j-9")).status().code() == StatusCode::kNotFound);
  CHECK(reader->ListResultsOf(JobId("j-9")).status().message().find("paddock job list") != std::string::npos);
  CHECK(reader->GetResult(RunId("r-9")).status().message().find("'r-9'") != std::string::npos);
}

TEST_CASE_METHOD(MeasuredFarm, "evidence is what results need: records, predictions and labels",
                 "[store][reader]") {
  CHECK(*Reader()->EvidenceBlobs(0) ==
        std::set{Sha256::Of("predictions"), Sha256::Of("record"), Sha256::Of("labels")});
}

TEST_CASE_METHOD(MeasuredFarm,
                 "a large record expires with its run's retention; small ones and the rest stay",
                 "[store][reader]") {
  Run run = MakeRun(1, "j-1");
  run.state = RunState::kDone;
  run.finished_wall_ms = 5 * RawRetention::kDayMs;
  REQUIRE(store->UpdateRun(run).ok());
  const RawRetention retention{2};
  CHECK(retention.ExpiryOf(run) == 7 * RawRetention::kDayMs);
  const auto kept_at = [&](std::int64_t now_ms) {
    return Reader()->EvidenceBlobs(retention.KeptSince(now_ms))->contains(Sha256::Of("record"));
  };
  CHECK(kept_at(7 * RawRetention::kDayMs));
  CHECK_FALSE(kept_at(7 * RawRetention::kDayMs + 1));
  const auto after = *Reader()->EvidenceBlobs(retention.KeptSince(100 * RawRetention::kDayMs));
  CHECK(after.contains(Sha256::Of("predictions")));
  CHECK(Reader()->GetMeasurements(RunId("r-1"))->at(0).record_inline == "inline bytes");
  // A run that has not ended has no age.
  run.finished_wall_ms = 0;
  REQUIRE(store->UpdateRun(run).ok());
  CHECK(kept_at(100 * RawRetention::kDayMs));
}

TEST_CASE_METHOD(MeasuredFarm, "histograms are kept beside a result and replaced with its evaluation",
                 "[store][reader]") {
  CHECK(Reader()->GetHistograms(RunId("r-1"))->empty());
  Evaluation evaluation = MakeEvaluation();
  evaluation.latency_histograms = {{0, {std::string("a\0b", 3), 1}}, {1, {"second", 20}}};
  REQUIRE(store->InsertEvaluation(RunId("r-1"), evaluation).ok());
  CHECK(*Reader()->GetHistograms(RunId("r-1")) == evaluation.latency_histograms);
  evaluation.latency_histograms.erase(1);
  REQUIRE(store->InsertEvaluation(RunId("r-1"), evaluation).ok());
  CHECK(*Reader()->GetHistograms(RunId("r-1")) == evaluation.latency_histograms);
}

TEST_CASE_METHOD(MeasuredFarm,
                 "the waterfall is read in the order of the leases, between preparation and evaluation",
                 "[store][reader]") {
  CHECK(Reader()->GetResult(RunId("r-1"))->waterfall.empty());
  const StageTime queue{kQueueStage, std::nullopt, 1, std::nullopt, std::nullopt};
  const StageTime load{kLoadStage, 1, 0.5, 10, std::nullopt};
  const StageTime measured{kMeasuredStage, 0, 2, std::nullopt, 0.25};
  const StageTime prepare{kPrepareStage, std::nullopt, 3, 99, std::nullopt};
  const StageTime evaluate{kEvaluateStage, std::nullopt, 4, std::nullopt, std::nullopt};
  REQUIRE(store->InsertStageTimes(RunId("r-1"), 5, {load}).ok());
  REQUIRE(store->InsertStageTimes(RunId("r-1"), 4, {queue, measured}).ok());
  REQUIRE(store->InsertStageTimes(RunId("r-1"), 0, {prepare, evaluate}).ok());
  CHECK(Reader()->GetResult(RunId("r-1"))->waterfall ==
        std::vector<StageTime>{prepare, queue, measured, load, evaluate});
}

TEST_CASE_METHOD(StoreFixture, "recipes and devices are kept in their latest form", "[store][reader]") {
  const auto reader = Reader();
  CHECK_FALSE(reader->FindRecipe("key")->has_value());
  REQUIRE(store->UpsertRecipe("key", "old").ok());
  REQUIRE(store->UpsertRecipe("key", "new").ok());
  CHECK(reader->FindRecipe("key").value() == "new");
  DeviceRecord device = MakeDevice();
  REQUIRE(store->UpsertDevice(device).ok());
  device.agent_version = "0.2.0";
  REQUIRE(store->UpsertDevice(device).ok());
  const auto devices = reader->ListDevices();
  REQUIRE(devices->size() == 1);
  CHECK(devices->at(0).agent_version == "0.2.0");
  CHECK(devices->at(0).drivers.at(0).options.at(0).second == "of everything random");
}

TEST_CASE_METHOD(MeasuredFarm, "readers see committed state only and read from many threads",
                 "[store][reader]") {
  const auto reader = Reader();
  REQUIRE(store->Begin().ok());
  Job job = MakeJob(1, {});
  job.state = JobState::kDone;
  REQUIRE(store->UpdateJob(job).ok());
  CHECK(reader->GetJob(JobId("j-1"))->job.state == JobState::kRunning);
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) failures += reader->ListResults(5).ok() ? 0 : 1;
    });
  }
  for (int i = 0; i < 200; ++i) REQUIRE(store->InsertEvent("r-1", "note", "", i).ok());
  REQUIRE(store->Commit().ok());
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(reader->GetJob(JobId("j-1"))->job.state == JobState::kDone);
}

}  // namespace
}  // namespace paddock
