// Frames on a board's line, as docs/mcu_protocol.md says: content in COBS between zero bytes. Pure.
//
// COBS: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paddock {

inline constexpr std::uint8_t kFrameAnswer = 0x80;  // set in the type of an answer

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t sequence = 0;
  std::string payload;
  bool operator==(const Frame&) const = default;
};

// With the zero byte at either end.
std::string EncodeFrame(const Frame& frame);

// What stands between two zero bytes. Empty: it is damaged, or no frame.
std::optional<Frame> DecodeFrame(std::string_view encoded);

void AppendLittleEndian(std::uint64_t value, std::size_t bytes, std::string* to);
// REQUIRES: at most 8 bytes.
std::uint64_t ReadLittleEndian(std::string_view bytes);

}  // namespace paddock
