#include "server/workers/model_cost_child.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

Result<ModelCost> CostBy(const std::string& script) {
  const TempDir folder;
  REQUIRE(WriteFileUnsynced(folder / "child", "#!/bin/sh\n" + script + "\n").ok());
  std::filesystem::permissions(folder / "child", std::filesystem::perms::owner_all);
  return ModelCostInChild("model", folder / "child");
}

TEST_CASE("what the child finds out about a model's cost comes back, and what it does not know stays unknown",
          "[workers]") {
  const auto cost = CostBy(R"([ "$1 $2" = "--model-cost model" ] && echo '{"macs": 12}')");
  REQUIRE(cost.ok());
  CHECK(cost->multiply_accumulates == 12);
  CHECK_FALSE(cost->activation_peak_bytes);
  CHECK(ModelCostMain({kModelCostFlag, PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx"}) == 0);
  CHECK(ModelCostMain({kModelCostFlag, "/nowhere.onnx"}) == 1);
}

TEST_CASE("a model that crashes its analysis costs the child alone", "[workers]") {
  const Status crashed = CostBy("kill -SEGV $$").status();
  CHECK(crashed.code() == StatusCode::kAborted);
  CHECK_THAT(crashed.message(), Contains("crashed its analysis") && Contains("signal 11"));
  CHECK_THAT(CostBy("echo 'no shape' >&2; exit 1").status().message(), Contains("no shape"));
  CHECK_FALSE(CostBy("echo '{\"macs\": -1}'").ok());
}

}  // namespace
}  // namespace paddock
