#include <catch2/catch.hpp>

#include "base/packed_file.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/agent/run_fixture.h"

namespace paddock::agent {
namespace {

// A run whose artifact is packed, and what lay unpacked in its folder whenever the runner said something.
struct PackedRun {
  TempDir state;
  FakeLink link;
  SmallRun run;
  std::string original = std::string(5000, 'w') + " weights";
  std::unique_ptr<BlobCache> cache = BlobCache::Open(state / "cache", 1 << 20).value();
  std::vector<std::string> dropped;
  Spool spool = Spool::Open(state.path(), &dropped).value();
  std::optional<SpooledRun> spooled;
  std::vector<std::string> seen;

  void Accept(const std::string& artifact) {
    run.model = artifact;
    run.plan.artifact = Sha256::Of(artifact);
    link.AddBlobsOf(run);
    spooled = spool.Accept(run.AssignmentFor(1)).value();
  }
  std::string unpacked_path() const { return UnpackedArtifactPath(spooled->folder); }

  Report Run() {
    const auto look = [this](const Progress& sent) {
      if (sent.stage != kStageMeasuring) return;
      const auto bytes = ReadFile(unpacked_path());
      seen.push_back(bytes.ok() ? *bytes : bytes.status().ToString());
    };
    return RunRunner(SimulatedSettingsFor({}), *cache, link, look).Run(*spooled, [] { return false; });
  }
};

TEST_CASE("a packed artifact travels packed and is given to the worker as it was", "[runner][packed]") {
  PackedRun packed;
  packed.Accept(Pack(packed.original, {}).value());
  REQUIRE(packed.run.model.size() < 200);
  // What an agent that died left behind.
  REQUIRE(WriteFileAtomically(packed.unpacked_path(), "half of it").ok());
  const Report report = packed.Run();
  UNSCOPED_INFO((report.failure ? report.failure->message : std::string()));
  REQUIRE(report.outcome == Outcome::kDone);
  REQUIRE(!packed.seen.empty());
  for (const std::string& bytes : packed.seen) CHECK(bytes == packed.original);
  const auto request = DecodeWorkerRequest(ReadFile(WorkerRequestPath(packed.spooled->folder)).value());
  REQUIRE(request.ok());
  CHECK(request->artifact_path == packed.unpacked_path());
  CHECK(FileSize(packed.unpacked_path()).status().code() == StatusCode::kNotFound);
  CHECK(packed.link.sent_bytes ==
        packed.run.model.size() + packed.run.batches[0].size() + packed.run.batches[1].size());
}

TEST_CASE("a packed artifact that cannot be unpacked is the farm's matter and named", "[runner][packed]") {
  PackedRun packed;
  std::string damaged = Pack(packed.original, {}).value();
  damaged[40] = damaged[40] == '0' ? '1' : '0';  // in the digest of the original
  packed.Accept(damaged);
  const Report report = packed.Run();
  REQUIRE(report.failure.has_value());
  CHECK(report.outcome == Outcome::kFailed);
  CHECK(report.failure->failure_class == FailureClass::kFarm);
  CHECK(report.failure->stage == kStageTransferring);
  CHECK_THAT(report.failure->message, Catch::Matchers::Contains("artifact ") &&
                                          Catch::Matchers::Contains(packed.run.plan.artifact.hex()) &&
                                          Catch::Matchers::Contains("damaged"));
  CHECK(packed.seen.empty());
  CHECK(FileSize(packed.unpacked_path()).status().code() == StatusCode::kNotFound);
}

}  // namespace
}  // namespace paddock::agent
