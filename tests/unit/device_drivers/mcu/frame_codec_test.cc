#include "device_drivers/mcu/frame_codec.h"

#include <string>

#include <catch2/catch.hpp>

#include "base/random.h"

namespace paddock {
namespace {

std::string Within(const std::string& encoded) { return encoded.substr(1, encoded.size() - 2); }

TEST_CASE("a frame is encoded as the protocol's page says", "[mcu][frames]") {
  // CRC-32 of 01 02 is 0xB6CC4292.
  CHECK(EncodeFrame({1, 2, ""}) == std::string("\0\x07\x01\x02\x92\x42\xcc\xb6\0", 9));
  // Zeros are taken out: 03 00 05 and the CRC's four bytes.
  const std::string with_zero = EncodeFrame({3, 0, "\5"});
  CHECK(Within(with_zero).find('\0') == std::string::npos);
  CHECK(with_zero.substr(1, 2) == "\x02\x03");
}

TEST_CASE("frames of every length survive, whatever they hold", "[mcu][frames]") {
  Random random(7);
  for (std::size_t size = 0; size < 1100; size += size < 300 ? 1 : 53) {
    for (const std::uint64_t values : {1, 2, 256}) {  // zeros only, many zeros, few zeros
      Frame frame{static_cast<std::uint8_t>(random.Below(256)), static_cast<std::uint8_t>(size), {}};
      for (std::size_t i = 0; i < size; ++i) frame.payload.push_back(static_cast<char>(random.Below(values)));
      const std::string encoded = EncodeFrame(frame);
      REQUIRE(encoded.front() == '\0');
      REQUIRE(encoded.back() == '\0');
      REQUIRE(Within(encoded).find('\0') == std::string::npos);
      const auto decoded = DecodeFrame(Within(encoded));
      REQUIRE(decoded);
      CHECK(*decoded == frame);
    }
  }
}

TEST_CASE("a damaged frame is no frame", "[mcu][frames]") {
  const std::string encoded = Within(EncodeFrame({2, 9, "some payload"}));
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    std::string damaged = encoded;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    CHECK_FALSE(DecodeFrame(damaged));
    CHECK_FALSE(DecodeFrame(encoded.substr(0, i)));
  }
  CHECK_FALSE(DecodeFrame("m-ready\r\n"));
}

TEST_CASE("integers are little-endian", "[mcu][frames]") {
  std::string bytes;
  AppendLittleEndian(0x0102030405060708, 8, &bytes);
  CHECK(bytes == "\x08\x07\x06\x05\x04\x03\x02\x01");
  CHECK(ReadLittleEndian(bytes) == 0x0102030405060708);
  CHECK(ReadLittleEndian("\xff\x01") == 0x1ff);
  CHECK(ReadLittleEndian("") == 0);
}

}  // namespace
}  // namespace paddock
