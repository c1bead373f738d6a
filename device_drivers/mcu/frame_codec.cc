#include "device_drivers/mcu/frame_codec.h"

#include <zlib.h>

#include <algorithm>

namespace paddock {
namespace {

constexpr std::size_t kHeaderBytes = 2;
constexpr std::size_t kCrcBytes = 4;
constexpr std::size_t kLongestBlock = 254;  // bytes without a zero that one code byte can announce

std::uint32_t Crc(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string ToCobs(std::string_view content) {
  std::string encoded;
  while (true) {
    const std::string_view block = content.substr(0, std::min(content.find('\0'), kLongestBlock));
    encoded.push_back(static_cast<char>(block.size() + 1));
    encoded.append(block);
    content.remove_prefix(block.size());
    if (content.empty()) return encoded;
    if (block.size() < kLongestBlock) content.remove_prefix(1);  // the zero that the code stands for
  }
}

std::optional<std::string> FromCobs(std::string_view encoded) {
  std::string content;
  while (!encoded.empty()) {
    const auto code = static_cast<unsigned char>(encoded.front());
    if (code == 0 || code > encoded.size()) return std::nullopt;
    content.append(encoded.substr(1, code - 1U));
    encoded.remove_prefix(code);
    if (code <= kLongestBlock && !encoded.empty()) content.push_back('\0');
  }
  return content;
}

}  // namespace

void AppendLittleEndian(std::uint64_t value, std::size_t bytes, std::string* to) {
  for (std::size_t i = 0; i < bytes; ++i) to->push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t ReadLittleEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

std::string EncodeFrame(const Frame& frame) {
  std::string content;
  content.push_back(static_cast<char>(frame.type));
  content.push_back(static_cast<char>(frame.sequence));
  content.append(frame.payload);
  AppendLittleEndian(Crc(content), kCrcBytes, &content);
  return '\0' + ToCobs(content) + '\0';
}

std::optional<Frame> DecodeFrame(std::string_view encoded) {
  const auto content = FromCobs(encoded);
  if (!content || content->size() < kHeaderBytes + kCrcBytes) return std::nullopt;
  const std::string_view checked = std::string_view(*content).substr(0, content->size() - kCrcBytes);
  if (ReadLittleEndian(std::string_view(*content).substr(checked.size())) != Crc(checked))
    return std::nullopt;
  return Frame{static_cast<std::uint8_t>(checked[0]), static_cast<std::uint8_t>(checked[1]),
               std::string(checked.substr(kHeaderBytes))};
}

}  // namespace paddock
