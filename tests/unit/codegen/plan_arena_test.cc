#include "prepare/codegen/plan_arena.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/unit/codegen/graph_builder.h"
#include "tests/unit/codegen/runtime_comparison.h"

namespace paddock {
namespace {

// Convolutions, sums and activations of whatever came before; every third value may be an output.
onnx::ModelProto RandomModel(unsigned seed) {
  std::mt19937 random(seed);
  GraphBuilder graph;
  std::vector<std::string> values = {graph.Input("a", {1, 4, 3, 3}), graph.Input("b", {1, 4, 3, 3})};
  const Shape shape = {1, 4, 3, 3};
  const auto any = [&] { return values[random() % values.size()]; };
  for (int i = 0; i < 12; ++i) {
    const unsigned choice = static_cast<unsigned>(random() % 4);
    if (choice == 0) values.push_back(graph.Node("Add", {any(), any()}));
    if (choice == 1) values.push_back(graph.Node("Tanh", {any()}));
    if (choice == 2) values.push_back(graph.Node("Conv", {any(), graph.RandomFloats({4, 4, 1, 1})}));
    if (choice == 3) {
      const std::string wide = graph.Node("Concat", {any(), any()});
      graph.With("axis", 1);
      values.push_back(graph.Node("Conv", {wide, graph.RandomFloats({4, 8, 1, 1})}));
    }
    if (random() % 3 == 0) graph.Output(values.back(), shape);
  }
  graph.Output(graph.Node("Relu", {values.back()}), shape);
  return graph.model();
}

TEST_CASE("in one arena a network computes what it computes with a place for each value", "[codegen]") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const auto network = Imported(RandomModel(seed));
    INFO(network.status().ToString());
    REQUIRE(network.ok());
    std::size_t layer = 0;
    CHECK(network->arena_bytes >= LeastArenaBytes(*network, &layer));
    CHECK(network->arena_bytes <= LeastArenaBytes(*network, &layer) * 5 / 4);
    const std::vector<ValueBytes> inputs = RandomInputs(*network, seed);
    const std::vector<ValueBytes> values = RunReference(*network, inputs);
    const std::vector<ValueBytes> outputs = RunReferenceInArena(*network, inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) CHECK(outputs[i] == values[network->outputs[i]]);
  }
}

TEST_CASE("a chain of activations takes the place of one value beside its input", "[codegen]") {
  GraphBuilder graph;
  std::string value = graph.Input("x", {1, 100});
  for (int i = 0; i < 5; ++i) value = graph.Node(i % 2 == 0 ? "Tanh" : "Sigmoid", {value});
  graph.Output(value, {1, 100});
  const Network network = Imported(graph.model()).value();
  CHECK(network.layers.size() == 5);
  CHECK(network.arena_bytes == 800);
}

TEST_CASE("a network that no device could hold is refused with its size", "[codegen]") {
  Network network;
  network.name = "large";
  for (int i = 0; i < 3; ++i) network.values.push_back({std::to_string(i), ElementType::kFloat32, {1 << 27}});
  network.inputs = {0, 1};
  network.outputs = {2};
  NetworkLayer layer;
  layer.kind = LayerKind::kConcat;
  layer.inputs = {0, 1};
  layer.output = 2;
  network.layers.push_back(layer);
  const Status status = PlanArena(&network);
  CHECK(status.code() == StatusCode::kResourceExhausted);
  CHECK_THAT(status.message(), Catch::Matchers::Contains("'large' needs 1536 MiB"));
}

}  // namespace
}  // namespace paddock
