#include "device_drivers/mcu/protobuf_wire.h"

#include <bit>

#include "device_drivers/mcu/frame_codec.h"

namespace paddock {
namespace {

constexpr std::uint64_t kMaxFieldNumber = (std::uint64_t{1} << 29) - 1;

std::uint64_t Tag(std::uint32_t field, WireKind kind) {
  return std::uint64_t{field} << 3 | static_cast<std::uint64_t>(kind);
}

}  // namespace

void AppendVarint(std::uint64_t value, std::string* to) {
  for (; value >= 0x80; value >>= 7) to->push_back(static_cast<char>(value | 0x80));
  to->push_back(static_cast<char>(value));
}

void AppendNumberField(std::uint32_t field, std::uint64_t value, std::string* to) {
  AppendVarint(Tag(field, WireKind::kVarint), to);
  AppendVarint(value, to);
}

void AppendBytesField(std::uint32_t field, std::string_view bytes, std::string* to) {
  AppendVarint(Tag(field, WireKind::kBytes), to);
  AppendVarint(bytes.size(), to);
  to->append(bytes);
}

float FloatOf(const WireField& field) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
}

std::optional<std::uint64_t> WireReader::ReadVarint() {
  constexpr unsigned kMaxShift = 63;
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift <= kMaxShift && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> WireReader::ReadFixed(std::size_t bytes) {
  if (rest_.size() < bytes) return std::nullopt;
  const std::uint64_t value = ReadLittleEndian(rest_.substr(0, bytes));
  rest_.remove_prefix(bytes);
  return value;
}

std::optional<WireField> WireReader::Next() {
  if (rest_.empty() || is_damaged_) return std::nullopt;
  is_damaged_ = true;  // until the field is whole
  const auto tag = ReadVarint();
  if (!tag || *tag >> 3 == 0 || *tag >> 3 > kMaxFieldNumber) return std::nullopt;
  WireField field{static_cast<std::uint32_t>(*tag >> 3), static_cast<WireKind>(*tag & 7)};
  std::optional<std::uint64_t> value;
  switch (field.kind) {
    case WireKind::kVarint:
    case WireKind::kBytes:
      value = ReadVarint();
      break;
    case WireKind::kFixed32:
      value = ReadFixed(4);
      break;
    case WireKind::kFixed64:
      value = ReadFixed(8);
      break;
    default:
      break;
  }
  if (!value) return std::nullopt;
  field.value = *value;
  if (field.kind == WireKind::kBytes) {
    if (*value > rest_.size()) return std::nullopt;
    field.bytes = rest_.substr(0, *value);
    rest_.remove_prefix(*value);
  }
  is_damaged_ = false;
  return field;
}

}  // namespace paddock
