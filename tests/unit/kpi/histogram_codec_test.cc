#include "kpi/histogram.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

constexpr HistogramLayout kOneHour{.lowest = 1, .highest = 3'600'000'000, .significant_digits = 3};

std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

// The 40 bytes in front of the counts: V2, 1 to 3'600'000'000 (0xd693a400), three digits, ratio 1.0.
std::string PlainHeader(int payload_bytes) {
  return Bytes({0x1c,
                0x84,
                0x93,
                0x13,
                0,
                0,
                payload_bytes >> 8,
                payload_bytes & 0xff,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                3,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                1,
                0,
                0,
                0,
                0,
                0xd6,
                0x93,
                0xa4,
                0,
                0x3f,
                0xf0,
                0,
                0,
                0,
                0,
                0,
                0});
}

std::string Plain(const std::string& payload) {
  return PlainHeader(static_cast<int>(payload.size())) + payload;
}

std::string Compressed(const std::string& plain) {
  uLongf size = compressBound(plain.size());
  std::string stream(size, '\0');
  REQUIRE(compress2(reinterpret_cast<Bytef*>(stream.data()), &size,
                    reinterpret_cast<const Bytef*>(plain.data()), plain.size(), 9) == Z_OK);
  stream.resize(size);
  return Bytes({0x1c, 0x84, 0x93, 0x14, 0, 0, static_cast<int>(size >> 8), static_cast<int>(size & 0xff)}) +
         stream;
}

std::string ErrorOf(const std::string& bytes) {
  const auto decoded = Histogram::Decode(bytes);
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.status().code() == StatusCode::kInvalidArgument);
  return decoded.status().message();
}

TEST_CASE("the plain form is read as the format says", "[kpi][histogram]") {
  // Counts 0, 2, 998 zeros, 300: zigzag 1, 4, 1995 = 0x0f << 7 | 0x4b and 600 = 4 << 7 | 0x58.
  const std::string payload = Bytes({0x01, 0x04, 0xcb, 0x0f, 0xd8, 0x04});
  Histogram expected(kOneHour);
  REQUIRE(expected.Record(1, 2));
  REQUIRE(expected.Record(1000, 300));
  CHECK(Histogram::Decode(Plain(payload)).value() == expected);
  CHECK(Histogram::Decode(Compressed(Plain(payload))).value() == expected);
  // One zero may be a count of 0, the cookie may come without the word size, and zeros may follow.
  std::string other = Plain(Bytes({0x00, 0x04, 0xcb, 0x0f, 0xd8, 0x04, 0x00}));
  other[3] = 0x03;
  CHECK(Histogram::Decode(other).value() == expected);
  // What is written is exactly that.
  const std::string encoded = expected.Encode();
  CHECK(encoded.substr(0, 4) == Bytes({0x1c, 0x84, 0x93, 0x14}));
  std::string plain(46, '\0');
  uLongf size = plain.size();
  REQUIRE(uncompress(reinterpret_cast<Bytef*>(plain.data()), &size,
                     reinterpret_cast<const Bytef*>(encoded.data() + 8), encoded.size() - 8) == Z_OK);
  CHECK(plain == Plain(payload));
}

TEST_CASE("the largest counts take nine bytes", "[kpi][histogram]") {
  // Zigzag of 2^62 is 2^63: eight bytes of continuation, then all eight bits of the ninth.
  const std::string payload = Bytes({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80});
  const auto decoded = Histogram::Decode(Plain(payload));
  REQUIRE(decoded.ok());
  CHECK(decoded->CountAt(0) == std::uint64_t{1} << 62);
  CHECK(Histogram::Decode(decoded->Encode()).value() == *decoded);
  CHECK_THAT(ErrorOf(Plain(payload + payload)), Catch::Contains("2^63 - 1"));
}

TEST_CASE("a histogram survives its encoding", "[kpi][histogram]") {
  Random random(13);
  for (const int digits : {1, 2, 3}) {
    for (const std::int64_t lowest : {std::int64_t{1}, std::int64_t{1000}}) {
      Histogram histogram({.lowest = lowest, .significant_digits = digits});
      for (int i = 0; i < 2000; ++i) {
        REQUIRE(histogram.Record(static_cast<std::int64_t>(random.Next() >> (23 + random.Below(40))),
                                 1 + (random.Next() >> (20 + random.Below(44)))));
      }
      CHECK(Histogram::Decode(histogram.Encode()).value() == histogram);
    }
  }
}

TEST_CASE("the published histograms of jHiccup are read", "[kpi][histogram]") {
  struct Line {
    const char* text;
    double max_ms;  // as the log says, to three places
  };
  // From HdrHistogram (BSD-2-Clause or CC0), src/test/resources/org/HdrHistogram/jHiccup-2.0.7S.logV2.hlog.
  for (
      const Line& line :
      {Line{
           "HISTFAAAAEB42pNpmSzMwMAgywABTBDKT4GBgdnNYMcCBvsPEBEjDT0FMTUxMT05LgEhPqmIeWxtTAKMTNxM6xmZmAAjcgjc",
           1.933},
       Line{"HISTFAAAADx42pNpmSzMwMAgyQABTBDKT4GBgdnNYMcCBvsPEBEBDQUxCSkJMTEFOSExPhmbR6xfmPQ4GJmYAP4DCJg=",
            0.377},
       Line{"HISTFAAAAJV42pNpmSzMwMDUwAABTBDKT4GBgdnNYMcCBvsPEBEWLi4eNkY2PiYOPhYOLgGOLuZjTGLrGZnKgTCYyZrJEoh1"
            "mWSZpMFQ"
            "FkpyM/"
            "GCMTKJzOdkYoVCZjgLmc1MhDwzEyMQggl0SH1BbEJIgIUJC2AhUoxchSwsLGwsMIBgYRUkQyFBaQ4g4EIl0PlcpKtB4wMA"
            "h5wT+Q==",
            960.496},
       Line{
           "HISTFAAAAEB42pNpmSzMwMAgywABTBDKT4GBgdnNYMcCBvsPEBEuFTkhER4BLg4JJh4+Hh6fC0xJ3BLiTKxM5kxMTAAQ9QfA",
           1.196},
       Line{"HISTFAAAAJN42pNpmSzMwMBUyAABTBDKT4GBgdnNYMcCBvsPUBkRDjYWFiYONj42NjYeDq4JjOcYNY4yspQzlTN5MlkyWQOx"
            "JpM0kywQ"
            "S0NpSSZuJl4gRCcRLE4mViBkBpOsaGxCojAWIwpE41JBkJA6dMDCxESUGGUKkQRZQICNBQawsSiTJqCQiwMI0AgOLsIEXmk2"
            "AGRb"
            "E3w=",
            897.581},
       Line{"HISTFAAAAJN42pNpmSzMwMDUwQABTBDKT4GBgdnNYMcCBvsPEBEWMQERPj4+"
            "CQERBSEeLj6paUw9rHsYeWqZyoEwm8mayRKMZZmkwRBG"
            "CzPxMnEDMTKJymdnYmZihUNmLCzsosgsRjhEYlJJkBh1QMDChAmwiREvSIJCFhhgY8HCxM+"
            "iTBrC4uDg4uBAJtD52Aiy1LAAAM0N"
            "FUM=",
            985.661},
       Line{"HISTFAAAAEx42pNpmSzMwMCgzQABTBDKT4GBgdnNYMcCBvsPEBE+"
            "CQUJAQEOAQkFEQ4BIR6xD0xPWCcwcsizNDMylQNhOJM1kyUQ6zMx"
            "AQC4Hwtg",
            8.716}}) {
    const auto bytes = Base64Decode(line.text);
    REQUIRE(bytes.ok());
    CHECK(Base64Encode(*bytes) == line.text);
    const auto histogram = Histogram::Decode(*bytes);
    REQUIRE(histogram.ok());
    CHECK(static_cast<double>(histogram->Max()) / 1e6 == Approx(line.max_ms).margin(6e-4));
    // One wake-up about every millisecond of an interval of half a second to two.
    CHECK(histogram->total_count() > 300);
    CHECK(histogram->total_count() < 2000);
    CHECK(Histogram::Decode(histogram->Encode()).value() == *histogram);
  }
}

TEST_CASE("foreign bytes that are no histogram are refused with what is wrong", "[kpi][histogram]") {
  const std::string good = Plain(Bytes({0x04}));
  REQUIRE(Histogram::Decode(good).ok());
  const auto changed = [&](std::size_t position, int value) {
    std::string bytes = good;
    bytes[position] = static_cast<char>(value);
    return bytes;
  };
  CHECK_THAT(ErrorOf(""), Catch::Contains("truncated"));
  CHECK_THAT(ErrorOf(good.substr(0, 39)), Catch::Contains("truncated"));
  CHECK_THAT(ErrorOf(changed(0, 0x1d)), Catch::Contains("cookie"));
  CHECK_THAT(ErrorOf(changed(3, 0x11)), Catch::Contains("cookie"));  // the V1 encoding
  CHECK_THAT(ErrorOf(changed(4, 0xff)), Catch::Contains("takes at most"));
  CHECK_THAT(ErrorOf(changed(7, 2)), Catch::Contains("announces 2"));
  CHECK_THAT(ErrorOf(good + "x"), Catch::Contains("there are 2"));
  CHECK_THAT(ErrorOf(changed(11, 1)), Catch::Contains("normalising"));
  CHECK_THAT(ErrorOf(changed(15, 0)), Catch::Contains("layout"));
  CHECK_THAT(ErrorOf(changed(15, 4)), Catch::Contains("layout"));
  CHECK_THAT(ErrorOf(changed(12, 0x80)), Catch::Contains("layout"));
  CHECK_THAT(ErrorOf(changed(23, 0)), Catch::Contains("layout"));
  CHECK_THAT(ErrorOf(changed(16, 0x80)), Catch::Contains("layout"));
  CHECK_THAT(ErrorOf(changed(24, 0x80)), Catch::Contains("layout"));
  CHECK_THAT(ErrorOf(changed(33, 0xf1)), Catch::Contains("ratio"));
  CHECK_THAT(ErrorOf(changed(40, 0x84)), Catch::Contains("within a count"));
  // -23553 zeros: zigzag 47105 = 0x82 << 14 | ... one more than there are counters.
  CHECK(Histogram::Decode(Plain(Bytes({0xff, 0xef, 0x02}))).ok());  // 23552 zeros are all of them
  CHECK_THAT(ErrorOf(Plain(Bytes({0x81, 0xf0, 0x02}))), Catch::Contains("more counts"));
  CHECK_THAT(ErrorOf(Plain(Bytes({0xff, 0xef, 0x02, 0x02}))), Catch::Contains("more counts"));
  // The most negative number is a run of 2^63 zeros.
  CHECK_THAT(ErrorOf(Plain(std::string(9, '\xff'))), Catch::Contains("more counts"));
}

TEST_CASE("damaged compressed histograms are refused", "[kpi][histogram]") {
  const std::string plain = Plain(Bytes({0x01, 0x04, 0xcb, 0x0f, 0xd8, 0x04}));
  const std::string good = Compressed(plain);
  REQUIRE(Histogram::Decode(good).ok());
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(Histogram::Decode(good.substr(0, size)).ok());
  CHECK_THAT(ErrorOf(good + "x"), Catch::Contains("compressed bytes"));
  std::string wrong_checksum = good;
  wrong_checksum.back() = static_cast<char>(wrong_checksum.back() ^ 1);
  CHECK_THAT(ErrorOf(wrong_checksum), Catch::Contains("damaged"));
  CHECK_THAT(ErrorOf(Compressed(plain + "x")), Catch::Contains("not as long"));
  CHECK_THAT(ErrorOf(Compressed(plain.substr(0, 45))), Catch::Contains("not as long"));
  CHECK_THAT(ErrorOf(Compressed("short")), Catch::Contains("too short"));
  CHECK_THAT(ErrorOf(Compressed(good + std::string(40, 'x'))), Catch::Contains("cookie"));
}

TEST_CASE("base64 is strict", "[kpi][histogram]") {
  // RFC 4648, section 10.
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"},
                                                                    {"\xfb\xff", "+/8="}};
  for (const auto& vector : vectors) {
    CHECK(Base64Encode(vector.first) == vector.second);
    CHECK(Base64Decode(vector.second).value() == vector.first);
  }
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zg==Zg==", "_-8="}) {
    CAPTURE(text);
    CHECK(Base64Decode(text).status().code() == StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace paddock
