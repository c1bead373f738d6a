// Small ONNX models of each operator that conversions know, with random weights: to TensorFlow Lite and back, as they are and
// quantised by the `int8` step. Both runtimes must agree.
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <iostream>

#include "base/random.h"
#include "kpi/tensor_file.h"
#include "prepare/model_info.h"
#include "prepare/onnx_graph.h"
#include "prepare/steps.h"
#include "tests/conformance/two_runtimes.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

struct OperatorCase {
  std::string name;
  std::string output;  // "float[1,4,8,8] y"
  std::string nodes;
  std::map<std::string, Shape> weights;                            // random
  std::map<std::string, std::vector<std::int64_t>> integers = {};  // int64 initializers
  std::string input = "float[1,3,9,7] x";
  bool is_int8_throughout = false;  // once quantised by the `int8` step
};

std::vector<OperatorCase> OperatorCases() {
  const std::map<std::string, Shape> conv3 = {{"w", {4, 3, 3, 3}}, {"b", {4}}};
  return {
      {"same padding",
       "float[1,4,9,7] y",
       "y = Conv <pads = [1,1,1,1]> (x, w, b)",
       conv3,
       {},
       "float[1,3,9,7] x",
       true},
      {"pytorch padding of a stride",
       "float[1,4,5,4] y",
       "c = Conv <pads = [1,1,1,1], strides = [2,2]> (x, w, b) y = Relu (c)",
       conv3,
       {},
       "float[1,3,10,8] x",
       true},
      {"one-sided padding", "float[1,4,8,7] y", "y = Conv <pads = [0,2,1,0]> (x, w, b)", conv3},
      {"dilation", "float[1,4,5,3] y", "y = Conv <dilations = [2,2]> (x, w, b)", conv3},
      {"depthwise",
       "float[1,6,9,7] y",
       "y = Conv <pads = [1,1,1,1], group = 3> (x, w, b)",
       {{"w", {6, 1, 3, 3}}, {"b", {6}}},
       {},
       "float[1,3,9,7] x",
       true},
      {"no bias", "float[1,4,7,5] y", "y = Conv (x, w)", {{"w", {4, 3, 3, 3}}}},
      {"automatic padding",
       "float[1,4,5,4] y",
       "y = Conv <auto_pad = \"SAME_LOWER\", strides = [2,2]> (x, w, b)",
       conv3,
       {},
       "float[1,3,10,8] x"},
      {"batch norm behind a convolution",
       "float[1,4,7,5] y",
       "c = Conv (x, w, b) n = BatchNormalization (c, gamma, beta, mean, variance) y = Relu (n)",
       {{"w", {4, 3, 3, 3}}, {"b", {4}}, {"gamma", {4}}, {"beta", {4}}, {"mean", {4}}, {"variance", {4}}}},
      {"batch norm alone",
       "float[1,3,9,7] y",
       "r = Relu (x) y = BatchNormalization (r, gamma, beta, mean, variance)",
       {{"gamma", {3}}, {"beta", {3}}, {"mean", {3}}, {"variance", {3}}}},
      {"pools",
       "float[1,3,2,2] y",
       "m = MaxPool <kernel_shape = [3,3], strides = [2,2], pads = [1,1,1,1]> (x) "
       "y = AveragePool <kernel_shape = [2,2], strides = [2,2]> (m)",
       {}},
      {"pool that rounds up",
       "float[1,3,5,4] y",
       "y = MaxPool <kernel_shape = [2,2], strides = [2,2], ceil_mode = 1> (x)",
       {}},
      {"pool that counts zeros",
       "float[1,3,9,7] y",
       "y = AveragePool <kernel_shape = [3,3], pads = [1,1,1,1], count_include_pad = 1> (x)",
       {}},
      {"classifier",
       "float[1,5] y",
       "c = Conv <pads = [1,1,1,1]> (x, w, b) r = Relu (c) p = MaxPool <kernel_shape = [2,2], strides = "
       "[2,2]> (r) f = Flatten (p) "
       "y = Gemm <transB = 1> (f, m, v)",
       {{"w", {4, 3, 3, 3}}, {"b", {4}}, {"m", {5, 48}}, {"v", {5}}},
       {},
       "float[1,3,9,7] x",
       true},
      {"global mean",
       "float[1,5] y",
       "c = Conv (x, w, b) g = GlobalAveragePool (c) f = Flatten (g) y = Gemm (f, m, v)",
       {{"w", {4, 3, 3, 3}}, {"b", {4}}, {"m", {4, 5}}, {"v", {5}}},
       {},
       "float[1,3,9,7] x",
       true},
      {"means", "float[1,3] y", "y = ReduceMean <axes = [2,3], keepdims = 0> (x)", {}},
      {"mean of channels", "float[1,9,7] y", "y = ReduceMean <axes = [1], keepdims = 0> (x)", {}},
      {"residual",
       "float[1,3,9,7] y",
       "c = Conv <pads = [1,1,1,1]> (x, w, b) a = Add (c, x) y = Relu (a)",
       {{"w", {3, 3, 3, 3}}, {"b", {3}}},
       {},
       "float[1,3,9,7] x",
       true},
      {"arithmetic with constants",
       "float[1,3,9,7] y",
       "a = Mul (x, s) c = Sub (a, t) d = Div (c, u) y = Add (d, o)",
       {{"s", {3, 1, 1}}, {"t", {1, 3, 1, 1}}, {"u", {1}}, {"o", {9, 7}}}},
      {"gate per channel",
       "float[1,3,9,7] y",
       "g = GlobalAveragePool (x) c = Conv (g, w, b) h = HardSigmoid <alpha = 0.16666667, beta = 0.5> (c) y "
       "= Mul (x, h)",
       {{"w", {3, 3, 1, 1}}, {"b", {3}}}},
      {"functions",
       "float[1,3,9,7] y",
       "a = Sigmoid (x) c = Tanh (a) d = LeakyRelu <alpha = 0.2> (c) e = HardSwish (d) y = Softmax <axis = "
       "1> (e)",
       {}},
      {"softmax of a line", "float[1,9,7] y", "y = LogSoftmax <axis = 1> (x)", {}, {}, "float[1,9,7] x"},
      {"clips",
       "float[1,3,9,7] y",
       "c = Conv <pads = [1,1,1,1]> (x, w) r = Clip (c, zero, six) y = Clip (r, half, six)",
       {{"w", {3, 3, 3, 3}}}},
      {"concatenation", "float[1,6,9,7] y", "a = Relu (x) c = Sigmoid (x) y = Concat <axis = 1> (a, c)", {}},
      {"shapes",
       "float[1,21,9] y",
       "r = Reshape (x, s) t = Transpose <perm = [0,2,1]> (r) u = Unsqueeze (t, one) q = Squeeze (u, one) y "
       "= Identity (q)",
       {},
       {{"s", {1, 9, 21}}, {"one", {1}}}},
      {"padding", "float[1,3,12,9] y", "y = Pad (x, p)", {}, {{"p", {0, 0, 1, 2, 0, 0, 2, 0}}}},
      {"matrix behind three dimensions",
       "float[1,9,4] y",
       "m = MatMul (x, w) a = Add (m, b) y = Relu (a)",
       {{"w", {7, 4}}, {"b", {4}}},
       {},
       "float[1,9,7] x",
       true},
      {"nearest",
       "float[1,3,18,14] y",
       "y = Resize <mode = \"nearest\", coordinate_transformation_mode = \"asymmetric\", nearest_mode = "
       "\"floor\"> (x, , , s)",
       {},
       {{"s", {1, 3, 18, 14}}}},
      {"linear",
       "float[1,3,18,14] y",
       "y = Resize <mode = \"linear\", coordinate_transformation_mode = \"half_pixel\"> (x, , , s)",
       {},
       {{"s", {1, 3, 18, 14}}}},
      {"flatten that computes its shape",
       "float[N,4] y",
       "c = Conv (x, w, b) s = Shape (c) i = Gather <axis = 0> (s, first) k = Concat <axis = 0> (i, rest) f "
       "= Reshape (c, k) y = MatMul (f, m)",
       {{"w", {4, 3, 3, 3}}, {"b", {4}}, {"m", {140, 4}}},
       {{"first", {0}}, {"rest", {-1}}},
       "float[N,3,9,7] x",
       true},
      {"concatenation of convolutions",
       "float[1,8,9,7] y",
       "c = Conv <pads = [1,1,1,1]> (x, w, b) r = Relu (c) d = Conv <pads = [1,1,1,1]> (x, v, b) y = Concat "
       "<axis = 1> (r, d)",
       {{"w", {4, 3, 3, 3}}, {"v", {4, 3, 3, 3}}, {"b", {4}}},
       {},
       "float[1,3,9,7] x",
       true},
      {"functions behind a convolution",
       "float[1,4] y",
       "c = Conv <pads = [1,1,1,1]> (x, w, b) s = Sigmoid (c) t = Mul (c, s) a = LeakyRelu <alpha = 0.1> (t) "
       "p = AveragePool <kernel_shape = [9,7]> (a) "
       "f = Flatten (p) y = Softmax (f)",
       {{"w", {4, 3, 3, 3}}, {"b", {4}}},
       {},
       "float[1,3,9,7] x",
       true},
      {"its own turning",
       "float[1,7,5,4] y",
       "t = Transpose <perm = [0,3,1,2]> (x) c = Conv (t, w, b) y = Transpose <perm = [0,2,3,1]> (c)",
       conv3,
       {},
       "float[1,9,7,3] x",
       true},
  };
}

std::string WriteCase(const OperatorCase& one, const TempDir& folder) {
  onnx::ModelProto model;
  model.set_ir_version(7);
  model.add_opset_import()->set_version(14);
  const std::string text = "g (" + one.input + ") => (" + one.output + ") { " + one.nodes + " }";
  const auto parsed = onnx::OnnxParser::Parse(*model.mutable_graph(), text.c_str());
  INFO(parsed.ErrorMessage());
  REQUIRE(parsed.IsOK());
  Random random(3);
  auto* const graph = model.mutable_graph();
  for (const auto& [name, shape] : one.weights) {
    std::vector<float> values(ElementCount(shape).value());
    for (float& value : values)
      value = static_cast<float>(name == "variance" || name == "u" ? 0.5 + random.Uniform()
                                                                   : random.Uniform() - 0.5);
    *graph->add_initializer() = MakeFloats(name, shape, values);
  }
  for (const auto& [name, values] : one.integers)
    *graph->add_initializer() =
        MakeIntegers(name, ElementType::kInt64, {static_cast<std::int64_t>(values.size())}, values);
  if (one.name == "clips") {
    for (const auto& [name, value] :
         {std::pair("zero", 0.0F), std::pair("half", 0.25F), std::pair("six", 6.0F)})
      *graph->add_initializer() = MakeFloats(name, {}, {value});
  }
  const std::string path = folder / "case.onnx";
  std::ofstream file(path, std::ios::binary);
  REQUIRE(model.SerializeToOstream(&file));
  return path;
}

std::string Step(const std::string& step, const std::string& in, const std::string& out,
                 const std::string& calibration = {}) {
  StepRequest request;
  request.in_path = in;
  request.out_path = out;
  request.calibration_path = calibration;
  const auto report = RunStep(step, request);
  REQUIRE(report.status().ToString() == "OK");
  return out;
}

// False without the runtimes.
bool CompareCase(const std::string& onnx_path, const std::string& tflite_path, RuntimeAgreement* agreement) {
  std::string why;
  auto onnx = RuntimeModel::Open("onnxruntime", {}, onnx_path, &why);
  auto tflite = RuntimeModel::Open("tflite", {{"execution_provider", "xnnpack"}}, tflite_path, &why);
  if (!onnx || !tflite) WARN("skipped: " << why);
  if (onnx && tflite) *agreement = Compare(*onnx, *tflite, 10);
  return onnx && tflite;
}

TEST_CASE("each operator gives in TensorFlow Lite, and converted back, what it gives in ONNX",
          "[conformance]") {
  for (const OperatorCase& one : OperatorCases()) {
    INFO(one.name);
    const TempDir folder;
    RuntimeAgreement agreement;
    const std::string path = WriteCase(one, folder);
    const std::string converted = Step("to-tflite", path, folder / "case.tflite");
    if (!CompareCase(path, converted, &agreement)) return;
    CHECK(agreement.largest_difference <= 1e-5);
    const std::string back = Step("to-onnx", converted, folder / "back.onnx");
    REQUIRE(CompareCase(back, converted, &agreement));
    CHECK(agreement.largest_difference <= 1e-5);
  }
}

TEST_CASE("what the int8 step makes is int8 in TensorFlow Lite, to one step of its quantisation",
          "[conformance]") {
  for (const OperatorCase& one : OperatorCases()) {
    if (!one.weights.contains("w")) continue;
    INFO(one.name);
    const TempDir folder;
    const std::string path = WriteCase(one, folder);
    const auto info = ReadModelInfo(path);
    Shape shape = info->inputs[0].shape;
    shape[0] = 32;
    Random random(5);
    std::vector<float> values(ElementCount(shape).value());
    for (float& value : values) value = static_cast<float>(2 * random.Uniform() - 1);
    Tensor samples{{"x", ElementType::kFloat32, shape}, std::vector<std::byte>(4 * values.size())};
    std::memcpy(samples.bytes.data(), values.data(), samples.bytes.size());
    const std::string calibration = folder / "calibration";
    std::ofstream(calibration, std::ios::binary) << EncodeTensorFile({samples}).value();
    std::string why;
    if (!RuntimeModel::Open("onnxruntime", {}, path, &why)) {
      WARN("skipped: " << why);
      return;
    }
    const std::string quantized = Step("int8", path, folder / "int8.onnx", calibration);
    const std::string converted = Step("to-tflite", quantized, folder / "int8.tflite");
    const auto made = ReadModelInfo(converted);
    REQUIRE(made.ok());
    CHECK(made->inputs[0].type == ElementType::kInt8);
    if (one.is_int8_throughout) CHECK(made->operators.count("DEQUANTIZE") == 0);
    RuntimeAgreement agreement;
    if (!CompareCase(quantized, converted, &agreement)) return;
    std::cout << one.name << ": " << agreement.Text() << "\n";
    CHECK(agreement.BeyondOneStep() == 0);
    const std::string back = Step("to-onnx", converted, folder / "back.onnx");
    REQUIRE(CompareCase(back, converted, &agreement));
    CHECK(agreement.BeyondOneStep() == 0);
  }
}

}  // namespace
}  // namespace paddock
