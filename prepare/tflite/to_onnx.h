// A conversion from TensorFlow Lite to ONNX (opset 13) under way: what each tensor has become, and the nodes written so far. The
// functions of to_onnx_*.cc convert one operator each with it. Internal to prepare/; one thread.
//
// Every tensor is a float value in ONNX; that of an int8 or uint8 tensor comes out of a DequantizeLinear behind a QuantizeLinear,
// both of them uint8 (prepare/passes/qdq_writer.h says why); inputs and outputs of the model keep their type.
// A value of rank 4 lies as TensorFlow Lite has it (NHWC) or, behind nodes that want it so, with its channels first; Take() turns it
// where a reader asks for the other order.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <onnx/onnx_pb.h>

#include "base/status.h"
#include "prepare/tflite/tflite_model.h"

namespace paddock {

enum class ImageOrder { kNhwc, kNchw };

class ToOnnx {
 public:
  // `model` outlives the object.
  explicit ToOnnx(const TfliteModel& model);

  Result<onnx::ModelProto> Convert();

  // ---- what the TensorFlow Lite side says
  const TfliteTensor& tensor(std::int32_t index) const {
    return model_.tensors[static_cast<std::size_t>(index)];
  }
  Status Refuse(const TfliteOperator& op, const std::string& what) const;
  // INVALID_ARGUMENT unless the operator has that many inputs (those up to `required` are there) and one output.
  Status CheckArity(const TfliteOperator& op, std::size_t required, std::size_t most) const;
  bool HasInput(const TfliteOperator& op, std::size_t index) const;
  bool IsConstant(std::int32_t index) const { return model_.IsConstant(index) || folded_.contains(index); }
  Result<std::vector<float>> Floats(const TfliteOperator& op, std::int32_t index) const;  // dequantised
  Result<std::vector<std::int64_t>> Integers(const TfliteOperator& op, std::int32_t index) const;
  // A constant that the model itself computes from another one.
  void Fold(std::int32_t index, std::vector<float> values) { folded_[index] = std::move(values); }

  // ---- values
  // The order that a value lies in; constants have none.
  ImageOrder OrderOf(std::int32_t index) const;
  // Name of the float value of a tensor in the order asked for (only rank 4 has one). A constant of lower rank than `rank` is
  // shaped to it.
  Result<std::string> Take(const TfliteOperator& op, std::int32_t index, ImageOrder order,
                           std::size_t rank = 0);
  // The result of an operator: behind its activation, and its quantisation.
  Status Define(const TfliteOperator& op, std::string value, ImageOrder order,
                TfliteActivation activation = TfliteActivation::kNone);
  // A constant with its dimensions in this order; quantised ones stay integers behind a DequantizeLinear when `as_integers`.
  // `axis` is where the result has its channels; -1: it is no weight but an operand, which is uint8 as activations are.
  Result<std::string> AddConstant(const TfliteOperator& op, std::int32_t index, const Shape& shape,
                                  const std::vector<std::int32_t>& dimensions, std::int64_t axis,
                                  bool as_integers);

  // ---- writing
  std::string NewName(const std::string& base);
  // Answers the name of its output.
  std::string AddNode(const std::string& op_type, const std::vector<std::string>& inputs,
                      const std::string& base,
                      const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& attributes = {});
  onnx::NodeProto& last_node() { return nodes_.back(); }
  std::string AddFloats(const std::string& base, const Shape& shape, const std::vector<float>& values);
  std::string AddIntegers(const std::string& base,
                          const std::vector<std::int64_t>& values);  // int64, one dimension

 private:
  struct Value {
    std::string name;
    ImageOrder order = ImageOrder::kNhwc;
  };
  Status MakeInputs();
  Status MakeOutputs();
  Status ConvertOperator(const TfliteOperator& op);
  bool IsQuantized(const TfliteTensor& tensor) const;
  // The same numbers with uint8 integers.
  static TfliteTensor AsUint8(TfliteTensor tensor);
  std::string AddQuantize(const std::string& value, const TfliteTensor& tensor);    // integers
  std::string AddDequantize(const std::string& value, const TfliteTensor& tensor);  // floats
  std::string AddQuantized(const std::string& value, const TfliteTensor& tensor);   // floats, by way of uint8
  void AddQuantizationInputs(const TfliteTensor& tensor, onnx::NodeProto* node);

  const TfliteModel& model_;
  std::map<std::int32_t, Value> values_;
  std::map<std::pair<std::int32_t, ImageOrder>, std::string> turned_;
  std::map<std::int32_t, std::vector<float>> folded_;
  std::set<std::string> names_;
  std::vector<onnx::NodeProto> nodes_;
  onnx::ModelProto made_;
};

Status ConvolutionToOnnx(ToOnnx& to, const TfliteOperator& op);
Status PoolToOnnx(ToOnnx& to, const TfliteOperator& op);
Status DenseToOnnx(ToOnnx& to, const TfliteOperator& op);
Status ArithmeticToOnnx(ToOnnx& to, const TfliteOperator& op);
Status ConcatenationToOnnx(ToOnnx& to, const TfliteOperator& op);
Status FunctionToOnnx(ToOnnx& to, const TfliteOperator& op);
Status SoftmaxToOnnx(ToOnnx& to, const TfliteOperator& op);
Status ReshapeToOnnx(ToOnnx& to, const TfliteOperator& op);
Status TransposeToOnnx(ToOnnx& to, const TfliteOperator& op);
Status MeanToOnnx(ToOnnx& to, const TfliteOperator& op);
Status PadToOnnx(ToOnnx& to, const TfliteOperator& op);
Status ResizeToOnnx(ToOnnx& to, const TfliteOperator& op);
Status QuantizationToOnnx(ToOnnx& to, const TfliteOperator& op);

}  // namespace paddock
