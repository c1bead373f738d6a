#include "tests/unit/server/core/core_fixture.h"

namespace paddock {

TEST_CASE_METHOD(CoreFixture, "a lease that expires queues its run again, once", "[core][lease]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  const Assignment first = Assigned();
  Disconnect(session);
  PassLeaseTtl();
  CHECK(StateOf(answer.runs[0]) == RunState::kQueued);
  CHECK(store.committed().leases.at(first.lease).ended == "expired");
  CHECK(core->ViewDevices()[0].state == "offline");
  Connect("a");
  REQUIRE(agents.assignments.size() == 2);
  CHECK(Assigned().lease > first.lease);
  CHECK(StoredRun(answer.runs[0]).attempts == 2);
}

TEST_CASE_METHOD(CoreFixture, "a run whose agent stays away on every attempt is lost", "[core][lease]") {
  SubmitAnswer answer;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const SessionId session = Connect("a");
    if (attempt == 0) answer = SubmitPrepared();
    Disconnect(session);
    PassLeaseTtl();
  }
  const Run& run = StoredRun(answer.runs[0]);
  CHECK(run.state == RunState::kLost);
  CHECK(run.failure->failure_class == FailureClass::kFarm);
  CHECK_THAT(run.failure->message, Catch::Contains("agent unreachable for longer than its lease"));
  CHECK(StateOf(answer.job) == JobState::kFailed);
}

TEST_CASE_METHOD(CoreFixture, "heartbeats and progress keep a lease, and are stored sparsely",
                 "[core][lease]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  const int commits = store.commits;
  const std::int64_t deadline = store.committed().leases.at(1).record.deadline_wall_ms;
  for (int i = 0; i < 12; ++i) {
    Pass(std::chrono::seconds(5));
    if (i % 2 == 0) {
      Heartbeat(session, {Held(Assigned())});
    } else {
      Do([&] { core->OnProgress(session, answer.runs[0], Assigned().lease, {}); });
    }
  }
  CHECK(StateOf(answer.runs[0]) == RunState::kRunning);
  CHECK(store.commits == commits + 4);
  CHECK(store.committed().leases.at(1).record.deadline_wall_ms == deadline + 60'000);
}

TEST_CASE_METHOD(CoreFixture, "a heartbeat that does not name the lease does not keep it", "[core][lease]") {
  const SessionId session = Connect("a");
  SubmitPrepared();
  for (int i = 0; i < 7; ++i) {
    Pass(std::chrono::seconds(5));
    Heartbeat(session);
  }
  CHECK(store.committed().leases.at(1).ended == "expired");
  REQUIRE(agents.cancels.size() == 1);
  CHECK(agents.cancels[0].lease.lease == 1);
  CHECK(Assigned().lease == 2);
}

TEST_CASE_METHOD(CoreFixture, "a zombie's late report is refused and changes nothing", "[core][lease]") {
  const SessionId zombie = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  const Assignment old = Assigned();
  Disconnect(zombie);
  PassLeaseTtl();
  // It comes back with the run it thinks it holds, and is given it anew.
  const SessionId session = Greet(MakeDevice("a"), {Held(old)});
  REQUIRE(agents.welcomes.back().revoked.size() == 1);
  CHECK(agents.welcomes.back().revoked[0].lease == old.lease);
  CHECK(Assigned().lease != old.lease);
  const Status late = Report(session, MakeReport(old));
  CHECK(late.code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(late.message(), Catch::Contains("lease 1 of r-1"));
  CHECK(store.committed().measurements.empty());
  CHECK(StateOf(answer.runs[0]) == RunState::kRunning);
  CHECK(Report(session, MakeReport(Assigned())).ok());
}

TEST_CASE_METHOD(CoreFixture, "a heartbeat for a lease that has ended is answered with a cancel",
                 "[core][lease]") {
  Disconnect(Connect("a"));
  const SessionId session = Connect("a");
  Heartbeat(session, {{RunId("r-9"), 9}});
  REQUIRE(agents.cancels.size() == 1);
  CHECK(agents.cancels[0].lease.lease == 9);
}

TEST_CASE_METHOD(CoreFixture, "a report is accepted once and acknowledged as often as it comes",
                 "[core][lease]") {
  const SessionId session = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  const RunReport report = MakeReport(Assigned());
  CHECK(Report(session, report).ok());
  CHECK(Report(session, report).ok());
  CHECK(work.evaluations.size() == 1);
  Heartbeat(session, {Held(Assigned())});
  CHECK(agents.cancels.empty());
  REQUIRE(Restart().ok());
  const SessionId after = Greet(MakeDevice("a"), {Held(Assigned())});
  CHECK(Report(after, report).ok());
  FinishEvaluations();
  CHECK(StateOf(answer.job) == JobState::kDone);
  CHECK(Report(after, report).code() == StatusCode::kFailedPrecondition);
}

TEST_CASE_METHOD(CoreFixture, "a report must come from the device that holds the lease", "[core][lease]") {
  Connect("a");
  SubmitPrepared(MakeSpec({"id=a"}));
  const SessionId other = Connect("b");
  CHECK(Report(other, MakeReport(Assigned())).code() == StatusCode::kFailedPrecondition);
  CHECK(Report(SessionId{77}, MakeReport(Assigned())).code() == StatusCode::kUnavailable);
  CHECK(store.LeaseIsOpen(Assigned().lease));
}

TEST_CASE_METHOD(CoreFixture, "a farm without leases sets no timer", "[core][lease]") {
  const SessionId session = Connect("a");
  SubmitPrepared();
  CHECK_FALSE(queue->Idle());
  CHECK(Report(session, MakeReport(Assigned())).ok());
  PassLeaseTtl();
  CHECK(queue->Idle());
}

}  // namespace paddock
