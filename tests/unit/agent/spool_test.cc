#include "agent/spool.h"

#include <catch2/catch.hpp>

#include "agent/worker_protocol.h"
#include "base/file.h"
#include "kpi/run_record.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::agent {
namespace {

Spool OpenSpool(const TempDir& folder, std::vector<std::string>* dropped = nullptr) {
  std::vector<std::string> ignored;
  auto spool = Spool::Open(folder.path(), dropped != nullptr ? dropped : &ignored);
  REQUIRE(spool.ok());
  return std::move(spool).value();
}

Assignment AssignmentOf(const std::string& run, LeaseId lease) {
  return {.lease = {.run = RunId(run), .lease = lease}, .plan_json = "{\"any\": \"plan\"}"};
}

std::string Record(std::uint32_t index) {
  RepetitionRecord record;
  record.index = index;
  record.queries.start_offset_ns = {0};
  record.queries.latency_ns = {5};
  return EncodeRepetition(record);
}

TEST_CASE("the folder's id stays the same over restarts and differs between folders", "[spool]") {
  const TempDir one, other;
  const AgentInstanceId id = OpenSpool(one).instance();
  CHECK(id.str().size() == 32);
  CHECK(OpenSpool(one).instance() == id);
  CHECK(OpenSpool(other).instance() != id);
}

TEST_CASE("a run that was accepted is found after a restart, in the order of the leases", "[spool]") {
  const TempDir folder;
  {
    Spool spool = OpenSpool(folder);
    REQUIRE(spool.Accept(AssignmentOf("r-2", 10)).ok());
    REQUIRE(spool.Accept(AssignmentOf("r-1", 9)).ok());
  }
  Spool spool = OpenSpool(folder);
  const auto found = spool.TakeFound();
  REQUIRE(found.size() == 2);
  CHECK(found[0].assignment.lease == HeldLease{RunId("r-1"), 9});
  CHECK(found[0].assignment.plan_json == "{\"any\": \"plan\"}");
  CHECK_FALSE(found[0].report);
  CHECK(found[1].assignment.lease.lease == 10);
  REQUIRE(spool.Remove(found[0]).ok());
  CHECK(OpenSpool(folder).TakeFound().size() == 1);
}

TEST_CASE("a report comes back as it was written", "[spool]") {
  const TempDir folder;
  Spool spool = OpenSpool(folder);
  const auto run = spool.Accept(AssignmentOf("r-1", 3));
  REQUIRE(run.ok());
  Report report;
  report.lease = run->assignment.lease;
  report.outcome = Outcome::kFailed;
  report.failure = Failure{FailureClass::kDevice, "measuring", "silent \"board\"\n", true};
  report.repetitions = {{.index = 0,
                         .record_path = RecordPath(run->folder, 0),
                         .predictions_path = PredictionsPath(run->folder, 0)},
                        {.index = 2, .record_path = RecordPath(run->folder, 2), .predictions_path = ""}};
  report.stages = {{kTransferStage, std::nullopt, 0.5, 100, std::nullopt},
                   {kMeasuredStage, 2, 1.5, std::nullopt, 0.25}};
  REQUIRE(spool.WriteReport(*run, report).ok());

  const auto found = OpenSpool(folder).TakeFound();
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].report);
  const Report& read = *found[0].report;
  CHECK(read.stages == report.stages);
  CHECK(read.lease == report.lease);
  CHECK(read.outcome == Outcome::kFailed);
  REQUIRE(read.failure);
  CHECK(read.failure->failure_class == FailureClass::kDevice);
  CHECK(read.failure->stage == "measuring");
  CHECK(read.failure->message == "silent \"board\"\n");
  CHECK(read.failure->retry);
  REQUIRE(read.repetitions.size() == 2);
  CHECK(read.repetitions[0].predictions_path == PredictionsPath(run->folder, 0));
  CHECK(read.repetitions[1].index == 2);
  CHECK(read.repetitions[1].record_path == RecordPath(run->folder, 2));
  CHECK(read.repetitions[1].predictions_path.empty());
}

TEST_CASE("a folder without a whole assignment is removed and named", "[spool]") {
  const TempDir folder;
  REQUIRE(CreateDirectories(folder / "runs/r-7-1").ok());
  REQUIRE(WriteFileAtomically(folder / "runs/r-7-1/assignment.json", "{\"run\": \"r-").ok());
  std::vector<std::string> dropped;
  CHECK(OpenSpool(folder, &dropped).TakeFound().empty());
  REQUIRE(dropped.size() == 1);
  CHECK(dropped[0].find("r-7-1") != std::string::npos);
  CHECK_FALSE(FileSize(folder / "runs/r-7-1").ok());
}

TEST_CASE("a run id that would leave the folder is refused", "[spool]") {
  const TempDir folder;
  Spool spool = OpenSpool(folder);
  CHECK(spool.Accept(AssignmentOf("../../x", 1)).status().code() == StatusCode::kInvalidArgument);
  CHECK(spool.Accept(AssignmentOf("", 1)).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a record that cannot be read does not count, and is removed", "[spool]") {
  const TempDir folder;
  REQUIRE(WriteFileAtomically(RecordPath(folder.path(), 0), Record(0)).ok());
  REQUIRE(WriteFileAtomically(RecordPath(folder.path(), 1), Record(1).substr(0, 20)).ok());
  REQUIRE(WriteFileAtomically(RecordPath(folder.path(), 2), Record(1)).ok());
  REQUIRE(WriteFileAtomically(PredictionsPath(folder.path(), 0), "p").ok());
  const auto complete = CompleteRepetitions(folder.path(), 4);
  REQUIRE(complete.size() == 1);
  CHECK(complete[0].index == 0);
  CHECK(complete[0].predictions_path == PredictionsPath(folder.path(), 0));
  CHECK_FALSE(FileSize(RecordPath(folder.path(), 1)).ok());
  CHECK_FALSE(FileSize(RecordPath(folder.path(), 2)).ok());
}

}  // namespace
}  // namespace paddock::agent
