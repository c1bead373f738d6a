#include "agent/query_set.h"

#include <cstring>

#include <catch2/catch.hpp>

#include "agent/predictions.h"
#include "base/file.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/agent/run_fixture.h"

namespace paddock::agent {
namespace {

std::vector<float> Floats(const TensorView& view) {
  std::vector<float> values(view.bytes.size() / sizeof(float));
  std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
  return values;
}

// Five samples of two numbers, 0 to 9, in batches of three and two.
struct Batches {
  TempDir folder;
  SmallRun run;
  std::vector<std::string> paths;
  Batches() {
    for (std::size_t i = 0; i < run.batches.size(); ++i) {
      paths.push_back(folder / ("batch-" + std::to_string(i)));
      REQUIRE(WriteFileAtomically(paths.back(), run.batches[i]).ok());
    }
  }
};

TEST_CASE("queries cross the border of batches, and the last one of a pass is smaller", "[queries]") {
  const Batches batches;
  const auto set = QuerySet::Load(batches.paths, batches.run.plan.inputs, {.samples_per_query = 2}, 5);
  REQUIRE(set.ok());
  REQUIRE(set->queries().size() == 3);
  CHECK(Floats(set->queries()[0].inputs[0]) == std::vector<float>{0, 1, 2, 3});
  CHECK(Floats(set->queries()[1].inputs[0]) == std::vector<float>{4, 5, 6, 7});
  CHECK(Floats(set->queries()[2].inputs[0]) == std::vector<float>{8, 9});
  CHECK(set->queries()[2].samples == 1);
  CHECK(set->queries()[2].inputs[0].shape == Shape{1, 2});
}

TEST_CASE("where the batch dimension is fixed the last query is filled up with its last sample",
          "[queries]") {
  const Batches batches;
  const std::vector<TensorInfo> inputs = {{"x", ElementType::kFloat32, {4, 2}}};
  const auto set = QuerySet::Load(batches.paths, inputs, {.samples_per_query = 4, .fixed = true}, 5);
  REQUIRE(set.ok());
  REQUIRE(set->queries().size() == 2);
  CHECK(Floats(set->queries()[1].inputs[0]) == std::vector<float>{8, 9, 8, 9, 8, 9, 8, 9});
  CHECK(set->queries()[1].inputs[0].shape == Shape{4, 2});
  CHECK(set->queries()[1].samples == 1);
}

TEST_CASE("batches that do not fit the model or the plan are refused by name", "[queries]") {
  const Batches batches;
  const auto refused = [&](const std::vector<TensorInfo>& inputs, std::uint64_t samples,
                           const std::string& what) {
    const auto set = QuerySet::Load(batches.paths, inputs, {}, samples);
    REQUIRE_FALSE(set.ok());
    INFO(set.status().message());
    CHECK(set.status().message().find(what) != std::string::npos);
  };
  refused({{"z", ElementType::kFloat32, {-1, 2}}}, 5, "z");
  refused({{"x", ElementType::kInt8, {-1, 2}}}, 5, "int8");
  refused(batches.run.plan.inputs, 6, "5 samples");
}

TEST_CASE("how many samples a query holds follows the model, the scenario and the device", "[queries]") {
  const std::vector<TensorInfo> open = {{"x", ElementType::kFloat32, {-1, 2}}};
  const std::vector<TensorInfo> one = {{"x", ElementType::kFloat32, {1, 2}}};
  const std::vector<TensorInfo> four = {{"x", ElementType::kFloat32, {4, 2}}};
  Scenario single;
  Scenario offline;
  offline.kind = ScenarioKind::kOffline;
  const auto samples = [](const auto& inputs, const Scenario& scenario, std::optional<std::uint32_t> limit) {
    const auto shape = ChooseQueryShape(inputs, scenario, limit, 100);
    REQUIRE(shape.ok());
    return shape->samples_per_query;
  };
  CHECK(samples(open, single, {}) == 1);
  CHECK(samples(open, offline, {}) == 32);
  CHECK(samples(open, offline, 8) == 8);
  CHECK(samples(one, single, {}) == 1);
  CHECK(samples(one, offline, {}) == 1);
  CHECK(samples(four, single, {}) == 4);
  CHECK(ChooseQueryShape(open, offline, {}, 5)->samples_per_query == 5);
  offline.samples_per_query = 200;
  CHECK(samples(open, offline, {}) == 100);

  offline.samples_per_query = 2;
  CHECK(samples(open, offline, {}) == 2);
  const auto refused = ChooseQueryShape(one, offline, {}, 100);
  CHECK(refused.status().code() == StatusCode::kInvalidArgument);
  CHECK(refused.status().message().find("fixed at 1") != std::string::npos);
  CHECK(ChooseQueryShape(open, offline, 1, 100).status().code() == StatusCode::kInvalidArgument);
  single.samples_per_query = 2;
  CHECK(ChooseQueryShape(open, single, {}, 100).status().code() == StatusCode::kInvalidArgument);
  CHECK(ChooseQueryShape({{"x", ElementType::kFloat32, {}}}, offline, {}, 100).status().code() ==
        StatusCode::kUnimplemented);
}

TEST_CASE("predictions hold one row per sample, without what filled the last query up", "[predictions]") {
  Predictions predictions({{"y", ElementType::kFloat32, {-1, 2}}});
  const Tensor first = FloatTensor("", {2, 2}, {1, 2, 3, 4});
  const Tensor last = FloatTensor("", {2, 2}, {5, 6, 5, 6});
  REQUIRE(predictions.Add({first.view()}, 2, 2).ok());
  REQUIRE(predictions.Add({last.view()}, 1, 2).ok());
  const std::string file = predictions.Encode().value();
  const auto tensors = DecodeTensorFile(file);
  REQUIRE(tensors.ok());
  CHECK(tensors->at(0).name == "y");
  CHECK(tensors->at(0).tensor.shape == Shape{3, 2});
  CHECK(Floats(tensors->at(0).tensor) == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("an output without a sample dimension is one row of a single sample", "[predictions]") {
  Predictions predictions({{"y", ElementType::kFloat32, {3}}});
  const Tensor row = FloatTensor("", {3}, {1, 2, 3});
  REQUIRE(predictions.Add({row.view()}, 1, 1).ok());
  REQUIRE(predictions.Add({row.view()}, 1, 1).ok());
  const std::string file = predictions.Encode().value();
  CHECK(DecodeTensorFile(file)->at(0).tensor.shape == Shape{2, 3});
  CHECK(predictions.Add({row.view()}, 4, 4).code() == StatusCode::kUnimplemented);
  CHECK(predictions.Add({FloatTensor("", {2}, {1, 2}).view()}, 1, 1).code() == StatusCode::kUnimplemented);
}

TEST_CASE("a query of multi-stream is made of as few invocations as model and device allow", "[query_set]") {
  Scenario multi;
  multi.kind = ScenarioKind::kMultiStream;
  const std::vector<TensorInfo> open_rows = {{"x", ElementType::kFloat32, {-1, 2}}};
  const auto shape = [&](const std::vector<TensorInfo>& inputs, std::optional<std::uint32_t> limit) {
    const auto chosen = ChooseQueryShape(inputs, multi, limit, 100);
    REQUIRE(chosen.status().ToString() == "OK");
    return std::pair(chosen->samples_per_query, chosen->invocations_per_query);
  };
  CHECK(shape(open_rows, {}) == std::pair(8U, 1U));
  CHECK(shape(open_rows, 5) == std::pair(4U, 2U));
  CHECK(shape({{"x", ElementType::kFloat32, {1, 2}}}, {}) == std::pair(1U, 8U));
  CHECK(shape({{"x", ElementType::kFloat32, {3, 2}}}, {}) == std::pair(3U, 3U));
  multi.samples_per_query = 6;
  CHECK(shape(open_rows, {}) == std::pair(6U, 1U));
  CHECK(shape({{"x", ElementType::kFloat32, {3, 2}}}, {}) == std::pair(3U, 2U));
  multi.samples_per_query = 7;
  const auto refused = ChooseQueryShape({{"x", ElementType::kFloat32, {3, 2}}}, multi, {}, 100);
  CHECK_THAT(refused.status().message(), Catch::Contains("a query of multi-stream must be a multiple"));
}

TEST_CASE("server and periodic issue one sample at a time", "[query_set]") {
  Scenario server;
  server.kind = ScenarioKind::kServer;
  const std::vector<TensorInfo> open_rows = {{"x", ElementType::kFloat32, {-1, 2}}};
  CHECK(ChooseQueryShape(open_rows, server, {}, 100)->samples_per_query == 1);
  server.samples_per_query = 2;
  CHECK_THAT(ChooseQueryShape(open_rows, server, {}, 100).status().message(),
             Catch::Contains("server issues one sample at a time"));
}

}  // namespace
}  // namespace paddock::agent
