// The coordinator's side of the agents' sessions: gRPC reactions translate and post to the core; the core's sends are queued
// per session and written one at a time. Holds no domain state.
//
// Threads: the AgentPort methods are called on the core thread, reactions on gRPC's. What is queued for one agent is bounded;
// an agent that does not read loses its session and comes back.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/task_queue.h"
#include "paddock/v1/agent.grpc.pb.h"
#include "server/core/coordinator.h"
#include "server/core/ports.h"

namespace paddock {

class AgentGateway final : public v1::AgentService::CallbackService, public AgentPort {
 public:
  explicit AgentGateway(std::chrono::milliseconds heartbeat_interval);
  ~AgentGateway() override;

  // Before the server starts; both must outlive it.
  void Connect(TaskQueue& core, Coordinator& coordinator);
  // Ends all sessions with `status` and lets no new one in. Sessions end in the background; the server's shutdown waits.
  void CloseAll(const Status& status);

  grpc::ServerBidiReactor<v1::AgentMessage, v1::CoordinatorMessage>* Session(
      grpc::CallbackServerContext*) override;

  void SendWelcome(SessionId session, std::uint64_t answers, const std::vector<HeldLease>& revoked) override;
  void SendAssignment(SessionId session, const Assignment& assignment) override;
  void SendCancel(SessionId session, const HeldLease& lease) override;
  void SendReportAnswer(SessionId session, std::uint64_t answers, const Status& status) override;
  void CloseSession(SessionId session, const Status& status) override;

 private:
  class Reactor;
  void Dispatch(SessionId session, v1::AgentMessage message, bool& greeted);
  void Send(SessionId session, v1::CoordinatorMessage message);
  std::shared_ptr<Reactor> Find(SessionId session);
  void Forget(SessionId session);

  const std::chrono::milliseconds heartbeat_interval_;
  TaskQueue* core_ = nullptr;
  Coordinator* coordinator_ = nullptr;
  std::mutex mutex_;
  std::unordered_map<SessionId, std::shared_ptr<Reactor>> sessions_;
  SessionId last_session_ = 0;
  Status closed_;
};

}  // namespace paddock
