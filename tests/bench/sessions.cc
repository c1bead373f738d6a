#include "tests/bench/sessions.h"

#include <grpcpp/grpcpp.h>

#include <deque>

#include "base/version.h"
#include "paddock/v1/agent.grpc.pb.h"
#include "proto/wire_limits.h"
#include "tests/bench/report.h"

namespace paddock::bench {
namespace {

constexpr std::chrono::seconds kSessionPatience{120};

// As the agent's link sets it.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

v1::AgentMessage Hello(int number, const std::string& problem) {
  const std::string digits = std::to_string(10'000 + number).substr(1);
  v1::AgentMessage message;
  v1::AgentHello& hello = *message.mutable_hello();
  hello.set_protocol_version(kProtocolVersion);
  hello.set_agent_version(std::string(kPaddockVersion));
  hello.set_device_id("sim-" + digits);
  hello.set_instance_id("instance-" + digits);
  hello.set_problem(problem);
  v1::DeviceDescription& description = *hello.mutable_description();
  description.set_driver("simulated");
  description.set_model("simulated board");
  description.set_runtime("simulated 1");
  description.add_artifact_kinds("onnx");
  (*description.mutable_labels())["class"] = "session";
  return message;
}

}  // namespace

class Sessions::Session final : public grpc::ClientBidiReactor<v1::AgentMessage, v1::CoordinatorMessage> {
 public:
  Session(Sessions& owner, int number, const std::string& problem)
      : owner_(owner), stub_(v1::AgentService::NewStub(MakeChannel(owner.settings_.address))) {
    stub_->async()->Session(&context_, this);
    Send(Hello(number, problem));
    StartRead(&incoming_);
    StartCall();
  }

  void Beat(const std::string& problem) {
    v1::AgentMessage message;
    message.mutable_heartbeat()->set_problem(problem);
    Send(std::move(message));
  }

  // Blocks until gRPC has let go of the object.
  void End() {
    context_.TryCancel();
    std::unique_lock lock(mutex_);
    ended_changed_.wait(lock, [this] { return ended_; });
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    switch (incoming_.kind_case()) {
      case v1::CoordinatorMessage::kWelcome:
        owner_.OnWelcome();
        break;
      case v1::CoordinatorMessage::kAssignment:
        Answer(incoming_.assignment());
        break;
      case v1::CoordinatorMessage::kReportAnswer:
        owner_.OnAnswer(incoming_.report_answer().code(), incoming_.report_answer().message());
        break;
      default:
        break;
    }
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    outgoing_.pop_front();
    if (ok && !outgoing_.empty()) StartWrite(&outgoing_.front());
  }

  void OnDone(const grpc::Status&) override {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    ended_changed_.notify_all();
  }

 private:
  void Answer(const v1::Assignment& assignment) {
    v1::AgentMessage message;
    v1::RunReport& report = *message.mutable_report();
    report.set_run_id(assignment.run_id());
    report.set_lease(assignment.lease());
    report.set_outcome("done");
    report.add_repetitions()->set_record(owner_.settings_.record);
    Send(std::move(message));
  }

  void Send(v1::AgentMessage message) {
    const std::lock_guard lock(mutex_);
    message.set_id(++last_id_);
    outgoing_.push_back(std::move(message));
    if (outgoing_.size() == 1) StartWrite(&outgoing_.front());
  }

  Sessions& owner_;
  const std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  v1::CoordinatorMessage incoming_;

  std::mutex mutex_;
  std::condition_variable ended_changed_;
  std::deque<v1::AgentMessage> outgoing_;  // the front is being written
  std::uint64_t last_id_ = 0;
  bool ended_ = false;
};

Sessions::Sessions(SessionSettings settings) : settings_(std::move(settings)), problem_(settings_.problem) {
  for (int i = 0; i < settings_.count; ++i)
    sessions_.push_back(std::make_unique<Session>(*this, i, settings_.problem));
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kSessionPatience, [this] { return welcomed_ == settings_.count; })) {
    GiveUp(std::to_string(welcomed_) + " of " + std::to_string(settings_.count) + " sessions stand");
  }
  beat_ = std::jthread([this](std::stop_token stop) { BeatLoop(stop); });
}

Sessions::~Sessions() {
  beat_.request_stop();
  beat_.join();
  for (const auto& session : sessions_) session->End();
}

// One session after the other, each once in the interval.
void Sessions::BeatLoop(std::stop_token stop) {
  const auto pause = std::chrono::nanoseconds(settings_.heartbeat) / settings_.count;
  auto next = std::chrono::steady_clock::now();
  for (std::size_t i = 0; !stop.stop_requested(); i = (i + 1) % sessions_.size()) {
    next += pause;
    std::string problem;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_until(lock, stop, next, [] { return false; });
      problem = problem_;
    }
    sessions_[i]->Beat(problem);
  }
}

void Sessions::SetProblem(const std::string& problem) {
  {
    const std::lock_guard lock(mutex_);
    problem_ = problem;
  }
  for (const auto& session : sessions_) session->Beat(problem);
}

void Sessions::WaitForAnswers(std::uint64_t count) {
  awaited_ = count;
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kSessionPatience, [&] { return answered_ >= count; })) {
    GiveUp(std::to_string(answered_) + " of " + std::to_string(count) + " reports were answered");
  }
}

void Sessions::OnWelcome() {
  const std::lock_guard lock(mutex_);
  ++welcomed_;
  changed_.notify_all();
}

void Sessions::OnAnswer(std::uint32_t code, const std::string& message) {
  if (code != 0) GiveUp("a report was refused: " + message);
  if (++answered_ != awaited_) return;
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

}  // namespace paddock::bench
