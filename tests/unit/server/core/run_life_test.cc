#include "tests/unit/server/core/core_fixture.h"

#include <set>

#include "kpi/run_plan.h"

namespace paddock {

TEST_CASE_METHOD(CoreFixture, "a run goes from submission to done, each step stored before it is told",
                 "[core][life]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = Submit();
  const RunId run = answer.runs[0];
  CHECK(StateOf(run) == RunState::kPreparing);
  agents.on_send = [&] {
    CHECK_FALSE(store.InTransaction());
    CHECK(StateOf(run) != RunState::kQueued);
  };
  FinishPreparations();
  CHECK(StateOf(run) == RunState::kRunning);
  CHECK(Assigned().run == run);
  CHECK(Assigned().lease_ttl_ms == 30'000);
  CHECK(store.LeaseIsOpen(Assigned().lease));

  CHECK(Report(session, MakeReport(Assigned())).ok());
  CHECK(StateOf(run) == RunState::kEvaluating);
  CHECK_FALSE(store.LeaseIsOpen(Assigned().lease));
  CHECK(store.committed().leases.at(Assigned().lease).ended == "reported");
  CHECK(store.committed().measurements.at(run).repetitions.size() == 2);
  CHECK(StoredRun(run).agent_version == "0.1.0");
  REQUIRE(work.evaluations.size() == 1);
  CHECK(work.evaluations[0].prepared == MakePrepared());

  JobState seen_by_watcher = JobState::kRunning;
  observer.on_change = [&](const JobId& job) { seen_by_watcher = core->ViewJob(job)->job.state; };
  FinishEvaluations();
  CHECK(StateOf(run) == RunState::kDone);
  CHECK(StateOf(answer.job) == JobState::kDone);
  CHECK(store.committed().evaluations.contains(run));
  CHECK(StoredRun(run).finished_wall_ms > 0);
  // An agent that says nothing of its stages: they are absent, not zero.
  const auto& stages = store.committed().stages.at(run);
  REQUIRE(stages.at(Assigned().lease).size() == 1);
  CHECK(stages.at(Assigned().lease)[0].stage == kQueueStage);
  REQUIRE(stages.at(0).size() == 2);
  CHECK(stages.at(0)[0].stage == kPrepareStage);
  CHECK(stages.at(0)[1].stage == kEvaluateStage);
  CHECK(seen_by_watcher == JobState::kDone);
  CHECK_FALSE(core->ViewJob(answer.job).ok());
  CHECK(core->ViewJob(answer.job).status().code() == StatusCode::kNotFound);
  CHECK(core->PinnedBlobs().empty());
}

TEST_CASE_METHOD(CoreFixture, "the plan says all that the job and its preparation decided", "[core][life]") {
  settings.worker_memory_limit_bytes = 4096;
  REQUIRE(Restart().ok());
  DeviceRecord device = MakeDevice("a");
  device.description.computes_outputs = false;
  Greet(device);
  JobSpec spec = MakeSpec();
  spec.variants[0].options.threads = 2;
  spec.repetitions = 3;
  SubmitPrepared(spec);
  const auto plan = DecodeRunPlan(Assigned().plan_json);
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  CHECK(plan->run_id == "r-1");
  CHECK(plan->artifact == Sha256::Of("artifact"));
  CHECK(plan->batches == std::vector<Digest>{Sha256::Of("batch")});
  CHECK(plan->sample_count == 10);
  CHECK(plan->options.threads == 2);
  CHECK(plan->repetitions == 3);
  CHECK(plan->seed == 7);
  CHECK(plan->memory_limit_bytes == 4096);
  CHECK_FALSE(plan->keep_predictions);
  CHECK(StoredRun(RunId("r-1")).plan_json == Assigned().plan_json);
}

TEST_CASE_METHOD(CoreFixture, "a device gets its next run when the report of the one before is stored",
                 "[core][life]") {
  const SessionId session = Connect("a");
  for (int i = 0; i < 3; ++i) SubmitPrepared();
  for (std::size_t i = 1; i <= 3; ++i) {
    REQUIRE(agents.assignments.size() == i);
    CHECK(Assigned().run == RunId("r-" + std::to_string(i)));
    CHECK(Report(session, MakeReport(Assigned())).ok());
  }
}

TEST_CASE_METHOD(CoreFixture, "runs of a job on one device take turns, in an order drawn for each turn",
                 "[core][life]") {
  const SessionId session = Connect("a");
  JobSpec spec = MakeSpec({"all"}, 4);
  spec.repetitions = 6;
  const SubmitAnswer answer = SubmitPrepared(spec);
  SubmitPrepared();
  std::set<std::vector<RunId>> orders;
  for (std::uint32_t turn = 0; turn < 6; ++turn) {
    std::vector<RunId> order;
    for (int i = 0; i < 4; ++i) {
      const auto plan = DecodeRunPlan(Assigned().plan_json);
      CHECK(plan->repetition_begin == turn);
      // The last run of all has nobody to take turns with; it is at its last repetition.
      CHECK(plan->RepetitionEnd() == turn + 1);
      CHECK(StoredRun(Assigned().run).attempts == 1);
      order.push_back(Assigned().run);
      CHECK(Report(session, MakeReport(Assigned())).ok());
    }
    orders.insert(order);
    CHECK(std::set<RunId>(order.begin(), order.end()).size() == 4);
  }
  CHECK(orders.size() > 2);
  CHECK(work.evaluations.size() == 4);
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kDone);
  CHECK(Assigned().run == RunId("r-5"));
}

TEST_CASE_METHOD(CoreFixture, "a turn that fails is tried again, and what was measured before it stays",
                 "[core][life]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared(MakeSpec({"all"}, 2));
  const RunId first = Assigned().run;
  CHECK(Report(session, MakeReport(Assigned())).ok());
  CHECK(Report(session, MakeReport(Assigned())).ok());
  while (Assigned().run != first) CHECK(Report(session, MakeReport(Assigned())).ok());
  CHECK(Report(session, MakeFailure(Assigned(), FailureClass::kDevice, true)).ok());
  while (Assigned().run != first) CHECK(Report(session, MakeReport(Assigned())).ok());
  CHECK(DecodeRunPlan(Assigned().plan_json)->repetition_begin == 1);
  CHECK(Report(session, MakeReport(Assigned())).ok());
  while (work.evaluations.size() < 2) CHECK(Report(session, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kDone);
  CHECK(StoredRun(first).attempts == 2);
  CHECK(store.committed().measurements.at(first).repetitions.size() == 2);
}

TEST_CASE_METHOD(CoreFixture, "a report without repetitions is evaluated and not asked for again",
                 "[core][life]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared(MakeSpec({"all"}, 1));
  RunReport report = MakeReport(Assigned());
  report.repetitions.clear();
  CHECK(Report(session, report).ok());
  CHECK(StateOf(answer.runs[0]) == RunState::kEvaluating);
}

TEST_CASE_METHOD(CoreFixture, "devices that share something take turns", "[core][life]") {
  const SessionId a = Connect("a", {"host"});
  Connect("b", {"host"});
  SubmitPrepared();
  REQUIRE(agents.assignments.size() == 1);
  CHECK_THAT(core->ViewJob(JobId("j-1"))->runs[1].progress.detail,
             Catch::Contains("shares with others: host"));
  CHECK(Report(a, MakeReport(Assigned())).ok());
  REQUIRE(agents.assignments.size() == 2);
  CHECK(Assigned().run == RunId("r-2"));
}

TEST_CASE_METHOD(CoreFixture, "a preparation that fails ends the run with its class and stage",
                 "[core][life]") {
  Connect("a");
  const SubmitAnswer answer = Submit();
  Do([&] { core->OnPrepared(answer.runs[0], InvalidArgumentError("bad node"), FailureClass::kJob); });
  const Run& run = StoredRun(answer.runs[0]);
  CHECK(run.state == RunState::kFailed);
  CHECK(run.failure->failure_class == FailureClass::kJob);
  CHECK(run.failure->stage == "preparing");
  CHECK(run.failure->message == "bad node");
  CHECK(StateOf(answer.job) == JobState::kFailed);
}

TEST_CASE_METHOD(CoreFixture, "an evaluation that fails ends the run as the farm's failure", "[core][life]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  Do([&] { core->OnEvaluated(answer.runs[0], DataLossError("blob is gone")); });
  CHECK(StateOf(answer.runs[0]) == RunState::kFailed);
  CHECK(StoredRun(answer.runs[0]).failure->failure_class == FailureClass::kFarm);
  CHECK(StoredRun(answer.runs[0]).failure->stage == "reporting");
}

TEST_CASE_METHOD(CoreFixture, "a failure that may be retried is, until the attempts are used up",
                 "[core][life]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    REQUIRE(agents.assignments.size() == attempt);
    CHECK(StoredRun(answer.runs[0]).attempts == attempt);
    CHECK(Report(session, MakeFailure(Assigned(), FailureClass::kDevice, true)).ok());
  }
  CHECK(agents.assignments.size() == 3);
  CHECK(StateOf(answer.runs[0]) == RunState::kFailed);
  CHECK(StoredRun(answer.runs[0]).failure->message == "it broke");
  CHECK(StateOf(answer.job) == JobState::kFailed);
}

TEST_CASE_METHOD(CoreFixture, "a failure that a retry healed leaves no failure behind", "[core][life]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  CHECK(Report(session, MakeFailure(Assigned(), FailureClass::kFarm, true)).ok());
  CHECK(Report(session, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(StateOf(answer.runs[0]) == RunState::kDone);
  CHECK_FALSE(StoredRun(answer.runs[0]).failure.has_value());
  CHECK(StoredRun(answer.runs[0]).attempts == 2);
}

TEST_CASE_METHOD(CoreFixture, "the job's fault is never retried, nor what the agent does not ask to",
                 "[core][life]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared(MakeSpec({"all"}, 2));
  CHECK(Report(session, MakeFailure(Assigned(), FailureClass::kJob, true)).ok());
  CHECK(StateOf(answer.runs[0]) == RunState::kFailed);
  CHECK(Report(session, MakeFailure(Assigned(), FailureClass::kDevice, false)).ok());
  CHECK(StateOf(answer.runs[1]) == RunState::kFailed);
  CHECK(StoredRun(answer.runs[1]).attempts == 1);
}

TEST_CASE_METHOD(CoreFixture, "a job with one failed run has failed, after all its runs have ended",
                 "[core][life]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared(MakeSpec({"all"}, 2));
  CHECK(Report(session, MakeFailure(Assigned(), FailureClass::kJob, false)).ok());
  CHECK(StateOf(answer.job) == JobState::kRunning);
  CHECK(Report(session, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kFailed);
}

TEST_CASE_METHOD(CoreFixture, "progress is shown and told to watchers, and costs no commit", "[core][life]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  const int commits = store.commits;
  observer.changed.clear();
  Do([&] { core->OnProgress(session, answer.runs[0], Assigned().lease, {"measuring", 1, 5, 40, 2.5, ""}); });
  Heartbeat(session, {Held(Assigned())});
  CHECK(store.commits == commits);
  CHECK(observer.changed == std::vector<JobId>{answer.job});
  const auto view = core->ViewJob(answer.job);
  CHECK(view->runs[0].progress.stage == "measuring");
  CHECK(view->runs[0].progress.inferences_done == 40);
  CHECK(core->ViewDevices()[0].state == "busy");
  CHECK(core->ViewDevices()[0].run == answer.runs[0]);
}

TEST_CASE_METHOD(CoreFixture, "what live runs need is pinned", "[core][life]") {
  Connect("a");
  Submit();
  CHECK(core->PinnedBlobs() == std::set<Digest>{Sha256::Of("model"), Sha256::Of("data")});
  FinishPreparations();
  CHECK(core->PinnedBlobs() == std::set<Digest>{Sha256::Of("model"), Sha256::Of("data"),
                                                Sha256::Of("artifact"), Sha256::Of("batch"),
                                                Sha256::Of("labels")});
}

TEST_CASE_METHOD(CoreFixture, "devices and runs are counted", "[core][life]") {
  Connect("a");
  Disconnect(Connect("b"));
  SubmitPrepared();
  const Coordinator::Counts counts = core->Count();
  CHECK(counts.devices_known == 2);
  CHECK(counts.devices_online == 1);
  CHECK(counts.runs_running == 1);
  CHECK(counts.runs_queued == 1);
}

}  // namespace paddock
