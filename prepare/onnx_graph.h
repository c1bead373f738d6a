// An ONNX model in memory, for the steps that change it: libonnx's own types with the few questions that passes ask of them.
// Internal to prepare/.
//
// Read() leaves a graph in which every constant is an initializer (Constant nodes are turned into such), no initializer is
// also an input, nodes are in topological order, and types and shapes are inferred as far as libonnx can. Graphs with
// subgraphs or model-local functions are refused: INVALID_ARGUMENT names the node. A node that is called as an operator of ONNX has
// at least that one's inputs and outputs, also one of a foreign domain. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <onnx/onnx_pb.h>

#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

class OnnxGraph {
 public:
  // As ReadModelInfo() refuses; also opsets newer than libonnx's that LowerToKnownOpset() cannot bring down to it.
  static Result<OnnxGraph> Read(const std::string& path);
  // Checks the model with libonnx before it is written; INTERNAL when a pass left it inconsistent.
  Status Write(const std::string& path) const;

  onnx::GraphProto& graph() { return *model_->mutable_graph(); }
  const onnx::GraphProto& graph() const { return model_->graph(); }
  const onnx::ModelProto& model() const { return *model_; }
  OnnxGraph Clone() const;
  std::int64_t opset() const;
  // Imports a newer opset; node meanings are not converted. REQUIRES: the caller knows that they did not change.
  void SetOpset(std::int64_t opset);
  // Rewrites nodes to mean the same in a newer opset. INVALID_ARGUMENT when libonnx cannot.
  Status ConvertOpset(std::int64_t opset);

  // Null when `name` is no initializer. Pointers stay valid until initializers are added or removed.
  const onnx::TensorProto* Initializer(const std::string& name) const;
  // Adds it, or replaces that of the same name.
  void SetInitializer(onnx::TensorProto tensor);

  // Type and shape of any value: input, output, initializer or what shape inference found. The batch dimension of a model
  // with an open one is -1. Absent when unknown.
  std::optional<TensorInfo> Value(const std::string& name) const;
  bool IsInput(const std::string& name) const;
  bool IsOutput(const std::string& name) const;
  // Nodes by the values that they read; a node that reads a value twice is there twice. Indices into graph().node().
  std::map<std::string, std::vector<int>> Consumers() const;
  // Node by value that it makes.
  std::map<std::string, int> Producers() const;

  // "base", or "base_1" ... : a name that no value and no node has. It is reserved from then on.
  std::string NewName(std::string_view base);
  // The nodes in this order take the place of the old ones.
  void SetNodes(std::vector<onnx::NodeProto> nodes);
  // Nodes that reach no output, and initializers that no node reads.
  void RemoveUnused();
  // Again after nodes changed; what was known of vanished values is forgotten.
  Status InferShapes();

 private:
  OnnxGraph() = default;
  void IndexNames();
  void IndexInferred();

  std::unique_ptr<onnx::ModelProto> model_;
  std::map<std::string, int> initializers_;  // index by name
  std::map<std::string, int> inferred_;      // index into graph().value_info() by name
  std::set<std::string> names_;
};

// ---- nodes

// Whether the domain of a node or of an import is that of ONNX's own operators.
bool IsStandard(std::string_view domain);
// "Conv 'conv1/Conv'": operator and name, or the first output of a node without a name.
std::string NodeText(const onnx::NodeProto& node);
std::int64_t IntAttribute(const onnx::NodeProto& node, std::string_view name, std::int64_t fallback);
double FloatAttribute(const onnx::NodeProto& node, std::string_view name, double fallback);
std::string TextAttribute(const onnx::NodeProto& node, std::string_view name, const std::string& fallback);
// Empty when it is not there.
std::vector<std::int64_t> IntsAttribute(const onnx::NodeProto& node, std::string_view name);
void SetIntAttribute(onnx::NodeProto* node, const std::string& name, std::int64_t value);
void SetIntsAttribute(onnx::NodeProto* node, const std::string& name,
                      const std::vector<std::int64_t>& values);
void SetFloatAttribute(onnx::NodeProto* node, const std::string& name, float value);
void SetTextAttribute(onnx::NodeProto* node, const std::string& name, const std::string& value);
onnx::NodeProto MakeNode(const std::string& op_type, const std::string& name,
                         const std::vector<std::string>& inputs, const std::vector<std::string>& outputs);
// Multiply-accumulates of one sample for convolutions, Gemm and MatMul, also those of integers; 0 for other operators; absent when
// a shape is not known, and for operators whose products nobody counts here: recurrent ones, Einsum, those of foreign domains.
std::optional<std::uint64_t> MultiplyAccumulates(const OnnxGraph& graph, const onnx::NodeProto& node);

// ---- tensors

std::optional<ElementType> ElementTypeOf(std::int32_t onnx_type);
std::int32_t OnnxTypeOf(ElementType type);
// The elements in C order, whatever field of the message holds them. INVALID_ARGUMENT when their number is not that of the
// shape; at most 2^31 bytes.
Result<Tensor> TensorOf(const onnx::TensorProto& tensor);
// Elements of a floating tensor; INVALID_ARGUMENT names the tensor for other types, NaN and infinity.
Result<std::vector<float>> FiniteFloatsOf(const onnx::TensorProto& tensor);
// Elements of an integer or bool tensor.
Result<std::vector<std::int64_t>> IntegersOf(const onnx::TensorProto& tensor);
onnx::TensorProto MakeTensorProto(const Tensor& tensor);  // named as `tensor.info`
onnx::TensorProto MakeFloats(const std::string& name, const Shape& shape, const std::vector<float>& values);
onnx::TensorProto MakeIntegers(const std::string& name, ElementType type, const Shape& shape,
                               const std::vector<std::int64_t>& values);  // saturated to the type

}  // namespace paddock
