#include "tests/unit/server/core/core_fixture.h"

namespace paddock {

TEST_CASE_METHOD(CoreFixture,
                 "a submission that cannot be stored is answered with the error and leaves nothing",
                 "[core][commit]") {
  const SessionId session = Connect("a");
  switch (GENERATE(0, 1, 2)) {
    case 0:
      store.failing_begins = 1;
      break;
    case 1:
      store.failing_writes = 1;
      break;
    default:
      store.failing_commits = 1;
  }
  const Status status = TrySubmit(MakeSpec(), "key").status();
  CHECK(status.code() == StatusCode::kResourceExhausted);
  CHECK_THAT(status.message(), Catch::Contains("nothing was changed") && Catch::Contains("disk full"));
  CHECK(store.committed().jobs.empty());
  CHECK(work.preparations.empty());
  REQUIRE(agents.closed.size() == 1);
  CHECK(agents.closed[0].session == session);
  CHECK(agents.closed[0].status.code() == StatusCode::kUnavailable);
  CHECK(core->ViewDevices()[0].state == "offline");

  Connect("a");
  CHECK(Submit(MakeSpec(), "key").runs.size() == 1);
}

TEST_CASE_METHOD(CoreFixture, "a grant that cannot be stored is not sent", "[core][commit]") {
  Disconnect(Connect("a"));
  const SubmitAnswer answer = SubmitPrepared();
  store.failing_commits = 1;
  Connect("a");
  CHECK(agents.assignments.empty());
  CHECK(agents.welcomes.size() == 1);
  CHECK(store.committed().leases.empty());
  CHECK(StateOf(answer.runs[0]) == RunState::kQueued);
  Connect("a");
  CHECK(Assigned().run == answer.runs[0]);
  CHECK(StoredRun(answer.runs[0]).attempts == 1);
}

TEST_CASE_METHOD(CoreFixture, "a report that cannot be stored is to be sent again, and then counts once",
                 "[core][commit]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  store.failing_commits = 1;
  CHECK(Report(session, MakeReport(Assigned())).code() == StatusCode::kUnavailable);
  CHECK(work.evaluations.empty());
  CHECK(store.LeaseIsOpen(Assigned().lease));
  const SessionId back = Greet(MakeDevice("a"), {Held(Assigned())});
  CHECK(agents.welcomes.back().revoked.empty());
  CHECK(Report(back, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kDone);
}

TEST_CASE_METHOD(CoreFixture, "an evaluation that cannot be stored is asked for again", "[core][commit]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  store.failing_commits = 1;
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kRunning);
  CHECK(work.evaluations.empty());
  queue->Advance(std::chrono::seconds(1));
  REQUIRE(work.evaluations.size() == 1);
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kDone);
}

TEST_CASE_METHOD(CoreFixture, "a preparation that is asked for again after a failed commit counts once",
                 "[core][commit]") {
  Connect("a");
  const SubmitAnswer answer = Submit();
  store.failing_commits = 1;
  CHECK_FALSE(TrySubmit(MakeSpec()).ok());
  CHECK(work.preparations.size() == 1);
  queue->Advance(std::chrono::seconds(1));
  REQUIRE(work.preparations.size() == 2);
  CHECK(work.preparations[1].run == answer.runs[0]);
  Connect("a");
  FinishPreparations();
  CHECK(agents.assignments.size() == 1);
}

TEST_CASE_METHOD(CoreFixture, "work that fails for as long as nothing can be stored is tried once a second",
                 "[core][commit]") {
  Connect("a");
  const SubmitAnswer answer = Submit();
  for (int failures = 1; failures <= 3; ++failures) {
    store.failing_commits = 1;
    Do([&] { core->OnPrepared(answer.runs[0], ResourceExhaustedError("disk full")); });
    queue->Advance(std::chrono::milliseconds(999));
    CHECK(work.preparations.size() == static_cast<std::size_t>(failures));
    queue->Advance(std::chrono::milliseconds(1));
    REQUIRE(work.preparations.size() == static_cast<std::size_t>(failures) + 1);
  }
}

TEST_CASE_METHOD(CoreFixture, "a user does not see what could not be stored", "[core][commit]") {
  Connect("a");
  const SubmitAnswer answer = Submit();
  store.failing_commits = 1;
  Result<JobView> shown = UnavailableError("not answered");
  Do([&] {
    core->OnPrepared(answer.runs[0], InvalidArgumentError("a bad model"));
    core->ShowJob(answer.job, [&](Result<JobView> view) { shown = std::move(view); });
  });
  CHECK(shown.status().code() == StatusCode::kUnavailable);
  Do([&] { core->ShowJob(answer.job, [&](Result<JobView> view) { shown = std::move(view); }); });
  REQUIRE(shown.ok());
  CHECK(shown->runs[0].state == RunState::kPreparing);
}

TEST_CASE_METHOD(CoreFixture, "while the state cannot be read everything is refused, until it can",
                 "[core][commit]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  const std::set<Digest> pinned = core->PinnedBlobs();
  store.failing_commits = 1;
  store.failing_loads = 5;
  CHECK_FALSE(TrySubmit(MakeSpec()).ok());
  CHECK(TrySubmit(MakeSpec()).status().code() == StatusCode::kUnavailable);
  CHECK(Cancel(answer.job).code() == StatusCode::kUnavailable);
  CHECK(Report(session, MakeReport(Assigned())).code() == StatusCode::kUnavailable);
  const SessionId refused = Connect("a");
  CHECK(agents.closed.back().session == refused);
  CHECK(agents.closed.back().status.code() == StatusCode::kUnavailable);
  CHECK(core->ViewJob(answer.job).status().code() == StatusCode::kUnavailable);
  CHECK(core->PinnedBlobs() == pinned);

  CHECK(store.failing_loads == 0);
  const SessionId back = Greet(MakeDevice("a"), {Held(Assigned())});
  CHECK(Report(back, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kDone);
}

}  // namespace paddock
