// What of a float graph is computed with eight bits: the nodes, the tensors between them, and which of these share a scale.
//
// Conv, Gemm and MatMul with constant weights, Add, Mul, Sub, pooling, Concat, activations and what only moves elements. A
// Relu or Clip that is the only reader of such a node belongs to it: nothing is quantised between them. What moves elements
// (MaxPool, Reshape, Transpose ...) and Concat keep one scale for input and output. Softmax, Sigmoid and Tanh have the ranges
// that they can take; a Softmax over more than 128 classes stays float, since one step of 1/256 is most of what a class gets.
// Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "prepare/onnx_graph.h"
#include "prepare/passes/activation_ranges.h"

namespace paddock {

enum class NodeRole {
  kFloat,
  kWeighted,         // int8 weights, int32 bias
  kComputing,        // a scale of its own for the output
  kMoving,           // the input's scale
  kFusedActivation,  // at the output of a kWeighted or kComputing node
};

struct QuantizationPlan {
  std::vector<NodeRole> roles;         // by node
  std::vector<std::string> tensors;    // activations that are quantised, in the order of their making
  std::map<std::string, int> group;    // by tensor: those of one group share a scale
  std::map<std::string, Range> fixed;  // by tensor: known without calibration
};

struct QuantizationChoice {
  std::set<std::string> excluded_nodes;  // by name, or by first output where there is no name
  std::set<std::string> excluded_types;
};

// INVALID_ARGUMENT: an excluded node or operator that the graph does not have, or weights that are not finite.
Result<QuantizationPlan> PlanQuantization(const OnnxGraph& graph, const QuantizationChoice& choice);

// The value that carries a node's result once a Relu or Clip that belongs to it is taken in; the output itself otherwise.
std::string ResultOf(const OnnxGraph& graph, const QuantizationPlan& plan, int node);
// The bounds of a Relu or Clip with constant bounds; absent for other nodes.
std::optional<Range> BoundsOf(const OnnxGraph& graph, const onnx::NodeProto& node);
// What excluded_nodes calls a node.
std::string NodeKey(const onnx::NodeProto& node);

}  // namespace paddock
