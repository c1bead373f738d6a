#include "prepare/npy.h"

#include <catch2/catch.hpp>

#include "base/random.h"
#include "tests/unit/prepare/npz_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("every numeric dtype of models is read") {
  const std::vector<std::pair<std::string, ElementType>> dtypes = {
      {"<f2", ElementType::kFloat16}, {"<f4", ElementType::kFloat32}, {"<f8", ElementType::kFloat64},
      {"|i1", ElementType::kInt8},    {"<i1", ElementType::kInt8},    {"<i2", ElementType::kInt16},
      {"<i4", ElementType::kInt32},   {"<i8", ElementType::kInt64},   {"|u1", ElementType::kUint8},
      {"<u2", ElementType::kUint16},  {"<u4", ElementType::kUint32},  {"<u8", ElementType::kUint64},
      {"|b1", ElementType::kBool}};
  for (const auto& [descr, type] : dtypes) {
    CAPTURE(descr);
    const std::string elements(6 * ElementSize(type), '\x01');
    const std::string file = Npy(descr, {2, 3}, elements);
    const auto array = ParseNpy(file);
    REQUIRE(array.ok());
    CHECK(array->type == type);
    CHECK(array->shape == Shape{2, 3});
    CHECK(std::string(reinterpret_cast<const char*>(array->bytes.data()), array->bytes.size()) == elements);
  }
}

TEST_CASE("format versions 1, 2 and 3 are read and others refused") {
  const std::string elements = BytesOf<float>({1, 2, 3});
  for (const int version : {1, 2, 3}) {
    const std::string file = Npy("<f4", {3}, elements, version);
    REQUIRE(ParseNpy(file).ok());
  }
  const std::string newer = Npy("<f4", {3}, elements, 4);
  CHECK_THAT(ParseNpy(newer).status().message(), Contains("version is 4.0") && Contains("numpy.save"));
}

TEST_CASE("a scalar has the empty shape and an array may be empty") {
  const std::string scalar = Npy("<f4", {}, BytesOf<float>({1}));
  REQUIRE(ParseNpy(scalar).ok());
  CHECK(ParseNpy(scalar)->shape.empty());
  const std::string empty = Npy("<f4", {0, 7}, "");
  REQUIRE(ParseNpy(empty).ok());
  CHECK(ParseNpy(empty)->bytes.empty());
}

TEST_CASE("what cannot be read is refused by name with the way out") {
  const auto message = [](const std::string& dict, std::size_t bytes = 8) {
    return ParseNpy(NpyWithHeader(dict, std::string(bytes, '\0'))).status().message();
  };
  CHECK_THAT(message(NpyDict(">f4", {2})), Contains("'>f4', big-endian") && Contains("astype('<f4')"));
  CHECK_THAT(message(NpyDict("<f4", {2, 1}, "True")),
             Contains("Fortran order") && Contains("ascontiguousarray"));
  CHECK_THAT(message(NpyDict("<c8", {1})), Contains("complex"));
  CHECK_THAT(message(NpyDict("<U2", {1})), Contains("text"));
  CHECK_THAT(message(NpyDict("|O", {1})), Contains("Python objects, which are never unpickled"));
  CHECK_THAT(message(NpyDict("<M8[ns]", {1})), Contains("time"));
  CHECK_THAT(message("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
             Contains("structured"));
  CHECK_THAT(message("{'descr': '<f4', 'shape': (2,), }"),
             Contains("lacks one of descr, fortran_order, shape"));
  CHECK_THAT(message("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}"),
             Contains("'more'"));
  CHECK_THAT(message("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"),
             Contains("twice"));
  CHECK_THAT(message("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}"), Contains("shape"));
  CHECK_THAT(message("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}"),
             Contains("neither True nor False"));
  CHECK_THAT(message(NpyDict("<f4", {1 << 30, 1 << 30})), Contains("too many elements"));
  CHECK_THAT(message(NpyDict("<f4", {3})), Contains("holds 8 bytes") && Contains("takes 12"));
  CHECK_THAT(message(NpyDict("<f4", {1})), Contains("holds 8 bytes") && Contains("takes 4"));
}

TEST_CASE("one dimension is both C and Fortran order") {
  const std::string file = NpyWithHeader(NpyDict("<f4", {2}, "True"), BytesOf<float>({1, 2}));
  CHECK(ParseNpy(file).ok());
}

TEST_CASE("every truncation of an .npy is an error") {
  for (const int version : {1, 2}) {
    const std::string file = Npy("<i2", {3, 2}, BytesOf<std::int16_t>({1, 2, 3, 4, 5, 6}), version);
    REQUIRE(ParseNpy(file).ok());
    for (std::size_t length = 0; length < file.size(); ++length) {
      CAPTURE(version, length);
      const auto array = ParseNpy(std::string_view(file).substr(0, length));
      REQUIRE(!array.ok());
      REQUIRE(array.status().code() == StatusCode::kInvalidArgument);
    }
  }
}

TEST_CASE("damaged bytes never give an array that is larger than the file") {
  Random random(3);
  const std::string file = Npy("<f4", {4, 5}, std::string(80, 'x'));
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = file;
    for (int flips = 0; flips < 3; ++flips) {
      damaged[random.Below(damaged.size())] = static_cast<char>(random.Below(256));
    }
    const auto array = ParseNpy(damaged);
    if (array.ok()) REQUIRE(array->bytes.size() + 10 <= damaged.size());
  }
}

}  // namespace
}  // namespace paddock
