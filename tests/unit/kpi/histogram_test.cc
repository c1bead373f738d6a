#include "kpi/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

constexpr HistogramLayout kHour{.lowest = 1, .highest = 3'600'000'000, .significant_digits = 3};

using Catch::Matchers::Contains;

TEST_CASE("a histogram has as many counters as HdrHistogram", "[kpi][histogram]") {
  CHECK(Histogram(kHour).counts_length() == 23552);
  CHECK(Histogram({.lowest = 1, .highest = 60'000'000'000, .significant_digits = 3}).counts_length() ==
        27648);
  CHECK(Histogram({.lowest = 1, .highest = 2, .significant_digits = 3}).counts_length() == 2048);
  CHECK(Histogram({.lowest = 1, .highest = std::numeric_limits<std::int64_t>::max()}).counts_length() ==
        54 * 1024);
}

TEST_CASE("values share counters within a thousandth", "[kpi][histogram]") {
  const Histogram histogram(kHour);
  // HdrHistogram's own test values.
  CHECK(histogram.LowestEquivalent(10007) == 10000);
  CHECK(histogram.LowestEquivalent(10009) == 10008);
  CHECK(histogram.HighestEquivalent(8180) == 8183);
  CHECK(histogram.HighestEquivalent(8191) == 8191);
  CHECK(histogram.HighestEquivalent(8193) == 8199);
  CHECK(histogram.HighestEquivalent(9995) == 9999);
  CHECK(histogram.HighestEquivalent(10007) == 10007);
  CHECK(histogram.HighestEquivalent(2047) == 2047);
  CHECK(histogram.LowestEquivalent(0) == 0);
  const Histogram widest({.lowest = 1, .highest = std::numeric_limits<std::int64_t>::max()});
  CHECK(widest.HighestEquivalent(std::numeric_limits<std::int64_t>::max()) ==
        std::numeric_limits<std::int64_t>::max());
  Random random(1);
  for (int i = 0; i < 10000; ++i) {
    const auto value = static_cast<std::int64_t>(random.Next() >> (1 + random.Below(62)));
    const std::int64_t low = widest.LowestEquivalent(value);
    const std::int64_t high = widest.HighestEquivalent(value);
    CHECK(low <= value);
    CHECK(high >= value);
    CHECK(static_cast<double>(high - low) <= 1e-3 * static_cast<double>(value));
    CHECK(widest.LowestEquivalent(high) == low);
    if (low > 0) CHECK(widest.HighestEquivalent(low - 1) == low - 1);
  }
}

TEST_CASE("an expected interval restores the queries that a stall left out", "[kpi][histogram]") {
  Histogram raw(kHour);
  Histogram corrected(kHour);
  for (int i = 0; i < 10000; ++i) {
    CHECK(raw.Record(1000));
    CHECK(corrected.RecordWithExpectedInterval(1000, 10000));
  }
  CHECK(raw.Record(100'000'000));
  CHECK(corrected.RecordWithExpectedInterval(100'000'000, 10000));
  CHECK(raw.total_count() == 10001);
  CHECK(raw.ValueAtPercentile(99.99) == 1000);
  CHECK(raw.ValueAtPercentile(99.999) == 100'007'935);
  CHECK(corrected.total_count() == 20000);
  CHECK(corrected.ValueAtPercentile(30) == 1000);
  CHECK(corrected.ValueAtPercentile(50) == 1000);
  CHECK(corrected.ValueAtPercentile(75) == 50'003'967);
  CHECK(corrected.ValueAtPercentile(90) == 80'019'455);
  CHECK(corrected.ValueAtPercentile(99) == 98'041'855);
  CHECK(corrected.Max() == 100'007'935);
  CHECK(corrected.Min() == 1000);
}

TEST_CASE("the expected interval adds what one step after the other adds", "[kpi][histogram]") {
  Random random(5);
  for (int i = 0; i < 100; ++i) {
    const auto value = static_cast<std::int64_t>(random.Below(500'000));
    const auto interval = static_cast<std::int64_t>(1 + random.Below(i < 50 ? 100 : 100'000));
    Histogram expected(kHour);
    CHECK(expected.Record(value));
    for (std::int64_t missing = value - interval; missing >= interval; missing -= interval)
      expected.Record(missing);
    Histogram corrected(kHour);
    CHECK(corrected.RecordWithExpectedInterval(value, interval));
    CHECK(corrected == expected);
  }
  Histogram stalled;  // an hour in ns, at 1 ns
  CHECK(stalled.RecordWithExpectedInterval(3'600'000'000'000, 1));
  CHECK(stalled.total_count() == 3'600'000'000'000);
  Histogram closed(kHour);
  CHECK(closed.RecordWithExpectedInterval(500, 0));
  CHECK(closed.total_count() == 1);
}

TEST_CASE("a value without a counter is refused and not recorded", "[kpi][histogram]") {
  Histogram histogram(kHour);
  CHECK_FALSE(histogram.Record(-1));
  CHECK(histogram.Record(3'600'000'000));
  CHECK_FALSE(histogram.Record(std::int64_t{1} << 32));
  CHECK_FALSE(histogram.RecordWithExpectedInterval(std::int64_t{1} << 32, 10));
  CHECK_FALSE(histogram.Record(5, std::numeric_limits<std::uint64_t>::max()));
  CHECK(histogram.total_count() == 1);
  CHECK(histogram.CountAt(std::int64_t{1} << 32) == 0);
  CHECK(histogram.CountAt(-5) == 0);
  CHECK(histogram.CountAt(3'600'000'000) == 1);
}

TEST_CASE("percentiles are of rank and within a thousandth of the sorted values", "[kpi][histogram]") {
  Random random(7);
  std::vector<std::int64_t> values;
  Histogram histogram;
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    values.push_back(static_cast<std::int64_t>(5e6 * std::exp(random.Normal())));
    sum += static_cast<double>(values.back());
    REQUIRE(histogram.Record(values.back()));
  }
  std::sort(values.begin(), values.end());
  for (const double percentile : {0.01, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = static_cast<std::size_t>(std::llround(percentile * 100));
    CAPTURE(percentile);
    CHECK(histogram.ValueAtPercentile(percentile) == histogram.HighestEquivalent(values[rank - 1]));
  }
  CHECK(histogram.ValueAtPercentile(0) == histogram.LowestEquivalent(values.front()));
  CHECK(histogram.Mean() == Approx(sum / 10000).epsilon(5e-4));
}

TEST_CASE("the last percentile is the largest value, however many values there are", "[kpi][histogram]") {
  Histogram histogram;
  REQUIRE(histogram.Record(10, std::uint64_t{1} << 62));
  REQUIRE(histogram.Record(1000));
  CHECK(histogram.ValueAtPercentile(100) == 1000);
  CHECK(histogram.ValueAtPercentile(99) == 10);
}

TEST_CASE("an empty histogram has no values", "[kpi][histogram]") {
  const Histogram histogram;
  CHECK(histogram.total_count() == 0);
  CHECK(histogram.Min() == 0);
  CHECK(histogram.Max() == 0);
  CHECK(histogram.Mean() == 0);
  CHECK(histogram.ValueAtPercentile(99) == 0);
  CHECK(Histogram::Decode(histogram.Encode()).value() == histogram);
}

TEST_CASE("merged histograms are the histogram of all values", "[kpi][histogram]") {
  Random random(11);
  Histogram whole;
  std::array<Histogram, 3> parts;
  for (int i = 0; i < 30000; ++i) {
    const auto value = static_cast<std::int64_t>(random.Next() >> (23 + random.Below(40)));
    REQUIRE(whole.Record(value));
    REQUIRE(parts[random.Below(3)].Record(value));
  }
  Histogram merged;
  for (const Histogram& part : parts) REQUIRE(merged.Merge(part).ok());
  CHECK(merged == whole);
}

TEST_CASE("histograms that do not fit are not merged", "[kpi][histogram]") {
  Histogram histogram(kHour);
  Histogram coarse({.lowest = 1, .highest = 3'600'000'000, .significant_digits = 2});
  CHECK(histogram.Merge(coarse).code() == StatusCode::kInvalidArgument);
  Histogram wide;
  REQUIRE(wide.Record(1000));
  CHECK(histogram.Merge(wide).ok());  // wider, but holds nothing that would not fit
  REQUIRE(wide.Record(3'600'000'000'000));
  CHECK(histogram.Merge(wide).code() == StatusCode::kInvalidArgument);
  CHECK(histogram.total_count() == 1);
  Histogram full(kHour);
  REQUIRE(full.Record(7, std::numeric_limits<std::int64_t>::max()));
  CHECK(full.Merge(histogram).code() == StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace paddock
