#include "prepare/passes/prune.h"

#include <algorithm>
#include <limits>

#include "tests/unit/prepare/passes/pass_fixture.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("the least magnitudes come first, and among equals the first", "[prune]") {
  const std::vector<double> magnitudes = {3, 1, 2, 1, 0};
  CHECK(LeastMagnitudes(magnitudes, 3) == std::vector<std::size_t>{4, 1, 3});
  CHECK(LeastMagnitudes(magnitudes, 9).size() == 5);
}

TEST_CASE("prune by magnitude zeroes the asked share of each tensor, the smallest", "[prune]") {
  StepBench bench;
  WriteModel(bench.model(), SmallNetwork());
  const auto report = bench.Run("prune ratio=0.25");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("zeros 0 -> 41 of 168 weights"));
  const std::vector<float> before = RandomFloats(24, 3);
  const std::vector<float> after = FiniteFloatsOf(*bench.Read().Initializer("w2")).value();
  float largest_zeroed = 0;
  float smallest_kept = 9;
  for (std::size_t i = 0; i < 24; ++i) {
    if (after[i] == 0) largest_zeroed = std::max(largest_zeroed, std::abs(before[i]));
    if (after[i] != 0) smallest_kept = std::min(smallest_kept, std::abs(after[i]));
  }
  CHECK(std::count(after.begin(), after.end(), 0.0F) == 6);
  CHECK(largest_zeroed <= smallest_kept);
}

TEST_CASE("prune 2:4 leaves two of each four along the input channels", "[prune]") {
  StepBench bench;
  WriteModel(bench.model(), SmallNetwork());
  const auto report = bench.Run("prune kind=2:4");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("Conv 'conv3' stays") && Contains("Conv 'conv1' stays"));
  const std::vector<float> rows = FiniteFloatsOf(*bench.Read().Initializer("w2")).value();
  for (std::size_t i = 0; i < 24; i += 4) CHECK(std::count(rows.data() + i, rows.data() + i + 4, 0.0F) == 2);
  // Gemm [6,3]: the first four inputs of each output, the rest stays.
  const std::vector<float> columns = FiniteFloatsOf(*bench.Read().Initializer("w4")).value();
  for (std::size_t c = 0; c < 3; ++c) {
    int zeros = 0;
    for (std::size_t k = 0; k < 4; ++k) zeros += columns[3 * k + c] == 0 ? 1 : 0;
    CHECK(zeros == 2);
  }
  CHECK(std::count(columns.begin() + 12, columns.end(), 0.0F) == 0);
}

TEST_CASE("prune 2:4 takes the inputs of each of several matrices, not the matrices", "[prune]") {
  StepBench bench;
  onnx::ModelProto model = ReluModel({-1, 3, 5, 4});
  auto* const graph = model.mutable_graph();
  graph->clear_node();
  graph->clear_output();
  SetTensorType(graph->add_output(), "out", onnx::TensorProto::FLOAT, {-1, 3, 5, 2});
  *graph->add_initializer() = MakeFloats("w", {3, 4, 2}, RandomFloats(24, 1));
  *graph->add_node() = MakeNode("MatMul", "product", {"in", "w"}, {"out"});
  WriteModel(bench.model(), model);
  REQUIRE(bench.Run("prune kind=2:4").ok());
  const std::vector<float> weights = FiniteFloatsOf(*bench.Read().Initializer("w")).value();
  for (std::size_t matrix = 0; matrix < 24; matrix += 8) {
    for (std::size_t column = 0; column < 2; ++column) {
      int zeros = 0;
      for (std::size_t row = 0; row < 4; ++row) zeros += weights[matrix + 2 * row + column] == 0 ? 1 : 0;
      CHECK(zeros == 2);
    }
  }
}

TEST_CASE("removed channels that were zero change no answer, and the model is smaller", "[prune]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  onnx::ModelProto model = SmallNetwork();
  auto* const graph = model.mutable_graph();
  std::vector<float> first = RandomFloats(72, 1);
  std::vector<float> bias = RandomFloats(4, 2);
  for (std::size_t i = 18; i < 36; ++i) first[i] = 0;
  for (std::size_t i = 54; i < 72; ++i) first[i] = 0;
  bias[1] = bias[3] = 0;
  *graph->mutable_initializer(0) = MakeFloats("w1", {4, 2, 3, 3}, first);
  *graph->mutable_initializer(1) = MakeFloats("b1", {4}, bias);
  WriteModel(bench.model(), model);
  WriteRandomSamples(bench / "images", bench.model(), 5, 1);
  const auto report = bench.Run("prune kind=channels ratio=0.5");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("2 channels of 1 convolutions removed") &&
                                    Contains("Conv 'conv2' keeps its channels: they meet Add 'sum'"));
  CHECK(bench.Read().Value("w1")->shape == Shape{2, 2, 3, 3});
  CHECK(bench.Read().Value("w2")->shape == Shape{6, 2, 1, 1});
  CHECK(MeanSqnr(Answers(bench.model(), bench / "images"), Answers(bench.out(), bench / "images"), 5) > 100);
}

// image[?,2,4,4] -> Conv 4 -> BatchNormalization -> depthwise Conv -> (NHWC) -> Reshape -> MatMul -> scores[?,3]
onnx::ModelProto SeparableNetwork(bool channels_last) {
  onnx::ModelProto model = SmallNetwork();
  auto* const graph = model.mutable_graph();
  graph->clear_node();
  graph->clear_initializer();
  auto* const size = graph->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  size->mutable_dim(2)->set_dim_value(4);
  size->mutable_dim(3)->set_dim_value(4);
  const auto floats = [&](const std::string& name, const Shape& shape, unsigned seed, float min) {
    *graph->add_initializer() = MakeFloats(name, shape, RandomFloats(*ElementCount(shape), seed, min, 1));
  };
  floats("w1", {4, 2, 1, 1}, 1, -1);
  std::vector<float> zeroed = RandomFloats(8, 1);
  zeroed[2] = zeroed[3] = 0;
  *graph->mutable_initializer(0) = MakeFloats("w1", {4, 2, 1, 1}, zeroed);
  floats("scale", {4}, 2, 0.5F);
  *graph->add_initializer() = MakeFloats("shift", {4}, {1, 0, 1, 1});
  *graph->add_initializer() = MakeFloats("middle", {4}, {0.5F, 0, 0.25F, 0});
  floats("variance", {4}, 3, 0.5F);
  floats("w2", {4, 1, 3, 3}, 4, -1);
  floats("w3", {64, 3}, 5, -1);
  *graph->add_initializer() = MakeIntegers("target", ElementType::kInt64, {2}, {-1, 64});
  *graph->add_node() = MakeNode("Conv", "conv1", {"image", "w1"}, {"conv1"});
  *graph->add_node() =
      MakeNode("BatchNormalization", "norm", {"conv1", "scale", "shift", "middle", "variance"}, {"norm"});
  onnx::NodeProto depthwise = MakeNode("Conv", "conv2", {"norm", "w2"}, {"conv2"});
  SetIntsAttribute(&depthwise, "pads", {1, 1, 1, 1});
  SetIntAttribute(&depthwise, "group", 4);
  *graph->add_node() = depthwise;
  if (channels_last) {
    onnx::NodeProto transpose = MakeNode("Transpose", "last", {"conv2"}, {"last"});
    SetIntsAttribute(&transpose, "perm", {0, 2, 3, 1});
    *graph->add_node() = transpose;
  }
  *graph->add_node() = MakeNode("Reshape", "flat", {channels_last ? "last" : "conv2", "target"}, {"flat"});
  *graph->add_node() = MakeNode("MatMul", "scores", {"flat", "w3"}, {"scores"});
  return model;
}

TEST_CASE("channels are followed through batch norms, depthwise convolutions and reshapes", "[prune]") {
  if (!OnnxruntimeOrSkip()) return;
  for (const bool channels_last : {false, true}) {
    StepBench bench;
    WriteModel(bench.model(), SeparableNetwork(channels_last));
    WriteRandomSamples(bench / "images", bench.model(), 5, 1);
    REQUIRE(bench.Run("prune kind=channels ratio=0.25").ok());
    CHECK(bench.Read().Value("w2")->shape == Shape{3, 1, 3, 3});
    CHECK(bench.Read().Value("w3")->shape == Shape{48, 3});
    CHECK(MeanSqnr(Answers(bench.model(), bench / "images"), Answers(bench.out(), bench / "images"), 5) >
          100);
  }
}

// What `prune kind=channels` says of a convolution that keeps its channels.
std::string ObstacleIn(const onnx::ModelProto& model) {
  StepBench bench;
  WriteModel(bench.model(), model);
  const Status status = bench.Run("prune kind=channels ratio=0.25").status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  return status.message();
}

TEST_CASE("channels that pooling or a reshape mixes with other dimensions stay", "[prune]") {
  onnx::ModelProto pooled = SeparableNetwork(true);
  auto* graph = pooled.mutable_graph();
  onnx::NodeProto pool = MakeNode("AveragePool", "pool", {"last"}, {"pooled"});
  SetIntsAttribute(&pool, "kernel_shape", {2, 2});
  graph->mutable_node(4)->set_input(0, "pooled");
  *graph->add_node() = pool;
  for (int i = graph->node_size() - 1; i > 4; --i) graph->mutable_node()->SwapElements(i, i - 1);
  *graph->mutable_initializer(6) = MakeFloats("w3", {36, 3}, RandomFloats(108, 5));
  *graph->mutable_initializer(7) = MakeIntegers("target", ElementType::kInt64, {2}, {-1, 36});
  CHECK_THAT(ObstacleIn(pooled), Contains("they meet AveragePool 'pool'"));

  onnx::ModelProto cut = SeparableNetwork(false);  // four rows a sample
  graph = cut.mutable_graph();
  *graph->mutable_initializer(6) = MakeFloats("w3", {16, 3}, RandomFloats(48, 5));
  *graph->mutable_initializer(7) = MakeIntegers("target", ElementType::kInt64, {2}, {-1, 16});
  CHECK_THAT(ObstacleIn(cut), Contains("they meet Reshape 'flat'"));
}

TEST_CASE("a convolution without channels, or with a bias of another shape, keeps what it has", "[prune]") {
  onnx::ModelProto empty = SeparableNetwork(false);
  auto* graph = empty.mutable_graph();
  *graph->mutable_initializer(0) = MakeFloats("w1", {0, 2, 1, 1}, {});
  graph->mutable_node()->DeleteSubrange(1, 2);
  graph->mutable_node(1)->set_input(0, "conv1");
  CHECK_THAT(ObstacleIn(empty), Contains("Conv 'conv1' keeps its channels"));

  onnx::ModelProto biased = SeparableNetwork(false);
  graph = biased.mutable_graph();
  *graph->add_initializer() = MakeFloats("b1", {}, {1});
  graph->mutable_node(0)->add_input("b1");
  CHECK_THAT(ObstacleIn(biased), Contains("Conv 'conv1' keeps its channels"));

  onnx::ModelProto hollow = SeparableNetwork(false);
  graph = hollow.mutable_graph();
  *graph->mutable_initializer(0) = MakeFloats("w1", {4, 0, 1, 1}, {});
  CHECK_THAT(ObstacleIn(hollow), Contains("Conv 'conv1' keeps its channels"));
}

TEST_CASE("real networks lose channels and still run", "[prune][public]") {
  if (!OnnxruntimeOrSkip()) return;
  for (const std::string name : {"ic_resnet8_fp32.onnx", "vww_mobilenet_fp32.onnx"}) {
    const std::string model = PublicModelOrSkip(name);
    if (model.empty()) return;
    StepBench bench;
    WriteRandomSamples(bench / "images", model, 2, 1);
    REQUIRE(bench.Run("prune kind=channels ratio=0.3", model).ok());
    CHECK(ReadModelInfo(bench.out()).value().parameters < ReadModelInfo(model).value().parameters * 4 / 5);
    CHECK(Answers(bench.out(), bench / "images").size() == Answers(model, bench / "images").size());
  }
}

TEST_CASE("prune refuses what it cannot prune, and options that make no sense", "[prune]") {
  StepBench bench;
  WriteModel(bench.model(), ReluModel());
  CHECK_THAT(bench.Run("prune").status().message(), Contains("no Conv, Gemm or MatMul"));
  CHECK_THAT(bench.Run("prune kind=channels").status().message(), Contains("no convolution"));
  CHECK_THAT(bench.Run("prune kind=2:4 ratio=0.3").status().message(), Contains("leave ratio out"));
  CHECK_THAT(bench.Run("prune ratio=1").status().message(), Contains("ratio"));
  CHECK_THAT(bench.Run("prune kind=rows").status().message(), Contains("magnitude, 2:4, channels"));
  onnx::ModelProto damaged = SmallNetwork();
  std::vector<float> weights = RandomFloats(24, 3);
  weights[7] = std::numeric_limits<float>::infinity();
  *damaged.mutable_graph()->mutable_initializer(2) = MakeFloats("w2", {6, 4, 1, 1}, weights);
  WriteModel(bench.model(), damaged);
  CHECK_THAT(bench.Run("prune").status().message(), Contains("'w2'") && Contains("infinity"));
}

}  // namespace
}  // namespace paddock
