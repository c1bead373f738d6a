// What has been made: operands, tensors and operators.
#include <algorithm>
#include <cstring>

#include "prepare/tflite/to_tflite.h"

namespace paddock {
namespace {

template <typename Element>
std::vector<std::byte> BytesOf(const std::vector<Element>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(Element));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// The first version of each operator that knows what it is asked for.
std::int32_t VersionOf(TfliteOp op, bool is_int8, const TfliteOptions& options) {
  switch (op) {
    case TfliteOp::kConv2d:
      return is_int8 ? 3 : 1;
    case TfliteOp::kDepthwiseConv2d:
      return is_int8 ? 3 : options.dilation_h > 1 || options.dilation_w > 1 ? 2 : 1;
    case TfliteOp::kFullyConnected:
      return is_int8 ? 4 : 1;
    case TfliteOp::kResizeBilinear:
    case TfliteOp::kResizeNearestNeighbor:
      return options.half_pixel_centers || options.align_corners ? 3 : is_int8 ? 2 : 1;
    case TfliteOp::kReshape:
    case TfliteOp::kQuantize:
    case TfliteOp::kDiv:
    case TfliteOp::kHardSwish:
      return 1;
    default:
      return is_int8 ? 2 : 1;
  }
}

// Dimensions that take part in the order of elements: those of size 1 do not.
bool KeepsOrder(const Shape& shape, const std::vector<std::int32_t>& order) {
  std::int32_t last = -1;
  for (const std::int32_t from : order) {
    if (shape[static_cast<std::size_t>(from)] == 1) continue;
    if (from < last) return false;
    last = from;
  }
  return true;
}

}  // namespace

std::int32_t ToTflite::AddTensor(const std::string& name, const Shape& shape,
                                 const std::optional<Quantization>& quantization) {
  TfliteTensor tensor;
  tensor.name = name;
  tensor.type = quantization ? ElementType::kInt8 : ElementType::kFloat32;
  tensor.shape = shape;
  if (quantization) {
    tensor.scales = {static_cast<float>(quantization->scale)};
    tensor.zero_points = {quantization->zero_point};
  }
  model_.tensors.push_back(std::move(tensor));
  return static_cast<std::int32_t>(model_.tensors.size()) - 1;
}

std::int32_t ToTflite::AddConstant(TfliteTensor tensor, std::vector<std::byte> bytes) {
  // Equal contents share a buffer.
  const auto same = std::find(model_.buffers.begin() + 1, model_.buffers.end(), bytes);
  tensor.buffer = static_cast<std::int32_t>(same - model_.buffers.begin());
  if (same == model_.buffers.end()) model_.buffers.push_back(std::move(bytes));
  model_.tensors.push_back(std::move(tensor));
  return static_cast<std::int32_t>(model_.tensors.size()) - 1;
}

std::int32_t ToTflite::AddFloats(const std::string& name, const Shape& shape,
                                 const std::vector<float>& values) {
  TfliteTensor tensor;
  tensor.name = name;
  tensor.type = ElementType::kFloat32;
  tensor.shape = shape;
  return AddConstant(std::move(tensor), BytesOf(values));
}

std::int32_t ToTflite::AddInt32(const std::string& name, const std::vector<std::int32_t>& values) {
  TfliteTensor tensor;
  tensor.name = name;
  tensor.type = ElementType::kInt32;
  tensor.shape = {static_cast<std::int64_t>(values.size())};
  return AddConstant(std::move(tensor), BytesOf(values));
}

void ToTflite::AddOperator(TfliteOp op, std::vector<std::int32_t> inputs, std::int32_t output,
                           TfliteOptions options) {
  const bool is_int8 = tensor(inputs[0]).type == ElementType::kInt8;
  TfliteOperator made;
  made.op = op;
  made.version = VersionOf(op, is_int8, options);
  made.inputs = std::move(inputs);
  made.outputs = {output};
  made.options = std::move(options);
  model_.operators.push_back(std::move(made));
}

std::int32_t ToTflite::AddReshape(std::int32_t input, Shape shape, const std::string& name) {
  const std::int32_t output = AddTensor(name, shape, tensor(input).TensorQuantization());
  TfliteOptions options;
  options.dims.assign(shape.begin(), shape.end());
  AddOperator(TfliteOp::kReshape, {input, AddInt32(name + "/shape", options.dims)}, output, options);
  return output;
}

std::int32_t ToTflite::AddTranspose(std::int32_t input, const std::vector<std::int32_t>& order,
                                    const std::string& name) {
  const Shape from = tensor(input).shape;
  Shape shape;
  for (const std::int32_t dimension : order) shape.push_back(from[static_cast<std::size_t>(dimension)]);
  if (KeepsOrder(from, order)) return shape == from ? input : AddReshape(input, shape, name);
  const std::int32_t output = AddTensor(name, shape, tensor(input).TensorQuantization());
  AddOperator(TfliteOp::kTranspose, {input, AddInt32(name + "/order", order)}, output);
  return output;
}

std::int32_t ToTflite::AddQuantize(std::int32_t input, const Quantization& quantization,
                                   const std::string& name) {
  if (tensor(input).TensorQuantization() == quantization) return input;
  const std::int32_t output = AddTensor(name, Shape(tensor(input).shape), quantization);
  AddOperator(TfliteOp::kQuantize, {input}, output);
  return output;
}

std::int32_t ToTflite::Float(const Operand& operand) {
  if (operand.float_tensor >= 0) return operand.float_tensor;
  const auto [entry, is_new] = dequantized_.emplace(operand.int8_tensor, -1);
  if (is_new) {
    const std::string name = tensor(operand.int8_tensor).name + "/float";
    entry->second = AddTensor(name, Shape(tensor(operand.int8_tensor).shape), std::nullopt);
    AddOperator(TfliteOp::kDequantize, {operand.int8_tensor}, entry->second);
  }
  return entry->second;
}

void ToTflite::Define(const std::string& value, const Operand& operand) { operands_[value] = operand; }

Result<Operand> ToTflite::TakeAsItIs(const onnx::NodeProto& node, const std::string& value) {
  if (const auto found = operands_.find(value); found != operands_.end()) return found->second;
  if (!IsConstant(value))
    return Refuse(node, "its input '" + value + "' is made by nothing that was converted");
  PADDOCK_ASSIGN_OR_RETURN(const Shape shape, ShapeOf(value));
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> values, Floats(node, value));
  const Operand operand{shape, TensorLayout::kOnnx, AddFloats(value, shape, values), -1};
  Define(value, operand);
  return operand;
}

Result<Operand> ToTflite::Take(const onnx::NodeProto& node, const std::string& value, TensorLayout layout) {
  PADDOCK_ASSIGN_OR_RETURN(Operand operand, TakeAsItIs(node, value));
  if (operand.layout == layout || operand.shape.size() != 4) return operand;
  const auto known = moved_.find({value, layout});
  if (known != moved_.end()) return known->second;
  const bool to_nhwc = layout == TensorLayout::kNhwc;
  const std::vector<std::int32_t> order =
      to_nhwc ? std::vector<std::int32_t>{0, 2, 3, 1} : std::vector<std::int32_t>{0, 3, 1, 2};
  std::int32_t& tensor = operand.is_int8() ? operand.int8_tensor : operand.float_tensor;
  tensor = AddTranspose(tensor, order, value + (to_nhwc ? "/nhwc" : "/nchw"));
  if (operand.is_int8()) operand.float_tensor = -1;
  operand.layout = layout;
  moved_[{value, layout}] = operand;
  return operand;
}

Status ToTflite::Finish(const onnx::NodeProto& node, const Target& target, std::int32_t result, bool is_int8,
                        TensorLayout layout) {
  for (const int fused : target.fused_nodes) MarkDone(&graph_.graph().node(fused));
  PADDOCK_ASSIGN_OR_RETURN(const Shape shape, ShapeOf(target.value));
  const Shape expected = shape.size() == 4 && layout == TensorLayout::kNhwc ? NhwcOf(shape) : shape;
  if (tensor(result).shape != expected) {
    return InternalError(NodeText(node) + ": the result has the shape " + ShapeText(tensor(result).shape) +
                         " instead of " + ShapeText(expected));
  }
  Operand operand{shape, shape.size() == 4 ? layout : TensorLayout::kOnnx, -1, -1};
  (is_int8 ? operand.int8_tensor : operand.float_tensor) = result;
  Define(target.value, operand);
  return OkStatus();
}

}  // namespace paddock
