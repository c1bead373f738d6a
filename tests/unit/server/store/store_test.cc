#include "server/store/store.h"

#include <limits>

#include "tests/unit/server/store/store_fixture.h"

namespace paddock {
namespace {

TEST_CASE("what was committed is there after a reopen, what was not is not", "[store]") {
  StoreFixture farm;
  REQUIRE(farm.store->Begin().ok());
  farm.InsertJob();
  REQUIRE(farm.store->InsertLease({5, RunId("r-1"), DeviceId("board-1"), 10, 20}).ok());
  REQUIRE(farm.store->Commit().ok());
  REQUIRE(farm.store->Begin().ok());
  REQUIRE(farm.store->EndLease(5, "reported", 30).ok());
  farm.Reopen();

  const auto snapshot = farm.store->Load();
  REQUIRE(snapshot.ok());
  REQUIRE(snapshot->jobs.size() == 1);
  CHECK(snapshot->jobs[0].runs == std::vector{RunId("r-1"), RunId("r-2")});
  CHECK(snapshot->jobs[0].spec.model == Sha256::Of("model"));
  CHECK(snapshot->jobs[0].idempotency_key == "key");
  REQUIRE(snapshot->leases.size() == 1);
  CHECK(snapshot->leases[0].deadline_wall_ms == 20);
  CHECK(snapshot->devices.size() == 2);
  CHECK(snapshot->last_job == 1);
  CHECK(snapshot->last_run == 2);
  CHECK(snapshot->last_lease == 5);
}

TEST_CASE("a run comes back with preparation, plan and failure", "[store]") {
  StoreFixture farm;
  farm.InsertJob();
  Run run = MakeRun(1, "j-1");
  run.state = RunState::kFailed;
  run.attempts = 3;
  run.lease = 9;
  run.plan_json = "{\"seed\": 7}";
  run.prepared = PreparedRun{};
  run.prepared->artifact = Sha256::Of("artifact");
  run.prepared->batches = {Sha256::Of("batch")};
  run.prepared->report = {"model as it is"};
  run.failure = RunFailure{FailureClass::kDevice, "loading", "board was silent"};
  run.finished_wall_ms = 77;
  run.cancel_requested = true;
  REQUIRE(farm.store->SetPrepared(run.id, *run.prepared).ok());
  REQUIRE(farm.store->UpdateRun(run).ok());
  farm.Reopen();
  const Run loaded = farm.store->Load()->runs.at(0);
  CHECK(loaded.state == RunState::kFailed);
  CHECK(loaded.attempts == 3);
  CHECK(loaded.lease == 9);
  CHECK(loaded.plan_json == run.plan_json);
  CHECK(loaded.prepared == run.prepared);
  CHECK(loaded.failure->stage == "loading");
  CHECK(loaded.failure->failure_class == FailureClass::kDevice);
  CHECK(loaded.finished_wall_ms == 77);
  CHECK(loaded.cancel_requested);
}

TEST_CASE("a finished job is not loaded again but its numbers are never used twice", "[store]") {
  StoreFixture farm;
  farm.InsertJob();
  Job job = MakeJob(1, {});
  job.state = JobState::kDone;
  REQUIRE(farm.store->UpdateJob(job).ok());
  const auto snapshot = farm.store->Load();
  CHECK(snapshot->jobs.empty());
  CHECK(snapshot->runs.empty());
  CHECK(snapshot->last_job == 1);
  CHECK(snapshot->last_run == 2);
}

TEST_CASE("an idempotency key finds its job and cannot be taken by another", "[store]") {
  StoreFixture farm;
  farm.InsertJob();
  CHECK(farm.store->FindJobByIdempotencyKey("key").value() == JobId("j-1"));
  CHECK_FALSE(farm.store->FindJobByIdempotencyKey("other")->has_value());
  CHECK_FALSE(farm.store->InsertJob(MakeJob(2, {}, "key"), {}).ok());
  CHECK(farm.store->InsertJob(MakeJob(3, {}), {}).ok());
  CHECK(farm.store->InsertJob(MakeJob(4, {}), {}).ok());
}

TEST_CASE("rows that refer to nothing are refused", "[store]") {
  StoreFixture farm;
  farm.InsertJob();
  CHECK(farm.store->InsertJob(MakeJob(2, {}), {MakeRun(3, "j-2", "nobody")}).code() == StatusCode::kNotFound);
  CHECK_FALSE(farm.store->InsertLease({1, RunId("r-99"), DeviceId("board-1"), 0, 1}).ok());
  CHECK_FALSE(farm.store->InsertEvaluation(RunId("r-99"), {}).ok());
  CHECK(farm.store->UpdateRun(MakeRun(99, "j-1")).code() == StatusCode::kNotFound);
  CHECK(farm.store->SetPrepared(RunId("r-99"), {}).code() == StatusCode::kNotFound);
  CHECK(farm.store->ExtendLease(1, 5).code() == StatusCode::kNotFound);
}

TEST_CASE("the store refuses a second open lease of a device or of a run", "[store]") {
  StoreFixture farm;
  farm.InsertJob();
  REQUIRE(farm.store->InsertLease({1, RunId("r-1"), DeviceId("board-1"), 0, 1}).ok());
  CHECK_FALSE(farm.store->InsertLease({2, RunId("r-2"), DeviceId("board-1"), 0, 1}).ok());
  CHECK_FALSE(farm.store->InsertLease({2, RunId("r-1"), DeviceId("board-2"), 0, 1}).ok());
  REQUIRE(farm.store->EndLease(1, "expired", 1).ok());
  CHECK(farm.store->InsertLease({2, RunId("r-1"), DeviceId("board-1"), 2, 3}).ok());
}

TEST_CASE("after a failed write the whole transaction fails until it is rolled back", "[store]") {
  StoreFixture farm;
  farm.InsertJob();
  REQUIRE(farm.store->Begin().ok());
  REQUIRE(farm.store->InsertEvent("r-1", "granted", "", 1).ok());
  REQUIRE_FALSE(farm.store->InsertLease({1, RunId("r-99"), DeviceId("board-1"), 0, 1}).ok());
  CHECK_FALSE(farm.store->InsertLease({1, RunId("r-1"), DeviceId("board-1"), 0, 1}).ok());
  CHECK_FALSE(farm.store->Commit().ok());
  farm.store->Rollback();
  CHECK(farm.store->Load()->leases.empty());
  REQUIRE(farm.store->Begin().ok());
  REQUIRE(farm.store->InsertLease({1, RunId("r-1"), DeviceId("board-1"), 0, 1}).ok());
  REQUIRE(farm.store->Commit().ok());
}

TEST_CASE("a full disk is said with the state folder, keeps what was committed, and is not for ever",
          "[store]") {
  StoreFixture farm;
  farm.InsertJob();
  REQUIRE(farm.store->SetSizeLimit(60).ok());
  REQUIRE(farm.store->Begin().ok());
  Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i)
    status = farm.store->InsertEvent("r-1", "note", std::string(1000, 'x'), i);
  CHECK(status.code() == StatusCode::kResourceExhausted);
  CHECK(status.message().find(farm.folder.path()) != std::string::npos);
  // SQLite has rolled back: nothing more may slip in outside a transaction.
  CHECK_FALSE(farm.store->InsertLease({1, RunId("r-1"), DeviceId("board-1"), 0, 1}).ok());
  CHECK(farm.store->Commit().code() == StatusCode::kResourceExhausted);
  farm.store->Rollback();
  CHECK(farm.store->Load()->leases.empty());
  CHECK(farm.store->Load()->jobs.size() == 1);
  REQUIRE(farm.store->SetSizeLimit(100'000).ok());
  REQUIRE(farm.store->Begin().ok());
  REQUIRE(farm.store->InsertEvent("r-1", "note", std::string(1000, 'x'), 1).ok());
  CHECK(farm.store->Commit().ok());
}

}  // namespace
}  // namespace paddock
