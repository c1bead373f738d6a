#include "prepare/passes/import_encodings.h"

#include "tests/unit/prepare/passes/pass_fixture.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

class EncodingsBench {
 public:
  explicit EncodingsBench(const onnx::ModelProto& model) { WriteModel(bench_.model(), model); }

  Result<StepReport> Import(const std::string& encodings) {
    WriteBytes(bench_ / "net.encodings", encodings);
    static_cast<void>(RemoveFile(bench_.out()));
    StepRequest request;
    request.in_path = bench_.model();
    request.out_path = bench_.out();
    request.encodings_path = bench_ / "net.encodings";
    return RunStep("import-encodings", request);
  }
  std::string RefusalOf(const std::string& encodings) {
    const auto report = Import(encodings);
    REQUIRE(!report.ok());
    CHECK(report.status().code() == StatusCode::kInvalidArgument);
    return report.status().message();
  }
  // What the model that was made answers.
  std::vector<float> Answers(const Shape& shape, const std::vector<float>& input) {
    WriteBytes(bench_.samples(), EncodeTensorFile({FloatTensor("image", shape, input)}).value());
    return paddock::Answers(bench_.out(), bench_.samples());
  }
  const StepBench& bench() const { return bench_; }

 private:
  StepBench bench_;
};

// image[?,2] -> Gemm (y = x W + b, W[2,2]) -> scores[?,2]
onnx::ModelProto GemmNetwork(bool trans_b = false) {
  onnx::ModelProto model = ReluModel({-1, 2});
  auto* const graph = model.mutable_graph();
  graph->clear_node();
  graph->clear_output();
  graph->mutable_input(0)->set_name("image");
  SetTensorType(graph->add_output(), "scores", onnx::TensorProto::FLOAT, {-1, 2});
  *graph->add_initializer() = MakeFloats("w", {2, 2}, {1.3F, -0.6F, 0.26F, 2.9F});
  *graph->add_initializer() = MakeFloats("b", {2}, {0.3F, -1.1F});
  *graph->add_node() = MakeNode("Gemm", "gemm", {"image", "w", "b"}, {"scores"});
  if (trans_b) SetIntAttribute(graph->mutable_node(0), "transB", 1);
  return model;
}

constexpr char kGemmActivations[] = R"("activation_encodings": {
  "image": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "False", "offset": -100, "scale": 0.25}],
  "scores": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "False", "offset": -128, "scale": 0.125}]})";

std::string Channels(const std::string& tensor, const std::vector<std::string>& scales) {
  std::string list;
  for (const std::string& scale : scales) {
    list += (list.empty() ? "" : ", ") +
            (R"({"bitwidth": 8, "dtype": "int", "is_symmetric": "True", "offset": -128, "scale": )" + scale +
             "}");
  }
  return "\"" + tensor + "\": [" + list + "]";
}

std::vector<std::int64_t> IntegersNamed(const OnnxGraph& graph, const std::string& name) {
  INFO(name);
  const onnx::TensorProto* const tensor = graph.Initializer(name);
  REQUIRE(tensor != nullptr);
  return IntegersOf(*tensor).value();
}

TEST_CASE("a Gemm computes what AIMET's numbers say, worked out by hand", "[aimet]") {
  if (!OnnxruntimeOrSkip()) return;
  EncodingsBench aimet(GemmNetwork());
  const auto report = aimet.Import("{" + std::string(kGemmActivations) + R"(, "param_encodings": {)" +
                                   Channels("w", {"0.5", "0.25"}) + "}}");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("2 activations as uint8") && Contains("a scale per channel"));
  const OnnxGraph graph = aimet.bench().Read();
  // The columns are the channels: 1.3 and 0.26 by 0.5, -0.6 and 2.9 by 0.25; half goes to even.
  CHECK(IntegersNamed(graph, "w.int8") == std::vector<std::int64_t>{3, -2, 1, 12});
  CHECK(IntegersNamed(graph, "image.zero_point") == std::vector<std::int64_t>{100});
  CHECK(IntegersNamed(graph, "scores.zero_point") == std::vector<std::int64_t>{128});
  // image: [1.1, -30] is 4 and -100 (clipped) steps of 0.25, so [1, -25]; W is [[1.5, -0.5], [0.5, 3]].
  // scores: [1.5 - 12.5 + 0.3, -0.5 - 75 - 1.1] = [-10.7, -76.6]: -86 (85.6) steps of 0.125, and the least, -128.
  CHECK(aimet.Answers({1, 2}, {1.1F, -30}) == std::vector<float>{-10.75F, -16});
  // [100, 0.124]: [38.75 (155 steps, clipped), 0]; scores [58.425, -20.475]: the greatest, 127 steps; the least.
  CHECK(aimet.Answers({1, 2}, {100, 0.124F}) == std::vector<float>{15.875F, -16});
}

TEST_CASE("weights that are transposed have their channels in the first dimension", "[aimet]") {
  EncodingsBench aimet(GemmNetwork(true));
  REQUIRE(aimet.Import(R"({"param_encodings": {)" + Channels("w", {"0.5", "0.25"}) + "}}").ok());
  CHECK(IntegersNamed(aimet.bench().Read(), "w.int8") == std::vector<std::int64_t>{3, -1, 1, 12});
}

TEST_CASE("a bias becomes int32 in units of input times weight, and is rounded and float otherwise",
          "[aimet]") {
  EncodingsBench aimet(GemmNetwork());
  const auto with_bias = [&](const std::string& scale) {
    return "{" + std::string(kGemmActivations) + R"(, "param_encodings": {)" + Channels("w", {"0.5"}) +
           R"(, "b": [{"bitwidth": 32, "dtype": "int", "is_symmetric": "True", "offset": -2147483648, "scale": )" +
           scale + "}]}}";
  };
  const auto product = aimet.Import(with_bias("0.125"));
  REQUIRE(product.ok());
  CHECK_THAT(AllLines(*product), Contains("1 bias tensor as int32"));
  CHECK(IntegersNamed(aimet.bench().Read(), "b.int32") == std::vector<std::int64_t>{2, -9});

  const auto other = aimet.Import(with_bias("0.5"));
  REQUIRE(other.ok());
  CHECK_THAT(AllLines(*other), Contains("left float32: 'b'"));
  const OnnxGraph graph = aimet.bench().Read();
  CHECK(FiniteFloatsOf(*graph.Initializer("b")).value() == std::vector<float>{0.5F, -1});
}

TEST_CASE("a bias that another node reads too is rounded and stays float", "[aimet]") {
  onnx::ModelProto model = GemmNetwork();
  *model.mutable_graph()->add_node() = MakeNode("Relu", "relu", {"b"}, {"positive"});
  SetTensorType(model.mutable_graph()->add_output(), "positive", onnx::TensorProto::FLOAT, {2});
  EncodingsBench aimet(model);
  const auto report = aimet.Import(
      "{" + std::string(kGemmActivations) + R"(, "param_encodings": {)" + Channels("w", {"0.5"}) +
      R"(, "b": [{"bitwidth": 32, "dtype": "int", "is_symmetric": "True", "offset": -2147483648, "scale": 0.125}]}})");
  REQUIRE(report.status().ToString() == "OK");
  CHECK_THAT(AllLines(*report), Contains("left float32: 'b'"));
}

TEST_CASE("four bits lie in int8 and sixteen are rounded in float32, both with AIMET's numbers", "[aimet]") {
  EncodingsBench aimet(GemmNetwork());
  const auto weights = [&](const std::string& bits, const std::string& offset, const std::string& scale) {
    return R"({"encodings": [], "param_encodings": [{"name": "w", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": )" +
           bits + R"(, "is_sym": true, "scale": [)" + scale + R"(], "offset": [)" + offset + "]}]}";
  };
  REQUIRE(aimet.Import(weights("4", "-8", "0.25")).ok());
  CHECK(IntegersNamed(aimet.bench().Read(), "w.int8") == std::vector<std::int64_t>{5, -2, 1, 7});
  const auto wide = aimet.Import(weights("16", "-32768", "0.0625"));
  REQUIRE(wide.ok());
  CHECK_THAT(AllLines(*wide), Contains("left float32: 'w'"));
  const OnnxGraph graph = aimet.bench().Read();
  CHECK(FiniteFloatsOf(*graph.Initializer("w")).value() ==
        std::vector<float>{1.3125F, -0.625F, 0.25F, 2.875F});
}

std::string SmallNetworkEncodings() {
  std::string activations;
  for (const auto& [name, offset, scale] :
       {std::tuple("image", -128, "0.0079"), std::tuple("relu1", 0, "0.02"),
        std::tuple("conv2", -120, "0.03"), std::tuple("conv3", -130, "0.08"), std::tuple("relu2", 0, "0.06"),
        std::tuple("mean", 0, "0.03"), std::tuple("scores", -128, "0.05")}) {
    activations += std::string(activations.empty() ? "" : ",") + R"({"name": ")" + name +
                   R"(", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": 8, "is_sym": false, "offset": [)" +
                   std::to_string(offset) + R"(], "scale": [)" + scale + "]}";
  }
  const auto weights = [](const std::string& name, const std::string& scales, const std::string& offsets) {
    return R"({"name": ")" + name +
           R"(", "enc_type": "PER_CHANNEL", "dtype": "INT", "bw": 8, "is_sym": true, "scale": [)" + scales +
           R"(], "offset": [)" + offsets + "]}";
  };
  return R"({"version": "1.0.0", "activation_encodings": [)" + activations + R"(], "param_encodings": [)" +
         weights("w1", "0.008, 0.0079, 0.0081, 0.0079", "-128,-128,-128,-128") + "," +
         weights("w2", "0.008, 0.0079, 0.0081, 0.0079, 0.008, 0.008", "-128,-128,-128,-128,-128,-128") + "," +
         weights("w3", "0.008, 0.0079, 0.0081, 0.0079, 0.008, 0.008", "-128,-128,-128,-128,-128,-128") + "," +
         weights("w4", "0.008, 0.0081, 0.0079", "-128,-128,-128") + "]}";
}

TEST_CASE("a network with everything in it comes near its float model and goes on to TensorFlow Lite",
          "[aimet]") {
  if (!OnnxruntimeOrSkip()) return;
  EncodingsBench aimet(SmallNetwork());
  const auto report = aimet.Import(SmallNetworkEncodings());
  INFO(report.status().message());
  REQUIRE(report.ok());
  const StepBench& bench = aimet.bench();
  // The pooled and flattened values have no encoding of their own and keep that of what they are made of.
  CHECK(IntegersNamed(bench.Read(), "pool.zero_point") == std::vector<std::int64_t>{0});
  CHECK(IntegersNamed(bench.Read(), "flat.zero_point") == std::vector<std::int64_t>{0});
  CHECK(FusedOperators(bench.out()).at("QLinearConv") == 3);
  WriteRandomSamples(bench.samples(), bench.model(), 20, 1, -1, 1);
  CHECK(MeanSqnr(Answers(bench.model(), bench.samples()), Answers(bench.out(), bench.samples()), 20) > 20);
  StepRequest request;
  request.in_path = bench.out();
  request.out_path = bench / "out.tflite";
  CHECK(RunStep("to-tflite", request).status().message() == "");
}

// As quantise_static of ONNX Runtime writes it: int8 weights with a scale per channel, int32 bias.
onnx::ModelProto RuntimeStyle() {
  onnx::ModelProto model = GemmNetwork(true);
  auto* const graph = model.mutable_graph();
  graph->clear_node();
  graph->clear_initializer();
  const auto add = [&](const onnx::NodeProto& node) { *graph->add_node() = node; };
  *graph->add_initializer() = MakeFloats("x_scale", {}, {0.01F});
  *graph->add_initializer() = MakeIntegers("x_zero_point", ElementType::kUint8, {}, {128});
  *graph->add_initializer() = MakeIntegers("w_quantized", ElementType::kInt8, {2, 2}, {3, -1, 1, 12});
  *graph->add_initializer() = MakeFloats("w_scale", {2}, {0.5F, 0.25F});
  *graph->add_initializer() = MakeIntegers("w_zero_point", ElementType::kInt8, {2}, {0, 0});
  *graph->add_initializer() = MakeIntegers("b_quantized", ElementType::kInt32, {2}, {60, -440});
  *graph->add_initializer() = MakeFloats("b_scale", {2}, {0.005F, 0.0025F});
  add(MakeNode("QuantizeLinear", "x_q", {"image", "x_scale", "x_zero_point"}, {"x_quantized"}));
  add(MakeNode("DequantizeLinear", "x_dq", {"x_quantized", "x_scale", "x_zero_point"}, {"x_dequantized"}));
  for (const std::string name : {"w", "b"}) {
    std::vector<std::string> inputs{name + "_quantized", name + "_scale"};
    if (name == "w") inputs.emplace_back("w_zero_point");
    onnx::NodeProto node = MakeNode("DequantizeLinear", name + "_dq", inputs, {name + "_dequantized"});
    SetIntAttribute(&node, "axis", 0);
    add(node);
  }
  onnx::NodeProto gemm =
      MakeNode("Gemm", "gemm", {"x_dequantized", "w_dequantized", "b_dequantized"}, {"scores"});
  SetIntAttribute(&gemm, "transB", 1);
  add(gemm);
  return model;
}

// As NVIDIA's tools write it: QuantizeLinear on the float weights, zero points of int8 zeros, names of scopes.
onnx::ModelProto NvidiaStyle() {
  onnx::ModelProto model = GemmNetwork(true);
  model.set_producer_name("pytorch");
  auto* const graph = model.mutable_graph();
  onnx::NodeProto gemm = graph->node(0);
  graph->clear_node();
  const auto pair = [&](const std::string& input, const Shape& shape, const std::vector<float>& scales) {
    const std::string scope = "/fc/" + input + "_quantizer/";
    *graph->add_initializer() = MakeFloats(scope + "scale", shape, scales);
    *graph->add_initializer() =
        MakeIntegers(scope + "zero", ElementType::kInt8, shape, std::vector<std::int64_t>(scales.size(), 0));
    for (const auto& [type, from, to] : {std::tuple("QuantizeLinear", input, scope + "q"),
                                         std::tuple("DequantizeLinear", scope + "q", scope + "dq")}) {
      onnx::NodeProto node = MakeNode(type, scope + type, {from, scope + "scale", scope + "zero"}, {to});
      SetIntAttribute(&node, "axis", 0);
      *graph->add_node() = node;
    }
    return scope + "dq";
  };
  gemm.set_input(0, pair("image", {}, {0.02F}));
  gemm.set_input(1, pair("w", {2}, {0.01F, 0.02F}));
  *graph->add_node() = gemm;
  return model;
}

TEST_CASE("what other tools have quantised goes through int8 byte for byte, and runs", "[int8]") {
  if (!OnnxruntimeOrSkip()) return;
  StepBench bench;
  std::vector<std::string> models;
  for (const onnx::ModelProto& model : {RuntimeStyle(), NvidiaStyle()}) {
    models.push_back(bench / ("model" + std::to_string(models.size()) + ".onnx"));
    WriteModel(models.back(), model);
  }
  for (const std::string name : {"kws_int8.onnx", "ic_resnet8_int8.onnx"}) {
    if (const std::string path = PublicModelOrSkip(name); !path.empty()) models.push_back(path);
  }
  for (const std::string& model : models) {
    INFO(model);
    WriteRandomSamples(bench.samples(), model, 2, 1, -1, 1);
    const auto report = bench.Run("int8", model);
    INFO(report.status().message());
    REQUIRE(report.ok());
    CHECK_THAT(AllLines(*report), Contains("quantised already"));
    CHECK(ReadBytes(bench.out()) == ReadBytes(model));
    CHECK_FALSE(Answers(bench.out(), bench.samples()).empty());
  }
}

TEST_CASE("what ties model and encodings must fit, or the tensor is named", "[aimet]") {
  EncodingsBench aimet(GemmNetwork());
  const auto activation = [](const std::string& name, const std::string& bits, const std::string& offset) {
    return R"({"activation_encodings": {")" + name + R"(": [{"bitwidth": )" + bits +
           R"(, "scale": 1, "offset": )" + offset + "}]}}";
  };
  CHECK_THAT(aimet.RefusalOf(activation("picture", "8", "0")),
             Contains("'picture'") && Contains("one export"));
  CHECK_THAT(aimet.RefusalOf(activation("image", "16", "0")), Contains("'image'") && Contains("16 bits"));
  CHECK_THAT(aimet.RefusalOf(R"({"activation_encodings": {)" + Channels("image", {"1", "2"}) + "}}"),
             Contains("'image'") && Contains("each channel"));
  CHECK_THAT(aimet.RefusalOf(R"({"param_encodings": {)" + Channels("w", {"1", "2", "3"}) + "}}"),
             Contains("'w'") && Contains("[2,2]") && Contains("3 scales"));
  CHECK_THAT(aimet.RefusalOf("{"), Contains("net.encodings"));
  REQUIRE(aimet.Import("{" + std::string(kGemmActivations) + "}").ok());
  EncodingsBench again(aimet.bench().Read().model());
  CHECK_THAT(again.RefusalOf("{" + std::string(kGemmActivations) + "}"), Contains("quantised already"));
  StepRequest request;
  request.in_path = aimet.bench().model();
  request.out_path = aimet.bench().out();
  CHECK_THAT(RunStep("import-encodings", request).status().message(), Contains(".encodings"));
}

}  // namespace
}  // namespace paddock
