// Reads an ONNX graph into a Draft. The functions of read_*.cc read one operator each with a DraftReader. Internal to
// prepare/codegen/; one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "prepare/codegen/constants.h"
#include "prepare/codegen/draft.h"
#include "prepare/codegen/shapes.h"

namespace paddock {

// UNIMPLEMENTED or INVALID_ARGUMENT names the node, the reason and what to do.
Result<Draft> ReadDraft(const OnnxGraph& graph);

class DraftReader {
 public:
  // `graph` outlives the object; its inputs have no open dimensions.
  explicit DraftReader(const OnnxGraph& graph) : graph_(graph) {}
  Result<Draft> Read();

  std::int64_t opset() const { return graph_.opset(); }
  bool HasInput(const onnx::NodeProto& node, int index) const {
    return index < node.input_size() && !node.input(index).empty();
  }
  // The constant that input `index` is; null where it is left out or computed from the model's inputs.
  Result<const Constant*> ConstantInput(const onnx::NodeProto& node, int index);
  // The same, which must be there.
  Result<const Constant*> NeedConstant(const onnx::NodeProto& node, int index, std::string_view what);
  Result<std::vector<std::int64_t>> NeedIntegers(const onnx::NodeProto& node, int index,
                                                 std::string_view what);
  // `axes` of opsets that had them as an attribute and of those that have them as input 1; absent when not given.
  Result<std::optional<std::vector<std::int64_t>>> AxesOf(const onnx::NodeProto& node);
  // What input `index` is computed to.
  Result<std::size_t> Activation(const onnx::NodeProto& node, int index);
  // The same, which must be float32.
  Result<std::size_t> FloatActivation(const onnx::NodeProto& node, int index);
  DraftValue& value(std::size_t index) { return draft_.values[index]; }
  const Shape& shape(std::size_t index) const { return draft_.values[index].shape; }

  // Adds the node that makes output 0 of `source`, of this shape. `type` and quantisation of the result are those of the first
  // input unless they are given.
  Status Add(const onnx::NodeProto& source, DraftNode node, Shape shape);
  Status AddTyped(const onnx::NodeProto& source, DraftNode node, DraftValue value);
  // A value between two nodes that one ONNX node becomes.
  std::size_t AddBetween(const onnx::NodeProto& source, DraftNode node, Shape shape);
  // Output 0 of `source` is an input of it.
  void Alias(const onnx::NodeProto& source, std::size_t value) { values_[source.output(0)] = value; }
  // Quantisation of an integer value as a DequantizeLinear states it, and of what it was moved from. False: it is known to be
  // another one.
  bool StateQuantization(std::size_t value, const Quantization& quantization);

 private:
  Status ReadInputs();
  Status ReadNode(const onnx::NodeProto& node);
  void MarkNeeded();
  Result<const Constant*> Store(const std::string& name, Constant constant);
  Status Spend(std::size_t numbers);
  std::size_t AsUint8(std::size_t index, const std::string& name);

  const OnnxGraph& graph_;
  Draft draft_;
  std::vector<bool> needed_;                   // by node
  std::map<std::string, std::size_t> values_;  // into draft_.values
  std::map<std::string, Constant> constants_;
  std::size_t numbers_ = 0;
};

// Weights with the output channels first. They are left without integers when int8 ones cannot say the same.
Result<DraftWeights> WeightsOf(const onnx::NodeProto& node, const Constant& weights, const Constant* bias);

Status ReadConvolution(DraftReader& reader, const onnx::NodeProto& node);
Status ReadPool(DraftReader& reader, const onnx::NodeProto& node);  // also GlobalAveragePool, ReduceMean
Status ReadPad(DraftReader& reader, const onnx::NodeProto& node);
Status ReadDense(DraftReader& reader, const onnx::NodeProto& node);       // Gemm, MatMul
Status ReadArithmetic(DraftReader& reader, const onnx::NodeProto& node);  // Add, Mul, Sub, Div
Status ReadBatchNormalization(DraftReader& reader, const onnx::NodeProto& node);
Status ReadUnary(DraftReader& reader, const onnx::NodeProto& node);
Status ReadSoftmax(DraftReader& reader, const onnx::NodeProto& node);
Status ReadConcat(DraftReader& reader, const onnx::NodeProto& node);
Status ReadView(DraftReader& reader, const onnx::NodeProto& node);  // Reshape, Flatten, Squeeze, Unsqueeze
Status ReadTranspose(DraftReader& reader, const onnx::NodeProto& node);
Status ReadIdentity(DraftReader& reader, const onnx::NodeProto& node);  // and Dropout
Status ReadQuantize(DraftReader& reader, const onnx::NodeProto& node);
Status ReadDequantize(DraftReader& reader, const onnx::NodeProto& node);
Status ReadCast(DraftReader& reader, const onnx::NodeProto& node);

}  // namespace paddock
