#include "base/packed_file.h"

#include <cstring>

#include <catch2/catch.hpp>

#include "base/random.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

std::string Noise(Random& random, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>(random.Below(256)));
  return bytes;
}

// `words` words of a file, out of `distinct` different ones.
std::string Words(Random& random, std::uint32_t word_bytes, std::size_t words, std::size_t distinct) {
  std::vector<std::string> book;
  for (std::size_t i = 0; i < distinct; ++i) book.push_back(Noise(random, word_bytes));
  std::string bytes;
  for (std::size_t i = 0; i < words; ++i) bytes += book[random.Below(distinct)];
  return bytes;
}

std::string PutLittle(std::string bytes, std::size_t offset, std::uint64_t number, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) bytes[offset + i] = static_cast<char>(number >> (8 * i));
  return bytes;
}

constexpr std::size_t kHeader = 6 + 8 + 64;

// One array of 1000 words out of 16 between two texts.
struct Example {
  Random random{1};
  std::string array = Words(random, 4, 1000, 16);
  std::string original = "before " + array + " and after";
  std::string packed = Pack(original, {{.offset = 7, .word_bytes = 4, .words = 1000}}).value();
};

}  // namespace

TEST_CASE("whatever is packed comes back, wherever the arrays are said to lie", "[base][packed]") {
  Random random(7);
  for (int round = 0; round < 60; ++round) {
    std::string original;
    std::vector<WordRange> ranges;
    for (std::uint64_t part = random.Below(6); part > 0; --part) {
      original += Noise(random, random.Below(300));
      const std::uint32_t word_bytes = 1U << random.Below(4);
      const std::size_t words = random.Below(2000);
      ranges.push_back({.offset = original.size(), .word_bytes = word_bytes, .words = words});
      original += Words(random, word_bytes, words, 1 + random.Below(400));
    }
    // Some that do not fit: overlapping, outside, of an odd size.
    if (random.Below(2) == 0) {
      ranges.push_back(
          {.offset = random.Below(original.size() + 1), .word_bytes = 4, .words = random.Below(500)});
      ranges.push_back({.offset = original.size() + 5, .word_bytes = 1, .words = 1});
      ranges.push_back({.offset = ~std::uint64_t{0}, .word_bytes = 8, .words = ~std::uint64_t{0}});
      ranges.push_back({.offset = 0, .word_bytes = 3, .words = 1});
      ranges.push_back({.offset = 0, .word_bytes = 0, .words = 1});
    }
    const auto packed = Pack(original, ranges);
    REQUIRE(packed.ok());
    CHECK(IsPacked(*packed));
    CHECK(*UnpackedBytes(*packed) == original.size());
    const auto unpacked = Unpack(*packed);
    REQUIRE(unpacked.ok());
    CHECK(*unpacked == original);
    CHECK(*Pack(original, ranges) == *packed);
  }
}

TEST_CASE("words of few distinct values take as many bits as tell them apart", "[base][packed]") {
  Random random(3);
  const auto packed_bytes = [&](std::uint32_t word_bytes, std::size_t words, std::size_t distinct) {
    const std::string bytes = Words(random, word_bytes, words, distinct);
    return Pack(bytes, {{.offset = 0, .word_bytes = word_bytes, .words = words}}).value().size();
  };
  CHECK(packed_bytes(4, 20'000, 16) < 20'000 / 2 * 1.03 + 400);
  CHECK(packed_bytes(2, 20'000, 4) < 20'000 * 2.4 / 8);  // a Huffman code also has an end
  CHECK(packed_bytes(8, 20'000, 256) < 20'000 * 1.03 + 256 * 8 + 400);
  CHECK(packed_bytes(4, 20'000, 20'000) < 20'000 * 4 + 200);  // nothing to gain, little to lose

  // Floats of one magnitude: their first bytes are alike.
  std::string floats;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<float>(random.Normal());
    floats.append(reinterpret_cast<const char*>(&value), 4);
  }
  CHECK(Pack(floats, {{.offset = 0, .word_bytes = 4, .words = 20'000}})->size() < floats.size() * 9 / 10);
}

TEST_CASE("any damaged bit of a packed file is an error that says so", "[base][packed]") {
  const Example example;
  for (std::size_t at = 0; at < example.packed.size(); ++at) {
    std::string damaged = example.packed;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    const auto unpacked = Unpack(damaged);
    // The last bits of a deflated section may mean nothing.
    if (unpacked.ok()) {
      CHECK(*unpacked == example.original);
    } else if (unpacked.status().code() != StatusCode::kResourceExhausted) {
      CHECK_THAT(unpacked.status().message(), Contains("damaged") && Contains("anew"));
    }
  }
  for (std::size_t size = 0; size < example.packed.size(); ++size)
    REQUIRE(!Unpack(std::string_view(example.packed).substr(0, size)).ok());
  CHECK(!Unpack(example.packed + "x").ok());
  CHECK(!IsPacked("PDKZ"));
  CHECK(!UnpackedBytes("PDKZ1\n").ok());
}

TEST_CASE("sizes that a packed file only claims are refused before they are believed", "[base][packed]") {
  const Example example;
  CHECK(Unpack(example.packed, example.original.size()).ok());
  CHECK(Unpack(example.packed, example.original.size() - 1).status().code() ==
        StatusCode::kResourceExhausted);
  CHECK(Unpack(PutLittle(example.packed, 6, ~std::uint64_t{0}, 8)).status().code() ==
        StatusCode::kResourceExhausted);
  // Two gigabytes out of the 4017 bytes that there are.
  std::string bomb = PutLittle(example.packed, 6, kMaxUnpackedBytes, 8);
  bomb = PutLittle(bomb, kHeader + 7, kMaxUnpackedBytes - 4000, 4);
  CHECK_THAT(Unpack(bomb).status().message(), Contains("section 0 states more bytes than it can hold"));
  CHECK_THAT(Unpack(PutLittle(example.packed, kHeader + 7, 5, 4)).status().message(), Contains("damaged"));
  CHECK_THAT(Unpack(PutLittle(example.packed, kHeader, 5, 4)).status().message(),
             Contains("section 0 stands behind bytes"));
  CHECK_THAT(Unpack(PutLittle(example.packed, kHeader + 4, 3, 1)).status().message(),
             Contains("of no known form"));
  CHECK_THAT(Unpack(PutLittle(example.packed, kHeader + 11, 1 << 30, 4)).status().message(),
             Contains("section 0 is cut off"));
}

}  // namespace paddock
