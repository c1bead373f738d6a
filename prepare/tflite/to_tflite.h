// A conversion from ONNX to TensorFlow Lite under way: what each ONNX value has become, and the operators written so far. The
// functions of to_tflite_*.cc convert one ONNX node each with it. Internal to prepare/; one thread.
//
// Layout: a value of rank 4 lies either as ONNX has it or with its channels last (Operand::is_nhwc), whichever its producer gives;
// Take() brings it to the order that a reader asks for, by a TRANSPOSE where one is needed. Values of other ranks lie as in ONNX.
//
// Quantisation: a value of QuantizeLinear and of the DequantizeLinear that follows is one int8 tensor. A node becomes an int8
// operator when all that it reads is such and what it makes is only read by QuantizeLinear nodes that agree (or when the
// operator keeps the quantisation of what it reads); otherwise it works on float32 between DEQUANTIZE and QUANTIZE.
// uint8 becomes int8 by a shift of 128.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "prepare/onnx_graph.h"
#include "prepare/tflite/tflite_model.h"

namespace paddock {

enum class TensorLayout { kOnnx, kNhwc };

struct Operand {
  Shape shape;  // of ONNX
  TensorLayout layout = TensorLayout::kOnnx;
  std::int32_t float_tensor = -1;
  std::int32_t int8_tensor = -1;
  bool is_int8() const { return int8_tensor >= 0; }
};

// A quantised constant, in ONNX's order, shifted to int8 where it was uint8.
struct QuantizedConstant {
  Shape shape;
  std::vector<std::int32_t> values;
  std::vector<float> scales;  // one, or one per index of `axis`
  std::vector<std::int64_t> zero_points;
  std::int32_t axis = 0;
};

// Where the result of a node goes: through activations that TensorFlow Lite's operator does itself, and into int8 if its readers
// agree.
struct Target {
  std::string value;  // of ONNX, after the activation
  TfliteActivation activation = TfliteActivation::kNone;
  std::optional<Quantization> quantization;
  std::vector<int> fused_nodes;
};

Shape NhwcOf(const Shape& shape);  // of rank 4

// `values`, which lie in `shape`, with their dimensions in the order `order`: dimension i of the result is order[i] of the source.
template <typename Element>
std::vector<Element> Permuted(const std::vector<Element>& values, const Shape& shape,
                              const std::vector<std::int32_t>& order) {
  std::vector<std::size_t> steps(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) steps[d - 1] = steps[d] * static_cast<std::size_t>(shape[d]);
  std::vector<Element> result;
  result.reserve(values.size());
  std::vector<std::int64_t> index(shape.size(), 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::size_t at = 0;
    for (std::size_t d = 0; d < order.size(); ++d)
      at += static_cast<std::size_t>(index[d]) * steps[static_cast<std::size_t>(order[d])];
    result.push_back(values[at]);
    for (std::size_t d = order.size(); d-- > 0;) {
      if (++index[d] < shape[static_cast<std::size_t>(order[d])]) break;
      index[d] = 0;
    }
  }
  return result;
}

class ToTflite {
 public:
  // `graph` outlives the object and has batch 1 and inferred shapes.
  ToTflite(const OnnxGraph& graph, bool is_float_io);

  Result<TfliteModel> Convert();
  const std::vector<std::string>& notes() const { return notes_; }
  void Note(const std::string& text);  // once

  // ---- what the ONNX side says
  const OnnxGraph& graph() const { return graph_; }
  bool HasInput(const onnx::NodeProto& node, int index) const;
  Result<Shape> ShapeOf(const std::string& value) const;
  bool IsConstant(const std::string& value) const;
  // Of a constant, dequantised where it is quantised; INVALID_ARGUMENT when `value` is none, or holds NaN.
  Result<std::vector<float>> Floats(const onnx::NodeProto& node, const std::string& value) const;
  Result<std::vector<std::int64_t>> Integers(const onnx::NodeProto& node, const std::string& value) const;
  // Null for what is no quantised constant.
  const QuantizedConstant* Quantized(const std::string& value) const;
  Status DefineQuantized(const std::string& value, QuantizedConstant constant);
  // Parameters of a QuantizeLinear or DequantizeLinear of a whole tensor, for int8.
  Result<Quantization> QuantizationOf(const onnx::NodeProto& node) const;
  // The readers' common quantisation, when all of them are QuantizeLinear; with `is_entry` through nodes that move elements only.
  std::optional<Quantization> ReadersQuantization(const std::string& value, bool is_entry) const;
  Target TargetOf(const onnx::NodeProto& node, bool may_fuse = true) const;
  // The only reader of a value that is not an output; null otherwise.
  const onnx::NodeProto* OnlyReader(const std::string& value) const;
  // The node that makes a value; null for inputs and initializers.
  const onnx::NodeProto* Maker(const std::string& value) const;
  // "Conv 'name': what": what is wrong with a node.
  static Status Refuse(const onnx::NodeProto& node, const std::string& what);

  // ---- what has been made
  // The operand in a layout; a constant becomes a float32 tensor.
  Result<Operand> Take(const onnx::NodeProto& node, const std::string& value, TensorLayout layout);
  Result<Operand> TakeAsItIs(const onnx::NodeProto& node, const std::string& value);
  std::int32_t Float(const Operand& operand);  // its float32 tensor, by DEQUANTIZE if need be
  void Define(const std::string& value, const Operand& operand);
  // The result of a node: defines the target's value, or those of its QuantizeLinear readers when `is_int8`. The tensor of an
  // int8 result carries its quantisation; readers with another one get a QUANTIZE.
  Status Finish(const onnx::NodeProto& node, const Target& target, std::int32_t tensor, bool is_int8,
                TensorLayout layout);
  void MarkDone(const onnx::NodeProto* node) { done_.insert(node); }

  // ---- writing
  TfliteTensor& tensor(std::int32_t index) { return model_.tensors[static_cast<std::size_t>(index)]; }
  // With `quantization`: int8, else float32. The shape is the tensor's own.
  std::int32_t AddTensor(const std::string& name, const Shape& shape,
                         const std::optional<Quantization>& quantization);
  std::int32_t AddFloats(const std::string& name, const Shape& shape, const std::vector<float>& values);
  std::int32_t AddInt32(const std::string& name, const std::vector<std::int32_t>& values);
  std::int32_t AddConstant(TfliteTensor tensor, std::vector<std::byte> bytes);
  // The version is that of the operator for the types of its tensors.
  void AddOperator(TfliteOp op, std::vector<std::int32_t> inputs, std::int32_t output,
                   TfliteOptions options = {});
  std::int32_t AddReshape(std::int32_t input, Shape shape, const std::string& name);
  std::int32_t AddTranspose(std::int32_t input, const std::vector<std::int32_t>& order,
                            const std::string& name);
  std::int32_t AddQuantize(std::int32_t input, const Quantization& quantization, const std::string& name);

 private:
  Status MakeInputs();
  Status MakeOutputs();
  Status ConvertNode(const onnx::NodeProto& node);
  std::set<std::string> NeededValues() const;

  const OnnxGraph& graph_;
  const bool is_float_io_;
  const std::map<std::string, std::vector<int>> consumers_;
  const std::map<std::string, int> producers_;
  std::map<std::string, Operand> operands_;
  std::map<std::string, QuantizedConstant> quantized_;
  std::map<std::pair<std::string, TensorLayout>, Operand> moved_;  // by Take()
  std::map<std::int32_t, std::int32_t> dequantized_;               // int8 tensor -> float32 tensor
  std::set<const onnx::NodeProto*> done_;
  std::vector<std::string> notes_;
  TfliteModel model_;
};

// ---- one node each, by family

Status ConvertConvolution(ToTflite& to, const onnx::NodeProto& node);
Status ConvertPool(ToTflite& to, const onnx::NodeProto& node);
Status ConvertGlobalAverage(ToTflite& to, const onnx::NodeProto& node);
Status ConvertReduceMean(ToTflite& to, const onnx::NodeProto& node);
Status ConvertDense(ToTflite& to, const onnx::NodeProto& node);
Status ConvertBatchNormalization(ToTflite& to, const onnx::NodeProto& node);
Status ConvertBinary(ToTflite& to, const onnx::NodeProto& node);
Status ConvertUnary(ToTflite& to, const onnx::NodeProto& node);
Status ConvertClip(ToTflite& to, const onnx::NodeProto& node);
Status ConvertHardSigmoid(ToTflite& to, const onnx::NodeProto& node);
Status ConvertSoftmax(ToTflite& to, const onnx::NodeProto& node);
Status ConvertReshape(ToTflite& to, const onnx::NodeProto& node);
Status ConvertTranspose(ToTflite& to, const onnx::NodeProto& node);
Status ConvertConcat(ToTflite& to, const onnx::NodeProto& node);
Status ConvertPad(ToTflite& to, const onnx::NodeProto& node);
Status ConvertResize(ToTflite& to, const onnx::NodeProto& node);
Status ConvertIdentity(ToTflite& to, const onnx::NodeProto& node);
Status ConvertQuantize(ToTflite& to, const onnx::NodeProto& node);
Status ConvertDequantize(ToTflite& to, const onnx::NodeProto& node);

// Bounds of a Clip node; INVALID_ARGUMENT when they are no constants.
struct ClipBounds {
  float low;
  float high;
};
Result<ClipBounds> ClipBoundsOf(const ToTflite& to, const onnx::NodeProto& node);
// Dimension of the tensor that holds ONNX's dimension `axis` (may be negative) of a value of this rank.
std::int32_t AxisIn(TensorLayout layout, std::int64_t axis, std::size_t rank);

}  // namespace paddock
