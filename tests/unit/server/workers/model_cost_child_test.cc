#include "server/workers/model_cost_child.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/utf8.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

bool Never() { return false; }

// A shell script that stands in for the child.
std::string WriteChild(const TempDir& folder, const std::string& script) {
  REQUIRE(WriteFileUnsynced(folder / "child", "#!/bin/sh\n" + script + "\n").ok());
  std::filesystem::permissions(folder / "child", std::filesystem::perms::owner_all);
  return folder / "child";
}

Result<ModelCost> CostBy(const std::string& script) {
  const TempDir folder;
  return ModelCostAnalysis(WriteChild(folder, script)).CostOf("model", Never);
}

// What the child's main says of a file comes back as it would from a child.
Result<ModelCost> CostOfFileBySelf(const std::string& path) {
  std::ostringstream out;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  const int exit_code = ModelCostMain({kModelCostFlag, path});
  std::cout.rdbuf(old_out);
  REQUIRE(exit_code == 0);
  const TempDir folder;
  REQUIRE(WriteFileUnsynced(folder / "answer", out.str()).ok());
  return ModelCostAnalysis(WriteChild(folder, "cat '" + (folder / "answer") + "'")).CostOf("model", Never);
}

TEST_CASE("what the child finds out about a model's cost comes back, and what it does not know stays unknown",
          "[workers]") {
  const auto cost =
      CostBy(R"([ "$1 $2" = "--model-cost model" ] && echo '{"code": 0, "message": "", "macs": 12}')");
  REQUIRE(cost.ok());
  CHECK(cost->multiply_accumulates == 12);
  CHECK_FALSE(cost->activation_peak_bytes);
  CHECK(CostOfFileBySelf(PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx")->activation_peak_bytes);
}

TEST_CASE("a model's own error comes back from its analysis as text, whatever bytes are in it", "[workers]") {
  const TempDir folder;
  const std::string path = folder / "caf\xe9.onnx";
  const Status missing = CostOfFileBySelf(path).status();
  CHECK(missing.code() == StatusCode::kNotFound);
  CHECK(IsUtf8(missing.message()));
}

TEST_CASE("a model that crashes its analysis costs the child alone", "[workers]") {
  const Status crashed = CostBy("kill -SEGV $$").status();
  CHECK(crashed.code() == StatusCode::kAborted);
  CHECK_THAT(crashed.message(), Contains("crashed its analysis") && Contains("signal 11"));
  const Status ended = CostBy("printf 'bad\\nalloc\\377' >&2; exit 1").status();
  CHECK_THAT(ended.message(), Contains("exit code 1; its last words: bad alloc?"));
  CHECK_FALSE(CostBy("echo '{\"code\": 0, \"message\": \"\", \"macs\": -1}'").ok());
}

TEST_CASE("an analysis ends when nobody waits for it any more, running or in the queue", "[workers]") {
  const TempDir folder;
  ModelCostAnalysis analysis(WriteChild(folder, "touch '" + (folder / "runs") + "'; sleep 1000"));
  std::atomic<bool> cancelled{false};
  Status first;
  std::thread running([&] { first = analysis.CostOf("model", [&] { return cancelled.load(); }).status(); });
  while (!FileSize(folder / "runs").ok()) std::this_thread::yield();
  CHECK(analysis.CostOf("model", [] { return true; }).status().code() == StatusCode::kCancelled);
  cancelled = true;
  running.join();
  CHECK(first.code() == StatusCode::kCancelled);
}

TEST_CASE("one analysis runs at a time", "[workers]") {
  const TempDir folder;
  const std::string place = "'" + (folder / "running") + "'";
  ModelCostAnalysis analysis(WriteChild(folder, "mkdir " + place + " || exit 1; sleep 0.03; rmdir " + place +
                                                    "; echo '{\"code\": 0, \"message\": \"\"}'"));
  std::vector<Status> answers(3);
  std::vector<std::thread> threads;
  for (Status& answer : answers)
    threads.emplace_back([&] { answer = analysis.CostOf("model", Never).status(); });
  for (std::thread& thread : threads) thread.join();
  for (const Status& answer : answers) CHECK(answer.ToString() == "OK");
}

}  // namespace
}  // namespace paddock
