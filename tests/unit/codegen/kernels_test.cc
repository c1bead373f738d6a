// The kernels as they are generated, against a plain computation of the same network, and against one another on processors
// with and without DSP instructions.
#include <catch2/catch.hpp>

#include "tests/unit/codegen/generated_program.h"
#include "tests/unit/codegen/random_network.h"
#include "tests/unit/codegen/runtime_comparison.h"

namespace paddock {
namespace {

std::vector<std::vector<ValueBytes>> RandomSamples(const Network& network, int count) {
  std::vector<std::vector<ValueBytes>> samples;
  for (int i = 0; i < count; ++i) samples.push_back(RandomInputs(network, static_cast<unsigned>(i) + 1));
  return samples;
}

const NetworkLayer& MakerOf(const Network& network, std::uint32_t value) {
  return *std::find_if(network.layers.begin(), network.layers.end(),
                       [&](const NetworkLayer& layer) { return layer.output == value; });
}

TEST_CASE("generated kernels compute what a plain computation of the network gives", "[codegen]") {
  const ElementType type = GENERATE(ElementType::kInt8, ElementType::kFloat32);
  const Network network = RandomNetwork(type == ElementType::kInt8 ? 10 : 11, 40, type);
  const auto samples = RandomSamples(network, 3);
  const auto outputs = RunGenerated(network, samples, HostTarget());
  if (!outputs) return;
  REQUIRE(outputs->size() == samples.size());
  std::size_t elements = 0;
  std::size_t unequal = 0;
  for (std::size_t sample = 0; sample < samples.size(); ++sample) {
    const std::vector<ValueBytes> expected = RunReference(network, samples[sample]);
    for (std::size_t i = 0; i < network.outputs.size(); ++i) {
      const std::uint32_t index = network.outputs[i];
      const NetworkValue& value = network.values[index];
      const NetworkLayer& layer = MakerOf(network, index);
      CAPTURE(sample, i, value.name, layer.name, static_cast<int>(layer.kind));
      const TensorView got{value.type, value.shape, (*outputs)[sample][i]};
      const TensorView wanted{value.type, value.shape, expected[index]};
      for (std::size_t j = 0; j < value.Elements(); ++j) {
        CAPTURE(j);
        const double difference = std::abs(ElementAsDouble(got, j) - ElementAsDouble(wanted, j));
        if (value.type == ElementType::kFloat32) {
          REQUIRE(difference <= 1e-5 * std::max(1.0, std::abs(ElementAsDouble(wanted, j))));
        } else {
          REQUIRE(difference <= 1);
          unequal += difference > 0 ? 1 : 0;
          ++elements;
        }
      }
    }
  }
  // What is left are halves, which the kernels round up, and what fixed point rounds to the other side of one.
  CAPTURE(elements, unequal);
  CHECK(unequal * 200 <= elements);
}

TEST_CASE("DSP instructions give the same bytes as plain C", "[codegen]") {
  const Network network = RandomNetwork(12, 32, ElementType::kInt8);
  const auto samples = RandomSamples(network, 3);
  const auto host = RunGenerated(network, samples, FastHostTarget());
  if (!host) return;
  for (const ProgramTarget& target : {CortexTarget("m4", "-O2"), CortexTarget("m3", "-Os")}) {
    const auto board = RunGenerated(network, samples, target);
    if (!board) return;
    REQUIRE(board->size() == host->size());
    for (std::size_t sample = 0; sample < samples.size(); ++sample) {
      for (std::size_t i = 0; i < network.outputs.size(); ++i) {
        CAPTURE(target.name, sample, i, MakerOf(network, network.outputs[i]).name);
        CHECK((*board)[sample][i] == (*host)[sample][i]);
      }
    }
  }
}

}  // namespace
}  // namespace paddock
