// What the core talks to besides the store, recorded for tests: the agents' sessions, the worker threads, the watchers.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "server/core/ports.h"

namespace paddock {

class FakeAgentPort final : public AgentPort {
 public:
  struct Welcome {
    SessionId session;
    std::uint64_t answers;
    std::vector<HeldLease> revoked;
  };
  struct Assigned {
    SessionId session;
    Assignment assignment;
  };
  struct Cancelled {
    SessionId session;
    HeldLease lease;
  };
  struct Answered {
    SessionId session;
    std::uint64_t answers;
    Status status;
  };
  struct Closed {
    SessionId session;
    Status status;
  };

  std::vector<Welcome> welcomes;
  std::vector<Assigned> assignments;
  std::vector<Cancelled> cancels;
  std::vector<Answered> answers;
  std::vector<Closed> closed;
  std::function<void()> on_send = [] {};

  void SendWelcome(SessionId session, std::uint64_t answered,
                   const std::vector<HeldLease>& revoked) override {
    on_send();
    welcomes.push_back({session, answered, revoked});
  }
  void SendAssignment(SessionId session, const Assignment& assignment) override {
    on_send();
    assignments.push_back({session, assignment});
  }
  void SendCancel(SessionId session, const HeldLease& lease) override {
    on_send();
    cancels.push_back({session, lease});
  }
  void SendReportAnswer(SessionId session, std::uint64_t answered, const Status& status) override {
    on_send();
    answers.push_back({session, answered, status});
  }
  void CloseSession(SessionId session, const Status& status) override {
    on_send();
    closed.push_back({session, status});
  }
};

class FakeWorkPort final : public WorkPort {
 public:
  std::vector<PreparationRequest> preparations;
  std::vector<EvaluationRequest> evaluations;

  void Prepare(const PreparationRequest& request) override { preparations.push_back(request); }
  void Evaluate(const EvaluationRequest& request) override { evaluations.push_back(request); }
};

class FakeJobObserver final : public JobObserver {
 public:
  std::vector<JobId> changed;
  std::function<void(const JobId&)> on_change = [](const JobId&) {};
  void OnJobChanged(const JobId& job) override {
    changed.push_back(job);
    on_change(job);
  }
};

}  // namespace paddock
