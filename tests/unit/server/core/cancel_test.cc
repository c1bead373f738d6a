#include "tests/unit/server/core/core_fixture.h"

namespace paddock {

TEST_CASE_METHOD(CoreFixture,
                 "cancel ends a run in preparation at once, and its preparation comes to nothing",
                 "[core][cancel]") {
  Connect("a");
  const SubmitAnswer answer = Submit();
  CHECK(Cancel(answer.job).ok());
  CHECK(StateOf(answer.runs[0]) == RunState::kCancelled);
  CHECK(StateOf(answer.job) == JobState::kCancelled);
  FinishPreparations();
  CHECK(agents.assignments.empty());
}

TEST_CASE_METHOD(CoreFixture, "cancel ends a queued run at once", "[core][cancel]") {
  Disconnect(Connect("a"));
  const SubmitAnswer answer = SubmitPrepared();
  CHECK(Cancel(answer.job).ok());
  CHECK(StateOf(answer.job) == JobState::kCancelled);
  Connect("a");
  CHECK(agents.assignments.empty());
}

TEST_CASE_METHOD(CoreFixture, "cancel asks the agent of a running run to stop and waits for it",
                 "[core][cancel]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  CHECK(Cancel(answer.job).ok());
  CHECK(Cancel(answer.job).ok());
  REQUIRE(agents.cancels.size() == 1);
  CHECK(agents.cancels[0].session == session);
  CHECK(agents.cancels[0].lease.lease == Assigned().lease);
  CHECK(StateOf(answer.runs[0]) == RunState::kRunning);
  CHECK_THAT(core->ViewJob(answer.job)->runs[0].progress.detail,
             Catch::Contains("waiting for device a to stop"));
  CHECK(Report(session, MakeReport(Assigned(), RunOutcome::kCancelled)).ok());
  CHECK(StateOf(answer.job) == JobState::kCancelled);
  CHECK(store.committed().leases.at(1).ended == "cancelled");
  CHECK(core->ViewDevices()[0].state == "idle");
}

TEST_CASE_METHOD(CoreFixture, "a run that was cancelled is not tried again, whatever its agent reports",
                 "[core][cancel]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  CHECK(Cancel(answer.job).ok());
  const bool done = GENERATE(true, false);
  CHECK(Report(session, done ? MakeReport(Assigned()) : MakeFailure(Assigned(), FailureClass::kFarm, true))
            .ok());
  CHECK(StateOf(answer.runs[0]) == RunState::kCancelled);
  CHECK(agents.assignments.size() == 1);
}

TEST_CASE_METHOD(CoreFixture, "a cancelled run whose agent stays away ends with its lease",
                 "[core][cancel]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  Disconnect(session);
  CHECK(Cancel(answer.job).ok());
  CHECK(agents.cancels.empty());
  PassLeaseTtl();
  CHECK(StateOf(answer.job) == JobState::kCancelled);
}

TEST_CASE_METHOD(CoreFixture,
                 "an agent that was away learns of the cancel when it greets, also after a restart",
                 "[core][cancel]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  Disconnect(session);
  CHECK(Cancel(answer.job).ok());
  if (GENERATE(false, true)) REQUIRE(Restart().ok());
  const SessionId back = Greet(MakeDevice("a"), {Held(Assigned())});
  REQUIRE(agents.cancels.size() == 1);
  CHECK(agents.cancels[0].session == back);
  CHECK(Report(back, MakeReport(Assigned(), RunOutcome::kCancelled)).ok());
  CHECK(StateOf(answer.job) == JobState::kCancelled);
}

TEST_CASE_METHOD(CoreFixture, "cancel leaves a run whose result is here to its end", "[core][cancel]") {
  const SessionId session = Connect("a");
  JobSpec spec = MakeSpec({"all"}, 2);
  spec.repetitions = 1;
  const SubmitAnswer answer = SubmitPrepared(spec);
  const RunId reported = Assigned().run;
  CHECK(Report(session, MakeReport(Assigned())).ok());
  CHECK(Report(session, MakeReport(Assigned(), RunOutcome::kCancelled)).ok());
  CHECK(Cancel(answer.job).ok());
  CHECK(StateOf(reported) == RunState::kEvaluating);
  FinishEvaluations();
  CHECK(StateOf(reported) == RunState::kDone);
  CHECK(StateOf(answer.job) == JobState::kCancelled);
}

TEST_CASE_METHOD(CoreFixture, "a job that has ended or never was cannot be cancelled", "[core][cancel]") {
  Connect("a");
  const SubmitAnswer answer = Submit();
  CHECK(Cancel(answer.job).ok());
  CHECK(Cancel(answer.job).code() == StatusCode::kFailedPrecondition);
  CHECK(Cancel(JobId("j-99")).code() == StatusCode::kNotFound);
  CHECK(Cancel(JobId("nonsense")).code() == StatusCode::kNotFound);
}

}  // namespace paddock
