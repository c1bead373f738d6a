// Tensors as they travel between data files, models and results: an element type, a shape, and bytes in C order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

enum class ElementType : std::uint8_t {
  kFloat16,
  kFloat32,
  kFloat64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kBool,
  kBfloat16,
  kString,
};

// "float32", "int8", ... : the names in job files, tensor files and messages.
std::string_view ElementTypeName(ElementType type);
Result<ElementType> ParseElementType(std::string_view name);
// Bytes of one element; 0 for kString, whose size is not fixed.
std::size_t ElementSize(ElementType type);
bool IsInteger(ElementType type);  // bool is none
bool IsFloating(ElementType type);

// -1 is a dimension that the model leaves open.
using Shape = std::vector<std::int64_t>;
std::string ShapeText(const Shape& shape);  // "[1,28,28]", open dimensions as "?"
// Elements of a shape without open dimensions; empty when one is open or negative, or the product overflows 2^48.
std::optional<std::uint64_t> ElementCount(const Shape& shape);

// What the integers of a quantised tensor stand for: scale * (integer - zero_point). `scale` is above 0.
struct Quantization {
  double scale = 1;
  std::int64_t zero_point = 0;
  bool operator==(const Quantization&) const = default;
};

struct TensorInfo {
  std::string name;
  ElementType type = ElementType::kFloat32;
  Shape shape;
  std::optional<Quantization> quantization = std::nullopt;  // of the whole tensor, where the model states one
  bool operator==(const TensorInfo&) const = default;
};
std::string TensorText(const TensorInfo& info);  // "float32 image[?,1,8,8]"

// Somebody else's bytes. `bytes.size()` equals ElementCount(shape) * ElementSize(type).
struct TensorView {
  ElementType type = ElementType::kFloat32;
  Shape shape;
  std::span<const std::byte> bytes;
};

struct Tensor {
  TensorInfo info;
  std::vector<std::byte> bytes;
  TensorView view() const { return {info.type, info.shape, bytes}; }
};

// Element i as a double, for every numeric type (float16 and bfloat16 by their formats). REQUIRES: i in range, not kString.
double ElementAsDouble(const TensorView& tensor, std::size_t index);
// What the integers stand for, as float32. REQUIRES: an integer type.
Tensor Dequantized(const TensorView& tensor, const Quantization& quantization);

}  // namespace paddock
