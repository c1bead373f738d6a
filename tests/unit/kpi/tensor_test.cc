#include "kpi/tensor.h"

#include <cmath>

#include <catch2/catch.hpp>

#include "evidence.h"

namespace paddock {
namespace {

TEST_CASE("every element type is found by its name, and an unknown name lists the known ones",
          "[kpi][tensor]") {
  for (int i = 0; i <= static_cast<int>(ElementType::kString); ++i) {
    const auto type = static_cast<ElementType>(i);
    const auto parsed = ParseElementType(ElementTypeName(type));
    REQUIRE(parsed.ok());
    CHECK(*parsed == type);
  }
  const auto unknown = ParseElementType("float31");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(unknown.status().message(), Catch::Contains("\"float31\"") && Catch::Contains("bfloat16"));
}

TEST_CASE("the size of an element is that of its format", "[kpi][tensor]") {
  CHECK(ElementSize(ElementType::kFloat16) == 2);
  CHECK(ElementSize(ElementType::kBfloat16) == 2);
  CHECK(ElementSize(ElementType::kFloat64) == 8);
  CHECK(ElementSize(ElementType::kBool) == 1);
  CHECK(ElementSize(ElementType::kString) == 0);
}

TEST_CASE("elements are counted only when the shape is closed and not absurd", "[kpi][tensor]") {
  CHECK(ElementCount({}) == 1);
  CHECK(ElementCount({3, 4}) == 12);
  CHECK(ElementCount({0, std::int64_t{1} << 62}) == 0);
  CHECK(ElementCount({std::int64_t{1} << 48}) == std::uint64_t{1} << 48);
  CHECK(ElementCount({std::int64_t{1} << 48, 2}) == std::nullopt);
  CHECK(ElementCount({std::int64_t{1} << 32, std::int64_t{1} << 32}) == std::nullopt);
  CHECK(ElementCount({-1, 4}) == std::nullopt);
  CHECK(ElementCount({0, -1}) == std::nullopt);
}

TEST_CASE("shapes read as people write them", "[kpi][tensor]") {
  CHECK(ShapeText({}) == "[]");
  CHECK(TensorText({"image", ElementType::kFloat32, {-1, 1, 8, 8}}) == "float32 image[?,1,8,8]");
}

TEST_CASE("an element of every numeric type becomes the number that it stands for", "[kpi][tensor]") {
  const auto last = [](const Tensor& tensor) { return ElementAsDouble(tensor.view(), 1); };
  CHECK(last(MakeTensor<float>("t", ElementType::kFloat32, {2}, {0, -1.5F})) == -1.5);
  CHECK(last(MakeTensor<double>("t", ElementType::kFloat64, {2}, {0, 0.1})) == 0.1);
  CHECK(last(MakeTensor<std::int8_t>("t", ElementType::kInt8, {2}, {0, -128})) == -128);
  CHECK(last(MakeTensor<std::int16_t>("t", ElementType::kInt16, {2}, {0, -30000})) == -30000);
  CHECK(last(MakeTensor<std::int32_t>("t", ElementType::kInt32, {2}, {0, -7})) == -7);
  CHECK(last(MakeTensor<std::int64_t>("t", ElementType::kInt64, {2}, {0, -7})) == -7);
  CHECK(last(MakeTensor<std::uint8_t>("t", ElementType::kUint8, {2}, {0, 255})) == 255);
  CHECK(last(MakeTensor<std::uint16_t>("t", ElementType::kUint16, {2}, {0, 65535})) == 65535);
  CHECK(last(MakeTensor<std::uint32_t>("t", ElementType::kUint32, {2}, {0, 4000000000U})) == 4e9);
  CHECK(last(MakeTensor<std::uint64_t>("t", ElementType::kUint64, {2}, {0, 7})) == 7);
  CHECK(last(MakeTensor<std::uint8_t>("t", ElementType::kBool, {2}, {0, 2})) == 1);
}

TEST_CASE("half precision follows IEEE 754, bfloat16 is the upper half of a float", "[kpi][tensor]") {
  const auto half = [](std::uint16_t bits) {
    return ElementAsDouble(MakeTensor<std::uint16_t>("t", ElementType::kFloat16, {1}, {bits}).view(), 0);
  };
  CHECK(half(0x3c00) == 1.0);
  CHECK(half(0xc000) == -2.0);
  CHECK(half(0x7bff) == 65504.0);
  CHECK(half(0x0400) == std::ldexp(1.0, -14));
  CHECK(half(0x0001) == std::ldexp(1.0, -24));
  CHECK(std::signbit(half(0x8000)));
  CHECK(half(0x3555) == 0.333251953125);
  CHECK(half(0xfc00) == -HUGE_VAL);
  CHECK(std::isnan(half(0x7e00)));
  const auto brain = MakeTensor<std::uint16_t>("t", ElementType::kBfloat16, {2}, {0x3f80, 0xc040});
  CHECK(ElementAsDouble(brain.view(), 0) == 1.0);
  CHECK(ElementAsDouble(brain.view(), 1) == -3.0);
}

}  // namespace
}  // namespace paddock
