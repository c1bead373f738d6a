#include "tests/unit/server/core/core_fixture.h"

namespace paddock {

TEST_CASE_METHOD(CoreFixture, "a greeting is stored, then welcomed", "[core][session]") {
  const SessionId session = Connect("a");
  REQUIRE(agents.welcomes.size() == 1);
  CHECK(agents.welcomes[0].session == session);
  CHECK(agents.welcomes[0].answers == 1);
  const auto& labels = store.committed().devices.at(DeviceId("a")).description.labels;
  CHECK(labels.at("id") == "a");
  CHECK(labels.at("driver") == "simulated");
  CHECK(core->ViewDevices()[0].state == "idle");
}

TEST_CASE_METHOD(CoreFixture, "a second agent for a connected device is turned away", "[core][session]") {
  const SessionId first = Connect("a");
  DeviceRecord impostor = MakeDevice("a");
  impostor.instance = AgentInstanceId("impostor");
  const SessionId second = Greet(impostor);
  REQUIRE(agents.closed.size() == 1);
  CHECK(agents.closed[0].session == second);
  CHECK(agents.closed[0].status.code() == StatusCode::kAlreadyExists);
  CHECK_THAT(agents.closed[0].status.message(),
             Catch::Contains("device a") && Catch::Contains("instance of a") && Catch::Contains("--id"));
  CHECK(store.committed().devices.at(DeviceId("a")).instance == AgentInstanceId("instance of a"));
  SubmitPrepared();
  CHECK(agents.assignments.back().session == first);
  Disconnect(second);
  CHECK(core->ViewDevices()[0].state == "busy");
}

TEST_CASE_METHOD(CoreFixture, "another agent takes over a device that is away, after the old lease",
                 "[core][session]") {
  const SessionId first = Connect("a");
  SubmitPrepared();
  const Assignment old = Assigned();
  Disconnect(first);
  DeviceRecord successor = MakeDevice("a");
  successor.instance = AgentInstanceId("successor");
  const SessionId second = Greet(successor);
  CHECK(agents.closed.empty());
  CHECK(core->ViewDevices()[0].state == "busy");
  // What is not its own it can neither keep nor report.
  Heartbeat(second, {Held(old)});
  CHECK(Report(second, MakeReport(old)).code() == StatusCode::kFailedPrecondition);
  CHECK(store.LeaseIsOpen(old.lease));
  PassLeaseTtl();
  REQUIRE(agents.assignments.size() == 2);
  CHECK(agents.assignments[1].session == second);
}

TEST_CASE_METHOD(CoreFixture, "a new session of the same agent replaces the old one and keeps the lease",
                 "[core][session]") {
  const SessionId first = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  const SessionId second = Greet(MakeDevice("a"), {Held(Assigned())});
  REQUIRE(agents.closed.size() == 1);
  CHECK(agents.closed[0].session == first);
  CHECK(agents.welcomes.back().revoked.empty());
  Disconnect(first);
  CHECK(core->ViewDevices()[0].state == "busy");
  CHECK(Report(first, MakeReport(Assigned())).code() == StatusCode::kUnavailable);
  CHECK(Report(second, MakeReport(Assigned())).ok());
  CHECK(StoredRun(answer.runs[0]).attempts == 1);
}

TEST_CASE_METHOD(CoreFixture, "an agent that came back without its run gets it anew", "[core][session]") {
  Disconnect(Connect("a"));
  const SessionId first = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  const Assignment old = Assigned();
  Disconnect(first);
  const SessionId second = Connect("a");
  CHECK(store.committed().leases.at(old.lease).ended == "superseded");
  REQUIRE(agents.assignments.size() == 2);
  CHECK(agents.assignments[1].session == second);
  CHECK(agents.assignments[1].assignment.run == answer.runs[0]);
  // The welcome comes first.
  CHECK(agents.welcomes.back().session == second);
}

TEST_CASE_METHOD(CoreFixture, "a session that ends leaves the lease to its deadline", "[core][session]") {
  const SessionId first = Connect("a");
  const SubmitAnswer answer = SubmitPrepared();
  Disconnect(first);
  Pass(std::chrono::seconds(25));
  const SessionId second = Greet(MakeDevice("a"), {Held(Assigned())});
  Pass(std::chrono::seconds(25));
  CHECK(StateOf(answer.runs[0]) == RunState::kRunning);
  CHECK(Report(second, MakeReport(Assigned())).ok());
}

TEST_CASE_METHOD(CoreFixture, "a device with a problem gets no runs until it is solved", "[core][session]") {
  DeviceRecord device = MakeDevice("a");
  device.problem = "disk full";
  const SessionId session = Greet(device);
  const SubmitAnswer answer = SubmitPrepared();
  CHECK(agents.assignments.empty());
  CHECK(core->ViewDevices()[0].state == "faulty");
  CHECK_THAT(core->ViewJob(answer.job)->runs[0].progress.detail, Catch::Contains("disk full"));
  Heartbeat(session);
  CHECK(agents.assignments.size() == 1);
  CHECK(store.committed().devices.at(DeviceId("a")).problem.empty());
  CHECK(core->ViewDevices()[0].state == "busy");
}

TEST_CASE_METHOD(CoreFixture, "one session cannot speak for two devices", "[core][session]") {
  const SessionId session = Connect("a");
  Do([&] { core->OnGreeting(session, 2, {MakeDevice("b"), {}}); });
  REQUIRE(agents.closed.size() == 1);
  CHECK(agents.closed[0].status.code() == StatusCode::kInvalidArgument);
  CHECK_FALSE(store.committed().devices.contains(DeviceId("b")));
}

}  // namespace paddock
