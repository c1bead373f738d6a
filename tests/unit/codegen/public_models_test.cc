// The models of MLPerf Tiny against ONNX Runtime, and what they need of memory.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "prepare/codegen/plan_arena.h"
#include "prepare/data_file.h"
#include "tests/unit/codegen/runtime_comparison.h"

namespace paddock {
namespace {

std::size_t Largest(const std::vector<float>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

struct PublicModel {
  std::string file;
  std::uint64_t arena_bytes;
  std::size_t layers;
  int samples;
  double steps;         // of integer outputs, in the worst element
  std::size_t unequal;  // elements
  double relative;      // of float outputs
};

TEST_CASE("the public models import, fit and agree with ONNX Runtime", "[codegen][public]") {
  // Goals of whole images, to which firmware adds some kilobytes: 60, 22, 98 and 9 kB.
  // The softmax of three of them is float, and all integers before it are equal. In one of the ten samples of the autoencoder,
  // which are noise, a sum in the first layer is 44.50002 steps; in float32 it is below 44.5, and eight layers make more of it.
  const std::vector<PublicModel> models = {
      {"ic_resnet8_int8.onnx", 53'400, 16, 1, 0, 0, 1e-6},
      {"kws_int8.onnx", 9'100, 13, 2, 0, 0, 1e-6},
      {"vww_mobilenet_int8.onnx", 83'100, 32, 1, 0, 0, 1e-6},
      {"ad_autoencoder_int8.onnx", 2'600, 10, 10, 3.01, 390, 0},
      {"ic_resnet8_fp32.onnx", 209'000, 16, 1, 0, 0, 1e-5},
      {"vww_mobilenet_fp32.onnx", 332'000, 31, 1, 0, 0, 1e-5},
  };
  for (const PublicModel& model : models) {
    CAPTURE(model.file);
    const std::string path = SharedFileOrSkip(model.file);
    const auto library = RuntimeOrSkip();
    if (path.empty() || library == nullptr) return;
    const auto network = ImportedFile(path);
    INFO(network.status().ToString());
    REQUIRE(network.ok());
    CHECK(network->arena_bytes <= model.arena_bytes);
    CHECK(network->layers.size() == model.layers);
    std::size_t layer = 0;
    CHECK(LeastArenaBytes(*network, &layer) == network->arena_bytes);
    const OnnxGraph graph = OnnxGraph::Read(path).value();
    const Difference worst = Compare(library, graph.model(), *network, model.samples);
    CHECK(worst.steps <= model.steps);
    CHECK(worst.relative <= model.relative);
    CHECK(worst.unequal <= model.unequal);
  }
}

void CheckKeywords(std::uint64_t step) {
  const std::string path = SharedFileOrSkip("kws_int8.onnx");
  const std::string data = SharedFileOrSkip("kws01.npz");
  const auto library = RuntimeOrSkip();
  if (path.empty() || data.empty() || library == nullptr) return;
  const Network network = ImportedFile(path).value();
  const OnnxGraph graph = OnnxGraph::Read(path).value();
  Runtime runtime(library, graph.model(), network);
  auto file = DataFile::Open(data);
  REQUIRE(file.ok());
  const NetworkValue& input = network.values[network.inputs[0]];
  std::uint64_t same = 0;
  std::uint64_t samples = 0;
  for (std::uint64_t row = 0; row < 1000; row += step, ++samples) {
    const auto array = file->ReadRows("x", std::vector{row});
    REQUIRE(array.ok());
    ValueBytes bytes;
    for (std::size_t i = 0; i < 490; ++i) {
      const double real = (ElementAsDouble(array->view(), i) - 83) * 0.5847029089927673;
      const double integer = std::nearbyint(real / input.quantization->scale) +
                             static_cast<double>(input.quantization->zero_point);
      bytes.push_back(static_cast<std::byte>(static_cast<int>(std::clamp(integer, -128.0, 127.0)) & 0xff));
    }
    const std::vector<ValueBytes> outputs = RunReferenceInArena(network, {bytes});
    const std::vector<float> given = Reals(network.values[network.outputs[0]], outputs[0]);
    same += Largest(given) == Largest(runtime.Run({bytes})[0]) ? 1 : 0;
  }
  CHECK(same == samples);
}

TEST_CASE("keywords are told apart as ONNX Runtime does", "[codegen][public]") { CheckKeywords(40); }
TEST_CASE("all thousand keywords are told apart as ONNX Runtime does", "[.][all-keywords]") {
  CheckKeywords(1);
}

}  // namespace
}  // namespace paddock
