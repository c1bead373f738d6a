#include "kpi/power_trace.h"

#include <cstring>

#include <catch2/catch.hpp>

#include "base/random.h"
#include "base/strict_json.h"
#include "kpi/delta_stream.h"

namespace paddock {
namespace {

PowerTrace SomeTrace(std::size_t samples) {
  PowerTrace trace;
  trace.meter.source = "ina3221-hwmon";
  trace.meter.boundary = "module";
  trace.meter.kind = MeterKind::kAveraged;
  trace.meter.averaging_ns = 35'000'000;
  trace.meter.rails = {"VDD_IN"};
  trace.meter.period_ns = 10'000'000;
  trace.meter.lsb = 0.04;
  trace.failed_reads = 3;
  Random random(5);
  for (std::size_t i = 0; i < samples; ++i) {
    trace.at_ns.push_back(static_cast<std::int64_t>(i * 10'000'000 + random.Below(9'000'000)));
    trace.read_ns.push_back(static_cast<std::int64_t>(6'000'000 + random.Below(100'000)));
    trace.value.push_back(static_cast<std::int64_t>(4'000'000 + 40'000 * random.Below(20)));
  }
  trace.idle_before = TimeSpan{0, 5'000'000};
  trace.window = TimeSpan{5'000'000, 15'000'000};
  return trace;
}

struct TraceParts {
  Json header;
  std::string arrays;
};

TraceParts SplitTrace(const std::string& bytes) {
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, 4);
  return {Json::parse(bytes.substr(12, length)), bytes.substr(12 + length)};
}

std::string JoinTrace(const TraceParts& parts) {
  const std::string header = parts.header.dump();
  const auto length = static_cast<std::uint32_t>(header.size());
  std::string bytes = "PDKPWR1\n";
  bytes.append(reinterpret_cast<const char*>(&length), 4);
  return bytes + header + parts.arrays;
}

std::string TraceError(const std::string& bytes) {
  const auto trace = DecodePowerTrace(bytes);
  REQUIRE_FALSE(trace.ok());
  CHECK(trace.status().code() == StatusCode::kInvalidArgument);
  return trace.status().message();
}

TEST_CASE("a power trace is read back with its meter, its marks and every sample", "[kpi][power_trace]") {
  PowerTrace trace = SomeTrace(500);
  CHECK(*DecodePowerTrace(EncodePowerTrace(trace)) == trace);
  trace.meter.kind = MeterKind::kCounter;
  trace.meter.counter_range_uj = 262'143'328'850;
  trace.meter.gain_uncertainty = 0.01;
  trace.meter.on_device = false;
  trace.idle_after = TimeSpan{15'000'000, 15'000'000};
  trace.overflow_count = 7;
  CHECK(*DecodePowerTrace(EncodePowerTrace(trace)) == trace);
  CHECK(*DecodePowerTrace(EncodePowerTrace(PowerTrace())) == PowerTrace());
}

TEST_CASE("the edges of a trace lie between its samples", "[kpi][power_trace]") {
  PowerTrace trace = SomeTrace(10);
  trace.meter.edge_input = "d7";
  trace.edges = {0, 4, 4, 10};
  trace.lost_edges = 2;
  CHECK(*DecodePowerTrace(EncodePowerTrace(trace)) == trace);
  trace.edges = {4, 3};
  CHECK_THAT(TraceError(EncodePowerTrace(trace)), Catch::Contains("edge 1: it is before its neighbour"));
  trace.edges = {11};
  CHECK_THAT(TraceError(EncodePowerTrace(trace)),
             Catch::Contains("edge 0: it is before its neighbour or behind"));
  trace.edges = {1};
  trace.meter.kind = MeterKind::kCounter;
  CHECK_THAT(TraceError(EncodePowerTrace(trace)), Catch::Contains("edges: a counter has none"));
}

TEST_CASE("a trace without edges is written as before there were any", "[kpi][power_trace]") {
  const Json header = SplitTrace(EncodePowerTrace(SomeTrace(3))).header;
  for (const char* key : {"edges", "lost_edges", "edge_input"}) CHECK_FALSE(header.contains(key));
}

TEST_CASE("a sensor's power may be negative, a counter may not", "[kpi][power_trace]") {
  PowerTrace trace = SomeTrace(3);
  trace.value[1] = -40'000;
  CHECK(*DecodePowerTrace(EncodePowerTrace(trace)) == trace);
  trace.meter.kind = MeterKind::kCounter;
  CHECK_THAT(TraceError(EncodePowerTrace(trace)), Catch::Contains("sample 1: a counter must be 0 to 2^62"));
}

TEST_CASE("a minute at 1 kHz of a pushed stream takes few bytes a sample", "[kpi][power_trace]") {
  PowerTrace trace = SomeTrace(0);
  Random random(2);
  for (std::int64_t i = 0; i < 60'000; ++i) {
    trace.at_ns.push_back(i * 1'000'000);
    trace.read_ns.push_back(0);
    trace.value.push_back(52'000 + static_cast<std::int64_t>(random.Below(200)));
  }
  CHECK(EncodePowerTrace(trace).size() < 3 * 60'000);
}

TEST_CASE("every prefix of a power trace is refused with a reason", "[kpi][power_trace]") {
  const std::string bytes = EncodePowerTrace(SomeTrace(40));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(TraceError(bytes.substr(0, size)).empty());
  CHECK_THAT(TraceError(bytes + "x"), Catch::Contains("more bytes than the header says"));
}

TEST_CASE("a header that does not fit its samples or makes no sense is refused", "[kpi][power_trace]") {
  const TraceParts good = SplitTrace(EncodePowerTrace(SomeTrace(40)));
  const auto message = [&](const char* key, const Json& value) {
    TraceParts bad = good;
    bad.header[key] = value;
    return TraceError(JoinTrace(bad));
  };
  CHECK_THAT(message("samples", 41), Catch::Contains("ends or is damaged at entry"));
  CHECK_THAT(message("samples", 64'000'000), Catch::Contains("ends or is damaged at entry"));
  CHECK_THAT(message("samples", 64'000'001), Catch::Contains("at most 64000000"));
  CHECK_THAT(message("edges", 64'000'001), Catch::Contains("edges: 64000001, at most 64000000"));
  CHECK_THAT(message("edges", 1), Catch::Contains("edges"));
  CHECK_THAT(message("kind", "guessed"), Catch::Contains("counter, sampled or averaged"));
  CHECK_THAT(message("window", Json{5, 4}), Catch::Contains("window: must be a begin and an end"));
  CHECK_THAT(message("window", Json{5}), Catch::Contains("window: must be a begin and an end"));
  CHECK_THAT(message("period_ns", -1), Catch::Contains("period_ns"));
  CHECK_THAT(message("averaging_ns", 1LL << 60), Catch::Contains("averaging_ns"));
  CHECK_THAT(message("lsb", -0.1), Catch::Contains("lsb"));
  CHECK_THAT(message("gain_uncertainty", -0.1), Catch::Contains("gain_uncertainty"));
  CHECK_THAT(message("counter_range_uj", 0), Catch::Contains("counter_range_uj"));
  CHECK_THAT(message("tdp_w", 65), Catch::Contains("tdp_w"));
}

TEST_CASE("samples that go back in time are refused", "[kpi][power_trace]") {
  PowerTrace trace = SomeTrace(3);
  trace.at_ns = {1, 3, 2};
  CHECK_THAT(TraceError(EncodePowerTrace(trace)), Catch::Contains("sample 2: its time"));
  trace.at_ns = {-1, 3, 4};
  CHECK_THAT(TraceError(EncodePowerTrace(trace)), Catch::Contains("sample 0: its time"));
  trace.at_ns = {1, 2, 3};
  trace.read_ns = {0, -1, 0};
  CHECK_THAT(TraceError(EncodePowerTrace(trace)), Catch::Contains("sample 1: read_ns"));
}

TEST_CASE("a window is a range of sample indices, its end not included", "[kpi][power_trace]") {
  PowerTrace trace;
  trace.at_ns = {10, 20, 30, 40};
  const auto range = [&](std::int64_t begin, std::int64_t end) {
    const auto found = trace.IndicesOf({begin, end});
    return std::pair(found.first, found.last);
  };
  CHECK(range(20, 40) == std::pair<std::size_t, std::size_t>(1, 3));
  CHECK(range(11, 41) == std::pair<std::size_t, std::size_t>(1, 4));
  CHECK(range(50, 60) == std::pair<std::size_t, std::size_t>(4, 4));
  CHECK(range(40, 20) == std::pair<std::size_t, std::size_t>(3, 3));
}

}  // namespace
}  // namespace paddock
