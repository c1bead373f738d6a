// Public models converted to the other format: both runtimes must agree. Skips where models or runtimes are missing.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "prepare/steps.h"
#include "tests/conformance/all_rows.h"
#include "tests/conformance/two_runtimes.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

namespace fs = std::filesystem;
constexpr int kSamples = 50;

std::vector<std::string> PublicModels(const std::string& extension) {
  std::set<std::string> paths;
  const std::string folder = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny/";
  if (fs::exists(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == extension) paths.insert(entry.path());
    }
  }
  if (extension == ".onnx") paths.insert(PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx");
  return {paths.begin(), paths.end()};
}

// The model up to its last DequantizeLinear: a softmax behind it would blur how many steps integers are apart.
std::string WithoutSoftmax(const std::string& path, const TempDir& folder) {
  onnx::ModelProto model;
  std::ifstream file(path, std::ios::binary);
  REQUIRE(model.ParseFromIstream(&file));
  auto* const graph = model.mutable_graph();
  const auto& last = graph->node(graph->node_size() - 1);
  if (last.op_type() != "Softmax") return path;
  graph->mutable_output(0)->set_name(last.input(0));
  graph->mutable_node()->RemoveLast();
  const std::string cut = folder / fs::path(path).filename().string();
  std::ofstream out(cut, std::ios::binary);
  REQUIRE(model.SerializeToOstream(&out));
  return cut;
}

std::string Converted(const std::string& step, const std::string& path, const TempDir& folder,
                      const std::string& extension) {
  StepRequest request;
  request.in_path = path;
  request.out_path = folder / (fs::path(path).stem().string() + extension);
  const auto report = RunStep(step, request);
  INFO(path);
  REQUIRE(report.status().ToString() == "OK");
  return request.out_path;
}

// Prints what was found; absent without the runtimes.
std::optional<RuntimeAgreement> AgreementOf(const std::string& onnx_path, const std::string& tflite_path,
                                            const std::string& provider) {
  std::string why;
  auto onnx = RuntimeModel::Open("onnxruntime", {}, onnx_path, &why);
  auto tflite = RuntimeModel::Open("tflite", {{"execution_provider", provider}}, tflite_path, &why);
  if (!onnx || !tflite) {
    WARN("skipped: " << why);
    return std::nullopt;
  }
  const RuntimeAgreement agreement = Compare(*onnx, *tflite, kSamples);
  std::cout << fs::path(tflite_path).filename().string() << " on " << provider << ": " << agreement.Text()
            << "\n";
  return agreement;
}

TEST_CASE("every public ONNX model converts to TensorFlow Lite, and the runtimes agree", "[conformance]") {
  const TempDir folder;
  for (const std::string& path : PublicModels(".onnx")) {
    INFO(path);
    const bool is_int8 = path.find("int8") != std::string::npos;
    const std::string measured = is_int8 ? WithoutSoftmax(path, folder) : path;
    const std::string converted = Converted("to-tflite", measured, folder, ".tflite");
    for (const std::string provider : {"xnnpack", "cpu"}) {
      const auto agreement = AgreementOf(measured, converted, provider);
      if (!agreement) return;
      CHECK(agreement->largest_difference <= 1e-5);
      CHECK(agreement->by_steps.empty() != is_int8);
      CHECK(agreement->same_top1 >= kSamples * 9 / 10);
      // The library's own x86 kernels round twice on the way; XNNPACK and ONNX Runtime once.
      const auto allowed = provider == "cpu" ? agreement->Elements() / 4 : 0;
      CHECK(agreement->BeyondOneStep() <= allowed);
    }
  }
}

TEST_CASE("every public TensorFlow Lite model converts to ONNX, and the runtimes agree", "[conformance]") {
  const TempDir folder;
  for (const std::string& path : PublicModels(".tflite")) {
    INFO(path);
    const std::string converted = Converted("to-onnx", path, folder, ".onnx");
    for (const std::string provider : {"xnnpack", "cpu"}) {
      const auto agreement = AgreementOf(converted, path, provider);
      if (!agreement) return;
      CHECK(agreement->same_top1 >= kSamples * 9 / 10);
      // A softmax of 256 steps spreads one step of a logit over several of its own.
      CHECK(agreement->BeyondOneStep() * (provider == "cpu" ? 4 : 10) <= agreement->Elements());
    }
  }
}

// Of the 1000 public keyword samples, which are int8 already. Absent without the runtime.
std::optional<int> RightKeywords(const std::string& driver, const DriverOptions& options,
                                 const std::string& path) {
  std::string why;
  auto model = RuntimeModel::Open(driver, options, path, &why);
  if (!model) {
    WARN("skipped: " << why);
    return std::nullopt;
  }
  auto file = DataFile::Open(PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny/kws01.npz");
  REQUIRE(file.ok());
  const Tensor samples = AllRows(*file, "x");
  const Tensor labels = AllRows(*file, "y");
  const std::size_t row = samples.bytes.size() / 1000;
  const auto quantization = model->inputs().at(0).quantization;
  REQUIRE(model->inputs().at(0).type == ElementType::kInt8);
  int right = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    // The samples are quantised as the TensorFlow Lite model has it; the ONNX model has a scale of its own.
    Tensor input{model->inputs()[0], std::vector<std::byte>(row)};
    for (std::size_t k = 0; k < row; ++k) {
      double integer = ElementAsDouble(samples.view(), i * row + k);
      if (const auto& own = quantization) {
        const double real = (integer - 83) * 0.5847029089927673;
        integer = std::clamp(std::nearbyint(real / own->scale) + static_cast<double>(own->zero_point), -128.0,
                             127.0);
      }
      input.bytes[k] = static_cast<std::byte>(static_cast<std::int8_t>(integer));
    }
    const auto outputs = model->Run({input});
    const TensorView scores = outputs.at(0).view();
    std::size_t best = 0;
    for (std::size_t k = 1; k < 12; ++k) {
      if (ElementAsDouble(scores, k) > ElementAsDouble(scores, best)) best = k;
    }
    right += static_cast<double>(best) == ElementAsDouble(labels.view(), i) ? 1 : 0;
  }
  return right;
}

TEST_CASE("the keyword model keeps its accuracy in the other format", "[conformance]") {
  const std::string folder = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny/";
  if (!fs::exists(folder)) {
    WARN("skipped: there is no " << folder);
    return;
  }
  const TempDir made;
  const std::string from_onnx = Converted("to-tflite", folder + "kws_int8.onnx", made, ".tflite");
  const std::string from_tflite = Converted("to-onnx", folder + "kws_int8.tflite", made, ".onnx");
  const auto tflite = RightKeywords("tflite", {{"execution_provider", "xnnpack"}}, from_onnx);
  const auto onnx = RightKeywords("onnxruntime", {}, from_tflite);
  if (tflite) CHECK(*tflite == 902);
  if (onnx) CHECK(*onnx == 902);  // TensorFlow Lite's own x86 kernels give 901
}

}  // namespace
}  // namespace paddock
