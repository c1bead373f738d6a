#include "prepare/passes/fp16.h"

#include <limits>

#include "tests/unit/prepare/passes/pass_fixture.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("float16 is the nearest, ties to even, and beyond 65504 infinity", "[fp16]") {
  CHECK(HalfOf(0) == 0);
  CHECK(HalfOf(-0.0F) == 0x8000);
  CHECK(HalfOf(1) == 0x3c00);
  CHECK(HalfOf(-2) == 0xc000);
  CHECK(HalfOf(65504) == 0x7bff);
  CHECK(HalfOf(65519) == 0x7bff);
  CHECK(HalfOf(65520) == 0x7c00);
  CHECK(HalfOf(1 + 1.0F / 2048) == 0x3c00);
  CHECK(HalfOf(1 + 3.0F / 2048) == 0x3c02);
  CHECK(HalfOf(6.103515625e-5F) == 0x0400);
  CHECK(HalfOf(5.9604645e-8F) == 0x0001);
  CHECK(HalfOf(2.9802322e-8F) == 0x0000);
  CHECK(HalfOf(std::numeric_limits<float>::quiet_NaN()) == 0x7e00);
  // Every float16 is itself.
  for (std::uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const TensorView view{ElementType::kFloat16, {1}, std::as_bytes(std::span(&half, 1))};
    if (HalfOf(static_cast<float>(ElementAsDouble(view, 0))) != half) FAIL("float16 " << bits);
  }
}

TEST_CASE("fp16 halves the file and hardly changes what the model says", "[fp16]") {
  if (!OnnxruntimeOrSkip()) return;
  const std::string digits = PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx";
  StepBench bench;
  WriteRandomSamples(bench / "images", digits, 20, 1);
  const std::vector<float> exact = Answers(digits, bench / "images");
  for (const std::string step : {"fp16", "fp16 compute=float16"}) {
    INFO(step);
    const auto report = bench.Run(step, digits);
    REQUIRE(report.ok());
    CHECK_THAT(AllLines(*report), Contains("float16"));
    CHECK(std::filesystem::file_size(bench.out()) < 51000);
    CHECK(ReadModelInfo(bench.out()).value().inputs == ReadModelInfo(digits).value().inputs);
    CHECK(ReadModelInfo(bench.out()).value().outputs == ReadModelInfo(digits).value().outputs);
    const double sqnr = MeanSqnr(exact, Answers(bench.out(), bench / "images"), 20);
    CHECK(sqnr > 55);
    CHECK(sqnr < 110);
  }
}

TEST_CASE("in a float16 graph, operators without such a form keep float32 around them", "[fp16]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  onnx::ModelProto model = SmallNetwork();
  auto* const graph = model.mutable_graph();
  onnx::NodeProto resize = MakeNode("Resize", "resize", {"image", "", "scales"}, {"large"});
  *graph->add_initializer() = MakeFloats("scales", {4}, {1, 1, 2, 2});
  graph->mutable_node(0)->set_input(0, "large");
  *graph->add_node() = resize;
  for (int i = graph->node_size() - 1; i > 0; --i) graph->mutable_node()->SwapElements(i, i - 1);
  WriteModel(bench.model(), model);
  WriteRandomSamples(bench / "images", bench.model(), 5, 1);
  REQUIRE(bench.Run("fp16 compute=float16").ok());
  CHECK(MeanSqnr(Answers(bench.model(), bench / "images"), Answers(bench.out(), bench / "images"), 5) > 45);
}

TEST_CASE("fp16 names the tensor that float16 cannot hold", "[fp16]") {
  StepBench bench;
  onnx::ModelProto model = SmallNetwork();
  std::vector<float> weights = RandomFloats(72, 1);
  const auto refusal = [&](float value) {
    weights[5] = value;
    *model.mutable_graph()->mutable_initializer(0) = MakeFloats("w1", {4, 2, 3, 3}, weights);
    WriteModel(bench.model(), model);
    const auto report = bench.Run("fp16");
    REQUIRE(!report.ok());
    return report.status().message();
  };
  CHECK_THAT(refusal(70000), Contains("'w1'") && Contains("65504"));
  CHECK_THAT(refusal(std::numeric_limits<float>::quiet_NaN()), Contains("'w1'") && Contains("NaN"));
  WriteModel(bench.model(), ReluModel());
  CHECK_THAT(bench.Run("fp16").status().message(), Contains("no float32 tensor"));
  CHECK_THAT(bench.Run("fp16 compute=int4").status().message(), Contains("float32, float16"));
}

}  // namespace
}  // namespace paddock
