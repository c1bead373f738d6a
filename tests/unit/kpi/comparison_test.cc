#include "kpi/comparison.h"

#include <catch2/catch.hpp>

#include "kpi/pareto.h"
#include "kpi/repeat.h"

namespace paddock {
namespace {

KpiValue Repeated(std::vector<double> figures) {
  const double median = Median(figures);
  return {median, MedianInterval(figures), std::move(figures)};
}

KpiComparison CompareNamed(const std::string& kpi, const KpiValue& a, const KpiValue& b) {
  REQUIRE(FindKpi(kpi) != nullptr);
  return CompareKpi(*FindKpi(kpi), a, b);
}

const KpiValue kFive = Repeated({0.0100, 0.0101, 0.0102, 0.0103, 0.0104});
const KpiValue kFiveSlower = Repeated({0.0120, 0.0121, 0.0122, 0.0123, 0.0125});

KpiReport Candidate(double accuracy, double half, double latency, double size) {
  KpiReport report;
  report.values["accuracy_top1"] = {accuracy, Interval{accuracy - half, accuracy + half}, {}};
  report.values["latency_p50"] = {latency, Interval{latency * 0.98, latency * 1.02}, {latency, latency}};
  report.values["artifact_size"] = {size, std::nullopt, {}};
  return report;
}

std::vector<std::vector<std::size_t>> Dominated(const std::vector<KpiReport>& reports) {
  std::vector<const KpiReport*> pointers;
  for (const KpiReport& report : reports) pointers.push_back(&report);
  const auto objectives = ParetoObjectives(pointers, Task::kClassification);
  REQUIRE(objectives.size() == 3);  // no energy
  return DominatedBy(pointers, objectives);
}

}  // namespace

TEST_CASE("two sets of five repetitions that do not meet are a change with ratio, interval and exact test") {
  const auto slower = CompareNamed("latency_p50", kFive, kFiveSlower);
  CHECK(slower.change == Change::kWorse);
  CHECK(slower.ratio.value() == Approx(0.0122 / 0.0102));
  REQUIRE(slower.effect);
  CHECK(slower.effect->is_ratio);
  CHECK(slower.effect->value == Approx(0.0122 / 0.0102).epsilon(5e-3));
  CHECK(slower.effect->interval->lower > 1.15);
  CHECK(slower.effect->interval->upper < 1.25);
  CHECK(slower.effect->p_value.value() == Approx(2.0 / 252));
  CHECK(slower.effect->test == "Hodges-Lehmann, Moses 96.8 %; Mann-Whitney exact p=0.0079");
  CHECK(CompareNamed("latency_p50", kFiveSlower, kFive).change == Change::kBetter);
  CHECK(CompareNamed("throughput", kFive, kFiveSlower).change == Change::kBetter);
}

TEST_CASE("repetitions that overlap show no difference; three against three cannot show one") {
  CHECK(CompareNamed("latency_p50", kFive, Repeated({0.0099, 0.01005, 0.01025, 0.01035, 0.0105})).change ==
        Change::kNoDifferenceSeen);
  const auto few = CompareNamed("latency_p50", Repeated({1, 1.1, 1.2}), Repeated({2, 2.1, 2.2}));
  CHECK(few.change == Change::kNotDecidable);
  CHECK(few.effect->value == Approx(1.909).epsilon(1e-3));  // the effect is told all the same
  CHECK(CompareNamed("latency_p50", Repeated({1, 1.1, 1.2, 1.3}), Repeated({2, 2.1, 2.2, 2.3})).change ==
        Change::kWorse);
}

TEST_CASE("figures of a device without noise can be compared too") {
  const KpiValue steady = Repeated({0.01, 0.01, 0.01, 0.01, 0.01});
  CHECK(CompareNamed("latency_p50", steady, steady).change == Change::kNoDifferenceSeen);
  CHECK(CompareNamed("latency_p50", steady, Repeated({0.02, 0.02, 0.02, 0.02, 0.02})).change ==
        Change::kWorse);
}

TEST_CASE("figures that are not all positive are compared by their difference") {
  const auto compared =
      CompareNamed("deadline_miss_rate", Repeated({0, 0, 0, 0, 0}), Repeated({0.1, 0.1, 0.2, 0.1, 0.1}));
  CHECK_FALSE(compared.effect->is_ratio);
  CHECK(compared.effect->value == Approx(0.1));
  CHECK_FALSE(compared.ratio);
  CHECK(compared.change == Change::kWorse);
}

TEST_CASE("shares of samples are compared by their intervals") {
  const KpiValue a{0.90, Interval{0.88, 0.92}, {}};
  const auto near = CompareNamed("accuracy_top1", a, {0.92, Interval{0.90, 0.94}, {}});
  CHECK(near.change == Change::kNoDifferenceSeen);
  CHECK(near.effect->interval->lower == Approx(0.02 - std::hypot(0.02, 0.02)));
  CHECK(CompareNamed("accuracy_top1", a, {0.95, Interval{0.94, 0.96}, {}}).change == Change::kBetter);
}

TEST_CASE("what is known before measuring is compared by value, one repetition against one not at all") {
  const auto size = CompareNamed("artifact_size", {1000, std::nullopt, {}}, {900, std::nullopt, {}});
  CHECK(size.change == Change::kBetter);
  CHECK(size.effect->test == "exact values");
  const auto score = CompareNamed("f1_macro", {0.8, std::nullopt, {}}, {0.9, std::nullopt, {}});
  CHECK(score.change == Change::kNotDecidable);
  CHECK_FALSE(score.effect);
  CHECK(CompareNamed("latency_p50", {1, std::nullopt, {1}}, {2, std::nullopt, {2}}).change ==
        Change::kNotDecidable);
}

TEST_CASE("answers to the same samples are compared sample by sample") {
  const KpiValue a{0.90, Interval{0.88, 0.92}, {}};
  const KpiValue b{0.92, Interval{0.90, 0.94}, {}};
  const auto better = ComparePaired(a, b, PairedAccuracyOf(895, 5, 25, 75));
  CHECK(better.change == Change::kBetter);  // the intervals side by side would not show it
  CHECK(better.effect->value == Approx(0.02));
  CHECK(better.effect->test.find("5 right in A only, 25 in B only") != std::string::npos);
  CHECK(ComparePaired(a, a, PairedAccuracyOf(895, 5, 5, 95)).change == Change::kNoDifferenceSeen);
}

TEST_CASE("over devices the devices' own shifts are compared, and five devices are too few for a claim") {
  const std::vector<DevicePair> five(5, {&kFive, &kFiveSlower});
  const auto few = CompareOverDevices(*FindKpi("latency_p50"), five);
  CHECK(few.change == Change::kNotDecidable);
  CHECK(few.effect.value == Approx(1.198).epsilon(1e-3));
  const std::vector<DevicePair> eight(8, {&kFive, &kFiveSlower});
  const auto many = CompareOverDevices(*FindKpi("latency_p50"), eight);
  CHECK(many.change == Change::kWorse);
  CHECK(many.effect.test.find("over 8 devices") != std::string::npos);
}

TEST_CASE("a candidate is dominated only by more than both intervals") {
  // Slower and larger with the same accuracy; a little slower within the intervals; faster but less accurate.
  const auto dominated = Dominated({Candidate(0.90, 0.01, 1.00, 100), Candidate(0.90, 0.01, 1.50, 120),
                                    Candidate(0.90, 0.01, 1.01, 100), Candidate(0.80, 0.01, 0.50, 100)});
  CHECK(dominated[0].empty());
  CHECK(dominated[1] == std::vector<std::size_t>{0, 2});
  CHECK(dominated[2].empty());
  CHECK(dominated[3].empty());
}

TEST_CASE("a repeat lies inside the interval of the original or outside by a share of the nearer bound") {
  const KpiValue original{10, Interval{9, 11, 0.9375}, {9, 9.5, 10, 10.5, 11}};
  CHECK(JudgeRepeat(original, {11, std::nullopt, {11}}).place == RepeatPlace::kInside);
  const auto above = JudgeRepeat(original, {12.1, std::nullopt, {12.1}});
  CHECK(above.place == RepeatPlace::kOutside);
  CHECK(above.outside_by == Approx(0.1));
  CHECK(JudgeRepeat(original, {4.5, std::nullopt, {4.5}}).outside_by == Approx(0.5));
  CHECK(JudgeRepeat({10, std::nullopt, {10}}, original).place == RepeatPlace::kUndecidable);
  CHECK(JudgeRepeat({97340, std::nullopt, {}}, {97340, std::nullopt, {}}).place == RepeatPlace::kInside);
  CHECK(JudgeRepeat({0, std::nullopt, {}}, {2, std::nullopt, {}}).outside_by == 2);
}

}  // namespace paddock
