#include <algorithm>
#include <map>
#include <tuple>

#include "prepare/tflite/tflite_model.h"
#include "prepare/tflite_generated.h"

namespace paddock {
namespace {

namespace format = tflite_format;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

std::optional<format::TensorType> FormatType(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return format::TensorType_kFloat32;
    case ElementType::kFloat16:
      return format::TensorType_kFloat16;
    case ElementType::kFloat64:
      return format::TensorType_kFloat64;
    case ElementType::kInt8:
      return format::TensorType_kInt8;
    case ElementType::kInt16:
      return format::TensorType_kInt16;
    case ElementType::kInt32:
      return format::TensorType_kInt32;
    case ElementType::kInt64:
      return format::TensorType_kInt64;
    case ElementType::kUint8:
      return format::TensorType_kUint8;
    case ElementType::kBool:
      return format::TensorType_kBool;
    default:
      return std::nullopt;
  }
}

std::vector<std::int32_t> Narrow(const Shape& shape) {
  std::vector<std::int32_t> dims;
  for (const std::int64_t dimension : shape) dims.push_back(static_cast<std::int32_t>(dimension));
  return dims;
}

struct WrittenOptions {
  format::BuiltinOptions type = format::BuiltinOptions_NONE;
  Offset<void> table = 0;
};

WrittenOptions WriteOptions(const TfliteOperator& op, FlatBufferBuilder* builder) {
  const TfliteOptions& o = op.options;
  const auto padding = o.is_same_padded ? format::Padding_kSame : format::Padding_kValid;
  const auto activation = static_cast<format::Activation>(o.activation);
  const auto written = [](format::BuiltinOptions type, auto table) {
    return WrittenOptions{type, table.Union()};
  };
  switch (op.op) {
    case TfliteOp::kConv2d:
      return written(format::BuiltinOptions_Conv2DOptions,
                     format::CreateConv2DOptions(*builder, padding, o.stride_w, o.stride_h, activation,
                                                 o.dilation_w, o.dilation_h));
    case TfliteOp::kDepthwiseConv2d:
      return written(
          format::BuiltinOptions_DepthwiseConv2DOptions,
          format::CreateDepthwiseConv2DOptions(*builder, padding, o.stride_w, o.stride_h, o.depth_multiplier,
                                               activation, o.dilation_w, o.dilation_h));
    case TfliteOp::kAveragePool2d:
    case TfliteOp::kMaxPool2d:
      return written(format::BuiltinOptions_Pool2DOptions,
                     format::CreatePool2DOptions(*builder, padding, o.stride_w, o.stride_h, o.filter_w,
                                                 o.filter_h, activation));
    case TfliteOp::kFullyConnected:
      return written(format::BuiltinOptions_FullyConnectedOptions,
                     format::CreateFullyConnectedOptions(*builder, activation, 0, o.keep_dims));
    case TfliteOp::kSoftmax:
      return written(format::BuiltinOptions_SoftmaxOptions, format::CreateSoftmaxOptions(*builder, o.beta));
    case TfliteOp::kConcatenation:
      return written(format::BuiltinOptions_ConcatenationOptions,
                     format::CreateConcatenationOptions(*builder, o.axis, activation));
    case TfliteOp::kAdd:
      return written(format::BuiltinOptions_AddOptions, format::CreateAddOptions(*builder, activation));
    case TfliteOp::kSub:
      return written(format::BuiltinOptions_SubOptions, format::CreateSubOptions(*builder, activation));
    case TfliteOp::kMul:
      return written(format::BuiltinOptions_MulOptions, format::CreateMulOptions(*builder, activation));
    case TfliteOp::kDiv:
      return written(format::BuiltinOptions_DivOptions, format::CreateDivOptions(*builder, activation));
    case TfliteOp::kReshape:
      return written(format::BuiltinOptions_ReshapeOptions,
                     format::CreateReshapeOptions(*builder, builder->CreateVector(o.dims)));
    case TfliteOp::kSqueeze:
      return written(format::BuiltinOptions_SqueezeOptions,
                     format::CreateSqueezeOptions(*builder, builder->CreateVector(o.dims)));
    case TfliteOp::kMean:
      return written(format::BuiltinOptions_ReducerOptions,
                     format::CreateReducerOptions(*builder, o.keep_dims));
    case TfliteOp::kLeakyRelu:
      return written(format::BuiltinOptions_LeakyReluOptions,
                     format::CreateLeakyReluOptions(*builder, o.alpha));
    case TfliteOp::kResizeBilinear:
      return written(format::BuiltinOptions_ResizeBilinearOptions,
                     format::CreateResizeBilinearOptions(*builder, o.align_corners, o.half_pixel_centers));
    case TfliteOp::kResizeNearestNeighbor:
      return written(
          format::BuiltinOptions_ResizeNearestNeighborOptions,
          format::CreateResizeNearestNeighborOptions(*builder, o.align_corners, o.half_pixel_centers));
    default:
      return {};  // has none, or only an empty table
  }
}

Result<Offset<format::Tensor>> WriteTensor(const TfliteTensor& tensor, FlatBufferBuilder* builder) {
  const auto type = tensor.type ? FormatType(*tensor.type) : std::nullopt;
  if (!type) return InternalError("tensor '" + tensor.name + "' has a type that the format lacks");
  const auto shape = builder->CreateVector(Narrow(tensor.shape));
  const auto name = builder->CreateString(tensor.name);
  Offset<format::QuantizationParameters> quantization = 0;
  if (!tensor.scales.empty()) {
    const auto scales = builder->CreateVector(tensor.scales);
    const auto zero_points = builder->CreateVector(tensor.zero_points);
    quantization =
        format::CreateQuantizationParameters(*builder, scales, zero_points, tensor.quantized_dimension);
  }
  Offset<flatbuffers::Vector<std::int32_t>> signature = 0;
  if (!tensor.signature.empty()) signature = builder->CreateVector(Narrow(tensor.signature));
  return format::CreateTensor(*builder, shape, *type, static_cast<std::uint32_t>(tensor.buffer), name,
                              quantization, tensor.is_variable, signature);
}

// Kinds of operators, each once, in the order of their first use.
class OperatorCodes {
 public:
  std::uint32_t IndexOf(const TfliteOperator& op) {
    const auto key = std::tuple(op.op, op.version, op.custom_name);
    const auto [entry, is_new] = indices_.emplace(key, static_cast<std::uint32_t>(order_.size()));
    if (is_new) order_.push_back(&op);
    return entry->second;
  }
  std::vector<Offset<format::OperatorCode>> Write(FlatBufferBuilder* builder) const {
    constexpr std::int32_t kGreaterThanByte = 127;
    std::vector<Offset<format::OperatorCode>> codes;
    for (const TfliteOperator* op : order_) {
      const auto number = static_cast<std::int32_t>(op->op);
      Offset<flatbuffers::String> custom = 0;
      if (!op->custom_name.empty()) custom = builder->CreateString(op->custom_name);
      codes.push_back(format::CreateOperatorCode(*builder,
                                                 static_cast<std::int8_t>(std::min(number, kGreaterThanByte)),
                                                 custom, op->version, number));
    }
    return codes;
  }

 private:
  std::map<std::tuple<TfliteOp, std::int32_t, std::string>, std::uint32_t> indices_;
  std::vector<const TfliteOperator*> order_;
};

}  // namespace

Result<std::string> SerializeTflite(const TfliteModel& model) {
  FlatBufferBuilder builder(1 << 16);
  std::vector<Offset<format::Buffer>> buffers;
  for (const auto& bytes : model.buffers) {
    Offset<flatbuffers::Vector<std::uint8_t>> data = 0;
    if (!bytes.empty()) {
      builder.ForceVectorAlignment(bytes.size(), 1, 16);
      data = builder.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    buffers.push_back(format::CreateBuffer(builder, data));
  }
  std::vector<Offset<format::Tensor>> tensors;
  for (const TfliteTensor& tensor : model.tensors) {
    PADDOCK_ASSIGN_OR_RETURN(const auto written, WriteTensor(tensor, &builder));
    tensors.push_back(written);
  }
  OperatorCodes codes;
  std::vector<Offset<format::Operator>> operators;
  for (const TfliteOperator& op : model.operators) {
    const auto inputs = builder.CreateVector(op.inputs);
    const auto outputs = builder.CreateVector(op.outputs);
    const WrittenOptions options = WriteOptions(op, &builder);
    operators.push_back(
        format::CreateOperator(builder, codes.IndexOf(op), inputs, outputs, options.type, options.table));
  }
  const auto graph = format::CreateSubGraph(
      builder, builder.CreateVector(tensors), builder.CreateVector(model.inputs),
      builder.CreateVector(model.outputs), builder.CreateVector(operators), builder.CreateString("main"));
  const auto graphs = builder.CreateVector(&graph, 1);
  const auto written_codes = builder.CreateVector(codes.Write(&builder));
  const auto description = builder.CreateString(model.description);
  const auto written_buffers = builder.CreateVector(buffers);
  constexpr std::uint32_t kSchemaVersion = 3;
  format::FinishModelBuffer(builder, format::CreateModel(builder, kSchemaVersion, written_codes, graphs,
                                                         description, written_buffers));
  std::string bytes(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  if (const auto parsed = ParseTflite(bytes); !parsed.ok())
    return InternalError("the written model is not consistent: " + parsed.status().message());
  return bytes;
}

}  // namespace paddock
