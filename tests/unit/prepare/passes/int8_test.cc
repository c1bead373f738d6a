#include "prepare/passes/int8.h"

#include <algorithm>
#include <limits>

#include "prepare/npy.h"
#include "tests/unit/prepare/passes/pass_fixture.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("int8 writes the pattern that runtimes fuse, with float inputs and outputs", "[int8]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  WriteModel(bench.model(), SmallNetwork());
  WriteRandomSamples(bench.samples(), bench.model(), 20, 1, -1, 1);
  const auto report = bench.Run("int8");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("20 calibration samples") && Contains("worst layer Conv 'conv"));
  const ModelInfo before = ReadModelInfo(bench.model()).value();
  const ModelInfo after = ReadModelInfo(bench.out()).value();
  CHECK(after.inputs == before.inputs);
  CHECK(after.outputs == before.outputs);

  const OnnxGraph graph = bench.Read();
  const auto producers = graph.Producers();
  const auto consumers = graph.Consumers();
  const auto maker = [&](const std::string& value) { return graph.graph().node(producers.at(value)); };
  std::set<std::string> scales_around_pool;
  for (const onnx::NodeProto& node : graph.graph().node()) {
    if (node.op_type() == "Conv" || node.op_type() == "Gemm") {
      for (int i = 0; i < node.input_size(); ++i) CHECK(maker(node.input(i)).op_type() == "DequantizeLinear");
      const onnx::NodeProto weights = maker(node.input(1));
      CHECK(graph.Value(weights.input(0))->type == ElementType::kInt8);
      CHECK(IntAttribute(weights, "axis", -9) == (node.op_type() == "Conv" ? 0 : 1));
      if (node.input_size() < 3) continue;
      const onnx::NodeProto bias = maker(node.input(2));
      CHECK(graph.Value(bias.input(0))->type == ElementType::kInt32);
      const auto input_scale = FiniteFloatsOf(*graph.Initializer(maker(node.input(0)).input(1))).value();
      const auto weight_scale = FiniteFloatsOf(*graph.Initializer(weights.input(1))).value();
      const auto bias_scale = FiniteFloatsOf(*graph.Initializer(bias.input(1))).value();
      CHECK(bias_scale[0] == input_scale[0] * weight_scale[0]);
    }
    if (node.op_type() == "Relu") {
      const std::string above = maker(node.input(0)).op_type();
      CHECK((above == "Conv" || above == "Add"));
    }
    if (node.op_type() == "MaxPool") {
      scales_around_pool.insert(maker(node.input(0)).input(1));
      for (const int reader : consumers.at(node.output(0)))
        scales_around_pool.insert(graph.graph().node(reader).input(1));
    }
  }
  CHECK(scales_around_pool.size() == 1);
  // One value has several readers, and still all of it is computed with integers.
  const auto fused = FusedOperators(bench.out());
  CHECK(fused.at("com.microsoft:QLinearAdd") == 1);
  CHECK(fused.at("QLinearConv") == 3);
  CHECK(fused.at("DequantizeLinear") == 1);
  CHECK(MeanSqnr(Answers(bench.model(), bench.samples()), Answers(bench.out(), bench.samples()), 20) > 25);
}

TEST_CASE("every option of int8 is heard, and wrong ones are refused", "[int8]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  WriteModel(bench.model(), SmallNetwork());
  WriteRandomSamples(bench.samples(), bench.model(), 10, 1, -1, 1);
  for (const std::string method : {"minmax", "percentile", "mse", "entropy"}) {
    INFO(method);
    const auto report = bench.Run("int8 bias_correction=false method=" + method);
    REQUIRE(report.ok());
    CHECK_THAT(AllLines(*report), Contains("ranges by " + method) && !Contains("bias correction"));
    CHECK(MeanSqnr(Answers(bench.model(), bench.samples()), Answers(bench.out(), bench.samples()), 10) > 12);
  }
  REQUIRE(bench.Run("int8 per_channel=false").ok());
  const OnnxGraph whole = bench.Read();
  for (const onnx::NodeProto& node : whole.graph().node()) CHECK(IntAttribute(node, "axis", 1) == 1);
  REQUIRE(bench.Run("int8 exclude=conv2 exclude_types=Gemm,Add").ok());
  std::size_t float_layers = 0;
  const OnnxGraph partly = bench.Read();
  for (const onnx::NodeProto& node : partly.graph().node()) {
    if ((node.op_type() == "Conv" || node.op_type() == "Gemm") &&
        partly.Initializer(node.input(1)) != nullptr)
      ++float_layers;
  }
  CHECK(float_layers == 2);
  CHECK_THAT(bench.Run("int8 exclude=conv9").status().message(), Contains("'conv9'"));
  CHECK_THAT(bench.Run("int8 exclude_types=LSTM").status().message(), Contains("'LSTM'"));
  CHECK_THAT(bench.Run("int8 method=median").status().message(), Contains("minmax, percentile"));
  CHECK_THAT(bench.Run("int8 method=percentile percentile=101").status().message(), Contains("percentile"));
  CHECK_THAT(bench.Run("int8 percentile=99").status().message(), Contains("method=percentile"));
}

TEST_CASE("a model that is quantised already passes through byte for byte", "[int8]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  WriteModel(bench.model(), SmallNetwork());
  WriteRandomSamples(bench.samples(), bench.model(), 4, 1, -1, 1);
  REQUIRE(bench.Run("int8 method=minmax").ok());
  const std::string first = ReadBytes(bench.out());
  WriteBytes(bench / "first.onnx", first);
  const auto again = bench.Run("int8", bench / "first.onnx");
  REQUIRE(again.ok());
  CHECK_THAT(AllLines(*again), Contains("quantised already"));
  CHECK(ReadBytes(bench.out()) == first);
}

TEST_CASE("int8 refuses by name what it cannot work with", "[int8]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refusal = [&](const onnx::ModelProto& model, const std::vector<Tensor>& samples) {
    WriteModel(bench.model(), model);
    WriteBytes(bench.samples(), EncodeTensorFile(samples).value());
    const auto report = bench.Run("int8");
    REQUIRE(!report.ok());
    CHECK(report.status().code() == StatusCode::kInvalidArgument);
    return report.status().message();
  };
  const Shape shape{3, 2, 6, 6};
  const std::vector<float> values = RandomFloats(216, 1);
  const Tensor good = FloatTensor("image", shape, values);

  onnx::ModelProto damaged = SmallNetwork();
  std::vector<float> weights = RandomFloats(24, 3);
  weights[7] = nan;
  *damaged.mutable_graph()->mutable_initializer(2) = MakeFloats("w2", {6, 4, 1, 1}, weights);
  CHECK_THAT(refusal(damaged, {good}), Contains("NaN"));

  onnx::ModelProto huge = SmallNetwork();
  *huge.mutable_graph()->mutable_initializer(2) =
      MakeFloats("w2", {6, 4, 1, 1}, std::vector<float>(24, 3e38F));
  CHECK_THAT(refusal(huge, {good}), Contains("becomes NaN or infinite"));

  onnx::ModelProto open = SmallNetwork();
  open.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(2)
      ->Clear();
  CHECK_THAT(refusal(open, {good}), Contains("dimension 2") && Contains("is open"));

  CHECK_THAT(refusal(ReluModel({-1, 2, 6, 6}), {FloatTensor("in", shape, values)}),
             Contains("no Conv, Gemm or MatMul"));

  CHECK_THAT(refusal(SmallNetwork(), {FloatTensor("picture", shape, values)}),
             Contains("'image'") && Contains("'picture'"));
  CHECK_THAT(refusal(SmallNetwork(), {FloatTensor("image", {3, 6, 6, 2}, values)}), Contains("[3,6,6,2]"));
  Tensor integers = good;
  integers.info.type = ElementType::kInt32;
  CHECK_THAT(refusal(SmallNetwork(), {integers}), Contains("int32 image"));
  std::vector<float> with_nan = values;
  with_nan[100] = nan;
  CHECK_THAT(refusal(SmallNetwork(), {FloatTensor("image", shape, with_nan)}), Contains("NaN in sample 1"));
}

TEST_CASE("activations that are always zero get a range, and the report says so", "[int8]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  onnx::ModelProto model = SmallNetwork();
  *model.mutable_graph()->mutable_initializer(0) = MakeFloats("w1", {4, 2, 3, 3}, std::vector<float>(72, 0));
  *model.mutable_graph()->mutable_initializer(1) = MakeFloats("b1", {4}, {-1, -1, -1, -1});
  WriteModel(bench.model(), model);
  WriteRandomSamples(bench.samples(), bench.model(), 4, 1);
  const auto report = bench.Run("int8");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("is 0 in every calibration sample"));
  CHECK(MeanSqnr(Answers(bench.model(), bench.samples()), Answers(bench.out(), bench.samples()), 4) > 25);
}

// Floats from grey levels 0..16, a sample size of 64.
std::vector<float> DigitImages(const NpyArray& images, std::size_t first, std::size_t count) {
  std::vector<float> values;
  for (std::size_t i = first * 64; i < (first + count) * 64; ++i)
    values.push_back(static_cast<float>(images.bytes[i]) / 16);
  return values;
}

TEST_CASE("the demo's digits lose next to nothing as int8 and shrink to a third", "[int8]") {
  if (!OnnxruntimeOrSkip()) return;
  const std::string demo = PADDOCK_SOURCE_DIR "/deploy/demo/";
  zip_t* const archive = zip_open((demo + "digits.npz").c_str(), ZIP_RDONLY, nullptr);
  REQUIRE(archive != nullptr);
  const auto member = [&](const char* name) {
    std::string bytes(1 << 16, '\0');
    zip_file_t* const file = zip_fopen(archive, name, 0);
    bytes.resize(static_cast<std::size_t>(zip_fread(file, bytes.data(), bytes.size())));
    zip_fclose(file);
    return bytes;
  };
  const std::string image_bytes = member("x.npy");
  const std::string label_bytes = member("y.npy");
  zip_discard(archive);
  const NpyArray images = ParseNpy(image_bytes).value();
  const NpyArray labels = ParseNpy(label_bytes).value();

  StepBench bench;
  WriteBytes(bench.samples(),
             EncodeTensorFile({FloatTensor("image", {100, 1, 8, 8}, DigitImages(images, 0, 100))}).value());
  REQUIRE(bench.Run("int8", demo + "digits.onnx").ok());
  CHECK(std::filesystem::file_size(bench.out()) * 28 <=
        std::filesystem::file_size(demo + "digits.onnx") * 10);

  WriteBytes(bench / "all",
             EncodeTensorFile({FloatTensor("image", {500, 1, 8, 8}, DigitImages(images, 0, 500))}).value());
  const auto hits = [&](const std::string& model) {
    const std::vector<float> answers = Answers(model, bench / "all");
    int count = 0;
    for (std::size_t i = 0; i < 500; ++i) {
      const auto* const row = answers.data() + i * 10;
      const auto best = static_cast<double>(std::max_element(row, row + 10) - row);
      count += best == ElementAsDouble({labels.type, labels.shape, labels.bytes}, i) ? 1 : 0;
    }
    return count;
  };
  const int exact = hits(demo + "digits.onnx");
  CHECK(exact >= 490);
  CHECK(hits(bench.out()) >= exact - 2);
}

TEST_CASE("real networks keep 25 dB on random inputs, and the default is no worse than min-max",
          "[int8][public]") {
  if (!OnnxruntimeOrSkip()) return;
  for (const std::string name : {"ic_resnet8_fp32.onnx", "vww_mobilenet_fp32.onnx"}) {
    const std::string model = PublicModelOrSkip(name);
    if (model.empty()) return;
    INFO(name);
    StepBench bench;
    WriteRandomSamples(bench.samples(), model, 6, 1);
    WriteRandomSamples(bench / "other", model, 6, 2);
    const std::vector<float> exact = Answers(model, bench / "other");
    REQUIRE(bench.Run("int8 method=minmax bias_correction=false", model).ok());
    const double plain = MeanSqnr(exact, Answers(bench.out(), bench / "other"), 6);
    REQUIRE(bench.Run("int8", model).ok());
    const double chosen = MeanSqnr(exact, Answers(bench.out(), bench / "other"), 6);
    CHECK(chosen >= 25);
    CHECK(chosen >= plain - 0.01);
    CHECK(ReadModelInfo(bench.out()).value().opset == 13);
  }
}

}  // namespace
}  // namespace paddock
