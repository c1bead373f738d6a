// Random lives of a small farm: everything that can happen happens in any order, and what must always hold is checked by the
// store (one lease per device and per shared resource, numbers that only grow, one set of measurements per run, ends that stay)
// and here (nothing sent before its commit, every acknowledged report stored, everything ends once the trouble does).
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/random.h"
#include "base/sanitizer.h"
#include "tests/unit/server/core/core_fixture.h"

namespace paddock {
namespace {

// One agent as the coordinator cannot see it: what it works on, and a spool that it empties only by an answer.
struct ModelAgent {
  DeviceRecord record;
  SessionId session = 0;
  std::map<LeaseId, HeldLease> held;
  std::set<LeaseId> told_to_cancel;
};

class Farm : public CoreFixture {
 public:
  explicit Farm(std::uint64_t seed) : random_(seed) {
    settings.golden = GoldenModel{Sha256::Of("golden model"), Sha256::Of("golden data")};
    Require(Restart().ok(), "no start");
    // The third shares with both of its neighbours; the last is a second agent for the first device.
    const std::vector<std::vector<std::string>> shares = {{"p"}, {"q"}, {"p", "q"}, {}};
    for (std::size_t i = 0; i < shares.size(); ++i) {
      model_.push_back({MakeDevice("d" + std::to_string(i), shares[i]), 0, {}, {}});
    }
    model_[1].record.golden = GoldenPolicy{};
    model_[2].record.golden = GoldenPolicy{.every_runs = 2};
    model_.push_back(model_[0]);
    model_.back().record.instance = AgentInstanceId("impostor");
    agents.on_send = [this] { Require(!store.InTransaction(), "sent inside a transaction"); };
  }

  void Step() {
    switch (Below(16)) {
      case 0:
        SubmitSomething();
        break;
      case 1:
      case 2:
        Greets(Any());
        break;
      case 3:
        Leaves(Any(), Below(3) == 0);
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        Reports(Any(), Below(8));
        break;
      case 8:
      case 9:
        AnswerPreparation(Below(10) != 0);
        break;
      case 10:
      case 11:
        AnswerEvaluation(Below(10) != 0);
        break;
      case 12:
        HeartbeatsOfAll();
        break;
      case 13:
        Pass(std::chrono::seconds(Below(20)));
        break;
      case 14:
        Trouble();
        break;
      default:
        CancelSomething();
    }
    TakeMail();
    CheckInvariants();
  }

  // From here on nothing goes wrong any more: everything must come to its end.
  void Heal() {
    store.failing_begins = store.failing_writes = store.failing_commits = store.failing_loads = 0;
    Leaves(model_.back(), true);
    for (int round = 0; round < 500 && !Finished(); ++round) {
      for (std::size_t i = 0; i + 1 < model_.size(); ++i) {
        if (model_[i].session == 0) Greets(model_[i]);
        TakeMail();
        Reports(model_[i], 0);
        TakeMail();
      }
      while (!work.preparations.empty()) AnswerPreparation(true);
      while (!work.evaluations.empty()) AnswerEvaluation(true);
      HeartbeatsOfAll();
      Pass(std::chrono::seconds(5));
      TakeMail();
      CheckInvariants();
    }
    Require(Finished(), "jobs that never end");
    for (const auto& [id, run] : store.committed().runs) {
      Require(IsTerminal(run.state), id.str() + " has not ended");
      Require((run.state == RunState::kDone) == store.committed().evaluations.contains(id),
              id.str() + " lost its result");
      Require(run.attempts <= settings.max_attempts, id.str() + " was tried too often");
    }
    // Leases of agents that forgot them run out.
    PassLeaseTtl();
    for (const auto& [id, lease] : store.committed().leases)
      Require(!lease.ended.empty(), "a lease that never ends");
    Require(core->Count().runs_queued + core->Count().runs_running == 0, "runs kept in memory");
    Require(core->PinnedBlobs() == std::set<Digest>{settings.golden->model, settings.golden->data},
            "blobs kept pinned");
    CheckGoldenRuns();
  }

 private:
  // A preparation that failed made a golden run without a lease, so only their number can be checked.
  void CheckGoldenRuns() {
    std::map<DeviceId, int> golden;
    std::map<DeviceId, int> done;
    for (const auto& [id, run] : store.committed().runs) {
      const bool is_golden = store.committed().jobs.at(run.job).spec.golden;
      if (is_golden) ++golden[run.device];
      if (!is_golden && run.state == RunState::kDone) ++done[run.device];
    }
    for (const ModelAgent& agent : model_) {
      const DeviceId& id = agent.record.id;
      const bool wanted = agent.record.golden && done[id] > 0;
      Require(wanted ? golden[id] > 0 : agent.record.golden || golden[id] == 0,
              id.str() + " made " + std::to_string(golden[id]) + " golden runs");
    }
  }
  std::uint64_t Below(std::uint64_t bound) { return random_.Below(bound); }
  ModelAgent& Any() { return model_[Below(model_.size())]; }
  void Require(bool condition, const std::string& what) {
    if (!condition) FAIL(what);
  }
  bool Finished() const {
    return std::all_of(store.committed().jobs.begin(), store.committed().jobs.end(),
                       [](const auto& job) { return job.second.state != JobState::kRunning; });
  }

  void SubmitSomething() {
    JobSpec spec = MakeSpec({Below(2) == 0 ? "all" : "id=d" + std::to_string(Below(4))},
                            1 + static_cast<std::uint32_t>(Below(2)));
    spec.priority = static_cast<std::int32_t>(Below(3));
    const std::string key = "key " + std::to_string(Below(40));
    const auto answer = TrySubmit(spec, key);
    if (!answer.ok()) return;
    Require(store.committed().jobs.contains(answer->job), "a job acknowledged and not stored");
    const auto [known, added] = submitted_.emplace(key, answer->job);
    Require(known->second == answer->job, "one key gave two jobs");
  }
  void CancelSomething() {
    if (submitted_.empty()) return;
    auto job = submitted_.begin();
    std::advance(job, static_cast<std::ptrdiff_t>(Below(submitted_.size())));
    (void)Cancel(job->second);
  }
  void Greets(ModelAgent& agent) {
    if (agent.session != 0 && Below(2) == 0) return;
    std::vector<HeldLease> held;
    for (const auto& [id, lease] : agent.held) held.push_back(lease);
    agent.session = Greet(agent.record, held);
  }
  void Leaves(ModelAgent& agent, bool forgets) {
    if (agent.session != 0) Disconnect(agent.session);
    agent.session = 0;
    if (forgets) agent.held.clear();
  }
  void Reports(ModelAgent& agent, std::uint64_t kind) {
    if (agent.session == 0 || agent.held.empty()) return;
    const HeldLease held = agent.held.begin()->second;
    const Assignment assignment{held.run, held.lease, 0, ""};
    RunReport report = MakeReport(assignment);
    if (agent.told_to_cancel.contains(held.lease)) report = MakeReport(assignment, RunOutcome::kCancelled);
    if (kind == 1) report = MakeFailure(assignment, FailureClass::kDevice, true);
    if (kind == 2) report = MakeFailure(assignment, FailureClass::kJob, false);
    const Status status = Report(agent.session, report);
    if (status.code() == StatusCode::kUnavailable) return;
    if (status.ok()) {
      const auto& lease = store.committed().leases.at(held.lease);
      Require(!lease.ended.empty() && lease.ended != "expired" && lease.ended != "superseded",
              "a report accepted under a lease that was lost");
      const Run& run = StoredRun(held.run);
      if (report.outcome == RunOutcome::kDone && run.state != RunState::kCancelled) {
        Require(store.committed().measurements.at(held.run).lease == held.lease,
                "an acknowledged report is not stored");
      }
    }
    // An answer that gets lost: the agent will report again.
    if (kind != 7) agent.held.erase(held.lease);
  }
  void AnswerPreparation(bool good) {
    if (work.preparations.empty()) return;
    const RunId run = work.preparations.front().run;
    work.preparations.erase(work.preparations.begin());
    Do([&] {
      core->OnPrepared(run, good ? Result<PreparedRun>(MakePrepared()) : InvalidArgumentError("bad"));
    });
  }
  void AnswerEvaluation(bool good) {
    if (work.evaluations.empty()) return;
    const RunId run = work.evaluations.front().run;
    work.evaluations.erase(work.evaluations.begin());
    Do([&] { core->OnEvaluated(run, good ? Result<Evaluation>(Evaluation()) : InternalError("bad")); });
  }
  void HeartbeatsOfAll() {
    for (ModelAgent& agent : model_) {
      if (agent.session == 0) continue;
      std::vector<HeldLease> held;
      for (const auto& [id, lease] : agent.held) held.push_back(lease);
      Heartbeat(agent.session, held);
    }
  }
  void Trouble() {
    switch (Below(5)) {
      case 0:
        store.failing_commits = 1;
        break;
      case 1:
        store.failing_writes = 1;
        break;
      case 2:
        store.failing_begins = 1;
        break;
      case 3:
        store.failing_commits = 1;
        store.failing_loads = static_cast<int>(1 + Below(3));
        break;
      default:
        store.failing_begins = store.failing_writes = store.failing_commits = store.failing_loads = 0;
        Require(Restart().ok(), "no restart");
        for (ModelAgent& agent : model_) agent.session = 0;
    }
  }

  void TakeMail() {
    for (const auto& mail : std::exchange(agents.closed, {})) {
      for (ModelAgent& agent : model_) {
        if (agent.session == mail.session) agent.session = 0;
      }
    }
    for (const auto& mail : std::exchange(agents.assignments, {})) {
      Require(store.committed().leases.contains(mail.assignment.lease),
              "an assignment sent before its lease was stored");
      Require(sent_leases_.insert(mail.assignment.lease).second, "a lease sent twice");
      Require(*sent_leases_.rbegin() == mail.assignment.lease, "lease numbers that do not grow");
      for (ModelAgent& agent : model_) {
        if (agent.session == mail.session) {
          agent.held[mail.assignment.lease] = {mail.assignment.run, mail.assignment.lease};
        }
      }
    }
    for (const auto& mail : std::exchange(agents.welcomes, {})) {
      for (ModelAgent& agent : model_) {
        if (agent.session != mail.session) continue;
        for (const HeldLease& revoked : mail.revoked) agent.held.erase(revoked.lease);
      }
    }
    for (const auto& mail : std::exchange(agents.cancels, {})) {
      for (ModelAgent& agent : model_) {
        if (agent.session == mail.session) agent.told_to_cancel.insert(mail.lease.lease);
      }
    }
    agents.answers.clear();
  }

  void CheckInvariants() {
    if (!store.violations.empty()) FAIL(store.violations.front());
    for (const auto& [id, run] : store.committed().runs) {
      if (run.state != RunState::kRunning) continue;
      Require(store.LeaseIsOpen(run.lease), id.str() + " runs without a lease");
    }
  }

  Random random_;
  std::vector<ModelAgent> model_;
  std::map<std::string, JobId> submitted_;
  std::set<LeaseId> sent_leases_;
};

}  // namespace

// A sanitizer takes ten times as long.
constexpr std::uint64_t kSeeds = PADDOCK_UNDER_SANITIZER ? 25 : 100;

TEST_CASE("whatever happens in whatever order, every run ends with at most one result", "[core][model]") {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    Farm farm(seed);
    for (int step = 0; step < 300; ++step) farm.Step();
    farm.Heal();
  }
}

}  // namespace paddock
