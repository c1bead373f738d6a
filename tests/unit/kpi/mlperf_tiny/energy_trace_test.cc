#include <catch2/catch.hpp>
#include <limits>

#include "kpi/mlperf_tiny/energy_trace.h"
#include "kpi/mlperf_tiny/results_json.h"
#include "tests/unit/kpi/mlperf_tiny/made_up_runs.h"

namespace paddock::mlperf_tiny {
namespace {

using Catch::Contains;

EnergyTrace OnesWithStamps(std::size_t samples, std::vector<double> stamps) {
  return {1000, std::vector<float>(samples, 1.0F), std::move(stamps)};
}

std::string TraceError(const std::string& bytes, const std::string& stamps) {
  return ParseEnergyTrace(bytes, "trace1-energy.bin", stamps, "trace1-timestamps.json").status().message();
}

std::string JsonError(const std::string& text) {
  return ParseResultsJson(text, "results.json").status().message();
}

}  // namespace

TEST_CASE("samples strictly between two stamps count, at times that are added up in double precision") {
  const auto windows = PoweredWindows(OnesWithStamps(20'000, {0.014, 1.5, 11.5, 12.0, 13.0}));
  REQUIRE(windows.size() == 2);
  // Added up 11,500 times, 0.001 has become a little more than the stamp says, and 1.5 as well: sample 1500 is in, 11500 not.
  double time_s = 0;
  std::uint64_t expected = 0;
  for (int k = 0; k < 20'000; ++k, time_s += 0.001) expected += time_s > 1.5 && time_s < 11.5;
  CHECK(windows[0].samples == expected);
  CHECK(windows[0].energy_j == Approx(static_cast<double>(expected) * 1e-6));
  CHECK(windows[0].power_w == Approx(1e-3));
  CHECK_FALSE(windows[1].outside_trace);
}

TEST_CASE("the stamp of the board's start is dropped, and a stamp without a partner passed over") {
  CHECK(PoweredWindows(OnesWithStamps(10, {0.001, 0.002, 0.003})).at(0).begin_s == 0.002);
  const auto lost = PoweredWindows(OnesWithStamps(10, {0.015, 21.6, 31.7, 42.4, 52.4, 63.1}));
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].begin_s == 21.6);
  CHECK(lost[1].end_s == 52.4);
  const auto paired = PoweredWindows(OnesWithStamps(10, {2.7, 13.7, 15.6, 26.6}));
  REQUIRE(paired.size() == 2);
  CHECK(paired[0].begin_s == 2.7);
  CHECK(PoweredWindows(OnesWithStamps(10, {1})).empty());
}

TEST_CASE("a window that ends after the trace is told") {
  const auto windows = PoweredWindows(OnesWithStamps(1000, {0.01, 0.5, 0.9, 0.95, 1.5}));
  REQUIRE(windows.size() == 2);
  CHECK_FALSE(windows[0].outside_trace);
  CHECK(windows[1].outside_trace);
}

TEST_CASE("a trace has its first byte, a rate, whole finite samples and ascending stamps") {
  const auto trace = ParseEnergyTrace(TraceBytes(1000, {1.5F, 2.5F}), "e", "[0.1, 2]", "t");
  REQUIRE(trace.ok());
  CHECK(trace->samples_uj == std::vector<float>{1.5F, 2.5F});
  CHECK(trace->timestamps_s == std::vector<double>{0.1, 2});
  const std::string good = TraceBytes(1000, {1});
  CHECK_THAT(TraceError("", "[]"), Contains("0xF1"));
  CHECK_THAT(TraceError("version https://git-lfs.github.com/spec/v1\n", "[]"), Contains("git lfs pull"));
  CHECK_THAT(TraceError(good.substr(0, 8), "[]"), Contains("cut off"));
  CHECK_THAT(TraceError(TraceBytes(0, {1}), "[]"), Contains("sample rate"));
  CHECK_THAT(TraceError(TraceBytes(1000, {1, std::numeric_limits<float>::infinity()}), "[]"),
             Contains("sample 1 "));
  CHECK_THAT(TraceError(good, "[2, 1]"), Contains("trace1-timestamps.json: time stamp 1"));
  CHECK_THAT(TraceError(good, "[\"a\"]"), Contains("not a number"));
  CHECK_THAT(TraceError(good, "{}"), Contains("not a list"));
  CHECK_THAT(TraceError(good, "[1,"), Contains("trace1-timestamps.json, line 1"));
}

TEST_CASE("entries of v1.3 give seconds, joules between the last two stamps, labels and errors") {
  const auto results = ParseResultsJson(
      R"([{"file": "a.bin", "classes": "12", "class": "7", "stride": null, "mode": "e",
           "infer": {"iterations": 250, "results": [0.1, 0.9], "start_time": 5, "end_time": 12000005},
           "power": {"samples": [9, 1e-5, 2e-5, 3e-5], "timestamps": [["00", 0], ["01", 1], ["02", 3]]}},
          {"error": "error 1"},
          {"infer": {"iterations": 1, "length_sec": 1200.0, "elapsed_time": 5},
           "dutycycle": {"start_times_s": [1, 2], "stop_times_s": [1.5, 2.25]}}])",
      "results.json");
  REQUIRE(results.status().ToString() == "OK");
  REQUIRE(results->entries.size() == 2);
  const JsonEntry& first = results->entries[0];
  CHECK(first.label == 7);
  CHECK(first.model == "kws01");
  CHECK(first.iterations == 250);
  CHECK(first.duration_s == 12.0);
  CHECK(first.power->energy_j == Approx(3e-5));
  CHECK(results->entries[1].stream_s == 1200);
  CHECK(results->entries[1].processing_s == 0.375);
  CHECK(results->errors == std::vector<std::string>{"error 1"});
}

TEST_CASE("what cannot be read in results.json is an error with its entry") {
  CHECK_THAT(JsonError("{}"), Contains("results.json: not a list"));
  CHECK_THAT(JsonError("[1]"), Contains("entry 0 is not an object"));
  CHECK_THAT(JsonError(R"([{"infer": 5}])"), Contains("results.json, entry 0: infer is not an object"));
  CHECK_THAT(JsonError(R"([{"infer": {"iterations": -1}}])"), Contains("iterations is not a count"));
  CHECK_THAT(JsonError(R"([{"infer": {}, "power": {"samples": [1], "timestamps": [["0", 0], ["1", 2]]}}])"),
             Contains("samples 0 and 2 of 1"));
  CHECK_THAT(JsonError(R"([{"infer": {"elapsed_time": "x"}}])"), Contains("elapsed_time is not a number"));
  CHECK_THAT(JsonError("[\n{"), Contains("results.json, line 2"));
}

}  // namespace paddock::mlperf_tiny
