#include "prepare/preprocess.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/random.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Steps = std::vector<PreprocessStep>;

template <typename T>
Tensor Make(ElementType type, Shape shape, const std::vector<T>& values) {
  Tensor tensor{{"x", type, std::move(shape)}, std::vector<std::byte>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

Tensor Floats(const std::vector<float>& values) {
  return Make(ElementType::kFloat32, {static_cast<std::int64_t>(values.size())}, values);
}

Tensor Done(Tensor tensor, const Steps& steps) {
  auto result = Preprocess(std::move(tensor), steps);
  REQUIRE(result.ok());
  REQUIRE(result->bytes.size() == *ElementCount(result->info.shape) * ElementSize(result->info.type));
  return std::move(result).value();
}

std::string ErrorOf(const Tensor& tensor, const Steps& steps) {
  const auto result = Preprocess(tensor, steps);
  REQUIRE(!result.ok());
  REQUIRE(result.status().code() == StatusCode::kInvalidArgument);
  REQUIRE(PreprocessInfo(tensor.info, steps).status().message() == result.status().message());
  return result.status().message();
}

PreprocessStep Cast(ElementType to) { return {.input = "", .action = CastStep{to}}; }

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST_CASE("a cast to integers truncates, saturates and turns NaN into 0") {
  const Tensor floats = Floats({1.9F, -1.9F, 300, -300, kInf, -kInf, kNan});
  CHECK(Values<std::int8_t>(Done(floats, {Cast(ElementType::kInt8)})) ==
        std::vector<std::int8_t>{1, -1, 127, -128, 127, -128, 0});
  CHECK(Values<std::uint8_t>(Done(floats, {Cast(ElementType::kUint8)})) ==
        std::vector<std::uint8_t>{1, 0, 255, 0, 255, 0, 0});
  CHECK(Values<std::int64_t>(Done(Floats({1e30F, -1e30F}), {Cast(ElementType::kInt64)})) ==
        std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::max(),
                                  std::numeric_limits<std::int64_t>::min()});
}

TEST_CASE("a cast between integers saturates and keeps 64 bits exact") {
  const std::int64_t large = (std::int64_t{1} << 62) + 1;
  const Tensor wide = Make<std::int64_t>(ElementType::kInt64, {3}, {large, -1, 200});
  CHECK(Values<std::uint64_t>(Done(wide, {Cast(ElementType::kUint64)})) ==
        std::vector<std::uint64_t>{static_cast<std::uint64_t>(large), 0, 200});
  CHECK(Values<std::int8_t>(Done(wide, {Cast(ElementType::kInt8)})) ==
        std::vector<std::int8_t>{127, -1, 127});
}

TEST_CASE("a cast to bool asks whether a value is not 0, and from bool gives 0 and 1") {
  const Tensor bools = Done(Floats({0, -0.0F, 0.1F, -3, kNan}), {Cast(ElementType::kBool)});
  CHECK(Values<std::uint8_t>(bools) == std::vector<std::uint8_t>{0, 0, 1, 1, 1});
  const Tensor odd = Make<std::uint8_t>(ElementType::kBool, {3}, {0, 1, 7});
  CHECK(Values<float>(Done(odd, {Cast(ElementType::kFloat32)})) == std::vector<float>{0, 1, 1});
}

TEST_CASE("a cast to float16 rounds to nearest even, overflows to infinity and knows subnormals") {
  const auto bits = [](float value) {
    return Values<std::uint16_t>(Done(Floats({value}), {Cast(ElementType::kFloat16)}))[0];
  };
  CHECK(bits(1) == 0x3c00);
  CHECK(bits(-2) == 0xc000);
  CHECK(bits(65504) == 0x7bff);
  CHECK(bits(65519) == 0x7bff);
  CHECK(bits(65520) == 0x7c00);
  CHECK(bits(-1e30F) == 0xfc00);
  CHECK(bits(1 + 1.0F / 2048) == 0x3c00);  // tie to even: down
  CHECK(bits(1 + 3.0F / 2048) == 0x3c02);  // tie to even: up
  CHECK(bits(std::ldexp(1.0F, -24)) == 0x0001);
  CHECK(bits(std::ldexp(1.0F, -25)) == 0x0000);
  CHECK(bits(std::ldexp(1023.9F, -24)) ==
        0x0400);  // the largest subnormal rounds up to the smallest normal number
  CHECK(bits(-0.0F) == 0x8000);
  CHECK(bits(kNan) == 0x7e00);
}

TEST_CASE("every float16 and bfloat16 survives the way through float32") {
  for (const ElementType type : {ElementType::kFloat16, ElementType::kBfloat16}) {
    std::vector<std::uint16_t> all;
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
      const std::uint32_t infinity = type == ElementType::kFloat16 ? 0x7c00 : 0x7f80;
      if ((bits & 0x7fff) > infinity) continue;  // NaN has many forms, and one comes back
      all.push_back(static_cast<std::uint16_t>(bits));
    }
    const Tensor narrow = Make(type, {static_cast<std::int64_t>(all.size())}, all);
    const Tensor wide = Done(narrow, {Cast(ElementType::kFloat32)});
    for (std::size_t i = 0; i < all.size(); i += 97) {
      REQUIRE(ElementAsDouble(wide.view(), i) == ElementAsDouble(narrow.view(), i));
    }
    REQUIRE((Values<std::uint16_t>(Done(wide, {Cast(type)})) == all));
  }
}

TEST_CASE("scale and normalize keep floating types and turn integers into float32") {
  const Tensor bytes = Make<std::uint8_t>(ElementType::kUint8, {3}, {0, 128, 255});
  const Tensor scaled = Done(bytes, {{.input = "", .action = ScaleStep{1.0 / 255, -0.5}}});
  CHECK(scaled.info.type == ElementType::kFloat32);
  CHECK(Values<float>(scaled) ==
        std::vector<float>{-0.5F, static_cast<float>(128.0 * (1.0 / 255) - 0.5), 0.5F});
  const Tensor doubles = Make<double>(ElementType::kFloat64, {2}, {1, 4});
  const Tensor normal = Done(doubles, {{.input = "", .action = NormalizeStep{{2}, {0.5}, 1}}});
  CHECK(normal.info.type == ElementType::kFloat64);
  CHECK(Values<double>(normal) == std::vector<double>{-2, 4});
}

TEST_CASE("normalize takes one value per index of its axis") {
  const Tensor images = Make<float>(ElementType::kFloat32, {2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(Values<float>(Done(images, {{.input = "", .action = NormalizeStep{{1, 3}, {1, 2}, 1}}})) ==
        std::vector<float>{0, 1, 0, 0.5F, 4, 5, 2, 2.5F});
  CHECK(Values<float>(Done(images, {{.input = "", .action = NormalizeStep{{1, 2}, {2}, 2}}})) ==
        std::vector<float>{0, 0, 1, 1, 2, 2, 3, 3});
}

TEST_CASE("quantize rounds half to even, saturates and puts NaN on the zero point") {
  const Tensor floats = Floats({0.5F, 1.5F, 2.5F, -0.5F, 1000, -1000, kNan, kInf});
  const Tensor quantized = Done(floats, {{.input = "", .action = QuantizeStep{1, 3, ElementType::kInt8}}});
  CHECK(Values<std::int8_t>(quantized) == std::vector<std::int8_t>{3, 5, 5, 3, 127, -128, 3, 127});
  const Tensor wide =
      Done(Floats({-2.4F, 70000}), {{.input = "", .action = QuantizeStep{1, 0, ElementType::kUint16}}});
  CHECK(Values<std::uint16_t>(wide) == std::vector<std::uint16_t>{0, 65535});
}

TEST_CASE("quantizing what was dequantized gives the same integers") {
  Random random(41);
  for (int round = 0; round < 100; ++round) {
    const double scale = std::ldexp(0.5 + random.Uniform(), static_cast<int>(random.Below(20)) - 10);
    const auto zero_point = static_cast<std::int64_t>(random.Below(256)) - 128;
    std::vector<std::int8_t> all(256);
    for (int i = 0; i < 256; ++i) all[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i - 128);
    const Tensor there = Make(ElementType::kInt8, {256}, all);
    const Tensor back =
        Done(there, {{.input = "", .action = DequantizeStep{scale, zero_point}},
                     {.input = "", .action = QuantizeStep{scale, zero_point, ElementType::kInt8}}});
    REQUIRE(Values<std::int8_t>(back) == all);
  }
}

TEST_CASE("dequantize is exact in float32") {
  const Tensor quantized = Make<std::int8_t>(ElementType::kInt8, {1, 3}, {83, 84, -128});
  const Tensor floats = Done(quantized, {{.input = "", .action = DequantizeStep{0.5847029089927673, 83}}});
  CHECK(Values<float>(floats) == std::vector<float>{0, 0.5847029089927673F, -211 * 0.5847029089927673F});
}

TEST_CASE("transpose moves the axes of each sample") {
  const Tensor images =
      Make<std::int16_t>(ElementType::kInt16, {2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const Tensor moved = Done(images, {{.input = "", .action = TransposeStep{{1, 0}}}});
  CHECK(moved.info.shape == Shape{2, 3, 2});
  CHECK(Values<std::int16_t>(moved) == std::vector<std::int16_t>{1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12});
}

TEST_CASE("a transpose and its inverse give back the tensor") {
  Random random(7);
  for (int round = 0; round < 100; ++round) {
    Shape shape = {static_cast<std::int64_t>(random.Below(4))};
    std::vector<std::int64_t> axes;
    for (std::int64_t d = 0; d < 4; ++d) {
      shape.push_back(static_cast<std::int64_t>(random.Below(4)) + (random.Below(10) == 0 ? 0 : 1));
      axes.push_back(d);
    }
    Shuffle(axes, random);
    std::vector<std::int64_t> inverse(axes.size());
    for (std::size_t d = 0; d < axes.size(); ++d)
      inverse[static_cast<std::size_t>(axes[d])] = static_cast<std::int64_t>(d);
    std::vector<std::uint32_t> values(*ElementCount(shape));
    for (auto& value : values) value = static_cast<std::uint32_t>(random.Next());
    const Tensor tensor = Make(ElementType::kUint32, shape, values);
    const Tensor back = Done(tensor, {{.input = "", .action = TransposeStep{axes}},
                                      {.input = "", .action = TransposeStep{inverse}}});
    REQUIRE(back.info == tensor.info);
    REQUIRE(back.bytes == tensor.bytes);
  }
}

TEST_CASE("reshape keeps the elements and works out one open dimension") {
  const Tensor rows = Make<std::int8_t>(ElementType::kInt8, {2, 6}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const Tensor reshaped = Done(rows, {{.input = "", .action = ReshapeStep{{2, -1, 1}}}});
  CHECK(reshaped.info.shape == Shape{2, 2, 3, 1});
  CHECK(reshaped.bytes == rows.bytes);
}

TEST_CASE("steps apply to the input that they name, or to all") {
  const Steps steps = {{.input = "other", .action = ScaleStep{100, 0}},
                       {.input = "x", .action = ScaleStep{2, 0}},
                       {.input = "", .action = ScaleStep{1, 1}}};
  CHECK(Values<float>(Done(Floats({3}), steps)) == std::vector<float>{7});
}

TEST_CASE("errors name the step by index and say what to do") {
  const Tensor x = Make<float>(ElementType::kFloat32, {2, 6}, std::vector<float>(12));
  const Steps good = {{.input = "", .action = ScaleStep{1, 0}}};
  const auto second = [&](auto action) {
    Steps steps = good;
    steps.push_back({.input = "", .action = action});
    return ErrorOf(x, steps);
  };
  CHECK_THAT(second(DequantizeStep{1, 0}),
             Contains("preprocess[1] (dequantize) on input 'x'") && Contains("takes integers"));
  CHECK_THAT(second(CastStep{ElementType::kString}), Contains("(cast)") && Contains("numeric"));
  CHECK_THAT(second(ScaleStep{std::nan(""), 0}), Contains("finite"));
  CHECK_THAT(second(QuantizeStep{0, 0, ElementType::kInt8}), Contains("scale above 0"));
  CHECK_THAT(second(QuantizeStep{1, 200, ElementType::kInt8}),
             Contains("zero point 200") && Contains("-128 to 127"));
  CHECK_THAT(second(QuantizeStep{1, 0, ElementType::kFloat32}), Contains("choose int8"));
  CHECK_THAT(second(TransposeStep{{0, 1}}), Contains("[0,1]") && Contains("has 1 dimensions"));
  CHECK_THAT(second(ReshapeStep{{5}}), Contains("[6] into [5]") && Contains("6 elements"));
  CHECK_THAT(second(ReshapeStep{{-1, -1}}), Contains("one may be -1"));
  CHECK_THAT(second(ReshapeStep{{-1, 4}}), Contains("6 elements"));
  CHECK_THAT(second(NormalizeStep{{1, 2}, {1}, 1}), Contains("2 values in mean") && Contains("is 6"));
  CHECK_THAT(second(NormalizeStep{{1, 2}, {1}, 0}), Contains("axis 0") && Contains("1 to 1"));
  CHECK_THAT(second(NormalizeStep{{1}, {0}, 1}), Contains("above 0 in std"));
  CHECK_THAT(second(NormalizeStep{{}, {1}, 1}), Contains("at least one value"));
  const Tensor integers = Make<std::int8_t>(ElementType::kInt8, {1}, {1});
  CHECK_THAT(ErrorOf(integers, {{.input = "", .action = QuantizeStep{1, 0, ElementType::kInt8}}}),
             Contains("takes floating point"));
}

}  // namespace
}  // namespace paddock
