// The C that is generated for the models of MLPerf Tiny, built and run on this machine, against ONNX Runtime on the same samples.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>

#include "prepare/data_file.h"
#include "tests/unit/codegen/generated_program.h"
#include "tests/unit/codegen/random_network.h"
#include "tests/unit/codegen/runtime_comparison.h"

namespace paddock {
namespace {

using Samples = std::vector<std::vector<ValueBytes>>;

// How outputs differ from ONNX Runtime's: integers in steps, floats as they are.
struct Agreement {
  std::size_t same_largest = 0;
  std::size_t equal_samples = 0;
  std::size_t unequal_elements = 0;
  std::size_t elements = 0;
  double largest_difference = 0;
  double most_logit_steps = 0;  // before a softmax
};

std::size_t Largest(const std::vector<float>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

// Of the integers that a last Softmax is given; 0: there is none.
double LogitScale(const Network& network) {
  const NetworkLayer* softmax = nullptr;
  for (const NetworkLayer& layer : network.layers) {
    if (layer.kind == LayerKind::kSoftmax && layer.output == network.outputs[0]) softmax = &layer;
  }
  for (const NetworkLayer& layer : network.layers) {
    if (softmax == nullptr || layer.kind != LayerKind::kDequantize || layer.output != softmax->inputs[0])
      continue;
    return network.values[layer.inputs[0]].quantization->scale;
  }
  return 0;
}

// By how many steps a logit differs at the most. ln(softmax(z)[j]) - z[j] is the same for all j, and most logits are equal: what
// all have in common is the median. Float32 has too few digits for probabilities near 0.
double LogitSteps(const std::vector<float>& given, const std::vector<float>& wanted, double scale) {
  std::vector<double> steps;
  for (std::size_t j = 0; j < wanted.size(); ++j) {
    if (given[j] < 1e-30F || wanted[j] < 1e-30F) continue;
    steps.push_back((std::log(static_cast<double>(given[j])) - std::log(static_cast<double>(wanted[j]))) /
                    scale);
  }
  if (steps.empty()) return 0;
  std::sort(steps.begin(), steps.end());
  const double median = steps[steps.size() / 2];
  return std::max(median - steps.front(), steps.back() - median);
}

Agreement Compare(const Network& network, const Samples& samples, const Samples& outputs, Runtime& runtime,
                  double tolerance) {
  const NetworkValue& value = network.values[network.outputs[0]];
  const double unit = value.quantization ? value.quantization->scale : 1;
  const double logit_scale = LogitScale(network);
  Agreement agreement;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::vector<float> given = Reals(value, outputs[i][0]);
    const std::vector<float> wanted = runtime.Run(samples[i])[0];
    std::size_t unequal = 0;
    for (std::size_t j = 0; j < wanted.size(); ++j) {
      const double difference =
          std::abs(static_cast<double>(given[j]) - static_cast<double>(wanted[j])) / unit;
      unequal += difference > tolerance ? 1 : 0;
      agreement.largest_difference = std::max(agreement.largest_difference, difference);
    }
    if (logit_scale > 0) {
      agreement.most_logit_steps =
          std::max(agreement.most_logit_steps, LogitSteps(given, wanted, logit_scale));
    }
    agreement.elements += wanted.size();
    agreement.unequal_elements += unequal;
    agreement.equal_samples += unequal == 0 ? 1 : 0;
    agreement.same_largest += Largest(given) == Largest(wanted) ? 1 : 0;
  }
  return agreement;
}

struct Case {
  std::string file;
  int samples;       // of noise over all inputs
  double tolerance;  // within which elements are equal; of integers in steps
  std::size_t least_same_largest;
  std::size_t most_unequal_elements;
  double largest_difference;
  double most_logit_steps;
};

TEST_CASE("the C of public models computes what ONNX Runtime computes", "[codegen][public]") {
  // The bounds leave room for how ONNX Runtime sums on other processors; docs/code_generation.md says what was measured.
  const Case model = GENERATE(Case{"ic_resnet8_int8.onnx", 200, 1e-6, 198, 120, 0.07, 2.01},
                              Case{"vww_mobilenet_int8.onnx", 50, 1e-6, 50, 8, 0.02, 1.01},
                              Case{"ad_autoencoder_int8.onnx", 200, 0.5, 199, 800, 3.01, 0},
                              Case{"ic_resnet8_fp32.onnx", 20, 1e-5, 20, 0, 1e-5, 0},
                              Case{"vww_mobilenet_fp32.onnx", 10, 1e-5, 10, 0, 1e-5, 0});
  const std::string path = SharedFileOrSkip(model.file);
  const auto library = RuntimeOrSkip();
  if (path.empty() || library == nullptr) return;
  const Network network = ImportedFile(path).value();
  Samples samples;
  for (int i = 0; i < model.samples; ++i) samples.push_back(RandomInputs(network, static_cast<unsigned>(i)));
  const auto outputs = RunGenerated(network, samples, FastHostTarget());
  if (!outputs) return;
  Runtime runtime(library, OnnxGraph::Read(path).value().model(), network);
  const Agreement agreement = Compare(network, samples, *outputs, runtime, model.tolerance);
  std::printf(
      "%s: %d samples, %zu equal; %zu of %zu elements unequal, by at most %.3g (%.2f steps of a logit); same "
      "largest %zu\n",
      model.file.c_str(), model.samples, agreement.equal_samples, agreement.unequal_elements,
      agreement.elements, agreement.largest_difference, agreement.most_logit_steps, agreement.same_largest);
  CAPTURE(model.file, agreement.same_largest, agreement.unequal_elements, agreement.largest_difference);
  CHECK(agreement.same_largest >= model.least_same_largest);
  CHECK(agreement.unequal_elements <= model.most_unequal_elements);
  CHECK(agreement.largest_difference <= model.largest_difference);
  CHECK(agreement.most_logit_steps <= model.most_logit_steps);
}

TEST_CASE("the C of the keyword model answers the thousand samples as ONNX Runtime does",
          "[codegen][public]") {
  const std::string path = SharedFileOrSkip("kws_int8.onnx");
  const std::string data = SharedFileOrSkip("kws01.npz");
  const auto library = RuntimeOrSkip();
  if (path.empty() || data.empty() || library == nullptr) return;
  const Network network = ImportedFile(path).value();
  const Quantization& quantization = *network.values[network.inputs[0]].quantization;
  std::vector<std::uint64_t> rows(1000);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  auto file = DataFile::Open(data);
  REQUIRE(file.ok());
  const auto array = file->ReadRows("x", rows);
  const auto labels = file->ReadRows("y", rows);
  REQUIRE((array.ok() && labels.ok()));
  Samples samples;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ValueBytes bytes;
    for (std::size_t i = 0; i < 490; ++i) {
      const double real = (ElementAsDouble(array->view(), row * 490 + i) - 83) * 0.5847029089927673;
      const double integer =
          std::nearbyint(real / quantization.scale) + static_cast<double>(quantization.zero_point);
      bytes.push_back(static_cast<std::byte>(static_cast<int>(std::clamp(integer, -128.0, 127.0)) & 0xff));
    }
    samples.push_back({bytes});
  }
  const auto outputs = RunGenerated(network, samples, FastHostTarget());
  if (!outputs) return;
  Runtime runtime(library, OnnxGraph::Read(path).value().model(), network);
  const Agreement agreement = Compare(network, samples, *outputs, runtime, 1e-6);
  std::size_t right = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::vector<float> given = Reals(network.values[network.outputs[0]], (*outputs)[row][0]);
    right += static_cast<double>(Largest(given)) == ElementAsDouble(labels->view(), row) ? 1 : 0;
  }
  std::printf("kws_int8.onnx: %zu of 1000 samples equal, by at most %.3g (%.2f steps of a logit)\n",
              agreement.equal_samples, agreement.largest_difference, agreement.most_logit_steps);
  CHECK(agreement.same_largest == 1000);
  CHECK(right == 902);
  CHECK(agreement.largest_difference <= 1e-3);
  CHECK(agreement.most_logit_steps < 1.01);
}

TEST_CASE("every processor and compiler gives the same bytes", "[codegen]") {
  const Network network = RandomNetwork(101, 40, ElementType::kInt8);
  const Samples samples = {RandomInputs(network, 1), RandomInputs(network, 2)};
  const auto expected = RunGenerated(network, samples, FastHostTarget());
  if (!expected) return;
  for (const ProgramTarget& target :
       {CortexTarget("m3", "-O3"), CortexTarget("m4", "-O3"), CortexTarget("m4", "-O0"),
        CortexTarget("m7", "-O3"), CortexTarget("m55", "-O3"),
        ProgramTarget{"clang", "clang", {"-O3"}, ""}}) {
    const auto outputs = RunGenerated(network, samples, target);
    if (!outputs) continue;
    CAPTURE(target.name);
    CHECK(*outputs == *expected);
  }
  CompileGenerated(network, CortexTarget("m0", "-Os"));
}

}  // namespace
}  // namespace paddock
