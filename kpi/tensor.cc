#include "kpi/tensor.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace paddock {
namespace {

struct ElementTypeRow {
  std::string_view name;
  std::size_t bytes;
};

// In the order of the enumeration.
constexpr std::array<ElementTypeRow, 14> kElementTypes = {{
    {"float16", 2},
    {"float32", 4},
    {"float64", 8},
    {"int8", 1},
    {"int16", 2},
    {"int32", 4},
    {"int64", 8},
    {"uint8", 1},
    {"uint16", 2},
    {"uint32", 4},
    {"uint64", 8},
    {"bool", 1},
    {"bfloat16", 2},
    {"string", 0},
}};
static_assert(static_cast<std::size_t>(ElementType::kString) + 1 == kElementTypes.size());

constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 48;

template <typename T>
T Load(const TensorView& tensor, std::size_t index) {
  T value;
  std::memcpy(&value, tensor.bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
double FromFloat16(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  double magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = fraction == 0 ? HUGE_VAL : std::nan("");
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, -24);
  } else {
    magnitude = std::ldexp(1024 + fraction, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

}  // namespace

std::string_view ElementTypeName(ElementType type) {
  const auto index = static_cast<std::size_t>(type);
  return index < kElementTypes.size() ? kElementTypes[index].name : "unknown";
}

Result<ElementType> ParseElementType(std::string_view name) {
  std::string known;
  for (std::size_t i = 0; i < kElementTypes.size(); ++i) {
    if (kElementTypes[i].name == name) return static_cast<ElementType>(i);
    known += (i == 0 ? "" : ", ") + std::string(kElementTypes[i].name);
  }
  return InvalidArgumentError("\"" + std::string(name.substr(0, 40)) + "\" is no element type; known are " +
                              known);
}

std::size_t ElementSize(ElementType type) {
  const auto index = static_cast<std::size_t>(type);
  return index < kElementTypes.size() ? kElementTypes[index].bytes : 0;
}

bool IsInteger(ElementType type) {
  switch (type) {
    case ElementType::kInt8:
    case ElementType::kInt16:
    case ElementType::kInt32:
    case ElementType::kInt64:
    case ElementType::kUint8:
    case ElementType::kUint16:
    case ElementType::kUint32:
    case ElementType::kUint64:
      return true;
    default:
      return false;
  }
}

bool IsFloating(ElementType type) {
  return type == ElementType::kFloat16 || type == ElementType::kFloat32 || type == ElementType::kFloat64 ||
         type == ElementType::kBfloat16;
}

std::string ShapeText(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ',';
    text += shape[i] < 0 ? "?" : std::to_string(shape[i]);
  }
  return text + "]";
}

std::optional<std::uint64_t> ElementCount(const Shape& shape) {
  bool empty = false;
  for (const std::int64_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    empty = empty || dimension == 0;
  }
  if (empty) return 0;
  std::uint64_t count = 1;
  for (const std::int64_t dimension : shape) {
    if (static_cast<std::uint64_t>(dimension) > kMaxElements / count) return std::nullopt;
    count *= static_cast<std::uint64_t>(dimension);
  }
  return count;
}

std::string TensorText(const TensorInfo& info) {
  return std::string(ElementTypeName(info.type)) + " " + info.name + ShapeText(info.shape);
}

double ElementAsDouble(const TensorView& tensor, std::size_t index) {
  switch (tensor.type) {
    case ElementType::kFloat16:
      return FromFloat16(Load<std::uint16_t>(tensor, index));
    case ElementType::kFloat32:
      return Load<float>(tensor, index);
    case ElementType::kFloat64:
      return Load<double>(tensor, index);
    case ElementType::kInt8:
      return Load<std::int8_t>(tensor, index);
    case ElementType::kInt16:
      return Load<std::int16_t>(tensor, index);
    case ElementType::kInt32:
      return Load<std::int32_t>(tensor, index);
    case ElementType::kInt64:
      return static_cast<double>(Load<std::int64_t>(tensor, index));
    case ElementType::kUint8:
      return Load<std::uint8_t>(tensor, index);
    case ElementType::kUint16:
      return Load<std::uint16_t>(tensor, index);
    case ElementType::kUint32:
      return Load<std::uint32_t>(tensor, index);
    case ElementType::kUint64:
      return static_cast<double>(Load<std::uint64_t>(tensor, index));
    case ElementType::kBool:
      return Load<std::uint8_t>(tensor, index) != 0 ? 1 : 0;
    case ElementType::kBfloat16:  // the upper half of a binary32
      return std::bit_cast<float>(static_cast<std::uint32_t>(Load<std::uint16_t>(tensor, index)) << 16);
    case ElementType::kString:
      break;
  }
  CheckFailed(__FILE__, __LINE__, "tensor.type != kString", "a tensor of strings has no numbers");
}

Tensor Dequantized(const TensorView& tensor, const Quantization& quantization) {
  Tensor result;
  result.info.type = ElementType::kFloat32;
  result.info.shape = tensor.shape;
  const std::size_t count = tensor.bytes.size() / ElementSize(tensor.type);
  result.bytes.resize(count * sizeof(float));
  for (std::size_t i = 0; i < count; ++i) {
    const double steps = ElementAsDouble(tensor, i) - static_cast<double>(quantization.zero_point);
    const auto value = static_cast<float>(quantization.scale * steps);
    std::memcpy(result.bytes.data() + i * sizeof(float), &value, sizeof(float));
  }
  return result;
}

}  // namespace paddock
