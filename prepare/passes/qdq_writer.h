// Writes a float graph anew with QuantizeLinear and DequantizeLinear around what is quantised: the pattern that runtimes and
// converters recognise. Every quantised activation is quantised once and dequantised once; weights are int8 initializers and
// biases int32 initializers behind a DequantizeLinear with an axis. Inputs and outputs of the model stay float32.
//
// Activations are uint8. Of int8 ones, ONNX Runtime on x86 makes uint8 where one node reads the value and leaves int8 where
// several do; a node between both kinds it computes in float32.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "prepare/onnx_graph.h"
#include "prepare/passes/quantization_plan.h"
#include "prepare/passes/weight_quantization.h"

namespace paddock {

inline constexpr std::int64_t kUint8Shift =
    128;  // from the integers of Int8Parameters to those that are written

struct QdqSettings {
  std::map<int, Int8Parameters> groups;  // one for each of QuantizationPlan::group
  bool per_channel = true;
  std::map<std::string, std::vector<float>> bias_shift;  // by NodeKey(): added to the bias
};

// REQUIRES: opset 13 or newer.
Result<OnnxGraph> WriteQdq(const OnnxGraph& source, const QuantizationPlan& plan,
                           const QdqSettings& settings);

// The source graph, all of it in float, with every kWeighted node done a second time by int8 weights on quantised inputs.
struct LayerProbe {
  std::string node;    // NodeKey()
  std::string exact;   // value with the float result, before any activation
  std::string probed;  // value with the other
};
struct ProbedGraph {
  OnnxGraph graph;
  std::vector<LayerProbe> layers;
};
Result<ProbedGraph> WriteLayerProbes(const OnnxGraph& source, const QuantizationPlan& plan,
                                     const QdqSettings& settings);

// For the smallest file: names of values that are neither input nor output become short, those of nodes stay unless long;
// what only tools for people read is dropped.
void ShortenNames(OnnxGraph* graph);

}  // namespace paddock
