#include <algorithm>
#include <limits>

#include "tests/unit/server/core/core_fixture.h"

namespace paddock {
namespace {

using Catch::Contains;

class GoldenCore : public CoreFixture {
 public:
  GoldenCore() {
    settings.golden = GoldenModel{Sha256::Of("golden model"), Sha256::Of("golden data")};
    REQUIRE(Restart().ok());
  }

  static DeviceRecord Policied(const std::string& id, const std::string& policy) {
    DeviceRecord record = MakeDevice(id);
    record.golden = ParseGoldenPolicy(policy).value();
    return record;
  }
  SessionId Join(const std::string& policy, const std::string& id = "a") {
    return session = Greet(Policied(id, policy));
  }

  bool IsGolden(const RunId& run) const { return store.committed().jobs.at(StoredRun(run).job).spec.golden; }
  // What the device did, in order: "golden" or the run, a word for each lease.
  std::string Done() const {
    std::string text;
    for (const auto& [id, lease] : store.committed().leases) {
      text += (text.empty() ? "" : " ") + (IsGolden(lease.record.run) ? "golden" : lease.record.run.str());
    }
    return text;
  }
  // Answers preparations, reports what was assigned, and answers evaluations, until nothing moves any more.
  void Settle() {
    for (int round = 0; round < 100; ++round) {
      FinishPreparations();
      FinishEvaluations();
      const auto& leases = store.committed().leases;
      if (!leases.empty() && leases.rbegin()->second.ended.empty()) {
        CHECK(Report(session, MakeReport(Assigned())).ok());
      } else if (work.preparations.empty() && work.evaluations.empty()) {
        return;
      }
    }
    FAIL("it goes on for ever");
  }
  void RunJob() {
    SubmitPrepared();
    Settle();
  }

  SessionId session = 0;
};

TEST_CASE_METHOD(GoldenCore,
                 "a device without a policy, or a farm without a golden model, makes no golden run",
                 "[core][golden]") {
  session = Connect("a");
  RunJob();
  CHECK(Done() == "r-1");

  settings.golden.reset();
  REQUIRE(Restart().ok());
  Join("around each run");
  RunJob();
  CHECK(Done() == "r-1 r-2");
}

TEST_CASE_METHOD(GoldenCore, "a golden run is a job of the coordinator for one device", "[core][golden]") {
  Join("around each run");
  Connect("b");
  const SubmitAnswer answer = Submit(MakeSpec({"id=a"}));
  FinishPreparations();
  REQUIRE(work.preparations.size() == 1);
  const JobSpec& spec = work.preparations[0].spec;
  CHECK(spec.golden);
  CHECK(spec.name == "golden");
  CHECK(spec.model == settings.golden->model);
  CHECK(spec.data == settings.golden->data);
  CHECK(spec.selectors == std::vector<std::string>{"id=a"});
  CHECK(spec.repetitions == 3);
  CHECK(StoredRun(work.preparations[0].run).device == DeviceId("a"));
  CHECK_THAT(core->ViewJob(answer.job)->runs[0].progress.detail, Contains("golden run r-2 of device a"));
  CHECK(core->PinnedBlobs().contains(settings.golden->data));
  CHECK(DecodeJobSpec(EncodeJobSpec(spec))->golden);
}

TEST_CASE_METHOD(GoldenCore, "every N runs: before the first run, and when N have left the device since",
                 "[core][golden]") {
  Join("every 2 runs");
  for (int i = 0; i < 5; ++i) {
    RunJob();
  }
  // Golden runs take numbers too.
  CHECK(Done() == "golden r-1 r-3 golden r-4 r-6 golden r-7");
}

TEST_CASE_METHOD(GoldenCore,
                 "every N runs: a run that failed on the device counts, one that never began does not",
                 "[core][golden]") {
  Join("every 1 runs");
  RunJob();
  const SubmitAnswer never = Submit();
  CHECK(Cancel(never.job).ok());
  work.preparations.clear();
  RunJob();
  CHECK(Done() == "golden r-1 golden r-4");
  const SubmitAnswer fails = SubmitPrepared();
  FinishPreparations();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  FinishEvaluations();
  REQUIRE(Assigned().run == fails.runs[0]);
  CHECK(Report(session, MakeFailure(Assigned(), FailureClass::kJob, false)).ok());
  RunJob();
  CHECK(Done() == "golden r-1 golden r-4 golden r-6 golden r-8");
}

TEST_CASE_METHOD(GoldenCore, "around each run: one before and one after, which serves two neighbours",
                 "[core][golden]") {
  Join("around each run");
  SubmitPrepared();
  RunJob();
  CHECK(Done() == "golden r-1 golden r-3 golden");
  CHECK(StateOf(RunId("r-1")) == RunState::kDone);
  CHECK(StateOf(RunId("r-3")) == RunState::kDone);

  Pass(std::chrono::minutes(9));
  RunJob();
  CHECK(Done() == "golden r-1 golden r-3 golden r-6 golden");
  Pass(std::chrono::minutes(11));
  RunJob();
  CHECK(Done() == "golden r-1 golden r-3 golden r-6 golden golden r-8 golden");
}

TEST_CASE_METHOD(GoldenCore,
                 "around each run: runs of a job that take turns have golden runs around them all",
                 "[core][golden]") {
  Join("around each run");
  const SubmitAnswer answer = SubmitPrepared(MakeSpec({"all"}, 3));
  Settle();
  const std::string done = Done();
  CHECK(done.starts_with("golden r-"));
  CHECK(done.ends_with(" golden"));
  CHECK(store.committed().leases.size() == 2 + 3 * 2);
  CHECK(done.find("golden", 6) == done.rfind("golden"));
  CHECK(StateOf(answer.job) == JobState::kDone);
}

TEST_CASE_METHOD(GoldenCore,
                 "an evaluation waits for the golden run after it, and is stored before the next run begins",
                 "[core][golden]") {
  Join("around each run");
  const SubmitAnswer answer = SubmitPrepared();
  SubmitPrepared();
  FinishPreparations();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  REQUIRE(work.evaluations.size() == 1);
  CHECK(work.evaluations[0].golden_model == settings.golden->model);
  CHECK_THAT(core->ViewJob(answer.job)->runs[0].progress.detail, Contains("golden run r-2 of device a"));
  CHECK(agents.assignments.size() == 1);  // nothing else while the golden run is evaluated
  FinishEvaluations();
  REQUIRE(Assigned().run == answer.runs[0]);

  CHECK(Report(session, MakeReport(Assigned())).ok());
  CHECK(StateOf(answer.runs[0]) == RunState::kEvaluating);
  CHECK(work.evaluations.empty());
  CHECK_THAT(core->ViewJob(answer.job)->runs[0].progress.detail, Contains("golden run r-4"));
  FinishPreparations();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  REQUIRE(work.evaluations.size() == 1);
  CHECK(work.evaluations[0].spec.golden);
  FinishEvaluations();
  REQUIRE(work.evaluations.size() == 1);
  CHECK(work.evaluations[0].run == answer.runs[0]);
  CHECK(work.evaluations[0].golden_model == settings.golden->model);
  CHECK(StateOf(RunId("r-3")) == RunState::kRunning);
}

TEST_CASE_METHOD(GoldenCore, "with every N runs no evaluation waits", "[core][golden]") {
  Join("every 3 runs");
  const SubmitAnswer answer = SubmitPrepared();
  FinishPreparations();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  REQUIRE(work.evaluations.size() == 1);
  CHECK(work.evaluations[0].run == answer.runs[0]);
}

TEST_CASE_METHOD(GoldenCore, "a golden run that ends without a result counts as made, and is told",
                 "[core][golden]") {
  Join("around each run");
  SubmitPrepared();
  const auto end_golden = [&](auto how) {
    REQUIRE(work.preparations.size() == 1);
    REQUIRE(work.preparations[0].spec.golden);
    how();
    work.preparations.clear();
  };
  SECTION("its preparation fails") {
    end_golden([&] { Do([&] { core->OnPrepared(work.preparations[0].run, InvalidArgumentError("bad")); }); });
  }
  SECTION("somebody cancels it") {
    end_golden([&] { CHECK(Cancel(StoredRun(work.preparations[0].run).job).ok()); });
  }
  SECTION("it fails on the device") {
    FinishPreparations();
    CHECK(Report(session, MakeFailure(Assigned(), FailureClass::kJob, false)).ok());
  }
  REQUIRE(Assigned().run == RunId("r-1"));
  CHECK(std::count(store.committed().events.begin(), store.committed().events.end(),
                   "a golden run without result") == 1);
  CHECK(Report(session, MakeReport(Assigned())).ok());
  REQUIRE(work.preparations.size() == 1);  // of the one after it
  CHECK(Cancel(StoredRun(work.preparations[0].run).job).ok());
  work.preparations.clear();
  FinishEvaluations();
  CHECK(StateOf(RunId("r-1")) == RunState::kDone);
}

TEST_CASE_METHOD(GoldenCore, "a device whose driver does not take the golden model goes on without",
                 "[core][golden]") {
  DeviceRecord record = Policied("a", "around each run");
  record.description.artifact_kinds = {"tflite"};
  session = Greet(record);
  CHECK(std::count(store.committed().events.begin(), store.committed().events.end(), "a no golden runs") ==
        1);
  CHECK_FALSE(TrySubmit(MakeSpec()).ok());
  CHECK(store.committed().jobs.empty());
}

TEST_CASE_METHOD(GoldenCore, "a golden run respects what devices share", "[core][golden]") {
  DeviceRecord record = Policied("a", "around each run");
  record.shares = {"host"};
  session = Greet(record);
  const SessionId b = Connect("b", {"host"});
  SubmitPrepared(MakeSpec({"id=b"}));
  SubmitPrepared(MakeSpec({"id=a"}));
  CHECK(Done() == "r-1");
  FinishPreparations();
  CHECK(Done() == "r-1");
  CHECK(Report(b, MakeReport(Assigned())).ok());
  FinishPreparations();
  CHECK(Done() == "r-1 golden");
}

TEST_CASE_METHOD(GoldenCore, "a user's priority is not above a golden run's", "[core][golden]") {
  Join("every 1 runs");
  JobSpec spec = MakeSpec();
  spec.priority = std::numeric_limits<std::int32_t>::max();
  SubmitPrepared(spec);
  SubmitPrepared(spec);
  Settle();
  CHECK(Done() == "golden r-1 golden r-3");
}

TEST_CASE_METHOD(GoldenCore, "after a restart the counts go on", "[core][golden][restart]") {
  Join("every 2 runs");
  RunJob();
  REQUIRE(Restart().ok());
  Join("every 2 runs");
  RunJob();
  REQUIRE(Restart().ok());
  Join("every 2 runs");
  RunJob();
  CHECK(Done() == "golden r-1 r-3 golden r-4");
}

TEST_CASE_METHOD(GoldenCore, "after a restart a golden run of a minute ago still serves",
                 "[core][golden][restart]") {
  Join("around each run");
  RunJob();
  REQUIRE(Restart().ok());
  Join("around each run");
  RunJob();
  CHECK(Done() == "golden r-1 golden r-4 golden");
}

TEST_CASE_METHOD(GoldenCore, "after a restart a held evaluation waits as before", "[core][golden][restart]") {
  Join("around each run");
  const SubmitAnswer answer = SubmitPrepared();
  FinishPreparations();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  REQUIRE(Restart().ok());
  CHECK(std::none_of(work.evaluations.begin(), work.evaluations.end(),
                     [](const auto& request) { return !request.spec.golden; }));
  SECTION("for the golden run that was under way") {
    Join("around each run");
    Settle();
    CHECK(Done() == "golden r-1 golden");
  }
  SECTION("not when the golden run had ended") {
    Join("around each run");
    FinishPreparations();
    CHECK(Report(session, MakeReport(Assigned())).ok());
    FinishEvaluations();
    REQUIRE(work.evaluations.size() == 1);
    REQUIRE(Restart().ok());
    REQUIRE(work.evaluations.size() == 1);
    CHECK(work.evaluations[0].run == answer.runs[0]);
    FinishEvaluations();
    CHECK(Done() == "golden r-1 golden");
  }
  SECTION("not for a device that is gone") {
    PassLeaseTtl();
    REQUIRE(work.evaluations.size() == 1);
    CHECK(work.evaluations[0].run == answer.runs[0]);
    FinishEvaluations();
  }
  CHECK(StateOf(answer.runs[0]) == RunState::kDone);
}

TEST_CASE_METHOD(GoldenCore, "a device that goes away or is faulty holds up no evaluation for ever",
                 "[core][golden]") {
  Join("around each run");
  const SubmitAnswer answer = SubmitPrepared();
  FinishPreparations();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  FinishEvaluations();
  CHECK(Report(session, MakeReport(Assigned())).ok());
  CHECK(work.evaluations.empty());
  SECTION("away") {
    Disconnect(session);
    CHECK(work.evaluations.empty());
    PassLeaseTtl();
  }
  SECTION("faulty") { Heartbeat(session, {}, "its cable fell off"); }
  SECTION("another policy now") {
    Disconnect(session);
    Join("every 7 runs");
  }
  REQUIRE(work.evaluations.size() == 1);
  CHECK(work.evaluations[0].run == answer.runs[0]);
}

TEST_CASE_METHOD(GoldenCore, "a failed commit leaves no golden run behind that nobody knows of",
                 "[core][golden]") {
  Join("around each run");
  Submit();
  store.failing_commits = 1;
  const auto request = work.preparations[0];
  work.preparations.clear();
  Do([&] { core->OnPrepared(request.run, MakePrepared()); });
  CHECK(store.committed().jobs.size() == 1);
  Pass(std::chrono::seconds(2));
  Join("around each run");
  Settle();
  CHECK(Done() == "golden r-1 golden");
}

}  // namespace
}  // namespace paddock
