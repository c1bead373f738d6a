#include "kpi/paired_accuracy.h"

#include <limits>

#include <catch2/catch.hpp>

#include "base/random.h"
#include "evidence.h"

namespace paddock {
namespace {

TEST_CASE("paired accuracies have the published interval and p-value", "[kpi][paired]") {
  // Fagerland, Lydersen, Laake, Statistics in Medicine 33 (2014), airway hyper-responsiveness: 1, 1, 7, 12 of 21.
  const PairedAccuracy airways = PairedAccuracyOf(1, 7, 1, 12);
  CHECK(airways.samples() == 21);
  CHECK(airways.difference == Approx(-0.2857142857));
  CHECK(airways.interval.lower == Approx(-0.507).margin(0.0005));
  CHECK(airways.interval.upper == Approx(-0.026).margin(0.0005));
  CHECK(airways.interval.confidence == 0.95);
  CHECK(airways.p_value == Approx(0.0703125));  // 2 * (1 + 8) / 2^8
}

TEST_CASE("exchanging the runs mirrors the difference", "[kpi][paired]") {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    const auto a = random.Below(50), b = random.Below(20), c = random.Below(20), d = 1 + random.Below(50);
    const PairedAccuracy one = PairedAccuracyOf(a, b, c, d);
    const PairedAccuracy other = PairedAccuracyOf(a, c, b, d);
    CHECK(one.p_value == Approx(other.p_value));
    CHECK(one.difference == Approx(-other.difference).margin(1e-15));
    CHECK(one.interval.lower == Approx(-other.interval.upper).margin(1e-12));
    CHECK(one.interval.upper == Approx(-other.interval.lower).margin(1e-12));
    CHECK(one.interval.lower <= one.difference);
    CHECK(one.interval.upper >= one.difference);
  }
}

TEST_CASE("the interval of a paired difference covers it about as often as it says", "[kpi][paired]") {
  // Two models: 80 % both right, 8 % only the first, 4 % only the second: the difference is -0.04.
  Random random(2);
  int covered = 0;
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round) {
    std::uint64_t counts[4] = {};
    for (int sample = 0; sample < 200; ++sample) {
      const double u = random.Uniform();
      ++counts[u < 0.8 ? 0 : u < 0.88 ? 1 : u < 0.92 ? 2 : 3];
    }
    const auto pairs = PairedAccuracyOf(counts[0], counts[1], counts[2], counts[3]);
    covered += pairs.interval.lower <= -0.04 && -0.04 <= pairs.interval.upper ? 1 : 0;
  }
  CHECK(covered > 0.93 * kRounds);
  CHECK(covered < 0.98 * kRounds);
}

TEST_CASE("two runs that are equally right everywhere differ in nothing", "[kpi][paired]") {
  const PairedAccuracy same = PairedAccuracyOf(10, 0, 0, 0);
  CHECK(same.difference == 0);
  CHECK(same.p_value == 1);
  CHECK(same.interval.lower < 0);
  CHECK(same.interval.upper > 0);
}

TEST_CASE("answers are paired by sample, a NaN is wrong", "[kpi][paired]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor first =
      MakeTensor<float>("a", ElementType::kFloat32, {5, 2}, {1, 0, 1, 0, 0, 1, 0, 1, nan, 1});
  const Tensor second = MakeTensor<float>("b", ElementType::kFloat32, {5, 2}, {1, 0, 0, 1, 0, 1, 1, 0, 1, 0});
  const Tensor labels = MakeTensor<std::int64_t>("labels", ElementType::kInt64, {5}, {0, 0, 1, 0, 1});
  const auto pairs = ComparePairedAccuracy(ViewOf(first), ViewOf(second), ViewOf(labels));
  REQUIRE(pairs.value.has_value());
  CHECK(pairs.value->both_right == 2);
  CHECK(pairs.value->only_first == 1);
  CHECK(pairs.value->only_second == 1);
  CHECK(pairs.value->both_wrong == 1);

  const Tensor fewer = MakeTensor<float>("b", ElementType::kFloat32, {2, 2}, {1, 0, 0, 1});
  CHECK(ComparePairedAccuracy(ViewOf(first), ViewOf(fewer), ViewOf(labels)).missing == "label_mismatch");
  const auto prefix = ComparePairedAccuracy(ViewOf(first), ViewOf(fewer), ViewOf(labels), true);
  REQUIRE(prefix.value.has_value());
  CHECK(prefix.value->samples() == 2);
  CHECK(prefix.value->only_first == 1);
  const Tensor quantised = MakeTensor<std::int8_t>("b", ElementType::kInt8, {5, 1}, {1, 0, 0, 1, 0});
  CHECK(ComparePairedAccuracy(ViewOf(first), ViewOf(quantised), ViewOf(labels)).missing ==
        "quantised_outputs");
}

}  // namespace
}  // namespace paddock
