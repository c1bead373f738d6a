#include "tests/unit/server/core/core_fixture.h"

namespace paddock {

TEST_CASE_METHOD(CoreFixture, "a run in preparation is asked for again after a restart", "[core][restart]") {
  Connect("a");
  const SubmitAnswer answer = Submit(MakeSpec({"all"}, 2));
  REQUIRE(Restart().ok());
  REQUIRE(work.preparations.size() == 2);
  CHECK(work.preparations[0].run == answer.runs[0]);
  CHECK(work.preparations[0].spec.model_path == "model.onnx");
  FinishPreparations();
  Connect("a");
  CHECK(agents.assignments.size() == 1);
}

TEST_CASE_METHOD(CoreFixture, "queued runs stay queued, in their order, over a restart", "[core][restart]") {
  Disconnect(Connect("a"));
  const SubmitAnswer first = SubmitPrepared();
  SubmitPrepared();
  JobSpec urgent = MakeSpec();
  urgent.priority = 1;
  const SubmitAnswer last = SubmitPrepared(urgent);
  REQUIRE(Restart().ok());
  CHECK(work.preparations.empty());
  const SessionId session = Connect("a");
  CHECK(Assigned().run == last.runs[0]);
  CHECK(Report(session, MakeReport(Assigned())).ok());
  CHECK(Assigned().run == first.runs[0]);
}

TEST_CASE_METHOD(CoreFixture, "a running run goes on with the agent that holds it, with a fresh deadline",
                 "[core][restart]") {
  Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  Pass(std::chrono::seconds(20));
  REQUIRE(Restart().ok());
  Pass(std::chrono::seconds(20));
  const SessionId session = Greet(MakeDevice("a"), {Held(Assigned())});
  CHECK(agents.welcomes.back().revoked.empty());
  CHECK(agents.assignments.size() == 1);
  CHECK(Report(session, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kDone);
  CHECK(StoredRun(answer.runs[0]).attempts == 1);
}

TEST_CASE_METHOD(CoreFixture, "a running run whose agent never comes back expires after a restart",
                 "[core][restart]") {
  Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  REQUIRE(Restart().ok());
  PassLeaseTtl();
  CHECK(StateOf(answer.runs[0]) == RunState::kQueued);
}

TEST_CASE_METHOD(CoreFixture, "an evaluation under way is asked for again after a restart",
                 "[core][restart]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  REQUIRE(Restart().ok());
  REQUIRE(work.evaluations.size() == 1);
  CHECK(work.evaluations[0].prepared == MakePrepared());
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kDone);
}

TEST_CASE_METHOD(CoreFixture, "a job that was half done ends after a restart as if there had been none",
                 "[core][restart]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared(MakeSpec({"all"}, 2));
  // Two runs by turns, two repetitions each: one has both, the other one and one under way.
  for (int i = 0; i < 3; ++i) CHECK(Report(session, MakeReport(Assigned())).ok());
  FinishEvaluations();
  const RunId under_way = Assigned().run;
  REQUIRE(Restart().ok());
  const auto view = core->ViewJob(answer.job);
  REQUIRE(view.ok());
  for (const Run& run : view->runs)
    CHECK(run.state == (run.id == under_way ? RunState::kRunning : RunState::kDone));
  const SessionId back = Greet(MakeDevice("a"), {Held(Assigned())});
  CHECK(Report(back, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(store.committed().measurements.at(under_way).repetitions.size() == 2);
  CHECK(StateOf(answer.job) == JobState::kDone);
}

TEST_CASE_METHOD(CoreFixture, "a job that has ended stays ended, and its numbers are not used again",
                 "[core][restart]") {
  Connect("a");
  const SubmitAnswer first = Submit();
  CHECK(Cancel(first.job).ok());
  REQUIRE(Restart().ok());
  CHECK_FALSE(core->ViewJob(first.job).ok());
  Connect("a");
  const SubmitAnswer second = SubmitPrepared();
  CHECK(second.job == JobId("j-2"));
  CHECK(second.runs[0] == RunId("r-2"));
}

TEST_CASE_METHOD(CoreFixture, "a store that cannot be read stops the start", "[core][restart]") {
  store.failing_loads = 1;
  const Status status = Restart();
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(), Catch::Contains("state cannot be read"));
}

}  // namespace paddock
