#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "prepare/tflite/tflite_model.h"
#include "prepare/tflite_generated.h"

namespace paddock {
namespace {

namespace format = tflite_format;

constexpr std::size_t kMaxDimensions = 8;
constexpr std::size_t kMaxNameBytes = 4096;
constexpr std::uint64_t kMaxTensorElements = std::uint64_t{1} << 31;
constexpr char kAgain[] = "; export or convert the model to .tflite anew";

std::optional<ElementType> OwnType(format::TensorType type) {
  switch (type) {
    case format::TensorType_kFloat32:
      return ElementType::kFloat32;
    case format::TensorType_kFloat16:
      return ElementType::kFloat16;
    case format::TensorType_kFloat64:
      return ElementType::kFloat64;
    case format::TensorType_kInt8:
      return ElementType::kInt8;
    case format::TensorType_kInt16:
      return ElementType::kInt16;
    case format::TensorType_kInt32:
      return ElementType::kInt32;
    case format::TensorType_kInt64:
      return ElementType::kInt64;
    case format::TensorType_kUint8:
      return ElementType::kUint8;
    case format::TensorType_kUint16:
      return ElementType::kUint16;
    case format::TensorType_kUint32:
      return ElementType::kUint32;
    case format::TensorType_kUint64:
      return ElementType::kUint64;
    case format::TensorType_kBool:
      return ElementType::kBool;
    case format::TensorType_kString:
      return ElementType::kString;
  }
  return std::nullopt;
}

// A table is told apart from an empty one, whose fields have the format's defaults.
template <typename Table>
void ReadWindow(const Table& table, TfliteOptions* options) {
  options->is_same_padded = table.padding() == format::Padding_kSame;
  options->stride_h = table.stride_h();
  options->stride_w = table.stride_w();
  options->activation = static_cast<TfliteActivation>(table.activation());
}

template <typename Table>
void ReadActivation(const Table* table, TfliteOptions* options) {
  if (table != nullptr) options->activation = static_cast<TfliteActivation>(table->activation());
}

TfliteOptions ReadOptions(const format::Operator& op) {
  TfliteOptions options;
  ReadActivation(op.builtin_options_as_AddOptions(), &options);
  ReadActivation(op.builtin_options_as_SubOptions(), &options);
  ReadActivation(op.builtin_options_as_MulOptions(), &options);
  ReadActivation(op.builtin_options_as_DivOptions(), &options);
  if (const auto* conv = op.builtin_options_as_Conv2DOptions()) {
    ReadWindow(*conv, &options);
    options.dilation_h = conv->dilation_h();
    options.dilation_w = conv->dilation_w();
  } else if (const auto* depthwise = op.builtin_options_as_DepthwiseConv2DOptions()) {
    ReadWindow(*depthwise, &options);
    options.dilation_h = depthwise->dilation_h();
    options.dilation_w = depthwise->dilation_w();
    options.depth_multiplier = depthwise->depth_multiplier();
  } else if (const auto* pool = op.builtin_options_as_Pool2DOptions()) {
    ReadWindow(*pool, &options);
    options.filter_h = pool->filter_height();
    options.filter_w = pool->filter_width();
  } else if (const auto* dense = op.builtin_options_as_FullyConnectedOptions()) {
    ReadActivation(dense, &options);
    options.has_shuffled_weights = dense->weights_format() != 0;
    options.keep_dims = dense->keep_num_dims();
  } else if (const auto* softmax = op.builtin_options_as_SoftmaxOptions()) {
    options.beta = softmax->beta();
  } else if (const auto* concatenation = op.builtin_options_as_ConcatenationOptions()) {
    ReadActivation(concatenation, &options);
    options.axis = concatenation->axis();
  } else if (const auto* reshape = op.builtin_options_as_ReshapeOptions()) {
    const auto* dims = reshape->new_shape();
    if (dims != nullptr && dims->size() <= kMaxDimensions) options.dims.assign(dims->begin(), dims->end());
  } else if (const auto* squeeze = op.builtin_options_as_SqueezeOptions()) {
    const auto* dims = squeeze->squeeze_dims();
    if (dims != nullptr && dims->size() <= kMaxDimensions) options.dims.assign(dims->begin(), dims->end());
  } else if (const auto* reducer = op.builtin_options_as_ReducerOptions()) {
    options.keep_dims = reducer->keep_dims();
  } else if (const auto* leaky = op.builtin_options_as_LeakyReluOptions()) {
    options.alpha = leaky->alpha();
  } else if (const auto* bilinear = op.builtin_options_as_ResizeBilinearOptions()) {
    options.align_corners = bilinear->align_corners();
    options.half_pixel_centers = bilinear->half_pixel_centers();
  } else if (const auto* nearest = op.builtin_options_as_ResizeNearestNeighborOptions()) {
    options.align_corners = nearest->align_corners();
    options.half_pixel_centers = nearest->half_pixel_centers();
  }
  return options;
}

class Reader {
 public:
  Reader(const format::Model& source, std::size_t file_bytes)
      : source_(source), budget_(4 * file_bytes + 65536) {}

  Result<TfliteModel> Read() {
    if (source_.version() != 3) {
      return InvalidArgumentError("its schema version is " + std::to_string(source_.version()) +
                                  ", and only 3 is known" + kAgain);
    }
    if (source_.subgraphs() == nullptr || source_.subgraphs()->size() == 0)
      return InvalidArgumentError(std::string("it has no graph") + kAgain);
    model_.subgraphs = source_.subgraphs()->size();
    if (source_.description() != nullptr) model_.description = source_.description()->str().substr(0, 200);
    PADDOCK_RETURN_IF_ERROR(ReadBuffers());
    const format::SubGraph& graph = *source_.subgraphs()->Get(0);
    if (graph.tensors() != nullptr) {
      for (const format::Tensor* tensor : *graph.tensors()) PADDOCK_RETURN_IF_ERROR(ReadTensor(*tensor));
    }
    PADDOCK_RETURN_IF_ERROR(ReadIndices(graph.inputs(), "the model's inputs", false, &model_.inputs));
    PADDOCK_RETURN_IF_ERROR(ReadIndices(graph.outputs(), "the model's outputs", false, &model_.outputs));
    if (graph.operators() != nullptr) {
      for (const format::Operator* op : *graph.operators()) PADDOCK_RETURN_IF_ERROR(ReadOperator(*op));
    }
    PADDOCK_RETURN_IF_ERROR(CheckOrder());
    return std::move(model_);
  }

 private:
  // Offsets may lead many times to one place; what is copied stays in proportion to the file.
  Status Spend(std::size_t bytes) {
    if (bytes > budget_)
      return InvalidArgumentError(std::string("its parts refer to the same bytes over and over") + kAgain);
    budget_ -= bytes;
    return OkStatus();
  }

  Status ReadBuffers() {
    if (source_.buffers() == nullptr) return OkStatus();
    model_.buffers.clear();
    for (const format::Buffer* buffer : *source_.buffers()) {
      std::vector<std::byte>& bytes = model_.buffers.emplace_back();
      if (buffer->data() == nullptr) continue;
      PADDOCK_RETURN_IF_ERROR(Spend(buffer->data()->size()));
      const auto* const begin = reinterpret_cast<const std::byte*>(buffer->data()->data());
      bytes.assign(begin, begin + buffer->data()->size());
    }
    if (model_.buffers.empty()) model_.buffers.emplace_back();
    return OkStatus();
  }

  Status ReadTensor(const format::Tensor& source) {
    TfliteTensor tensor;
    if (source.name() != nullptr && source.name()->size() > kMaxNameBytes)
      return InvalidArgumentError(TensorName(tensor) + "has an absurdly long name" + kAgain);
    if (source.name() != nullptr) tensor.name = source.name()->str();
    PADDOCK_RETURN_IF_ERROR(Spend(tensor.name.size() + 1));
    tensor.type = OwnType(source.type());
    tensor.is_variable = source.is_variable();
    PADDOCK_RETURN_IF_ERROR(ReadShape(source.shape(), 0, tensor, &tensor.shape));
    PADDOCK_RETURN_IF_ERROR(ReadShape(source.shape_signature(), -1, tensor, &tensor.signature));
    const auto count = ElementCount(tensor.shape);
    if (!count || *count > kMaxTensorElements) {
      return InvalidArgumentError(TensorName(tensor) + "has the impossible shape " + ShapeText(tensor.shape) +
                                  kAgain);
    }
    if (!tensor.signature.empty() && tensor.signature.size() != tensor.shape.size())
      return InvalidArgumentError(TensorName(tensor) + "has a shape and a signature of different ranks" +
                                  kAgain);
    if (source.buffer() >= model_.buffers.size()) {
      return InvalidArgumentError(TensorName(tensor) + "refers to buffer " + std::to_string(source.buffer()) +
                                  " of " + std::to_string(model_.buffers.size()) + kAgain);
    }
    tensor.buffer = static_cast<std::int32_t>(source.buffer());
    const std::size_t held = model_.DataOf(tensor).size();
    const std::size_t element = tensor.type ? ElementSize(*tensor.type) : 0;
    if (held != 0 && element != 0 && held != *count * element) {
      return InvalidArgumentError(TensorName(tensor) + "of shape " + ShapeText(tensor.shape) + " holds " +
                                  std::to_string(held) + " bytes" + kAgain);
    }
    if (source.quantization() != nullptr)
      PADDOCK_RETURN_IF_ERROR(ReadQuantization(*source.quantization(), &tensor));
    model_.tensors.push_back(std::move(tensor));
    return OkStatus();
  }

  Status ReadShape(const flatbuffers::Vector<std::int32_t>* source, std::int32_t least,
                   const TfliteTensor& tensor, Shape* shape) {
    if (source == nullptr) return OkStatus();
    if (source->size() > kMaxDimensions) {
      return InvalidArgumentError(TensorName(tensor) + "has " + std::to_string(source->size()) +
                                  " dimensions" + kAgain);
    }
    shape->assign(source->begin(), source->end());
    for (const std::int64_t dimension : *shape) {
      if (dimension < least)
        return InvalidArgumentError(TensorName(tensor) + "has a negative dimension" + kAgain);
    }
    return OkStatus();
  }

  Status ReadQuantization(const format::QuantizationParameters& source, TfliteTensor* tensor) {
    const std::size_t scales = source.scale() == nullptr ? 0 : source.scale()->size();
    if (scales == 0) return OkStatus();
    const std::size_t zeros = source.zero_point() == nullptr ? 0 : source.zero_point()->size();
    const std::int32_t axis = source.quantized_dimension();
    const bool is_axis = axis >= 0 && static_cast<std::size_t>(axis) < tensor->shape.size();
    if (zeros > 1 && zeros != scales)
      return InvalidArgumentError(TensorName(*tensor) + "has more zero points than scales" + kAgain);
    if (scales > 1 &&
        (!is_axis || static_cast<std::size_t>(tensor->shape[static_cast<std::size_t>(axis)]) != scales)) {
      return InvalidArgumentError(TensorName(*tensor) + "has " + std::to_string(scales) +
                                  " scales, which is not the size of a dimension" + kAgain);
    }
    PADDOCK_RETURN_IF_ERROR(Spend(4 * scales));
    tensor->scales.assign(source.scale()->begin(), source.scale()->end());
    tensor->zero_points.assign(scales, 0);
    for (std::size_t i = 0; zeros > 0 && i < scales; ++i) {
      const std::size_t place = (zeros == 1 ? 0 : i) * sizeof(std::int64_t);
      // Copied as bytes: a damaged file may not have aligned them.
      std::memcpy(&tensor->zero_points[i], source.zero_point()->Data() + place, sizeof(std::int64_t));
    }
    tensor->quantized_dimension = axis;
    for (const float scale : tensor->scales) {
      if (!std::isfinite(scale) || scale < 0)
        return InvalidArgumentError(TensorName(*tensor) + "has a scale that is no positive number" + kAgain);
    }
    for (const std::int64_t zero : tensor->zero_points) {
      if (zero < INT32_MIN || zero > INT32_MAX)
        return InvalidArgumentError(TensorName(*tensor) + "has an absurd zero point" + kAgain);
    }
    return OkStatus();
  }

  Status ReadIndices(const flatbuffers::Vector<std::int32_t>* source, const std::string& where,
                     bool may_be_absent, std::vector<std::int32_t>* indices) {
    if (source == nullptr) return OkStatus();
    PADDOCK_RETURN_IF_ERROR(Spend(4 * std::size_t{source->size()}));
    indices->assign(source->begin(), source->end());
    for (const std::int32_t index : *indices) {
      if (index == -1 && may_be_absent) continue;
      if (index < 0 || static_cast<std::size_t>(index) >= model_.tensors.size()) {
        return InvalidArgumentError(where + " refer to tensor " + std::to_string(index) + " of " +
                                    std::to_string(model_.tensors.size()) + kAgain);
      }
    }
    return OkStatus();
  }

  Status ReadOperator(const format::Operator& source) {
    const std::string where = "operator number " + std::to_string(model_.operators.size());
    const auto* const codes = source_.operator_codes();
    if (codes == nullptr || source.opcode_index() >= codes->size())
      return InvalidArgumentError(where + " has a kind that is not in the file" + kAgain);
    const format::OperatorCode& code = *codes->Get(source.opcode_index());
    TfliteOperator op;
    op.op = static_cast<TfliteOp>(
        std::max(static_cast<std::int32_t>(code.old_builtin_code()), code.builtin_code()));
    op.version = code.version();
    if (op.op == TfliteOp::kCustom && code.custom_code() != nullptr) {
      PADDOCK_RETURN_IF_ERROR(Spend(std::min<std::size_t>(code.custom_code()->size(), 200)));
      op.custom_name.assign(code.custom_code()->c_str(),
                            std::min<std::size_t>(code.custom_code()->size(), 200));
    }
    PADDOCK_RETURN_IF_ERROR(ReadIndices(source.inputs(), where + ": its inputs", true, &op.inputs));
    PADDOCK_RETURN_IF_ERROR(ReadIndices(source.outputs(), where + ": its outputs", false, &op.outputs));
    op.options = ReadOptions(source);
    model_.operators.push_back(std::move(op));
    return OkStatus();
  }

  Status CheckOrder() const {
    std::vector<bool> is_known(model_.tensors.size());
    for (std::size_t i = 0; i < model_.tensors.size(); ++i)
      is_known[i] = model_.tensors[i].is_variable || model_.IsConstant(static_cast<std::int32_t>(i));
    for (const std::int32_t input : model_.inputs) is_known[static_cast<std::size_t>(input)] = true;
    // An empty constant is told from a value by what nobody writes.
    std::vector<bool> is_made(model_.tensors.size());
    for (const TfliteOperator& op : model_.operators) {
      for (const std::int32_t output : op.outputs) is_made[static_cast<std::size_t>(output)] = true;
    }
    for (const TfliteOperator& op : model_.operators) {
      for (const std::int32_t input : op.inputs) {
        if (input < 0 || is_known[static_cast<std::size_t>(input)]) continue;
        const TfliteTensor& tensor = model_.tensors[static_cast<std::size_t>(input)];
        if (!is_made[static_cast<std::size_t>(input)] && ElementCount(tensor.shape) == 0U) continue;
        return InvalidArgumentError(model_.OperatorText(op) + " reads " + TensorName(tensor) +
                                    "before anything makes it" + kAgain);
      }
      for (const std::int32_t output : op.outputs) {
        if (is_known[static_cast<std::size_t>(output)] &&
            !model_.tensors[static_cast<std::size_t>(output)].is_variable) {
          return InvalidArgumentError(model_.OperatorText(op) + " writes " +
                                      TensorName(model_.tensors[static_cast<std::size_t>(output)]) +
                                      "which is there already" + kAgain);
        }
        is_known[static_cast<std::size_t>(output)] = true;
      }
    }
    for (const std::int32_t output : model_.outputs) {
      if (is_known[static_cast<std::size_t>(output)]) continue;
      return InvalidArgumentError(TensorName(model_.tensors[static_cast<std::size_t>(output)]) +
                                  "is an output, and nothing makes it" + kAgain);
    }
    return OkStatus();
  }

  std::string TensorName(const TfliteTensor& tensor) const {
    return "tensor '" + tensor.name.substr(0, 200) + "' ";
  }

  const format::Model& source_;
  std::size_t budget_;
  TfliteModel model_;
};

}  // namespace

bool IsTflite(std::string_view bytes) { return bytes.size() >= 8 && bytes.substr(4, 4) == "TFL3"; }

Result<TfliteModel> ParseTflite(std::string_view bytes) {
  constexpr flatbuffers::uoffset_t kMaxDepth = 16;
  constexpr flatbuffers::uoffset_t kMaxTables = 1'000'000;
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), kMaxDepth,
                                 kMaxTables);
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE || !IsTflite(bytes) || !format::VerifyModelBuffer(verifier))
    return InvalidArgumentError(std::string("not a TensorFlow Lite model, or a truncated or damaged one") +
                                kAgain);
  return Reader(*format::GetModel(bytes.data()), bytes.size()).Read();
}

std::vector<WordRange> TfliteArrays(std::string_view bytes, std::uint64_t min_bytes) {
  const format::Model& model = *format::GetModel(bytes.data());
  std::vector<WordRange> arrays;
  for (const format::SubGraph* graph : *model.subgraphs()) {
    if (graph->tensors() == nullptr || model.buffers() == nullptr) continue;
    for (const format::Tensor* tensor : *graph->tensors()) {
      const auto type = OwnType(tensor->type());
      if (!type || ElementSize(*type) == 0 || tensor->buffer() >= model.buffers()->size()) continue;
      const auto* const data = model.buffers()->Get(tensor->buffer())->data();
      if (data == nullptr || data->size() < min_bytes) continue;
      arrays.push_back({.offset = static_cast<std::uint64_t>(
                            data->data() - reinterpret_cast<const std::uint8_t*>(bytes.data())),
                        .word_bytes = static_cast<std::uint32_t>(ElementSize(*type)),
                        .words = data->size() / ElementSize(*type)});
    }
  }
  return arrays;
}

}  // namespace paddock
