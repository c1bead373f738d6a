// Public models converted to the other format: both runtimes must agree. Skips where models or runtimes are missing.
#include <onnx/onnx_pb.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "prepare/steps.h"
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

}  // namespace
}  // namespace paddock
