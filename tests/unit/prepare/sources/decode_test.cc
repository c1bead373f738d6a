#include <catch2/catch.hpp>

#include <cstring>

#include "prepare/sources/image_decode.h"
#include "prepare/sources/wav_decode.h"
#include "tests/unit/prepare/sources/media_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

std::vector<int> Pixels(const std::string& bytes) {
  const auto image = DecodeImage(bytes);
  INFO(image.status().message());
  REQUIRE(image.ok());
  std::vector<int> values;
  for (const std::byte value : image->bytes) values.push_back(std::to_integer<int>(value));
  return values;
}

std::vector<float> Sounds(const std::string& bytes) {
  const auto recording = DecodeWav(bytes);
  INFO(recording.status().message());
  REQUIRE(recording.ok());
  std::vector<float> values(recording->samples.bytes.size() / sizeof(float));
  std::memcpy(values.data(), recording->samples.bytes.data(), recording->samples.bytes.size());
  return values;
}

TEST_CASE("PNG images become three bytes a pixel, whatever they hold") {
  CHECK(Pixels(Png(2, 1, {1, 2, 3, 4, 5, 6})) == std::vector<int>{1, 2, 3, 4, 5, 6});
  CHECK(Pixels(Png(1, 2, {7, 9})) == std::vector<int>{7, 7, 7, 9, 9, 9});
  CHECK(Pixels(Png(1, 1, {10, 20, 30, 0})) == std::vector<int>{10, 20, 30});
  const auto image = DecodeImage(Png(3, 2, std::vector<std::uint8_t>(18)));
  CHECK(image->info.shape == Shape{1, 2, 3, 3});
  CHECK(image->info.type == ElementType::kUint8);
}

TEST_CASE("JPEG images become three bytes a pixel, baseline or progressive, colour or grey") {
  for (const bool is_progressive : {false, true}) {
    const std::vector<int> red = Pixels(Jpeg(20, 10, {200, 30, 40}, is_progressive));
    REQUIRE(red.size() == 600);
    CHECK(std::abs(red[300] - 200) <= 2);
    CHECK(std::abs(red[301] - 30) <= 2);
    CHECK(std::abs(red[302] - 40) <= 2);
  }
  CHECK(Pixels(Jpeg(1, 1, {77})) == std::vector<int>{77, 77, 77});
  CHECK_THAT(DecodeImage(Jpeg(8, 8, {1, 2, 3, 4})).status().message(), Contains("4 colour components"));
}

TEST_CASE("every truncation of an image is an error") {
  std::vector<std::uint8_t> noise;
  for (int i = 0; i < 16 * 16 * 3; ++i) noise.push_back(static_cast<std::uint8_t>(i * i * 31 % 251));
  for (const std::string& whole :
       {Png(16, 16, noise), Jpeg(16, 16, {9, 99, 199}), Jpeg(16, 16, {9, 99, 199}, true)}) {
    REQUIRE(DecodeImage(whole).ok());
    for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
      const auto image = DecodeImage(std::string_view(whole).substr(0, length));
      REQUIRE(!image.ok());
      REQUIRE_THAT(image.status().message(), Contains("take it out"));
    }
  }
}

TEST_CASE("an image that claims to be huge is refused before memory is taken") {
  std::string png = Png(1, 1, {5});
  png.replace(16, 8, std::string("\x00\x00\xf0\x00\x00\x00\xf0\x00", 8));
  CHECK_THAT(DecodeImage(png).status().message(), Contains("damaged"));  // the checksum of its header
  const auto image = NewImage(60'000, 60'000);
  CHECK_THAT(image.status().message(), Contains("60000x60000") && Contains("scale the image down"));
  std::string jpeg = Jpeg(8, 8, {5});
  const std::size_t frame = jpeg.find("\xff\xc0");
  jpeg.replace(frame + 5, 4, "\xea\x60\xea\x60");
  CHECK_THAT(DecodeImage(jpeg).status().message(), Contains("60000x60000"));
}

TEST_CASE("what is no image is refused") {
  for (const char* bytes : {"", "GIF89a", "\x89PNG", "text"})
    CHECK_THAT(DecodeImage(bytes).status().message(), Contains("neither PNG nor JPEG"));
}

TEST_CASE("recordings of every width become numbers between -1 and 1, mixed down") {
  CHECK(Sounds(Wav(Little(0x8000, 2) + Little(0x4000, 2))) == std::vector<float>{-1, .5F});
  CHECK(Sounds(Wav("\x40\x80\xc0", 8000, 8)) == std::vector<float>{-.5F, 0, .5F});
  CHECK(Sounds(Wav(Little(0x800000, 3) + Little(0x200000, 3), 8000, 24)) == std::vector<float>{-1, .25F});
  CHECK(Sounds(Wav(Little(0xc0000000, 4), 8000, 32)) == std::vector<float>{-.5F});
  CHECK(Sounds(Wav(Little(0x3f000000, 4), 8000, 32, 1, 3)) == std::vector<float>{.5F});
  CHECK(Sounds(Wav(Little(0x4000, 2) + Little(0, 2) + Little(0xc000, 2) + Little(0x4000, 2), 44'100, 16,
                   2)) == std::vector<float>{.25F, 0});
  CHECK(DecodeWav(Wav("ab", 44'100))->rate_hz == 44'100);
}

TEST_CASE("recordings with lying sizes are refused") {
  const std::string whole = Wav(std::string(64, '\x11'));
  for (std::size_t length = 0; length < whole.size(); ++length)
    REQUIRE_FALSE(DecodeWav(std::string_view(whole).substr(0, length)).ok());
  std::string lying = whole;
  lying.replace(lying.find("data") + 4, 4, "\xff\xff\xff\xff");
  CHECK_THAT(DecodeWav(lying).status().message(), Contains("chunk 'data' declares 4294967295"));
  CHECK_THAT(DecodeWav(Wav("abc")).status().message(), Contains("cut off"));
  CHECK_THAT(DecodeWav(Wav("")).status().message(), Contains("no samples"));
  CHECK_THAT(DecodeWav(Wav("ab", 0)).status().message(), Contains("0 samples a second"));
  CHECK_THAT(DecodeWav(Wav("ab", 8000, 16, 0)).status().message(), Contains("0 channels"));
  CHECK_THAT(DecodeWav(Wav("ab", 8000, 8, 1, 7)).status().message(),
             Contains("format 7") && Contains("convert it"));
  CHECK_THAT(DecodeWav(Wav(Little(0x7fc00000, 4), 8000, 32, 1, 3)).status().message(), Contains("finite"));
  CHECK_THAT(DecodeWav("RIFFxxxxAVI LIST").status().message(), Contains("no WAV recording"));
}

}  // namespace
}  // namespace paddock
