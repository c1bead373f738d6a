#include "kpi/latency_histogram.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

RepetitionRecord RecordOf(std::vector<std::uint64_t> latencies, std::uint64_t warmup) {
  RepetitionRecord record;
  record.queries.start_offset_ns.resize(latencies.size());
  record.queries.latency_ns = std::move(latencies);
  record.queries.warmup_count = warmup;
  return record;
}

TEST_CASE("a histogram is of the measured latencies only", "[histogram]") {
  const LatencyHistogram kept = MakeLatencyHistogram(RecordOf({9'000'000, 8'000'000, 1000, 2000, 3000}, 2));
  const auto histogram = Histogram::Decode(kept.encoded);
  REQUIRE(histogram.ok());
  CHECK(histogram->total_count() == 3);
  CHECK(histogram->Max() < 3004);
  CHECK(kept.invocations_per_value == 1);
}

TEST_CASE("no latency is too long for a histogram", "[histogram]") {
  const std::uint64_t day_ns = 86'400'000'000'000;
  const auto histogram = Histogram::Decode(MakeLatencyHistogram(RecordOf({1000, day_ns}, 0)).encoded);
  REQUIRE(histogram.ok());
  CHECK(histogram->total_count() == 2);
  CHECK(static_cast<double>(histogram->Max()) == Approx(static_cast<double>(day_ns)).epsilon(1e-3));
}

TEST_CASE("a block counts with the mean of its inferences, and says of how many", "[histogram]") {
  RepetitionRecord record = RecordOf({50, 1000, 510}, 1);
  record.queries.invocations_per_reading = 10;
  record.queries.short_queries = {{2, 5}};
  const LatencyHistogram kept = MakeLatencyHistogram(record);
  CHECK(kept.invocations_per_value == 10);
  const auto histogram = Histogram::Decode(kept.encoded);
  CHECK(histogram->CountAt(100) == 1);
  CHECK(histogram->CountAt(102) == 1);
}

TEST_CASE("percentiles of several repetitions come from merging, whatever their ranges", "[histogram]") {
  const LatencyHistogram fast = MakeLatencyHistogram(RecordOf(std::vector<std::uint64_t>(900, 1000), 0));
  const LatencyHistogram slow =
      MakeLatencyHistogram(RecordOf(std::vector<std::uint64_t>(100, 7'200'000'000'000), 0));
  const auto merged = MergeLatencyHistograms({fast, slow});
  REQUIRE(merged.ok());
  CHECK(merged->total_count() == 1000);
  CHECK(merged->ValueAtPercentile(50) == 1000);  // the mean of the medians would be an hour
  CHECK(merged->ValueAtPercentile(95) > 7'000'000'000'000);
  CHECK(MergeLatencyHistograms({}).status().code() == StatusCode::kInvalidArgument);
  CHECK(MergeLatencyHistograms({fast, {"junk", 1}}).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a repetition without measured queries has an empty histogram", "[histogram]") {
  const auto histogram = Histogram::Decode(MakeLatencyHistogram(RecordOf({1000}, 1)).encoded);
  REQUIRE(histogram.ok());
  CHECK(histogram->total_count() == 0);
  CHECK(CumulativeShares(*histogram, {1, 2}) == std::vector<double>{0, 0});
}

TEST_CASE("shares count all values up to and including the asked one", "[histogram]") {
  const auto histogram =
      Histogram::Decode(MakeLatencyHistogram(RecordOf({10, 20, 20, 1'000'000}, 0)).encoded);
  CHECK(CumulativeShares(*histogram, {9, 10, 19, 20, 999'000, 1'001'000}) ==
        std::vector<double>{0, 0.25, 0.25, 0.75, 0.75, 1});
}

}  // namespace
}  // namespace paddock
