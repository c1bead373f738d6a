#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <numbers>

#include "prepare/preprocess.h"
#include "prepare/recipe.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

template <typename T>
Tensor TensorOf(ElementType type, const Shape& shape, const std::vector<T>& values) {
  Tensor tensor{{"x", type, shape}, std::vector<std::byte>(values.size() * sizeof(T))};
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

template <typename T>
std::vector<T> After(const PreprocessStep& step, Tensor tensor) {
  const auto info = PreprocessInfo(tensor.info, {&step, 1});
  const auto done = Preprocess(std::move(tensor), {&step, 1});
  INFO(done.status().message());
  REQUIRE(done.ok());
  CHECK(*info == done->info);
  std::vector<T> values(done->bytes.size() / sizeof(T));
  std::memcpy(values.data(), done->bytes.data(), done->bytes.size());
  return values;
}

std::string StepError(const PreprocessStep& step, ElementType type, const Shape& shape) {
  const auto info = PreprocessInfo({"x", type, shape}, {&step, 1});
  REQUIRE(!info.ok());
  return info.status().message();
}

using Bytes = std::vector<std::uint8_t>;
using Floats = std::vector<float>;

TEST_CASE("resize takes pixels as squares around half numbers") {
  const Tensor row = TensorOf<std::uint8_t>(ElementType::kUint8, {1, 1, 2, 1}, {0, 100});
  CHECK(After<std::uint8_t>({"", ResizeStep{1, 4}}, row) == Bytes{0, 25, 75, 100});
  CHECK(After<std::uint8_t>({"", ResizeStep{1, 4, ResizeMethod::kNearest}}, row) == Bytes{0, 0, 100, 100});
  CHECK(After<std::uint8_t>({"", ResizeStep{2, 2}}, row) == Bytes{0, 100, 0, 100});
  const Tensor square = TensorOf<float>(ElementType::kFloat32, {1, 2, 2, 1}, {1, 2, 3, 6});
  CHECK(After<float>({"", ResizeStep{1, 1}}, square) == Floats{3});
  CHECK(After<float>({"", ResizeStep{3, 1}}, square) == Floats{1.5, 3, 4.5});
  const Tensor four = TensorOf<std::uint8_t>(ElementType::kUint8, {2, 1, 4, 1}, {0, 1, 2, 3, 10, 11, 12, 13});
  CHECK(After<std::uint8_t>({"", ResizeStep{1, 2}}, four) ==
        Bytes{0, 2, 10, 12});  // .5 and 2.5, half to even
  CHECK(After<std::uint8_t>({"", ResizeStep{1, 2, ResizeMethod::kNearest}}, four) == Bytes{1, 3, 11, 13});
}

TEST_CASE("crop keeps the middle and color changes the order of channels") {
  const Tensor image =
      TensorOf<std::uint8_t>(ElementType::kUint8, {1, 3, 4, 1}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(After<std::uint8_t>({"", CropStep{1, 2}}, image) == Bytes{5, 6});
  CHECK(After<std::uint8_t>({"", CropStep{2, 3}}, image) == Bytes{0, 1, 2, 4, 5, 6});
  const Tensor rgb = TensorOf<std::uint8_t>(ElementType::kUint8, {1, 1, 2, 3}, {255, 0, 0, 10, 20, 30});
  CHECK(After<std::uint8_t>({"", ColorStep{ColorOrder::kBgr}}, rgb) == Bytes{0, 0, 255, 30, 20, 10});
  CHECK(After<std::uint8_t>({"", ColorStep{ColorOrder::kGray}}, rgb) == Bytes{76, 18});
  CHECK(After<std::uint8_t>({"", ColorStep{ColorOrder::kRgb}}, rgb) == Bytes{255, 0, 0, 10, 20, 30});
}

TEST_CASE("steps of images refuse what is no image and sizes that cannot be") {
  const Shape image = {1, 8, 8, 3};
  CHECK_THAT(StepError({"", ResizeStep{4, 4}}, ElementType::kUint8, {1, 64}),
             Contains("(resize)") && Contains("[height, width, channels]"));
  CHECK_THAT(StepError({"", ResizeStep{4, 4}}, ElementType::kInt64, image), Contains("cast them to float32"));
  CHECK_THAT(StepError({"", ResizeStep{0, 4}}, ElementType::kUint8, image), Contains("from 1 to"));
  CHECK_THAT(StepError({"", CropStep{9, 4}}, ElementType::kUint8, image), Contains("put a resize before it"));
  CHECK_THAT(StepError({"", ColorStep{}}, ElementType::kUint8, {1, 8, 8, 1}), Contains("3 channels"));
}

Tensor Tones() {
  Floats sound(800);
  for (std::size_t i = 0; i < sound.size(); ++i) {
    const double t = static_cast<double>(i) / 16'000;
    sound[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * 440 * t) +
                                  0.25 * std::sin(2 * std::numbers::pi * 1800 * t + 1));
  }
  return TensorOf<float>(ElementType::kFloat32, {1, 800}, sound);
}

// The expected numbers are those of a plain implementation of the definitions, with sums instead of a fast transform.
void CheckClose(const Floats& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(static_cast<double>(found[i]) == Approx(expected[i]).margin(2e-5));
}

TEST_CASE("mel makes TensorFlow's features of sound") {
  MelStep mel;
  mel.bands = 10;
  CheckClose(After<float>({"", mel}, Tones()),
             {-1.673880, 3.689174,  4.505868,  -0.653743, -3.809387, -3.250142, 3.857922,
              2.999485,  -4.378850, -6.078242, -1.674565, 3.689168,  4.505871,  -0.650363,
              -3.657679, -3.070215, 3.857972,  2.999428,  -4.446455, -6.305375});
  mel.kind = MelKind::kMfcc;
  mel.coefficients = 5;
  CheckClose(After<float>({"", mel}, Tones()), {-2.142956, 4.681537, -1.318137, 3.949464, -9.062897,
                                                -2.125254, 4.807218, -1.574762, 4.048666, -9.016442});
}

TEST_CASE("mel keeps to other windows, bands and transforms") {
  MelStep mel;
  mel.window_s = 0.025;
  mel.stride_s = 0.010;
  mel.fft_size = 1024;
  mel.bands = 8;
  mel.low_hz = 100;
  mel.high_hz = 7600;
  const Floats found = After<float>({"", mel}, Tones());
  REQUIRE(found.size() == 3 * 8);
  CheckClose({found.begin() + 16, found.end()},
             {5.130437, 4.567563, -1.668888, 4.407409, 3.932622, -4.287971, -6.535693, -7.800265});
}

TEST_CASE("mel cuts and pads with silence, and takes 16 bits as parts of 32768") {
  MelStep mel;
  mel.duration_s = 0.1;
  const Floats padded = After<float>({"", mel}, Tones());
  REQUIRE(padded.size() == 4 * 40);
  CHECK(padded.back() == Approx(std::log(1e-12)));
  const Floats plain = After<float>({"", MelStep{}}, Tones());
  CHECK(Floats(padded.begin(), padded.begin() + 40) == Floats(plain.begin(), plain.begin() + 40));
  std::vector<std::int16_t> steps(800);
  Floats same(800);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    steps[i] = static_cast<std::int16_t>(i * 7919 % 65'536);
    same[i] = static_cast<float>(steps[i]) / 32768.0F;
  }
  CHECK(After<float>({"", MelStep{}}, TensorOf(ElementType::kInt16, {1, 800}, steps)) ==
        After<float>({"", MelStep{}}, TensorOf(ElementType::kFloat32, {1, 800}, same)));
}

TEST_CASE("mel refuses settings that make no sense") {
  const auto error = [](auto change, const Shape& shape = {1, 16'000}) {
    MelStep mel;
    change(mel);
    return StepError({"", mel}, ElementType::kFloat32, shape);
  };
  CHECK_THAT(error([](MelStep& mel) { mel.high_hz = 9000; }),
             Contains("(mel)") && Contains("half of sample_rate_hz"));
  CHECK_THAT(error([](MelStep& mel) { mel.sample_rate_hz = std::nan(""); }), Contains("sample_rate_hz"));
  CHECK_THAT(error([](MelStep& mel) { mel.window_s = 0; }), Contains("window_s"));
  CHECK_THAT(error([](MelStep& mel) { mel.fft_size = 500; }), Contains("power of two"));
  CHECK_THAT(error([](MelStep& mel) { mel.fft_size = 256; }), Contains("power of two"));
  CHECK_THAT(error([](MelStep& mel) { mel.bands = 0; }), Contains("bands"));
  CHECK_THAT(error([](MelStep& mel) {
               mel.kind = MelKind::kMfcc;
               mel.coefficients = 41;
             }),
             Contains("coefficient"));
  CHECK_THAT(error([](MelStep& mel) { mel.duration_s = 1e300; }), Contains("duration_s"));
  CHECK_THAT(error([](MelStep&) {}, {1, 100}), Contains("windows of 480") && Contains("duration_s"));
  CHECK_THAT(error([](MelStep&) {}, {1, 100, 1}), Contains("[length]"));
}

TEST_CASE("the steps of images and sound are part of the recipe") {
  DataSpec spec;
  spec.preprocess = {
      {"x", ResizeStep{4, 5}}, {"", CropStep{2, 3}}, {"", ColorStep{ColorOrder::kGray}}, {"", MelStep{}}};
  const std::string json = CanonicalJson(spec);
  CHECK_THAT(json,
             Contains(R"("fields":{"height":4,"method":"bilinear","width":5},"input":"x","step":"resize")"));
  CHECK_THAT(
      json, Contains(R"("order":"gray")") && Contains(R"("step":"crop")") && Contains(R"("kind":"log-mel")"));
}

}  // namespace
}  // namespace paddock
