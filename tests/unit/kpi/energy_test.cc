#include "kpi/energy.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <catch2/catch.hpp>

#include "base/random.h"

namespace paddock {
namespace {

constexpr std::int64_t kMsNs = 1'000'000;
constexpr std::int64_t kSecondNs = 1'000'000'000;
using PowerLaw = std::function<double(double t_s)>;  // watts

PowerTrace MeterTrace(MeterKind kind, std::int64_t period_ns) {
  PowerTrace trace;
  trace.meter.source = "test";
  trace.meter.kind = kind;
  trace.meter.period_ns = period_ns;
  return trace;
}

void Sample(PowerTrace* trace, std::int64_t at_ns, double value) {
  trace->at_ns.push_back(at_ns);
  trace->read_ns.push_back(0);
  trace->value.push_back(std::llround(value * 1e6));
}

// Regular samples of `power` over [0, end_s].
PowerTrace Sampled(const PowerLaw& power, std::int64_t period_ns, double end_s) {
  PowerTrace trace = MeterTrace(MeterKind::kSampled, period_ns);
  for (std::int64_t t = 0; static_cast<double>(t) <= end_s * 1e9; t += period_ns)
    Sample(&trace, t, power(static_cast<double>(t) * 1e-9));
  return trace;
}

PowerTrace Counter(double watts, std::int64_t period_ns, double end_s) {
  PowerTrace trace = Sampled([watts](double t) { return watts * t; }, period_ns, end_s);
  trace.meter.kind = MeterKind::kCounter;
  return trace;
}

std::vector<std::string> Codes(const std::vector<EnergyProblem>& problems) {
  std::vector<std::string> codes;
  for (const EnergyProblem& problem : problems) codes.push_back(problem.code);
  return codes;
}
using CodeList = std::vector<std::string>;

EnergyResult Of(const PowerTrace& trace, std::int64_t begin_ns, std::int64_t end_ns) {
  return EnergyOfWindow(trace, {begin_ns, end_ns}, {});
}

TEST_CASE("constant power over any window is power times time", "[kpi][energy]") {
  const PowerTrace trace = Sampled([](double) { return 5.25; }, 7 * kMsNs, 12);
  const EnergyResult result = Of(trace, 1'000'000'001, 11'234'567'890);
  CHECK(result.problems.empty());
  CHECK(*result.gross_j == Approx(5.25 * 10.234567889).epsilon(1e-12));
  CHECK(*result.mean_w == Approx(5.25).epsilon(1e-12));
  CHECK(*result.uncertainty_j == Approx(0).margin(1e-12));
  CHECK(result.samples == 1462);
  CHECK(result.rate_hz == Approx(1462 / 10.234567889));
  CHECK(result.coverage == Approx(1).epsilon(1e-3));
  CHECK_FALSE(result.net_j);
}

TEST_CASE("a ramp is integrated exactly, with edges between the samples", "[kpi][energy]") {
  const PowerTrace trace = Sampled([](double t) { return 2 * t; }, 10 * kMsNs, 12);
  const double begin = 1.003;
  const double end = 11.0071;
  const EnergyResult result = Of(trace, 1'003'000'000, 11'007'100'000);
  CHECK(*result.gross_j == Approx(end * end - begin * begin).epsilon(1e-9));
}

TEST_CASE("samples at unequal distances are weighted by the time they stand for", "[kpi][energy]") {
  PowerTrace trace = MeterTrace(MeterKind::kSampled, 100 * kMsNs);
  Random random(9);
  for (std::int64_t t = 0; t < 30 * kSecondNs;
       t += 20 * kMsNs + static_cast<std::int64_t>(random.Below(160 * kMsNs)))
    Sample(&trace, t, 3 + static_cast<double>(t) * 1e-9);
  const EnergyResult result = Of(trace, kSecondNs, 21 * kSecondNs);
  CHECK(*result.gross_j == Approx(3 * 20 + (21.0 * 21 - 1) / 2).epsilon(1e-6));
}

// 10 W and 4 W in turn, 50 % duty, as in the specification's table: true mean 7 W.
double Burst(double t_s, double period_s) { return std::fmod(t_s, period_s) < period_s / 2 ? 10 : 4; }

double WorstError(bool jitter, int rounds) {
  Random random(3);
  std::vector<double> errors;
  for (int round = 0; round < rounds; ++round) {
    const double phase_s = random.Uniform() * 0.01;
    PowerTrace trace = MeterTrace(MeterKind::kSampled, 10 * kMsNs);
    for (std::int64_t k = 0; k < 1210; ++k) {
      const std::int64_t at =
          k * 10 * kMsNs + (jitter ? static_cast<std::int64_t>(random.Below(10 * kMsNs)) : 0);
      Sample(&trace, at, Burst(static_cast<double>(at) * 1e-9 + phase_s, 0.01));
    }
    const EnergyResult result = Of(trace, kSecondNs, 11 * kSecondNs);
    REQUIRE(result.problems.empty());
    errors.push_back(std::abs(*result.gross_j / 70 - 1));
    if (jitter) CHECK(std::abs(*result.gross_j - 70) < 5 * *result.uncertainty_j);
  }
  std::sort(errors.begin(), errors.end());
  return errors[errors.size() * 95 / 100];
}

TEST_CASE("sampling in step with the load misses it by 43 %, jitter finds the mean", "[kpi][energy]") {
  CHECK(WorstError(false, 100) == Approx(3.0 / 7).epsilon(1e-6));
  CHECK(WorstError(true, 100) < 0.04);
}

// What a sensor shows that averages `power` (constant between the knots) over the time before each reading.
PowerTrace Averaged(const std::vector<std::pair<double, double>>& steps, std::int64_t averaging_ns,
                    std::int64_t period_ns, double end_s) {
  const auto energy_until = [&steps](double t) {
    double joules = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const double from = i == 0 ? -1e3 : steps[i].first;
      const double to = i + 1 < steps.size() ? steps[i + 1].first : 1e9;
      joules += steps[i].second * std::max(0.0, std::min(t, to) - from);
    }
    return joules;
  };
  const double averaging_s = static_cast<double>(averaging_ns) * 1e-9;
  PowerTrace trace =
      Sampled([&](double t) { return (energy_until(t) - energy_until(t - averaging_s)) / averaging_s; },
              period_ns, end_s);
  trace.meter.kind = MeterKind::kAveraged;
  trace.meter.averaging_ns = averaging_ns;
  return trace;
}

TEST_CASE("the lag of an averaging sensor is taken out: idle, load, idle", "[kpi][energy]") {
  for (const double seconds : {1.0, 5.0, 10.0, 60.0}) {
    const auto end_ns = static_cast<std::int64_t>((6 + seconds) * 1e9);
    PowerTrace trace = Averaged({{0, 4}, {6, 10}, {6 + seconds, 4}}, kSecondNs, 5 * kMsNs, 20 + seconds);
    CHECK(*Of(trace, 6 * kSecondNs, end_ns).gross_j == Approx(10 * seconds).epsilon(1e-6));
    trace.meter.kind = MeterKind::kSampled;  // taken at its word it reads too little: 3 J of its first second
    CHECK(*Of(trace, 6 * kSecondNs, end_ns).gross_j == Approx(10 * seconds - 3).epsilon(1e-3));
  }
}

TEST_CASE("the lag of an averaging sensor is taken out when a warm-up runs before the window",
          "[kpi][energy]") {
  const PowerTrace trace = Averaged({{0, 4}, {3, 10}, {16, 4}}, kSecondNs, 5 * kMsNs, 22);
  const EnergyResult result = Of(trace, 6 * kSecondNs, 16 * kSecondNs);
  CHECK(*result.gross_j == Approx(100).epsilon(1e-6));
  CHECK(result.problems.empty());
}

TEST_CASE("an averaging sensor needs its averaging time behind the window", "[kpi][energy]") {
  const PowerTrace trace = Averaged({{0, 4}}, kSecondNs, 5 * kMsNs, 12.5);
  CHECK(Codes(Of(trace, kSecondNs, 11 * kSecondNs).problems).empty());
  const EnergyResult late = Of(trace, kSecondNs, 12 * kSecondNs);
  CHECK(Codes(late.problems) == CodeList{"ENERGY_EDGES"});
  CHECK_FALSE(late.gross_j);
}

TEST_CASE("idle power is the mean of before and after, their difference is kept", "[kpi][energy]") {
  PowerTrace trace = Sampled([](double t) { return t < 10 ? 2.0 : t < 20 ? 5.0 : 2.2; }, 10 * kMsNs, 30);
  trace.idle_before = TimeSpan{0, 9 * kSecondNs};
  trace.window = TimeSpan{10 * kSecondNs, 20 * kSecondNs - 10 * kMsNs};
  trace.idle_after = TimeSpan{21 * kSecondNs, 30 * kSecondNs};
  const EnergyResult result = MeasuredEnergy(trace);
  CHECK(result.problems.empty());
  CHECK(*result.idle_w == Approx(2.1));
  CHECK(*result.idle_difference_w == Approx(0.2));
  CHECK(*result.gross_j == Approx(5 * 9.99));
  CHECK(*result.net_j == Approx(2.9 * 9.99));
  CHECK(*result.net_uncertainty_j == Approx(std::hypot(*result.uncertainty_j, 0.1 * 9.99)));
}

TEST_CASE("idle that was not measured leaves the net energy out and says so", "[kpi][energy]") {
  PowerTrace trace = Sampled([](double) { return 5; }, 10 * kMsNs, 30);
  trace.window = TimeSpan{10 * kSecondNs, 20 * kSecondNs};
  EnergyResult result = MeasuredEnergy(trace);
  CHECK(result.gross_j);
  CHECK_FALSE(result.net_j);
  CHECK(Codes(result.problems) == CodeList{"ENERGY_IDLE", "ENERGY_IDLE"});

  trace.idle_before = TimeSpan{0, 45 * kMsNs};  // five samples
  trace.idle_after = TimeSpan{25 * kSecondNs, 25 * kSecondNs + 35 * kMsNs};
  result = MeasuredEnergy(trace);
  CHECK(*result.net_j == Approx(0).margin(1e-9));
  CHECK_FALSE(result.net_uncertainty_j);
  CHECK_FALSE(result.idle_difference_w);
  REQUIRE(Codes(result.problems) == CodeList{"ENERGY_IDLE"});
  CHECK_THAT(result.problems[0].detail, Catch::Contains("after the window: 4 samples"));
}

TEST_CASE("the idle power of an averaging sensor does not contain the load before it", "[kpi][energy]") {
  PowerTrace trace = Averaged({{0, 4}, {6, 10}, {16, 4}}, kSecondNs, 5 * kMsNs, 22);
  trace.idle_before = TimeSpan{0, 6 * kSecondNs};
  trace.window = TimeSpan{6 * kSecondNs, 16 * kSecondNs};
  trace.idle_after = TimeSpan{16 * kSecondNs, 22 * kSecondNs};
  const EnergyResult result = MeasuredEnergy(trace);
  CHECK(*result.idle_w == Approx(4).epsilon(1e-9));
  CHECK(*result.net_j == Approx(60).epsilon(1e-6));
}

TEST_CASE("a gap of more than three periods is named", "[kpi][energy]") {
  PowerTrace trace = MeterTrace(MeterKind::kSampled, 10 * kMsNs);
  for (std::int64_t t = 0; t <= 1200; ++t)
    if (t <= 500 || t >= 504) Sample(&trace, t * 10 * kMsNs, 5);
  const EnergyResult result = Of(trace, kSecondNs, 11 * kSecondNs);
  REQUIRE(Codes(result.problems) == CodeList{"ENERGY_GAPS"});
  CHECK_THAT(result.problems[0].detail, Catch::Contains("1 gap(s)") && Catch::Contains("longest of 40 ms"));
  CHECK(Of(trace, kSecondNs, 4 * kSecondNs).problems.empty());
}

TEST_CASE("many small holes are a lack of coverage", "[kpi][energy]") {
  PowerTrace trace = MeterTrace(MeterKind::kSampled, 10 * kMsNs);
  for (std::int64_t t = 0; t <= 1200; ++t)
    if (t % 10 != 5) Sample(&trace, t * 10 * kMsNs, 5);
  const EnergyResult result = Of(trace, kSecondNs, 11 * kSecondNs);
  CHECK(Codes(result.problems) == CodeList{"ENERGY_COVERAGE"});
  CHECK(result.coverage == Approx(0.9));
  CHECK(*result.gross_j == Approx(50));
}

TEST_CASE("fewer than a hundred samples in the window are too few", "[kpi][energy]") {
  const PowerTrace trace = Sampled([](double) { return 5; }, 100 * kMsNs, 12);
  CHECK(Of(trace, kSecondNs, 11 * kSecondNs).problems.empty());
  const EnergyResult result = Of(trace, kSecondNs, 10'900 * kMsNs);
  REQUIRE(Codes(result.problems) == CodeList{"ENERGY_RESOLUTION"});
  CHECK_THAT(result.problems[0].detail, Catch::Contains("99 samples"));
}

TEST_CASE("a counter that is refreshed slower than it is read has only its refreshes", "[kpi][energy]") {
  PowerTrace trace = Counter(20, 20 * kMsNs, 12);
  trace.meter.averaging_ns = 200 * kMsNs;
  CHECK(Codes(Of(trace, kSecondNs, 11 * kSecondNs).problems) == CodeList{"ENERGY_RESOLUTION"});
}

TEST_CASE("window edges outside the trace give no energy", "[kpi][energy]") {
  const PowerTrace trace = Sampled([](double) { return 5; }, 10 * kMsNs, 12);
  for (const auto& [begin, end] :
       {std::pair{-kMsNs, 10 * kSecondNs}, std::pair{kSecondNs, 12 * kSecondNs + 1}}) {
    const EnergyResult result = Of(trace, begin, end);
    CHECK(Codes(result.problems) == CodeList{"ENERGY_EDGES"});
    CHECK_FALSE(result.gross_j);
    CHECK_FALSE(result.mean_w);
  }
  CHECK(Codes(Of(PowerTrace(), 0, kSecondNs).problems) == CodeList{"ENERGY_EDGES"});
  CHECK(Codes(MeasuredEnergy(trace).problems) == CodeList{"ENERGY_NO_WINDOW"});
  CHECK(Codes(Of(trace, kSecondNs, kSecondNs).problems) == CodeList{"ENERGY_NO_WINDOW"});
}

TEST_CASE("a counter's energy is the difference of its interpolated edges", "[kpi][energy]") {
  PowerTrace trace = Counter(20, 50 * kMsNs, 22);
  trace.idle_before = TimeSpan{0, 5 * kSecondNs};
  trace.meter.gain_uncertainty = 0.01;
  const EnergyResult result = Of(trace, 5'013 * kMsNs, 15'037 * kMsNs);
  CHECK(result.problems.empty());
  CHECK(*result.gross_j == Approx(20 * 10.024).epsilon(1e-9));
  // 1 % of 200 J, and at each edge 50 ms of 20 W spread evenly.
  CHECK(*result.uncertainty_j == Approx(std::sqrt(2.0048 * 2.0048 + 2 * 1.0 / 12)).epsilon(1e-6));
  CHECK(*IdlePowerOf(trace).mean_w == Approx(20));
}

TEST_CASE("a counter that wraps once or often loses nothing", "[kpi][energy]") {
  PowerTrace trace = Counter(200, 50 * kMsNs, 22);
  trace.meter.counter_range_uj = 262'144'000;
  for (std::int64_t& value : trace.value) value = (value + 262'000'000) % 262'144'000;
  const EnergyResult result = Of(trace, kSecondNs, 21 * kSecondNs);
  CHECK(result.problems.empty());
  CHECK(*result.gross_j == Approx(4000).epsilon(1e-9));
}

TEST_CASE("a counter that falls without a plausible wrap invalidates the window", "[kpi][energy]") {
  PowerTrace trace = Counter(20, 50 * kMsNs, 22);
  for (std::size_t i = 200; i < trace.value.size(); ++i) trace.value[i] -= trace.value[199];
  for (const auto& [range, words] : {std::pair<std::int64_t, const char*>{0, "does not wrap"},
                                     {300'000'000, "wrap would mean"},
                                     {1'000'000'000, "half its range or more"},
                                     {150'000'000, "over its range"}}) {
    if (range > 0) trace.meter.counter_range_uj = range;
    const EnergyResult result = Of(trace, kSecondNs, 21 * kSecondNs);
    REQUIRE(Codes(result.problems) == CodeList{"ENERGY_COUNTER_RESET"});
    CHECK_THAT(result.problems[0].detail, Catch::Contains(words));
    CHECK_FALSE(result.gross_j);
  }
}

TEST_CASE("a counter that stands still for a second is stuck, not free", "[kpi][energy]") {
  const EnergyResult result = Of(Counter(0, 5 * kMsNs, 3), kSecondNs, 2 * kSecondNs);
  CHECK(Codes(result.problems) == CodeList{"ENERGY_STUCK"});
  CHECK_FALSE(result.gross_j);
}

TEST_CASE("a gap inside a counter's window costs nothing, at its edge it does", "[kpi][energy]") {
  PowerTrace trace = MeterTrace(MeterKind::kCounter, 50 * kMsNs);
  for (std::int64_t t = 0; t <= 440; ++t)
    if (t <= 100 || t >= 110) Sample(&trace, t * 50 * kMsNs, 0.05 * static_cast<double>(t));
  CHECK(Of(trace, kSecondNs, 21 * kSecondNs).problems.empty());
  CHECK(Codes(Of(trace, 5'200 * kMsNs, 21 * kSecondNs).problems) == CodeList{"ENERGY_GAPS"});
}

TEST_CASE("the steps of a coarse sensor are in the uncertainty", "[kpi][energy]") {
  PowerTrace trace = Sampled([](double) { return 5; }, 10 * kMsNs, 12);
  trace.meter.lsb = 0.04;
  CHECK(*Of(trace, kSecondNs, 11 * kSecondNs).uncertainty_j == Approx(0.4 / std::sqrt(12)));
}

}  // namespace
}  // namespace paddock
