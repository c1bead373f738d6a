// A coordinator with everything around it faked: time, queue, store, agents, worker threads. Each verb runs the core queue
// until it is idle, so its batch has been committed when the verb returns.
#pragma once

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kpi/run_plan.h"
#include "server/core/coordinator.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_core_ports.h"
#include "tests/fakes/fake_store.h"
#include "tests/fakes/fake_task_queue.h"

namespace paddock {

class CoreFixture {
 public:
  CoreFixture() {
    agents.on_send = [this] { CHECK_FALSE(store.InTransaction()); };
    REQUIRE(Restart().ok());
  }
  ~CoreFixture() { CHECK(store.violations == std::vector<std::string>()); }
  CoreFixture(const CoreFixture&) = delete;
  CoreFixture& operator=(const CoreFixture&) = delete;

  // As after kill -9: what was not committed is gone, and so are all sessions and all work under way.
  Status Restart() {
    if (store.InTransaction()) store.Rollback();
    queue.reset();
    work.preparations.clear();
    work.evaluations.clear();
    queue = std::make_unique<FakeTaskQueue>(
        clock, [this] { core->BeforeBatch(); }, [this] { core->AfterBatch(); });
    core = std::make_unique<Coordinator>(settings,
                                         Coordinator::Ports{store, agents, work, observer, *queue, clock});
    Status started;
    Do([&] { started = core->Start(); });
    return started;
  }
  void Do(std::function<void()> task) {
    queue->Post(std::move(task));
    queue->RunUntilIdle();
  }

  static DeviceRecord MakeDevice(const std::string& id, std::vector<std::string> shares = {}) {
    DeviceRecord record;
    record.id = DeviceId(id);
    record.instance = AgentInstanceId("instance of " + id);
    record.agent_version = "0.1.0";
    record.description.driver = "simulated";
    record.description.labels = {{"class", "board"}};
    record.description.artifact_kinds = {"onnx"};
    record.shares = std::move(shares);
    return record;
  }
  SessionId Greet(DeviceRecord device, std::vector<HeldLease> held = {}) {
    const SessionId session = ++last_session;
    Do([&] { core->OnGreeting(session, 1, {std::move(device), std::move(held)}); });
    return session;
  }
  SessionId Connect(const std::string& id, std::vector<std::string> shares = {}) {
    return Greet(MakeDevice(id, std::move(shares)));
  }
  void Disconnect(SessionId session) {
    Do([&] { core->OnSessionEnded(session); });
  }

  static JobSpec MakeSpec(std::vector<std::string> selectors = {"all"}, std::uint32_t variants = 1) {
    JobSpec spec;
    spec.name = "test";
    spec.model_path = "model.onnx";
    spec.model = Sha256::Of("model");
    spec.data_path = "data.npz";
    spec.data = Sha256::Of("data");
    spec.data_spec.seed = 7;
    spec.repetitions = 2;
    for (std::uint32_t i = 0; i < variants; ++i) spec.variants.push_back({"v" + std::to_string(i), {}, {}});
    spec.selectors = std::move(selectors);
    return spec;
  }
  Result<SubmitAnswer> TrySubmit(JobSpec spec, const std::string& key = "") {
    Result<SubmitAnswer> answer = InternalError("not answered");
    Do([&] {
      core->Submit(std::move(spec), key, [&](Result<SubmitAnswer> given) { answer = std::move(given); });
    });
    return answer;
  }
  SubmitAnswer Submit(JobSpec spec = MakeSpec(), const std::string& key = "") {
    auto answer = TrySubmit(std::move(spec), key);
    INFO(answer.status().ToString());
    REQUIRE(answer.ok());
    return *answer;
  }
  SubmitAnswer SubmitPrepared(JobSpec spec = MakeSpec()) {
    SubmitAnswer answer = Submit(std::move(spec));
    FinishPreparations();
    return answer;
  }
  Status Cancel(const JobId& job) {
    Status answer = InternalError("not answered");
    Do([&] { core->Cancel(job, [&](Status given) { answer = std::move(given); }); });
    return answer;
  }

  static PreparedRun MakePrepared() {
    PreparedRun prepared;
    prepared.artifact = Sha256::Of("artifact");
    prepared.artifact_kind = "onnx";
    prepared.artifact_bytes = 100;
    prepared.batches = {Sha256::Of("batch")};
    prepared.labels = Sha256::Of("labels");
    prepared.sample_count = 10;
    return prepared;
  }
  void FinishPreparations() {
    for (const auto& request : std::exchange(work.preparations, {})) {
      Do([&] { core->OnPrepared(request.run, MakePrepared()); });
    }
  }
  void FinishEvaluations() {
    for (const auto& request : std::exchange(work.evaluations, {})) {
      Do([&] { core->OnEvaluated(request.run, Evaluation()); });
    }
  }

  // The assignment that was sent last.
  const Assignment& Assigned() const {
    REQUIRE_FALSE(agents.assignments.empty());
    return agents.assignments.back().assignment;
  }
  static HeldLease Held(const Assignment& assignment) { return {assignment.run, assignment.lease}; }
  // Of the repetitions that the run's plan asks for.
  RunReport MakeReport(const Assignment& assignment, RunOutcome outcome = RunOutcome::kDone) const {
    RunReport report;
    report.run = assignment.run;
    report.lease = assignment.lease;
    report.outcome = outcome;
    if (outcome != RunOutcome::kDone) return report;
    const auto plan = DecodeRunPlan(StoredRun(assignment.run).plan_json);
    REQUIRE(plan.ok());
    for (std::uint32_t index = plan->repetition_begin; index < plan->RepetitionEnd(); ++index)
      report.repetitions.push_back({index, "record", {}, {}});
    return report;
  }
  RunReport MakeFailure(const Assignment& assignment, FailureClass failure_class, bool retry) const {
    RunReport report = MakeReport(assignment, RunOutcome::kFailed);
    report.failure = RunFailure{failure_class, "loading", "it broke"};
    report.retry = retry;
    return report;
  }
  // What the agent was answered.
  Status Report(SessionId session, const RunReport& report) {
    const std::uint64_t message = ++last_message;
    Do([&] { core->OnReport(session, message, report); });
    REQUIRE_FALSE(agents.answers.empty());
    REQUIRE(agents.answers.back().answers == message);
    return agents.answers.back().status;
  }
  void Heartbeat(SessionId session, std::vector<HeldLease> held = {}, const std::string& problem = "") {
    Do([&] { core->OnHeartbeat(session, held, problem); });
  }
  // Time without a word from any agent.
  void Pass(std::chrono::milliseconds duration) { queue->Advance(duration); }
  void PassLeaseTtl() { Pass(settings.lease_ttl + std::chrono::milliseconds(10)); }

  const Run& StoredRun(const RunId& run) const { return store.committed().runs.at(run); }
  RunState StateOf(const RunId& run) const { return StoredRun(run).state; }
  JobState StateOf(const JobId& job) const { return store.committed().jobs.at(job).state; }

  CoordinatorSettings settings;
  FakeClock clock;
  FakeStore store;
  FakeAgentPort agents;
  FakeWorkPort work;
  FakeJobObserver observer;
  std::unique_ptr<Coordinator> core;
  std::unique_ptr<FakeTaskQueue> queue;  // goes before the coordinator
  SessionId last_session = 0;
  std::uint64_t last_message = 100;
};

}  // namespace paddock
