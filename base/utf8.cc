#include "base/utf8.h"

namespace paddock {

std::size_t Utf8SequenceLength(std::string_view text) {
  const auto at = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto continues = [at](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return continues(1) ? 2 : 0;
  if (first < 0xf0) {
    if ((first == 0xe0 && at(1) < 0xa0) || (first == 0xed && at(1) > 0x9f)) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if ((first == 0xf0 && at(1) < 0x90) || (first == 0xf4 && at(1) > 0x8f)) return 0;
  return continues(1) && continues(2) && continues(3) ? 4 : 0;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = Utf8SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string_view FirstBytes(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && (text[max_bytes] & 0xc0) == 0x80) --max_bytes;
  return text.substr(0, max_bytes);
}

std::string Readable(std::string_view text) {
  constexpr std::size_t kShownBytes = 200;
  return std::string(IsUtf8(text) ? FirstBytes(text, kShownBytes) : "(not UTF-8)");
}

}  // namespace paddock
