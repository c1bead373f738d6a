#include "kpi/statistics.h"

#include <numeric>

#include <catch2/catch.hpp>

namespace paddock {
namespace {

std::vector<double> Ranks(int count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST_CASE("a percentile is the value at floor(n p), without interpolation", "[kpi][statistics]") {
  std::vector<std::uint64_t> sorted(100);
  std::iota(sorted.begin(), sorted.end(), std::uint64_t{0});
  CHECK(PercentileOfSorted(sorted, 0) == 0);
  CHECK(PercentileOfSorted(sorted, 0.5) == 50);
  CHECK(PercentileOfSorted(sorted, 0.9) == 90);
  CHECK(PercentileOfSorted(sorted, 0.99) == 99);
  CHECK(PercentileOfSorted(sorted, 0.999) == 99);
  CHECK(PercentileOfSorted(std::vector<std::uint64_t>{7}, 0.99) == 7);
  CHECK(PercentileOfSorted(std::vector<std::uint64_t>{1, 2, 3}, 0.5) == 2);
}

TEST_CASE("a tail takes as many samples as LoadGen's early stopping asks for", "[kpi][statistics]") {
  // mlcommons/inference loadgen/early_stopping.cc with one query over the percentile; 662 is MultiStream.min_query_count of
  // mlperf.conf.
  CHECK(MinSamplesForPercentile(0.90) == 64);
  CHECK(MinSamplesForPercentile(0.95) == 130);
  CHECK(MinSamplesForPercentile(0.97) == 219);
  CHECK(MinSamplesForPercentile(0.99) == 662);
  CHECK(MinSamplesForPercentile(0.999) == 6636);
  CHECK(MinSamplesForPercentile(0.5) == 1);
  CHECK(MinSamplesForPercentile(0) == 1);
}

TEST_CASE("the median of an even count is the mean of the two in the middle", "[kpi][statistics]") {
  CHECK(Median({3, 1, 2}) == 2);
  CHECK(Median({4, 1, 3, 2}) == 2.5);
  CHECK(Median({5}) == 5);
}

TEST_CASE("the standard deviation holds NIST's data sets with large means", "[kpi][statistics]") {
  // NIST StRD, univariate: c, then 1000 values alternating c - 0.1 and c + 0.1; the certified deviation is 0.1 exactly.
  for (const double c : {1.2, 1000000.2, 10000000.2}) {
    std::vector<double> values = {c};
    for (int i = 0; i < 500; ++i) {
      values.push_back(c - 0.1);
      values.push_back(c + 0.1);
    }
    CHECK(Mean(values) == Approx(c).epsilon(1e-12));
    CHECK(SampleStandardDeviation(values).value() == Approx(0.1).epsilon(2e-8));
  }
  // NumAcc1: 10000001, 10000003, 10000002.
  CHECK(SampleStandardDeviation(std::vector<double>{10000001, 10000003, 10000002}).value() == 1);
  CHECK(SampleStandardDeviation(std::vector<double>{4, 4}).value() == 0);
  CHECK_FALSE(SampleStandardDeviation(std::vector<double>{4}).has_value());
}

TEST_CASE("the interval of the median has the ranks of the binomial table", "[kpi][statistics]") {
  struct Row {
    int count;
    double lower;
    double upper;
  };
  // Ranks of R's asht::quantileTest at 95 %.
  for (const Row& row : {Row{30, 10, 21}, Row{100, 40, 61}, Row{500, 228, 273}, Row{1000, 469, 532},
                         Row{5000, 2431, 2570}, Row{10000, 4902, 5099}, Row{50000, 24781, 25220}}) {
    const auto interval = MedianInterval(Ranks(row.count)).value();
    CHECK(interval.lower == row.lower);
    CHECK(interval.upper == row.upper);
    CHECK(interval.confidence >= 0.95);
    CHECK(interval.confidence < 0.98);
  }
}

TEST_CASE("few values give their range, with the coverage that it really has", "[kpi][statistics]") {
  const auto five = MedianInterval({5, 1, 4, 2, 3}).value();
  CHECK(five.lower == 1);
  CHECK(five.upper == 5);
  CHECK(five.confidence == Approx(0.9375).epsilon(1e-12));
  CHECK(MedianInterval({1, 2}).value().confidence == Approx(0.5).epsilon(1e-12));
  CHECK(MedianInterval(Ranks(6)).value().confidence == Approx(0.96875).epsilon(1e-12));
  // Nine is the first count whose second and last but one values still cover 95 %: 1 - 20 / 512.
  const auto nine = MedianInterval(Ranks(9)).value();
  CHECK(nine.lower == 2);
  CHECK(nine.upper == 8);
  CHECK(nine.confidence == Approx(1 - 20.0 / 512).epsilon(1e-12));
  CHECK_FALSE(MedianInterval({1}).has_value());
  CHECK_FALSE(MedianInterval({}).has_value());
}

TEST_CASE("Wilson's interval stays within 0 and 1 and matches published values", "[kpi][statistics]") {
  // Newcombe (1998), Statistics in Medicine 17, table I, method 3: 81/263, 15/148, 0/20, 1/29.
  const auto check = [](std::uint64_t successes, std::uint64_t n, double lower, double upper) {
    const Interval interval = WilsonInterval(successes, n);
    CHECK(interval.lower == Approx(lower).margin(5e-5));
    CHECK(interval.upper == Approx(upper).margin(5e-5));
  };
  check(81, 263, 0.2553, 0.3662);
  check(15, 148, 0.0624, 0.1605);
  check(0, 20, 0, 0.1611);
  check(1, 29, 0.0061, 0.1718);
  CHECK(WilsonInterval(20, 20).upper == 1);
}

}  // namespace
}  // namespace paddock
