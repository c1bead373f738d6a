#include "prepare/codegen/c_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace paddock {
namespace {

constexpr std::size_t kColumns = 120;

template <typename T, typename Print>
std::string Array(std::string_view type, std::string_view name, std::span<const T> values,
                  const Print& print) {
  std::string text = "static const " + std::string(type) + " " + std::string(name) + "[" +
                     std::to_string(values.size()) + "] = {";
  text.reserve(text.size() + values.size() * 12);
  std::size_t column = kColumns;
  for (const T value : values) {
    const std::string element = print(value);
    if (column + element.size() + 2 > kColumns) {
      text += "\n   ";
      column = 3;
    }
    text += " " + element + ",";
    column += element.size() + 2;
  }
  return text + "\n};\n\n";
}

std::string Decimal(std::int64_t value) { return std::to_string(value); }

std::string Hexadecimal(std::uint32_t value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%08xu", static_cast<unsigned>(value));
  return text.data();
}

}  // namespace

std::string_view CTypeName(ElementType type) {
  if (type == ElementType::kInt8) return "INT8";
  return type == ElementType::kUint8 ? "UINT8" : "FLOAT32";
}

std::string CFloat(float value) {
  if (std::isnan(value)) return "NAN";
  if (std::isinf(value)) return value > 0 ? "INFINITY" : "-INFINITY";
  std::array<char, 32> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::general, 9).ptr;
  std::string text(digits.data(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

std::string CString(std::string_view text) {
  std::string literal = "\"";
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte > 0x7e || character == '"' || character == '\\' || character == '?') {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\%03o", static_cast<unsigned>(byte));
      literal += escape.data();
    } else {
      literal += character;
    }
  }
  return literal + "\"";
}

std::string CCommentText(std::string_view text) {
  std::string result;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool splits = !result.empty() && ((result.back() == '*' && character == '/') ||
                                            (result.back() == '/' && character == '*') ||
                                            (result.back() == '?' && character == '?'));
    result += byte < 0x20 || byte > 0x7e || character == '\\' || splits ? '_' : character;
  }
  return result;
}

std::string CArray(std::string_view name, std::span<const std::uint32_t> words) {
  return Array("uint32_t", name, words, Hexadecimal);
}

std::string CArray(std::string_view name, std::span<const std::int32_t> integers) {
  return Array("int32_t", name, integers, Decimal);
}

std::string CArray(std::string_view name, std::span<const std::int8_t> integers) {
  return Array("int8_t", name, integers, Decimal);
}

std::string CArray(std::string_view name, std::span<const float> numbers) {
  return Array("float", name, numbers, CFloat);
}

}  // namespace paddock
