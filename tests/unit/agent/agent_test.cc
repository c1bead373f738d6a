#include "agent/agent.h"

#include <catch2/catch.hpp>

#include "device_drivers/registry.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/agent/run_fixture.h"

namespace paddock::agent {
namespace {

// One start of an agent on a state folder; a coordinator that says welcome when told to.
struct Start {
  FakeLink& link;
  std::unique_ptr<Agent> agent;

  Start(const TempDir& state, FakeLink& fake_link, DriverOptions options) : link(fake_link) {
    std::vector<std::string> dropped;
    AgentSettings settings{.device = DeviceId("board-1"),
                           .labels = {{"rack", "a"}, {"class", "mine"}},
                           .shares = {"host"},
                           .runner = SimulatedSettingsFor(std::move(options))};
    agent = std::make_unique<Agent>(std::move(settings), **FindDriver("simulated"),
                                    Spool::Open(state.path(), &dropped).value(),
                                    BlobCache::Open(state / "cache", 1 << 20).value());
    agent->Start(link);
  }
};

const DriverOptions kSilent = {{"fault", "silent@measuring"}};

TEST_CASE("a run is carried out, reported, and forgotten once it is stored", "[agent]") {
  const TempDir state;
  FakeLink link;
  const SmallRun run;
  link.AddBlobsOf(run);
  Start start(state, link, {});
  start.agent->OnWelcome({});
  start.agent->OnAssignment(run.AssignmentFor(7));
  CHECK(start.agent->Held() == std::vector<HeldLease>{run.AssignmentFor(7).lease});
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  start.agent->Stop();
  REQUIRE(link.reports.size() == 1);
  CHECK(link.reports[0].outcome == Outcome::kDone);
  CHECK(link.reports[0].lease.lease == 7);
  CHECK(link.reports[0].repetitions.size() == 2);
  CHECK(start.agent->Held().empty());
  std::vector<std::string> dropped;
  CHECK(Spool::Open(state.path(), &dropped)->TakeFound().empty());
}

TEST_CASE("the greeting has the driver's labels with the agent's own over them", "[agent]") {
  const TempDir state;
  FakeLink link;
  Start start(state, link, {});
  const Greeting greeting = start.agent->MakeGreeting();
  CHECK(greeting.device.str() == "board-1");
  CHECK(greeting.description.labels.at("id") == "board-1");
  CHECK(greeting.description.labels.at("driver") == "simulated");
  CHECK(greeting.description.labels.at("class") == "mine");
  CHECK(greeting.description.labels.at("arch") == "simulated");
  CHECK(greeting.shares == std::vector<std::string>{"host"});
  CHECK(greeting.problem.empty());
}

TEST_CASE("a device that cannot be set up is greeted with its problem", "[agent]") {
  const TempDir state;
  FakeLink link;
  Start start(state, link, {{"latency_us", "fast"}});
  const Greeting greeting = start.agent->MakeGreeting();
  CHECK(greeting.problem.find("latency_us") != std::string::npos);
  CHECK(greeting.description.driver == "simulated");
  CHECK(start.agent->Problem() == greeting.problem);
}

TEST_CASE("a report is sent again until the coordinator has stored it", "[agent]") {
  const TempDir state;
  FakeLink link;
  SmallRun run;
  run.plan.repetitions = 1;
  link.AddBlobsOf(run);
  int tries = 0;
  link.answer = [&](const Report&) { return ++tries < 3 ? UnavailableError("busy") : OkStatus(); };
  Start start(state, link, {});
  start.agent->OnWelcome({});
  start.agent->OnAssignment(run.AssignmentFor(1));
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  CHECK(link.reports.size() == 3);
}

TEST_CASE("a report under a lease that is not the current one is dropped", "[agent]") {
  const TempDir state;
  FakeLink link;
  SmallRun run;
  run.plan.repetitions = 1;
  link.AddBlobsOf(run);
  link.answer = [](const Report&) { return FailedPreconditionError("lease 1 is not the current one"); };
  Start start(state, link, {});
  start.agent->OnWelcome({});
  start.agent->OnAssignment(run.AssignmentFor(1));
  REQUIRE(link.WaitUntil([&] { return !link.reports.empty(); }));
  start.agent->Stop();
  CHECK(start.agent->Held().empty());
  CHECK(link.reports.size() == 1);
}

TEST_CASE("measurements that the coordinator will never take are reported as a failed run", "[agent]") {
  const TempDir state;
  FakeLink link;
  SmallRun run;
  run.plan.repetitions = 1;
  link.AddBlobsOf(run);
  link.answer = [](const Report& report) {
    return report.outcome == Outcome::kFailed ? OkStatus() : InvalidArgumentError("record of 0 bytes");
  };
  Start start(state, link, {});
  start.agent->OnWelcome({});
  start.agent->OnAssignment(run.AssignmentFor(1));
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  REQUIRE(link.reports.size() == 2);
  CHECK(link.reports[1].failure->failure_class == FailureClass::kFarm);
  CHECK(link.reports[1].failure->message.find("record of 0 bytes") != std::string::npos);
}

TEST_CASE("a result outlives the agent: it is delivered after a restart", "[agent]") {
  const TempDir state;
  const SmallRun run;
  {
    FakeLink link;
    link.AddBlobsOf(run);
    link.answer = [](const Report&) { return UnavailableError("gone"); };
    Start start(state, link, {});
    start.agent->OnWelcome({});
    start.agent->OnAssignment(run.AssignmentFor(4));
    REQUIRE(link.WaitUntil([&] { return !link.reports.empty(); }));
  }
  FakeLink link;
  Start start(state, link, {});
  CHECK(start.agent->MakeGreeting().held == std::vector<HeldLease>{run.AssignmentFor(4).lease});
  start.agent->OnWelcome({});
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  CHECK(link.reports[0].repetitions.size() == 2);
}

TEST_CASE("a run that a stop interrupted goes on after a restart, once the coordinator has said welcome",
          "[agent]") {
  const TempDir state;
  const SmallRun run;
  {
    FakeLink link;
    link.AddBlobsOf(run);
    Start start(state, link, {{"fault", "silent@measuring#1"}});
    start.agent->OnWelcome({});
    start.agent->OnAssignment(run.AssignmentFor(4));
    REQUIRE(link.WaitUntil([&] {
      return !link.progress.empty() && link.progress.back().repetition == 2 &&
             link.progress.back().stage == "measuring";
    }));
    start.agent->Stop();
    CHECK(link.reports.empty());
  }
  FakeLink link;
  Start start(state, link, {});
  CHECK(start.agent->MakeGreeting().held.size() == 1);
  start.agent->OnWelcome({});
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  CHECK(link.reports[0].outcome == Outcome::kDone);
  CHECK(link.reports[0].repetitions.size() == 2);
  for (const Progress& sent : link.progress) CHECK(sent.repetition != 1);
}

TEST_CASE("a run whose lease was revoked meanwhile is dropped without a report", "[agent]") {
  const TempDir state;
  FakeLink link;
  const SmallRun run;
  link.AddBlobsOf(run);
  Start start(state, link, kSilent);
  start.agent->OnWelcome({});
  start.agent->OnAssignment(run.AssignmentFor(4));
  REQUIRE(link.WaitUntil([&] { return link.HasStage("measuring"); }));
  start.agent->OnWelcome({run.AssignmentFor(4).lease});
  // The runner has let go of it when it begins the next one.
  SmallRun next;
  next.plan.run_id = "r-2";
  start.agent->OnAssignment(next.AssignmentFor(5));
  REQUIRE(link.WaitUntil([&] { return link.progress.back().lease.lease == 5; }));
  CHECK(start.agent->Held() == std::vector<HeldLease>{next.AssignmentFor(5).lease});
  start.agent->Stop();
  CHECK(link.reports.empty());
}

TEST_CASE("a newer lease supersedes the run at hand, and the same one again changes nothing", "[agent]") {
  const TempDir state;
  FakeLink link;
  const SmallRun run;
  link.AddBlobsOf(run);
  Start start(state, link, kSilent);
  start.agent->OnWelcome({});
  start.agent->OnAssignment(run.AssignmentFor(1));
  REQUIRE(link.WaitUntil([&] { return link.HasStage("measuring"); }));
  start.agent->OnAssignment(run.AssignmentFor(1));
  start.agent->OnAssignment(run.AssignmentFor(2));
  REQUIRE(link.WaitUntil([&] { return link.progress.back().lease.lease == 2; }));
  start.agent->OnCancel(run.AssignmentFor(2).lease);
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  start.agent->Stop();
  REQUIRE(link.reports.size() == 1);
  CHECK(link.reports[0].lease.lease == 2);
}

TEST_CASE("a cancelled run is reported as cancelled, also one that has not begun or that nobody knows",
          "[agent]") {
  const TempDir state;
  FakeLink link;
  const SmallRun run;
  link.AddBlobsOf(run);
  Start start(state, link, kSilent);
  start.agent->OnWelcome({});
  start.agent->OnAssignment(run.AssignmentFor(1));
  REQUIRE(link.WaitUntil([&] { return link.HasStage("measuring"); }));
  start.agent->OnCancel(run.AssignmentFor(1).lease);
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  CHECK(link.reports[0].outcome == Outcome::kCancelled);
  start.agent->OnCancel({RunId("r-9"), 9});
  REQUIRE(link.WaitUntil([&] { return link.stored == 2; }));
  CHECK(link.reports[1].outcome == Outcome::kCancelled);
  CHECK(link.reports[1].lease == HeldLease{RunId("r-9"), 9});
}

TEST_CASE("an agent that cannot keep an assignment says so at once", "[agent]") {
  const TempDir state;
  FakeLink link;
  SmallRun run;
  Start start(state, link, {});
  start.agent->OnWelcome({});
  run.plan.run_id = "../r-1";
  start.agent->OnAssignment(run.AssignmentFor(1));
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  CHECK(link.reports[0].outcome == Outcome::kFailed);
  CHECK(link.reports[0].failure->failure_class == FailureClass::kFarm);
}

TEST_CASE("a simulated loss of the network cuts the link when its stage is entered", "[agent]") {
  const TempDir state;
  FakeLink link;
  const SmallRun run;
  link.AddBlobsOf(run);
  Start start(state, link, {{"fault", "disconnect@measuring:2.5"}});
  start.agent->OnWelcome({});
  start.agent->OnAssignment(run.AssignmentFor(1));
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  start.agent->Stop();
  CHECK(link.cuts == std::vector<std::chrono::nanoseconds>{std::chrono::milliseconds(2500)});
}

TEST_CASE("with a marker file the link is cut in the first run only", "[agent]") {
  const TempDir state;
  FakeLink link;
  SmallRun run;
  link.AddBlobsOf(run);
  Start start(state, link, {{"fault", "disconnect@loading:1"}, {"fault_once", state / "happened"}});
  start.agent->OnWelcome({});
  start.agent->OnAssignment(run.AssignmentFor(1));
  REQUIRE(link.WaitUntil([&] { return link.stored == 1; }));
  run.plan.run_id = "r-2";
  start.agent->OnAssignment(run.AssignmentFor(2));
  REQUIRE(link.WaitUntil([&] { return link.stored == 2; }));
  start.agent->Stop();
  CHECK(link.cuts.size() == 1);
}

}  // namespace
}  // namespace paddock::agent
