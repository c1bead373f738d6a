// Pieces of C source text. Deterministic, whatever the locale. Pure functions; internal to prepare/.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kpi/tensor.h"

namespace paddock {

// "INT8", "UINT8" or "FLOAT32", the types of a network's values.
std::string_view CTypeName(ElementType type);

// "-1.5f", "INFINITY" (of <math.h>); reads back as the same float.
std::string CFloat(float value);
// A string literal with its quotes.
std::string CString(std::string_view text);
// Text that may stand in a comment: what ends one, begins one or is no printable ASCII is "_".
std::string CCommentText(std::string_view text);

// "static const uint32_t NAME[3] = {...};" and an empty line.
std::string CArray(std::string_view name, std::span<const std::uint32_t> words);
std::string CArray(std::string_view name, std::span<const std::int32_t> integers);
std::string CArray(std::string_view name, std::span<const std::int8_t> integers);
std::string CArray(std::string_view name, std::span<const float> numbers);

}  // namespace paddock
