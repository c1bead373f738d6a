// A whole coordinator in this process, on a free loopback port with real state in a temporary folder, and an agent that a
// test plays itself.
#pragma once

#include <catch2/catch.hpp>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "base/digest.h"
#include "paddock/v1/agent.grpc.pb.h"
#include "paddock/v1/artifact.grpc.pb.h"
#include "paddock/v1/device.grpc.pb.h"
#include "paddock/v1/job.grpc.pb.h"
#include "paddock/v1/result.grpc.pb.h"
#include "proto/wire_limits.h"
#include "server/farm_server.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {

class FarmFixture {
 public:
  FarmFixture() {
    spdlog::set_level(spdlog::level::err);
    Start();
  }

  void Start(double lease_ttl_s = 30) {
    ServerConfig config;
    config.listen = "127.0.0.1:0";
    config.http = "127.0.0.1:0";
    config.state = state / "coordinator";
    config.lease_ttl_s = lease_ttl_s;
    config.raw_retention_days = raw_retention_days;
    auto started = FarmServer::Start(config);
    REQUIRE(started.status().ToString() == "OK");
    server = *std::move(started);
    channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(server->rpc_port()),
                                  grpc::InsecureChannelCredentials());
    jobs = v1::JobService::NewStub(channel);
    artifacts = v1::ArtifactService::NewStub(channel);
    devices = v1::DeviceService::NewStub(channel);
    results = v1::ResultService::NewStub(channel);
    agents = v1::AgentService::NewStub(channel);
  }
  void Restart(double lease_ttl_s = 30) {
    server.reset();
    Start(lease_ttl_s);
  }

  // Sends `bytes` from `offset` on under `digest`, announcing `size`.
  grpc::Status Upload(const Digest& digest, const std::string& bytes, std::uint64_t offset,
                      std::uint64_t size) {
    grpc::ClientContext context;
    v1::UploadResponse response;
    const auto writer = artifacts->Upload(&context, &response);
    v1::UploadRequest request;
    request.set_sha256(digest.hex());
    request.set_size_bytes(size);
    request.set_offset(offset);
    request.set_data(bytes.substr(offset));
    writer->Write(request);
    writer->WritesDone();
    return writer->Finish();
  }
  Digest Put(const std::string& bytes) {
    const Digest digest = Sha256::Of(bytes);
    REQUIRE(Upload(digest, bytes, 0, bytes.size()).ok());
    return digest;
  }

  std::uint32_t raw_retention_days = 90;  // of the next Start()
  TempDir state;
  std::unique_ptr<FarmServer> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::JobService::Stub> jobs;
  std::unique_ptr<v1::ArtifactService::Stub> artifacts;
  std::unique_ptr<v1::DeviceService::Stub> devices;
  std::unique_ptr<v1::ResultService::Stub> results;
  std::unique_ptr<v1::AgentService::Stub> agents;
};

// The agent's side of a session, driven by hand.
class ScriptedAgent {
 public:
  ScriptedAgent(FarmFixture& farm, const std::string& device, const std::string& instance) {
    stream_ = farm.agents->Session(&context_);
    hello_.set_id(1);
    v1::AgentHello& hello = *hello_.mutable_hello();
    hello.set_protocol_version(kProtocolVersion);
    hello.set_agent_version("test");
    hello.set_device_id(device);
    hello.set_instance_id(instance);
    v1::DeviceDescription& description = *hello.mutable_description();
    description.set_driver("simulated");
    description.set_runtime("test 1");
    description.add_artifact_kinds("onnx");
    (*description.mutable_labels())["class"] = "board";
  }
  ~ScriptedAgent() {
    if (finished_) return;
    context_.TryCancel();
    static_cast<void>(stream_->Finish());
  }
  v1::AgentHello& hello() { return *hello_.mutable_hello(); }

  // Greets; the answer, or nothing when the session was ended (see Finish()).
  std::optional<v1::Welcome> Greet() {
    stream_->Write(hello_);
    const auto answer = Read();
    if (!answer) return std::nullopt;
    REQUIRE(answer->has_welcome());
    REQUIRE(answer->answers() == hello_.id());
    return answer->welcome();
  }
  std::optional<v1::CoordinatorMessage> Read() {
    v1::CoordinatorMessage message;
    if (!stream_->Read(&message)) return std::nullopt;
    return message;
  }
  bool Write(const v1::AgentMessage& message) { return stream_->Write(message); }
  // Reports the run of `assignment` as done with an inline record; the coordinator's answer.
  v1::ReportAnswer Report(const v1::Assignment& assignment, const std::string& record, std::uint64_t id) {
    v1::AgentMessage message;
    message.set_id(id);
    v1::RunReport& report = *message.mutable_report();
    report.set_run_id(assignment.run_id());
    report.set_lease(assignment.lease());
    report.set_outcome("done");
    report.add_repetitions()->set_record(record);
    REQUIRE(Write(message));
    while (const auto answer = Read()) {
      if (answer->has_report_answer() && answer->answers() == id) return answer->report_answer();
    }
    FAIL("the session ended before the report was answered");
    return {};
  }
  grpc::Status Finish() {
    finished_ = true;
    return stream_->Finish();
  }
  // Hangs up without a goodbye.
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CoordinatorMessage>> stream_;
  v1::AgentMessage hello_;
  bool finished_ = false;
};

}  // namespace paddock
