#include "server/rpc/agent_gateway.h"

#include <deque>
#include <optional>
#include <utility>

#include <spdlog/spdlog.h>

#include "proto/wire_limits.h"
#include "server/rpc/convert.h"
#include "server/rpc/status.h"

namespace paddock {
namespace {

constexpr std::size_t kMaxQueuedMessages = 1024;

}  // namespace

// One session. Life cycle:
//   1. Constructed by Session(), reads at once.
//   2. Send() queues; one write is under way at a time.
//   3. Close(), the peer's end of stream or a cancel asks for the end: Finish() is called once, when no write is under way.
//   4. OnDone() is the last reaction: the gateway forgets the session, the core is told.
class AgentGateway::Reactor final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::CoordinatorMessage>,
                                    public std::enable_shared_from_this<Reactor> {
 public:
  Reactor(AgentGateway& gateway, SessionId id) : gateway_(gateway), id_(id) {}

  void Begin() { StartRead(&incoming_); }

  void Send(v1::CoordinatorMessage message) {
    const std::lock_guard lock(mutex_);
    if (end_) return;
    if (outgoing_.size() >= kMaxQueuedMessages) {
      outgoing_.resize(1);  // the first one is being written
      EndLocked(ResourceExhaustedError("the agent does not read its session; dial in again"));
      return;
    }
    outgoing_.push_back(std::move(message));
    if (outgoing_.size() == 1) StartWrite(&outgoing_.front());
  }

  void Close(const Status& status) {
    const std::lock_guard lock(mutex_);
    EndLocked(status);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Close(OkStatus());
    gateway_.Dispatch(id_, std::exchange(incoming_, {}), greeted_);
    const std::lock_guard lock(mutex_);
    if (!finished_) StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    outgoing_.pop_front();
    if (!ok) {
      outgoing_.clear();
      EndLocked(UnavailableError("the agent's stream broke"));
    }
    if (!outgoing_.empty()) {
      StartWrite(&outgoing_.front());
    } else if (end_) {
      FinishLocked();
    }
  }

  void OnCancel() override { Close(CancelledError("the agent went away")); }

  void OnDone() override { gateway_.Forget(id_); }

 private:
  void EndLocked(const Status& status) {
    if (!end_) end_ = status;
    if (outgoing_.empty()) FinishLocked();
  }
  void FinishLocked() {
    if (std::exchange(finished_, true)) return;
    Finish(ToGrpc(*end_));
  }

  AgentGateway& gateway_;
  const SessionId id_;
  v1::AgentMessage incoming_;
  bool greeted_ = false;

  std::mutex mutex_;
  std::deque<v1::CoordinatorMessage> outgoing_;  // the front is being written
  std::optional<Status> end_;
  bool finished_ = false;
};

AgentGateway::AgentGateway(std::chrono::milliseconds heartbeat_interval)
    : heartbeat_interval_(heartbeat_interval) {}
AgentGateway::~AgentGateway() = default;

void AgentGateway::Connect(TaskQueue& core, Coordinator& coordinator) {
  core_ = &core;
  coordinator_ = &coordinator;
}

grpc::ServerBidiReactor<v1::AgentMessage, v1::CoordinatorMessage>* AgentGateway::Session(
    grpc::CallbackServerContext*) {
  std::shared_ptr<Reactor> reactor;
  Status closed;
  {
    const std::lock_guard lock(mutex_);
    reactor = std::make_shared<Reactor>(*this, ++last_session_);
    sessions_.emplace(last_session_, reactor);
    closed = closed_;
  }
  if (closed.ok()) {
    reactor->Begin();
  } else {
    reactor->Close(closed);
  }
  return reactor.get();
}

void AgentGateway::Dispatch(SessionId session, v1::AgentMessage message, bool& greeted) {
  if (!greeted) {
    auto greeting = GreetingFromProto(message);
    if (!greeting.ok()) {
      spdlog::warn("agent refused: {}", greeting.status().message());
      return CloseSession(session, greeting.status());
    }
    greeted = true;
    return core_->Post([this, session, id = message.id(), greeting = std::move(greeting).value()]() mutable {
      coordinator_->OnGreeting(session, id, std::move(greeting));
    });
  }
  switch (message.kind_case()) {
    case v1::AgentMessage::kHeartbeat:
      return core_->Post([this, session, heartbeat = std::move(*message.mutable_heartbeat())] {
        coordinator_->OnHeartbeat(session, HeldFromProto(heartbeat.held()), heartbeat.problem());
      });
    case v1::AgentMessage::kProgress:
      return core_->Post([this, session, report = std::move(*message.mutable_progress())] {
        coordinator_->OnProgress(session, RunId(report.run_id()), report.lease(),
                                 ProgressFromProto(report.progress()));
      });
    case v1::AgentMessage::kReport: {
      auto report = ReportFromProto(message.report());
      if (!report.ok()) return SendReportAnswer(session, message.id(), report.status());
      return core_->Post([this, session, id = message.id(), report = std::move(report).value()]() mutable {
        coordinator_->OnReport(session, id, std::move(report));
      });
    }
    case v1::AgentMessage::kHello:
      return CloseSession(session,
                          InvalidArgumentError("a session has one greeting; this agent sent a second one"));
    case v1::AgentMessage::KIND_NOT_SET:
      return;  // of a newer agent: nothing that we know of
  }
}

void AgentGateway::SendWelcome(SessionId session, std::uint64_t answers,
                               const std::vector<HeldLease>& revoked) {
  v1::CoordinatorMessage message;
  message.set_answers(answers);
  v1::Welcome& welcome = *message.mutable_welcome();
  welcome.set_protocol_version(kProtocolVersion);
  welcome.set_coordinator_version(PADDOCK_VERSION);
  welcome.set_heartbeat_interval_ms(static_cast<std::uint32_t>(heartbeat_interval_.count()));
  for (const HeldLease& lease : revoked) {
    v1::HeldLease& entry = *welcome.add_revoked();
    entry.set_run_id(lease.run.str());
    entry.set_lease(lease.lease);
  }
  Send(session, std::move(message));
}

void AgentGateway::SendAssignment(SessionId session, const Assignment& assignment) {
  v1::CoordinatorMessage message;
  v1::Assignment& out = *message.mutable_assignment();
  out.set_run_id(assignment.run.str());
  out.set_lease(assignment.lease);
  out.set_lease_ttl_ms(assignment.lease_ttl_ms);
  out.set_plan_json(assignment.plan_json);
  Send(session, std::move(message));
}

void AgentGateway::SendCancel(SessionId session, const HeldLease& lease) {
  v1::CoordinatorMessage message;
  message.mutable_cancel()->set_run_id(lease.run.str());
  message.mutable_cancel()->set_lease(lease.lease);
  Send(session, std::move(message));
}

void AgentGateway::SendReportAnswer(SessionId session, std::uint64_t answers, const Status& status) {
  v1::CoordinatorMessage message;
  message.set_answers(answers);
  message.mutable_report_answer()->set_code(static_cast<std::uint32_t>(status.code()));
  message.mutable_report_answer()->set_message(status.message());
  Send(session, std::move(message));
}

void AgentGateway::CloseSession(SessionId session, const Status& status) {
  if (const auto reactor = Find(session)) reactor->Close(status);
}

void AgentGateway::CloseAll(const Status& status) {
  std::vector<std::shared_ptr<Reactor>> open;
  {
    const std::lock_guard lock(mutex_);
    closed_ = status;
    for (const auto& [id, reactor] : sessions_) open.push_back(reactor);
  }
  for (const auto& reactor : open) reactor->Close(status);
}

void AgentGateway::Send(SessionId session, v1::CoordinatorMessage message) {
  if (const auto reactor = Find(session)) reactor->Send(std::move(message));
}

std::shared_ptr<AgentGateway::Reactor> AgentGateway::Find(SessionId session) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : found->second;
}

void AgentGateway::Forget(SessionId session) {
  std::shared_ptr<Reactor> keep_until_return;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(session);
    keep_until_return = std::move(found->second);
    sessions_.erase(found);
  }
  core_->Post([this, session] { coordinator_->OnSessionEnded(session); });
}

}  // namespace paddock
