// The agent's link against a coordinator made for the test: a real gRPC server on loopback with a scripted
// AgentService and a small ArtifactService.
#include "agent/link_grpc.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"
#include "tests/rpc/scripted_coordinator.h"

namespace paddock::agent {
namespace {

using std::chrono::milliseconds;

class FakeAgent final : public LinkClient {
 public:
  Greeting MakeGreeting() override {
    Greeting greeting;
    greeting.device = DeviceId("board-1");
    greeting.instance = AgentInstanceId("folder-1");
    greeting.description.driver = "simulated";
    greeting.description.labels = {{"id", "board-1"}};
    greeting.description.limits.batch_bytes = 77;
    greeting.shares = {"host"};
    greeting.held = held;
    greeting.problem = "cable";
    return greeting;
  }
  std::vector<HeldLease> Held() override { return held; }
  std::string Problem() override { return "cable"; }
  void OnWelcome(const std::vector<HeldLease>& revoked_leases) override {
    const std::lock_guard lock(mutex_);
    ++welcomes;
    revoked = revoked_leases;
    changed_.notify_all();
  }
  void OnAssignment(const Assignment& assignment) override {
    const std::lock_guard lock(mutex_);
    assignments.push_back(assignment);
    changed_.notify_all();
  }
  void OnCancel(const HeldLease& lease) override {
    const std::lock_guard lock(mutex_);
    cancels.push_back(lease);
    changed_.notify_all();
  }
  bool WaitUntil(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }

  std::vector<HeldLease> held;
  int welcomes = 0;
  std::vector<HeldLease> revoked;
  std::vector<Assignment> assignments;
  std::vector<HeldLease> cancels;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

struct Farm {
  FakeCoordinator coordinator;
  FakeArtifacts artifacts;
  FakeAgent agent;
  TempDir folder;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<GrpcLink> link;

  Farm() {
    StartServer();
    link = std::make_unique<GrpcLink>("127.0.0.1:" + std::to_string(port));
  }
  ~Farm() {
    link->Stop();
    StopServer();
  }
  void StartServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&coordinator);
    builder.RegisterService(&artifacts);
    server = builder.BuildAndStart();
    REQUIRE(server != nullptr);
  }
  void StopServer() {
    coordinator.DropSession();
    server->Shutdown(std::chrono::system_clock::now() + milliseconds(500));
    server->Wait();
  }
  void Begin() {
    link->Start(agent);
    REQUIRE(agent.WaitUntil([&] { return agent.welcomes == 1; }));
  }
  Report ReportWith(const std::string& record, const std::string& predictions) {
    REQUIRE(WriteFileAtomically(folder / "record", record).ok());
    REQUIRE(WriteFileAtomically(folder / "predictions", predictions).ok());
    Report report;
    report.lease = {RunId("r-1"), 5};
    report.repetitions = {
        {.index = 0, .record_path = folder / "record", .predictions_path = folder / "predictions"}};
    return report;
  }
};

const std::string kLarge(3 * kChunkBytes + 17, 'x');
const std::function<bool()> kNever = [] { return false; };

TEST_CASE("the greeting says everything, the welcome's revocations arrive, and heartbeats renew what is held",
          "[link]") {
  Farm farm;
  farm.agent.held = {{RunId("r-1"), 5}, {RunId("r-2"), 6}};
  v1::HeldLease revoked;
  revoked.set_run_id("r-2");
  revoked.set_lease(6);
  farm.coordinator.revoked = {revoked};
  farm.Begin();
  const v1::AgentHello hello = farm.coordinator.greetings[0].hello();
  CHECK(hello.protocol_version() == kProtocolVersion);
  CHECK(hello.device_id() == "board-1");
  CHECK(hello.instance_id() == "folder-1");
  CHECK(hello.held_size() == 2);
  CHECK(hello.problem() == "cable");
  CHECK(hello.description().shares(0) == "host");
  CHECK(hello.description().batch_bytes_limit() == 77);
  CHECK_FALSE(hello.description().has_artifact_bytes_limit());
  CHECK(hello.drivers_size() >= 2);
  CHECK(farm.agent.revoked == std::vector<HeldLease>{{RunId("r-2"), 6}});
  CHECK(farm.coordinator.WaitUntil([&] {
    return !farm.coordinator.messages.empty() &&
           farm.coordinator.messages.back().heartbeat().held_size() == 2;
  }));
}

TEST_CASE("assignments and cancels reach the agent, progress the coordinator", "[link]") {
  Farm farm;
  farm.Begin();
  v1::CoordinatorMessage message;
  message.mutable_assignment()->set_run_id("r-3");
  message.mutable_assignment()->set_lease(9);
  message.mutable_assignment()->set_plan_json("{}");
  farm.coordinator.Send(message);
  message.mutable_cancel()->set_run_id("r-3");
  message.mutable_cancel()->set_lease(9);
  farm.coordinator.Send(message);
  REQUIRE(farm.agent.WaitUntil([&] { return !farm.agent.cancels.empty(); }));
  CHECK(farm.agent.assignments[0].lease == HeldLease{RunId("r-3"), 9});
  CHECK(farm.agent.assignments[0].plan_json == "{}");

  Progress progress;
  progress.lease = {RunId("r-3"), 9};
  progress.stage = "measuring";
  progress.inferences_done = 12;
  farm.link->SendProgress(progress);
  CHECK(farm.coordinator.WaitUntil([&] {
    for (const auto& sent : farm.coordinator.messages) {
      if (sent.progress().progress().inferences_done() == 12 && sent.progress().lease() == 9) return true;
    }
    return false;
  }));
}

TEST_CASE("small records travel inside the report, large ones and predictions as blobs", "[link]") {
  Farm farm;
  farm.Begin();
  farm.coordinator.report_codes = {0, 0};
  CHECK(farm.link->DeliverReport(farm.ReportWith("small", kLarge)).ok());
  CHECK(farm.link->DeliverReport(farm.ReportWith(std::string(kMaxInlineRecordBytes + 1, 'r'), kLarge)).ok());
  std::vector<v1::RunReport> reports;
  for (const auto& message : farm.coordinator.messages) {
    if (message.has_report()) reports.push_back(message.report());
  }
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].outcome() == "done");
  CHECK(reports[0].lease() == 5);
  CHECK(reports[0].repetitions(0).record() == "small");
  CHECK(reports[0].repetitions(0).predictions_sha256() == Sha256::Of(kLarge).hex());
  CHECK(reports[1].repetitions(0).record().empty());
  CHECK(farm.artifacts.blobs.count(reports[1].repetitions(0).record_sha256()) == 1);
  CHECK(farm.artifacts.blobs.at(Sha256::Of(kLarge).hex()) == kLarge);
  CHECK(farm.artifacts.largest_chunk == kChunkBytes);
  CHECK(farm.artifacts.first_offsets == std::vector<std::uint64_t>{0, 0});
}

TEST_CASE("an upload goes on with what the coordinator has already", "[link]") {
  Farm farm;
  farm.Begin();
  farm.coordinator.report_codes = {0};
  farm.artifacts.partial[Sha256::Of(kLarge).hex()] = kLarge.substr(0, 1000);
  CHECK(farm.link->DeliverReport(farm.ReportWith("small", kLarge)).ok());
  CHECK(farm.artifacts.first_offsets == std::vector<std::uint64_t>{1000});
  CHECK(farm.artifacts.blobs.at(Sha256::Of(kLarge).hex()) == kLarge);
}

TEST_CASE("the coordinator's answer to a report is passed on", "[link]") {
  Farm farm;
  farm.Begin();
  farm.coordinator.report_codes = {9, 14};
  const Report report = farm.ReportWith("small", "p");
  CHECK(farm.link->DeliverReport(report).code() == StatusCode::kFailedPrecondition);
  CHECK(farm.link->DeliverReport(report).code() == StatusCode::kUnavailable);
}

TEST_CASE("a session that ends before a report is answered makes it UNAVAILABLE, and the agent comes back",
          "[link]") {
  Farm farm;
  farm.Begin();
  Status status;
  std::thread reporter([&] { status = farm.link->DeliverReport(farm.ReportWith("small", "p")); });
  CHECK(farm.coordinator.WaitUntil([&] {
    for (const auto& message : farm.coordinator.messages) {
      if (message.has_report()) return true;
    }
    return false;
  }));
  farm.coordinator.DropSession();
  reporter.join();
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK(farm.agent.WaitUntil([&] { return farm.agent.welcomes == 2; }));
}

TEST_CASE("the agent comes back after the coordinator was restarted", "[link]") {
  Farm farm;
  farm.Begin();
  farm.StopServer();
  CHECK(farm.link->DeliverReport(farm.ReportWith("small", "p")).code() == StatusCode::kUnavailable);
  farm.StartServer();
  CHECK(farm.agent.WaitUntil([&] { return farm.agent.welcomes == 2; }));
}

TEST_CASE("a download is resumed at its offset, and ends in the cache", "[link]") {
  Farm farm;
  farm.Begin();
  const Digest digest = Sha256::Of(kLarge);
  farm.artifacts.blobs[digest.hex()] = kLarge;
  farm.artifacts.break_off_after_one = true;
  const auto cache = BlobCache::Open(farm.folder / "cache", std::uint64_t{1} << 30).value();
  {
    const auto partial = cache->Receive(digest).value();
    CHECK(farm.link->Download(digest, *partial, false, kNever).code() == StatusCode::kUnavailable);
    CHECK(partial->offset() == kChunkBytes);
  }
  const auto partial = cache->Receive(digest).value();
  CHECK(farm.link->Download(digest, *partial, false, kNever).ok());
  CHECK(farm.artifacts.first_offsets == std::vector<std::uint64_t>{0, kChunkBytes});
  CHECK(partial->Commit().ok());

  const auto missing = cache->Receive(Sha256::Of("missing")).value();
  CHECK(farm.link->Download(Sha256::Of("missing"), *missing, false, kNever).code() == StatusCode::kNotFound);
}

TEST_CASE("while the link is cut nothing passes, and afterwards the agent greets again", "[link]") {
  Farm farm;
  farm.Begin();
  farm.link->CutFor(std::chrono::hours(1));
  CHECK(farm.coordinator.WaitUntil([&] { return farm.coordinator.ended == 1; }));
  CHECK(farm.link->DeliverReport(farm.ReportWith("small", "p")).code() == StatusCode::kUnavailable);
  const auto cache = BlobCache::Open(farm.folder / "cache", 1000).value();
  CHECK(
      farm.link->Download(Sha256::Of("x"), *cache->Receive(Sha256::Of("x")).value(), false, kNever).code() ==
      StatusCode::kUnavailable);

  Farm again;
  again.Begin();
  again.link->CutFor(milliseconds(100));
  CHECK(again.agent.WaitUntil([&] { return again.agent.welcomes == 2; }));
}

TEST_CASE("an agent that is refused keeps trying, without a welcome, and stops when told to", "[link]") {
  Farm farm;
  farm.coordinator.refusal = grpc::Status(grpc::StatusCode::ALREADY_EXISTS, "another agent holds board-1");
  farm.link->Start(farm.agent);
  CHECK(farm.coordinator.WaitUntil([&] { return farm.coordinator.greetings.size() == 1; }));
  CHECK(farm.link->DeliverReport(farm.ReportWith("small", "p")).code() == StatusCode::kUnavailable);
  farm.link->Stop();
  CHECK(farm.agent.welcomes == 0);
}

TEST_CASE("stopping says goodbye: the coordinator sees the end of the stream", "[link]") {
  Farm farm;
  farm.Begin();
  farm.link->Stop();
  CHECK(farm.coordinator.WaitUntil([&] { return farm.coordinator.ended == 1; }));
  CHECK(farm.coordinator.greetings.size() == 1);
}

}  // namespace
}  // namespace paddock::agent
