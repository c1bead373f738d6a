// The parts of int8 that need no runtime: ranges, weights, the plan.
#include "prepare/passes/quantization_plan.h"
#include "prepare/passes/weight_quantization.h"
#include "tests/unit/prepare/passes/pass_fixture.h"

namespace paddock {
namespace {

TEST_CASE("eight bits cover the range, and zero is exact", "[int8]") {
  const Int8Parameters parameters = ParametersOf({-1, 3});
  CHECK(parameters.scale == Approx(4.0 / 255));
  CHECK(parameters.zero_point == -64);
  CHECK(FakeQuantized(0, parameters) == 0);
  CHECK(FakeQuantized(100, parameters) == Approx(3).margin(0.02));
  CHECK(FakeQuantized(-100, parameters) == Approx(-1).margin(0.02));
  CHECK(ParametersOf({2, 3}).zero_point == -128);
  CHECK(ParametersOf({0, 0}).scale == 1.0F / 255);
  CHECK(ParametersOf({0, 255.0 / 256}).scale == 1.0F / 256);
}

TEST_CASE("range methods cut tails off that are rare, min-max does not", "[int8]") {
  ActivationHistogram histogram{{0, 100}, std::vector<std::uint64_t>(2048, 0)};
  for (std::size_t i = 1; i < 205; ++i) histogram.counts[i] = 1000000 / (i * i);  // up to 10
  histogram.counts[2047] = 1;
  CHECK(ChooseRange(histogram, RangeMethod::kMinMax, 99.99).max == 100);
  CHECK(ChooseRange(histogram, RangeMethod::kPercentile, 99.99).max < 15);
  CHECK(ChooseRange(histogram, RangeMethod::kMse, 99.99).max < 40);
  CHECK(ChooseRange(histogram, RangeMethod::kEntropy, 99.99).max < 30);
  for (const auto method : {RangeMethod::kPercentile, RangeMethod::kMse, RangeMethod::kEntropy})
    CHECK(ChooseRange(histogram, method, 99.99).max > 1);
  CHECK(ChooseRange({{0, 0}, std::vector<std::uint64_t>(2048, 0)}, RangeMethod::kMse, 99).max == 0);
}

TEST_CASE("weights get a scale for each channel, more where the bias needs it", "[int8]") {
  WeightedLayer layer{{1, -2, 0, 0, 1e-20F, 0}, {3, 2}, 0, {0.5F, 0.25F, 1}};
  const QuantizedWeights quantised = QuantizeWeights(layer, 0.5F, true);
  CHECK(quantised.scales[0] == 2.0F / 127);
  CHECK(quantised.weights == std::vector<std::int64_t>{64, -127, 0, 0, 0, 0});
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(static_cast<double>(quantised.bias[c]) * static_cast<double>(quantised.bias_scales[c]) ==
          Approx(layer.bias[c]).margin(quantised.bias_scales[c] / 2));
    CHECK(quantised.bias[c] < (1LL << 31));
  }
  const QuantizedWeights whole = QuantizeWeights(layer, 0.5F, false);
  CHECK(whole.scales == std::vector<float>{2.0F / 127});
  layer.axis = 1;
  CHECK(layer.ChannelOf(3) == 1);
}

TEST_CASE("activations belong to the node before them unless another node reads it too", "[int8]") {
  const TempDir folder;
  WriteModel(folder / "in.onnx", SmallNetwork());
  const OnnxGraph graph = OnnxGraph::Read(folder / "in.onnx").value();
  const auto plan = PlanQuantization(graph, {});
  REQUIRE(plan.ok());
  CHECK(plan->roles[0] == NodeRole::kWeighted);
  CHECK(plan->roles[1] == NodeRole::kFusedActivation);
  CHECK(plan->roles[2] == NodeRole::kMoving);
  CHECK(ResultOf(graph, *plan, 0) == "relu1");
  CHECK(!plan->group.contains("conv1"));
  CHECK(plan->group.at("relu1") == plan->group.at("pool"));
  CHECK(plan->group.at("conv2") != plan->group.at("conv3"));
  CHECK(plan->group.at("mean") == plan->group.at("flat"));

  onnx::ModelProto read_twice = SmallNetwork();
  SetTensorType(read_twice.mutable_graph()->add_output(), "conv1", onnx::TensorProto::FLOAT, {-1, 4, 6, 6});
  WriteModel(folder / "twice.onnx", read_twice);
  const OnnxGraph twice = OnnxGraph::Read(folder / "twice.onnx").value();
  const auto other = PlanQuantization(twice, {});
  REQUIRE(other.ok());
  CHECK(other->roles[1] == NodeRole::kComputing);
  CHECK(other->group.contains("conv1"));
}

}  // namespace
}  // namespace paddock
