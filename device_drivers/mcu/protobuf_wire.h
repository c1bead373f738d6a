// The wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding), as much as ST's messages need: numbers, floats and
// bytes. Pure; nothing is copied or allocated while reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paddock {

void AppendVarint(std::uint64_t value, std::string* to);
void AppendNumberField(std::uint32_t field, std::uint64_t value, std::string* to);
void AppendBytesField(std::uint32_t field, std::string_view bytes, std::string* to);

enum class WireKind : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireKind kind = WireKind::kVarint;
  std::uint64_t value = 0;   // of a varint, or the bits of a fixed number
  std::string_view bytes{};  // of text, bytes and messages within
};

float FloatOf(const WireField& field);

class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}
  // Empty at the end, and where the message is damaged.
  std::optional<WireField> Next();
  bool is_damaged() const { return is_damaged_; }

 private:
  std::optional<std::uint64_t> ReadVarint();
  std::optional<std::uint64_t> ReadFixed(std::size_t bytes);

  std::string_view rest_;
  bool is_damaged_ = false;
};

}  // namespace paddock
