#include "prepare/passes/equalize.h"

#include <algorithm>

#include "tests/unit/prepare/passes/pass_fixture.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// The same function as SmallNetwork(), with the first channel between conv1 and conv2 a thousandfold.
onnx::ModelProto UnequalNetwork() {
  onnx::ModelProto model = SmallNetwork();
  auto* const graph = model.mutable_graph();
  std::vector<float> first = RandomFloats(72, 1);
  std::vector<float> bias = RandomFloats(4, 2);
  std::vector<float> second = RandomFloats(24, 3);
  for (std::size_t i = 0; i < 18; ++i) first[i] *= 1000;
  bias[0] *= 1000;
  for (std::size_t i = 0; i < 24; i += 4) second[i] /= 1000;
  *graph->mutable_initializer(0) = MakeFloats("w1", {4, 2, 3, 3}, first);
  *graph->mutable_initializer(1) = MakeFloats("b1", {4}, bias);
  *graph->mutable_initializer(2) = MakeFloats("w2", {6, 4, 1, 1}, second);
  return model;
}

TEST_CASE("equalize gives both sides of a channel the same range and changes no answer", "[equalize]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  WriteModel(bench.model(), UnequalNetwork());
  WriteRandomSamples(bench / "images", bench.model(), 10, 1);
  const auto report = bench.Run("equalize");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("1 pairs of layers equalised"));
  CHECK(MeanSqnr(Answers(bench.model(), bench / "images"), Answers(bench.out(), bench / "images"), 10) > 100);
  const OnnxGraph graph = bench.Read();
  const std::vector<float> first = FiniteFloatsOf(*graph.Initializer("w1")).value();
  const std::vector<float> second = FiniteFloatsOf(*graph.Initializer("w2")).value();
  const auto range = [](const std::vector<float>& weights, std::size_t begin, std::size_t end,
                        std::size_t step) {
    float largest = 0;
    for (std::size_t i = begin; i < end; i += step) largest = std::max(largest, std::abs(weights[i]));
    return largest;
  };
  for (std::size_t c = 0; c < 4; ++c)
    CHECK(range(first, 18 * c, 18 * (c + 1), 1) == Approx(range(second, c, 24, 4)).epsilon(0.01));
}

TEST_CASE("equalised layers quantise better with one scale for a layer", "[equalize][int8]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  WriteModel(bench.model(), UnequalNetwork());
  WriteRandomSamples(bench.samples(), bench.model(), 10, 1);
  const std::vector<float> exact = Answers(bench.model(), bench.samples());
  const std::string step = "int8 method=minmax per_channel=false bias_correction=false";
  REQUIRE(bench.Run(step).ok());
  const double before = MeanSqnr(exact, Answers(bench.out(), bench.samples()), 10);
  REQUIRE(bench.Run(step + " equalize=true").ok());
  CHECK(MeanSqnr(exact, Answers(bench.out(), bench.samples()), 10) > before + 10);
}

TEST_CASE("equalize names the batch norm that keeps it from a layer", "[equalize]") {
  StepBench bench;
  onnx::ModelProto model = SmallNetwork();
  auto* const graph = model.mutable_graph();
  for (const std::string name : {"scale", "shift", "mean_1", "variance"})
    *graph->add_initializer() = MakeFloats(name, {4}, {1, 2, 3, 4});
  *graph->add_node() =
      MakeNode("BatchNormalization", "norm", {"conv1", "scale", "shift", "mean_1", "variance"}, {"normed"});
  graph->mutable_node(1)->set_input(0, "normed");
  for (int i = graph->node_size() - 1; i > 1; --i) graph->mutable_node()->SwapElements(i, i - 1);
  WriteModel(bench.model(), model);
  const auto report = bench.Run("equalize");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("Conv 'conv1'") && Contains("optimize level=basic"));
}

TEST_CASE("the layers that lose most stay float until the loss is within the tolerance", "[int8]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  WriteModel(bench.model(), UnequalNetwork());
  WriteRandomSamples(bench.samples(), bench.model(), 200, 1, -1, 1);
  const std::string step = "int8 method=minmax per_channel=false bias_correction=false";
  const auto loose = bench.Run(step + " tolerance=1");
  REQUIRE(loose.ok());
  CHECK_THAT(AllLines(*loose), Contains("every layer may be int8") && !Contains("top-1 as before in 100.0"));
  const auto strict = bench.Run(step + " tolerance=0.01");
  REQUIRE(strict.ok());
  INFO(AllLines(*strict));
  CHECK_THAT(AllLines(*strict), Contains("of 4 layers stay float32"));
  const std::vector<float> exact = Answers(bench.model(), bench.samples());
  const std::vector<float> answers = Answers(bench.out(), bench.samples());
  int different = 0;
  for (std::size_t i = 0; i < exact.size(); i += 3) {
    const auto largest = [i](const std::vector<float>& scores) {
      return std::max_element(scores.data() + i, scores.data() + i + 3) - (scores.data() + i);
    };
    different += largest(exact) != largest(answers) ? 1 : 0;
  }
  CHECK(different <= 2);
  CHECK(bench.Run(step + " tolerance=2").status().code() == StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace paddock
