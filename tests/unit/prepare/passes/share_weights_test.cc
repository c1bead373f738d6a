#include "prepare/passes/share_weights.h"

#include <algorithm>
#include <set>

#include "base/random.h"
#include "prepare/model_info.h"
#include "tests/unit/prepare/passes/pass_fixture.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

std::vector<float> Bell(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.Normal());
  return values;
}

std::size_t Distinct(const std::vector<float>& values) {
  return std::set<float>(values.begin(), values.end()).size();
}

double NoiseOverSignal(const std::vector<float>& wanted, const std::vector<float>& given) {
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    signal += std::pow(static_cast<double>(wanted[i]), 2);
    noise += std::pow(static_cast<double>(wanted[i]) - static_cast<double>(given[i]), 2);
  }
  return noise / signal;
}

TEST_CASE("shared weights are few, near to what they were, and in the same order", "[share-weights]") {
  const std::vector<float> weights = Bell(20'000, 1);
  double last = 1;
  for (const std::size_t clusters : {2, 4, 16, 256}) {
    const std::vector<float> shared = SharedWeights(weights, clusters);
    CHECK(Distinct(shared) <= clusters);
    CHECK(NoiseOverSignal(weights, shared) < last / 2);
    last = NoiseOverSignal(weights, shared);
    CHECK(SharedWeights(weights, clusters) == shared);
    CHECK(SharedWeights(shared, clusters) == shared);
  }
  // Lloyd's and Max's quantiser of a normal distribution: 1 - 2/pi of its variance with two values, 0.01 with 16.
  CHECK(NoiseOverSignal(weights, SharedWeights(weights, 2)) == Approx(0.3634).epsilon(0.03));
  CHECK(NoiseOverSignal(weights, SharedWeights(weights, 16)) < 0.0125);
}

TEST_CASE("weights of few values stay, and zeros stay zero with a value of their own", "[share-weights]") {
  const std::vector<float> few = {0, 1, 2, 3, 3, 2, 1, 0};
  CHECK(SharedWeights(few, 4) == few);
  CHECK(SharedWeights(few, 3) == std::vector<float>{0, 1.5, 1.5, 3, 3, 1.5, 1.5, 0});
  CHECK(SharedWeights(few, 2) == std::vector<float>{0, 2, 2, 2, 2, 2, 2, 0});
  CHECK(SharedWeights({}, 2).empty());

  std::vector<float> pruned = Bell(5'000, 2);
  for (std::size_t i = 0; i < pruned.size(); i += 2) pruned[i] = 0;
  const std::vector<float> shared = SharedWeights(pruned, 16);
  CHECK(Distinct(shared) <= 16);
  CHECK(std::count(shared.begin(), shared.end(), 0.0F) == std::count(pruned.begin(), pruned.end(), 0.0F));
}

// SmallNetwork() with a convolution that is large enough.
onnx::ModelProto LargerNetwork() {
  onnx::ModelProto model = SmallNetwork();
  auto* const graph = model.mutable_graph();
  SetTensorType(graph->mutable_input(0), "image", onnx::TensorProto::FLOAT, {-1, 16, 6, 6});
  *graph->mutable_initializer(0) = MakeFloats("w1", {4, 16, 3, 3}, Bell(576, 1));
  return model;
}

TEST_CASE("share-weights changes the large weight tensors and says how much", "[share-weights]") {
  StepBench bench;
  WriteModel(bench.model(), LargerNetwork());
  const auto report = bench.Run("share-weights clusters=8");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("576 weights in 1 tensors, each of at most 8 values") &&
                                    Contains("weights 'w1': signal to noise 1"));
  const OnnxGraph graph = bench.Read();
  CHECK(Distinct(FiniteFloatsOf(*graph.Initializer("w1")).value()) == 8);
  CHECK(FiniteFloatsOf(*graph.Initializer("w2")).value() == RandomFloats(24, 3));
  CHECK(FiniteFloatsOf(*graph.Initializer("b1")).value() == RandomFloats(4, 2));
}

TEST_CASE("share-weights refuses what it cannot work on", "[share-weights]") {
  StepBench bench;
  WriteModel(bench.model(), SmallNetwork());
  CHECK_THAT(bench.Run("share-weights").status().message(),
             Contains("at least 256 constant float32 weights"));
  CHECK_THAT(bench.Run("share-weights clusters=1").status().message(), Contains("'clusters'"));
  CHECK_THAT(bench.Run("share-weights clusters=257").status().message(), Contains("256"));
  onnx::ModelProto model = LargerNetwork();
  *model.mutable_graph()->mutable_initializer(0) =
      MakeFloats("w1", {4, 16, 3, 3}, std::vector<float>(576, NAN));
  WriteModel(bench.model(), model);
  CHECK_THAT(bench.Run("share-weights").status().message(), Contains("w1"));
  if (const std::string quantised = PublicModelOrSkip("kws_int8.onnx"); !quantised.empty())
    CHECK_THAT(bench.Run("share-weights", quantised).status().message(), Contains("quantised already"));
}

}  // namespace
}  // namespace paddock
