// Tensors of an ONNX model: their elements lie in raw_data or in one of five typed fields.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "prepare/onnx_graph.h"

namespace paddock {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

constexpr std::uint64_t kMaxTensorBytes = std::uint64_t{1} << 31;

struct TypePair {
  std::int32_t onnx;
  ElementType own;
};
constexpr TypePair kTypes[] = {
    {onnx::TensorProto::FLOAT, ElementType::kFloat32},  {onnx::TensorProto::UINT8, ElementType::kUint8},
    {onnx::TensorProto::INT8, ElementType::kInt8},      {onnx::TensorProto::UINT16, ElementType::kUint16},
    {onnx::TensorProto::INT16, ElementType::kInt16},    {onnx::TensorProto::INT32, ElementType::kInt32},
    {onnx::TensorProto::INT64, ElementType::kInt64},    {onnx::TensorProto::STRING, ElementType::kString},
    {onnx::TensorProto::BOOL, ElementType::kBool},      {onnx::TensorProto::FLOAT16, ElementType::kFloat16},
    {onnx::TensorProto::DOUBLE, ElementType::kFloat64}, {onnx::TensorProto::UINT32, ElementType::kUint32},
    {onnx::TensorProto::UINT64, ElementType::kUint64},  {onnx::TensorProto::BFLOAT16, ElementType::kBfloat16},
};

template <typename Element, typename Field>
void CopyField(const Field& field, std::vector<std::byte>* bytes) {
  bytes->reserve(static_cast<std::size_t>(field.size()) * sizeof(Element));
  for (const auto value : field) {
    const auto element = static_cast<Element>(value);
    const auto* const begin = reinterpret_cast<const std::byte*>(&element);
    bytes->insert(bytes->end(), begin, begin + sizeof(Element));
  }
}

void CopyTyped(const onnx::TensorProto& tensor, ElementType type, std::vector<std::byte>* bytes) {
  switch (type) {
    case ElementType::kFloat32:
      return CopyField<float>(tensor.float_data(), bytes);
    case ElementType::kFloat64:
      return CopyField<double>(tensor.double_data(), bytes);
    case ElementType::kInt64:
      return CopyField<std::int64_t>(tensor.int64_data(), bytes);
    case ElementType::kUint64:
      return CopyField<std::uint64_t>(tensor.uint64_data(), bytes);
    case ElementType::kUint32:
      return CopyField<std::uint32_t>(tensor.uint64_data(), bytes);
    case ElementType::kInt32:
      return CopyField<std::int32_t>(tensor.int32_data(), bytes);
    case ElementType::kInt16:
    case ElementType::kUint16:
    case ElementType::kFloat16:
    case ElementType::kBfloat16:
      return CopyField<std::uint16_t>(tensor.int32_data(), bytes);
    case ElementType::kInt8:
    case ElementType::kUint8:
    case ElementType::kBool:
      return CopyField<std::uint8_t>(tensor.int32_data(), bytes);
    case ElementType::kString:
      return;
  }
}

template <typename Element>
Element Saturated(std::int64_t value) {
  using Limits = std::numeric_limits<Element>;
  if (value < static_cast<std::int64_t>(Limits::min())) return Limits::min();
  if constexpr (sizeof(Element) < sizeof(std::int64_t)) {
    if (value > static_cast<std::int64_t>(Limits::max())) return Limits::max();
  }
  return static_cast<Element>(value);
}

template <typename Element>
void FillRaw(const std::vector<std::int64_t>& values, onnx::TensorProto* tensor) {
  std::vector<Element> elements;
  elements.reserve(values.size());
  for (const std::int64_t value : values) elements.push_back(Saturated<Element>(value));
  tensor->set_raw_data(elements.data(), elements.size() * sizeof(Element));
}

onnx::TensorProto EmptyTensor(const std::string& name, ElementType type, const Shape& shape) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(OnnxTypeOf(type));
  for (const std::int64_t dimension : shape) tensor.add_dims(dimension);
  return tensor;
}

}  // namespace

std::optional<ElementType> ElementTypeOf(std::int32_t onnx_type) {
  for (const TypePair& pair : kTypes) {
    if (pair.onnx == onnx_type) return pair.own;
  }
  return std::nullopt;
}

std::int32_t OnnxTypeOf(ElementType type) {
  for (const TypePair& pair : kTypes) {
    if (pair.own == type) return pair.onnx;
  }
  return onnx::TensorProto::UNDEFINED;
}

Result<Tensor> TensorOf(const onnx::TensorProto& tensor) {
  const std::string what = "tensor '" + tensor.name() + "' ";
  const auto type = ElementTypeOf(tensor.data_type());
  if (!type || *type == ElementType::kString) {
    return InvalidArgumentError(what + "has the element type " + std::to_string(tensor.data_type()) +
                                " of ONNX, which no step can change");
  }
  Tensor result{{tensor.name(), *type, Shape(tensor.dims().begin(), tensor.dims().end())}, {}};
  const auto count = ElementCount(result.info.shape);
  if (!count || *count > kMaxTensorBytes / ElementSize(*type)) {
    return InvalidArgumentError(what + "has the impossible shape " + ShapeText(result.info.shape));
  }
  if (tensor.has_raw_data()) {
    const auto* const begin = reinterpret_cast<const std::byte*>(tensor.raw_data().data());
    result.bytes.assign(begin, begin + tensor.raw_data().size());
  } else {
    CopyTyped(tensor, *type, &result.bytes);
  }
  if (result.bytes.size() != *count * ElementSize(*type)) {
    return InvalidArgumentError(what + "of shape " + ShapeText(result.info.shape) + " holds " +
                                std::to_string(result.bytes.size()) + " bytes; export the model anew");
  }
  return result;
}

Result<std::vector<float>> FiniteFloatsOf(const onnx::TensorProto& proto) {
  PADDOCK_ASSIGN_OR_RETURN(const Tensor tensor, TensorOf(proto));
  const ElementType type = tensor.info.type;
  if (type != ElementType::kFloat32 && type != ElementType::kFloat64 && type != ElementType::kFloat16 &&
      type != ElementType::kBfloat16) {
    return InvalidArgumentError("tensor '" + proto.name() + "' is of type " +
                                std::string(ElementTypeName(type)) + " where floating numbers are expected");
  }
  std::vector<float> values(tensor.bytes.size() / ElementSize(type));
  if (type == ElementType::kFloat32) {
    if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  } else {
    const TensorView view = tensor.view();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(ElementAsDouble(view, i));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return InvalidArgumentError("tensor '" + proto.name() + "' holds " +
                                (std::isnan(values[i]) ? "NaN" : "infinity") + " at index " +
                                std::to_string(i) + "; train or export the model anew");
  }
  return values;
}

Result<std::vector<std::int64_t>> IntegersOf(const onnx::TensorProto& proto) {
  PADDOCK_ASSIGN_OR_RETURN(const Tensor tensor, TensorOf(proto));
  const auto read = [&]<typename Element>(Element) {
    std::vector<std::int64_t> values(tensor.bytes.size() / sizeof(Element));
    for (std::size_t i = 0; i < values.size(); ++i) {
      Element element;
      std::memcpy(&element, tensor.bytes.data() + i * sizeof(Element), sizeof(Element));
      values[i] = static_cast<std::int64_t>(element);
    }
    return values;
  };
  switch (tensor.info.type) {
    case ElementType::kInt8:
      return read(std::int8_t{});
    case ElementType::kUint8:
    case ElementType::kBool:
      return read(std::uint8_t{});
    case ElementType::kInt16:
      return read(std::int16_t{});
    case ElementType::kUint16:
      return read(std::uint16_t{});
    case ElementType::kInt32:
      return read(std::int32_t{});
    case ElementType::kUint32:
      return read(std::uint32_t{});
    case ElementType::kInt64:
      return read(std::int64_t{});
    default:
      return InvalidArgumentError("tensor '" + proto.name() + "' is of type " +
                                  std::string(ElementTypeName(tensor.info.type)) +
                                  " where integers are expected");
  }
}

onnx::TensorProto MakeTensorProto(const Tensor& tensor) {
  onnx::TensorProto proto = EmptyTensor(tensor.info.name, tensor.info.type, tensor.info.shape);
  proto.set_raw_data(tensor.bytes.data(), tensor.bytes.size());
  return proto;
}

onnx::TensorProto MakeFloats(const std::string& name, const Shape& shape, const std::vector<float>& values) {
  onnx::TensorProto tensor = EmptyTensor(name, ElementType::kFloat32, shape);
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  return tensor;
}

onnx::TensorProto MakeIntegers(const std::string& name, ElementType type, const Shape& shape,
                               const std::vector<std::int64_t>& values) {
  onnx::TensorProto tensor = EmptyTensor(name, type, shape);
  switch (type) {
    case ElementType::kInt8:
      FillRaw<std::int8_t>(values, &tensor);
      break;
    case ElementType::kUint8:
      FillRaw<std::uint8_t>(values, &tensor);
      break;
    case ElementType::kInt16:
      FillRaw<std::int16_t>(values, &tensor);
      break;
    case ElementType::kUint16:
      FillRaw<std::uint16_t>(values, &tensor);
      break;
    case ElementType::kInt32:
      FillRaw<std::int32_t>(values, &tensor);
      break;
    default:
      FillRaw<std::int64_t>(values, &tensor);
      break;
  }
  return tensor;
}

}  // namespace paddock
