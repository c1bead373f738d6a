#include "agent/worker_protocol.h"

#include <catch2/catch.hpp>

#include "tests/fakes/temp_dir.h"
#include "tests/unit/agent/run_fixture.h"

namespace paddock::agent {
namespace {

// As the agent gets it: without the line ends.
std::string Stripped(const std::string& line) { return line.substr(1, line.size() - 2); }

TEST_CASE("stage and failure lines are told from a library's chatter", "[worker]") {
  CHECK(ParseWorkerLine(Stripped(StageLine("warm-up"))).stage == "warm-up");
  const Failure failure{FailureClass::kJob, "loading", "two\nlines and bad \xff bytes", true};
  const WorkerLine line = ParseWorkerLine(Stripped(FailureLine(failure)));
  REQUIRE(line.failure);
  CHECK(line.failure->failure_class == FailureClass::kJob);
  CHECK(line.failure->stage == "loading");
  CHECK(line.failure->message.find("two\nlines") == 0);
  CHECK(line.failure->retry);
  for (const char* chatter : {"", "hello", "@failed {", "@stage", " @stage loading"}) {
    CHECK_FALSE(ParseWorkerLine(chatter).stage);
    CHECK_FALSE(ParseWorkerLine(chatter).failure);
  }
}

TEST_CASE("a worker reads what the agent asked for", "[worker]") {
  const SmallRun run;
  const WorkerRequest request{.driver = "simulated",
                              .options = {{"latency_us", "7"}},
                              .cpus = {2, 3},
                              .artifact_path = "/a",
                              .batch_paths = {"/b", "/c"},
                              .labels_path = "/l",
                              .cooldown_s = 12.5,
                              .cooldown_reached = false,
                              .plan = run.plan};
  const auto read = DecodeWorkerRequest(EncodeWorkerRequest(request));
  REQUIRE(read.ok());
  CHECK(read->driver == "simulated");
  CHECK(read->options == request.options);
  CHECK(read->cpus == request.cpus);
  CHECK(read->cooldown_s == 12.5);
  CHECK(read->cooldown_reached == false);
  CHECK(read->batch_paths == request.batch_paths);
  CHECK(read->labels_path == request.labels_path);
  CHECK(EncodeRunPlan(read->plan) == EncodeRunPlan(run.plan));
  CHECK_FALSE(DecodeWorkerRequest("{}").ok());
}

TEST_CASE("a counter in a file is one number for everyone who maps it", "[worker]") {
  const TempDir folder;
  auto writer = SharedCounter::Open(folder / "progress");
  const auto reader = SharedCounter::Open(folder / "progress");
  REQUIRE(writer.ok());
  REQUIRE(reader.ok());
  writer->Store(42);
  CHECK(reader->Load() == 42);
}

TEST_CASE("a driver's error blames whom its code says", "[worker]") {
  CHECK(FailureOfDriver(InvalidArgumentError("x"), "loading").failure_class == FailureClass::kJob);
  CHECK(FailureOfDriver(UnimplementedError("x"), "loading").failure_class == FailureClass::kJob);
  CHECK(FailureOfDriver(ResourceExhaustedError("x"), "loading").failure_class == FailureClass::kJob);
  const Failure device = FailureOfDriver(UnavailableError("x"), "measuring");
  CHECK(device.failure_class == FailureClass::kDevice);
  CHECK(device.retry);
  CHECK(FailureOfDriver(InternalError("x"), "loading").failure_class == FailureClass::kFarm);
}

}  // namespace
}  // namespace paddock::agent
