#include "kpi/golden.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "base/strict_json.h"

namespace paddock {
namespace {

std::vector<GoldenRun> GoldenRuns(const std::vector<double>& latencies_s) {
  std::vector<GoldenRun> runs;
  for (const double latency_s : latencies_s) {
    runs.push_back({"r-" + std::to_string(runs.size() + 1), {{"latency_p50", latency_s}}});
  }
  return runs;
}

GoldenRun NearRun(double latency_s) { return {"r-17", {{"latency_p50", latency_s}}}; }

TEST_CASE("a policy is read in two forms, and what is neither is refused with both", "[golden]") {
  CHECK(ParseGoldenPolicy("around each run")->every_runs == 0);
  CHECK(ParseGoldenPolicy("every 12 runs")->every_runs == 12);
  for (const char* text : {"around each run", "every 1 runs", "every 4294967295 runs"})
    CHECK(GoldenPolicyText(ParseGoldenPolicy(text).value()) == text);
  for (const char* text : {"", "always", "every runs", "every  runs", "every 0 runs", "every -1 runs",
                           "every 4294967296 runs", "every 2 jobs", "every 2.5 runs", "Around each run"}) {
    INFO(text);
    const Status status = ParseGoldenPolicy(text).status();
    CHECK(status.code() == StatusCode::kInvalidArgument);
    CHECK_THAT(status.message(), Catch::Contains("every N runs") && Catch::Contains("around each run"));
  }
}

TEST_CASE("a golden run farther off than 5 % and 4 robust deviations is a drift", "[golden]") {
  // Median 1.00, absolute deviations 0, 0.01, 0.01, 0.02, 0.02: robust deviation 0.0148.
  const auto before = GoldenRuns({1.00, 0.99, 1.01, 1.02, 0.98});
  const auto drifting = [&](double latency_s) {
    const GoldenRun near = NearRun(latency_s);
    return CompareWithGolden(before, {&near, 1}).drifting;
  };
  CHECK_FALSE(drifting(1.04));
  CHECK_FALSE(drifting(1.059));  // 4 deviations are 5.93 %
  CHECK(drifting(1.06));
  CHECK(drifting(0.94));
  CHECK_FALSE(drifting(0.942));
  const auto quiet = GoldenRuns({1, 1, 1, 1, 1});
  const GoldenRun near[] = {NearRun(1.0499), NearRun(1.0501)};
  CHECK_FALSE(CompareWithGolden(quiet, {near, 1}).drifting);
  CHECK(CompareWithGolden(quiet, near).drifting);
}

TEST_CASE("with fewer than five golden runs before there is a ratio and no judgement", "[golden]") {
  const GoldenRun near = NearRun(2);
  const GoldenComparison four = CompareWithGolden(GoldenRuns({1, 1, 1, 1}), {&near, 1});
  CHECK_FALSE(four.drifting);
  CHECK(four.ratio == 2);
  CHECK(CompareWithGolden(GoldenRuns({1, 1, 1, 1, 1}), {&near, 1}).drifting);
  const GoldenComparison none = CompareWithGolden({}, {&near, 1});
  CHECK(none.history == 0);
  CHECK_FALSE(none.median_s);
  CHECK_FALSE(none.ratio);
  CHECK(none.near_runs == std::vector<std::string>{"r-17"});
}

TEST_CASE("the golden run that is farthest off decides, with figures as evidence", "[golden]") {
  const GoldenRun near[] = {{"r-20", {{"latency_p50", 0.0011}}},
                            {"r-21", {{"latency_p50", 0.0005}}},
                            {"r-22", {{"throughput", 3.0}}}};
  const GoldenComparison comparison = CompareWithGolden(GoldenRuns(std::vector<double>(14, 0.001)), near);
  CHECK(comparison.near_runs == std::vector<std::string>{"r-20", "r-21", "r-22"});
  CHECK(comparison.farthest == "r-21");
  CHECK(*comparison.ratio == Approx(0.5));
  Judgement judgement{Verdict::kValid, {{"FEW_REPETITIONS", "1"}}};
  AddDrift(comparison, &judgement);
  CHECK(judgement.verdict == Verdict::kDegraded);
  REQUIRE(judgement.reasons.size() == 2);
  CHECK(judgement.reasons[1].code == "DEVICE_DRIFT");
  CHECK(judgement.reasons[1].detail ==
        "golden run r-21 took 0.5 ms, 50 % under the median 1 ms of 14 golden runs before");
  const Json evidence = Json::parse(judgement.reasons[1].evidence);
  CHECK(evidence["history"] == 14);
  CHECK(evidence["median_s"] == 0.001);
  CHECK(evidence["threshold_s"].get<double>() == Approx(0.00005));
  Judgement worse{Verdict::kInvalid, {}};
  AddDrift(comparison, &worse);
  CHECK(worse.verdict == Verdict::kInvalid);
}

TEST_CASE("a device that changed for good is no drift any more once most of its history is as it is now",
          "[golden]") {
  std::vector<double> latencies_s(20, 1.0);
  int drifts = 0;
  for (int run = 0; run < 200; ++run) {
    const GoldenRun near = NearRun(1.2);
    const auto history = GoldenRuns(latencies_s);
    if (CompareWithGolden(history, {&near, 1}).drifting) ++drifts;
    latencies_s.push_back(1.2);
    if (latencies_s.size() > kGoldenHistory) latencies_s.erase(latencies_s.begin());
  }
  CHECK(drifts == 20);
}

TEST_CASE("a creep that begins after a steady history is seen; one that was there from the start is not",
          "[golden]") {
  const auto creep_is_seen = [](std::vector<double> latencies_s) {
    bool seen = false;
    for (int run = 0; run < 40; ++run) {
      const GoldenRun near = NearRun(1 + 0.002 * run);
      seen = seen || CompareWithGolden(GoldenRuns(latencies_s), {&near, 1}).drifting;
      latencies_s.push_back(1 + 0.002 * run);
    }
    return seen;
  };
  CHECK(creep_is_seen(std::vector<double>(60, 1.0)));
  CHECK_FALSE(creep_is_seen({}));  // the history spreads as fast as it moves
}

TEST_CASE("times, rates and energies get a relative value, sizes and shares do not", "[golden]") {
  KpiReport kpis;
  kpis.values["latency_p50"].value = 0.003;
  kpis.values["throughput"].value = 300;
  kpis.values["energy_per_inference"].value = 0.02;
  kpis.values["peak_memory"].value = 1000;
  kpis.values["accuracy_top1"].value = 0.9;
  kpis.values["latency_p99"].value = 0.004;
  kpis.values["latency_max"].value = 0.004;
  const auto run = [](const std::string& id, double scale) {
    return GoldenRun{id,
                     {{"latency_p50", 0.001 * scale},
                      {"throughput", 1000 / scale},
                      {"energy_per_inference", 0.01},
                      {"peak_memory", 10},
                      {"accuracy_top1", 0.1},
                      {"latency_max", 0}}};
  };
  const std::vector<GoldenRun> before = {run("r-1", 1), run("r-2", 1.5)};
  const std::vector<GoldenRun> near = {run("r-3", 2)};
  SetRelative(before, near, &kpis);
  CHECK(*kpis.values["latency_p50"].relative == Approx(2));  // the median of 1, 1.5 and 2 ms
  CHECK(*kpis.values["throughput"].relative == Approx(0.45));
  CHECK(*kpis.values["energy_per_inference"].relative == Approx(2));
  CHECK_FALSE(kpis.values["peak_memory"].relative);
  CHECK_FALSE(kpis.values["accuracy_top1"].relative);
  CHECK_FALSE(kpis.values["latency_p99"].relative);
  CHECK_FALSE(kpis.values["latency_max"].relative);
}

TEST_CASE("a comparison comes back from its JSON as it was", "[golden]") {
  const GoldenRun near = NearRun(0.00134);
  for (const auto& before : {GoldenRuns({}), GoldenRuns({0.0012, 0.0012, 0.0012, 0.0012, 0.0012})}) {
    const GoldenComparison comparison = CompareWithGolden(before, {&near, 1});
    const auto decoded = DecodeGoldenComparison(EncodeGoldenComparison(comparison));
    INFO(decoded.status().ToString());
    REQUIRE(decoded.ok());
    CHECK(*decoded == comparison);
  }
  CHECK_FALSE(DecodeGoldenComparison("{}").ok());
}

}  // namespace
}  // namespace paddock
