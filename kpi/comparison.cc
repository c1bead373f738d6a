#include "kpi/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "kpi/hypothesis_tests.h"

namespace paddock {
namespace {

constexpr double kSignificance = 0.05;
constexpr std::array<std::string_view, 6> kKnownBeforeMeasuring = {
    "artifact_size", "flash_used", "ram_used", "lut_used_ratio", "dsp_used_ratio", "bram_used_ratio"};

std::string ShownNumber(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

std::string ShownP(double p_value) {
  return p_value < 1e-4 ? "p<0.0001" : "p=" + ShownNumber("%.2g", p_value);
}

std::string ShownConfidence(const Interval& interval) {
  return ShownNumber("%.1f", 100 * interval.confidence) + " %";
}

bool IsPositive(const std::vector<double>& figures) {
  return std::all_of(figures.begin(), figures.end(), [](double figure) { return figure > 0; });
}

std::vector<double> Logarithms(std::vector<double> figures) {
  for (double& figure : figures) figure = std::log(figure);
  return figures;
}

void FillShift(const ShiftEstimate& estimate, Effect& effect) {
  effect.value = estimate.shift;
  effect.interval = estimate.interval;
  if (!effect.is_ratio) return;
  effect.value = std::exp(effect.value);
  effect.interval->lower = std::exp(effect.interval->lower);
  effect.interval->upper = std::exp(effect.interval->upper);
}

Change Direction(Better better, bool b_is_lower) {
  return b_is_lower == (better == Better::kLower) ? Change::kBetter : Change::kWorse;
}

// `smallest_p`: the least p-value that so many figures can give.
Change DecideBy(double p_value, double smallest_p, Better better, const Effect& effect) {
  const double none = effect.is_ratio ? 1 : 0;
  if (smallest_p > kSignificance) return Change::kNotDecidable;
  if (p_value > kSignificance || effect.value == none) return Change::kNoDifferenceSeen;
  return Direction(better, effect.value < none);
}

double SmallestMannWhitneyP(std::size_t n, std::size_t m) {
  double orders = 1;  // n + m over n
  for (std::size_t i = 1; i <= n; ++i) orders *= static_cast<double>(m + i) / static_cast<double>(i);
  return 2 / orders;
}

KpiComparison FromRepetitions(const KpiDefinition& kpi, const std::vector<double>& a,
                              const std::vector<double>& b) {
  KpiComparison out;
  Effect& effect = out.effect.emplace();
  effect.is_ratio = kpi.unit != "1" && IsPositive(a) && IsPositive(b);
  FillShift(effect.is_ratio ? HodgesLehmannShift(Logarithms(a), Logarithms(b)) : HodgesLehmannShift(a, b),
            effect);
  const RankTest test = MannWhitneyTest(a, b);
  effect.p_value = test.p_value;
  effect.test = "Hodges-Lehmann, Moses " + ShownConfidence(*effect.interval) + "; Mann-Whitney " +
                (test.exact ? "exact " : "") + ShownP(test.p_value);
  out.change = DecideBy(test.p_value, SmallestMannWhitneyP(a.size(), b.size()), kpi.better, effect);
  return out;
}

KpiComparison FromIntervals(const KpiDefinition& kpi, const KpiValue& a, const KpiValue& b) {
  KpiComparison out;
  Effect& effect = out.effect.emplace();
  effect.value = b.value - a.value;
  effect.interval =
      Interval{effect.value - std::hypot(b.value - b.interval->lower, a.interval->upper - a.value),
               effect.value + std::hypot(b.interval->upper - b.value, a.value - a.interval->lower),
               std::min(a.interval->confidence, b.interval->confidence)};
  effect.test = "difference of two intervals, square-and-add " + ShownConfidence(*effect.interval);
  const bool holds_none = effect.interval->lower <= 0 && effect.interval->upper >= 0;
  out.change = holds_none ? Change::kNoDifferenceSeen : Direction(kpi.better, effect.value < 0);
  return out;
}

KpiComparison FromValues(const KpiDefinition& kpi, const KpiValue& a, const KpiValue& b) {
  KpiComparison out;
  if (std::find(kKnownBeforeMeasuring.begin(), kKnownBeforeMeasuring.end(), kpi.name) !=
      kKnownBeforeMeasuring.end()) {
    Effect& effect = out.effect.emplace();
    effect.is_ratio = kpi.unit != "1" && a.value > 0 && b.value > 0;
    effect.value = effect.is_ratio ? b.value / a.value : b.value - a.value;
    effect.test = "exact values";
    out.change = Direction(kpi.better, b.value < a.value);
  }
  if (a.value == b.value) out.change = Change::kNoDifferenceSeen;
  return out;
}

// What stands for a device: the figures of its repetitions, or the one value.
std::vector<double> FiguresOf(const KpiValue& kpi) {
  return kpi.repetitions.empty() ? std::vector{kpi.value} : kpi.repetitions;
}

}  // namespace

std::string_view ChangeName(Change change) {
  switch (change) {
    case Change::kBetter:
      return "better";
    case Change::kWorse:
      return "worse";
    case Change::kNoDifferenceSeen:
      return "no difference seen";
    case Change::kNotDecidable:
      break;
  }
  return "not decidable";
}

KpiComparison CompareKpi(const KpiDefinition& kpi, const KpiValue& a, const KpiValue& b) {
  KpiComparison out;
  if (!a.repetitions.empty() && !b.repetitions.empty()) {
    out = FromRepetitions(kpi, a.repetitions, b.repetitions);
  } else if (a.interval && b.interval) {
    out = FromIntervals(kpi, a, b);
  } else {
    out = FromValues(kpi, a, b);
  }
  if (a.value != 0) out.ratio = b.value / a.value;
  return out;
}

KpiComparison ComparePaired(const KpiValue& a, const KpiValue& b, const PairedAccuracy& pairs) {
  KpiComparison out;
  if (a.value != 0) out.ratio = b.value / a.value;
  out.effect = Effect{false, pairs.difference, pairs.interval, pairs.p_value, ""};
  out.effect->test = "McNemar exact " + ShownP(pairs.p_value) + ": of " + std::to_string(pairs.samples()) +
                     " samples " + std::to_string(pairs.only_first) + " right in A only, " +
                     std::to_string(pairs.only_second) + " in B only";
  out.change = DecideBy(pairs.p_value, 0, Better::kHigher, *out.effect);
  return out;
}

CombinedComparison CompareOverDevices(const KpiDefinition& kpi, std::span<const DevicePair> devices) {
  CombinedComparison out;
  Effect& effect = out.effect;
  effect.is_ratio = kpi.unit != "1";
  for (const DevicePair& device : devices) {
    effect.is_ratio = effect.is_ratio && IsPositive(FiguresOf(*device.a)) && IsPositive(FiguresOf(*device.b));
  }
  std::vector<double> shifts;
  for (const DevicePair& device : devices) {
    const auto a = FiguresOf(*device.a);
    const auto b = FiguresOf(*device.b);
    shifts.push_back(
        (effect.is_ratio ? HodgesLehmannShift(Logarithms(a), Logarithms(b)) : HodgesLehmannShift(a, b))
            .shift);
  }
  FillShift(HodgesLehmannPaired(shifts), effect);
  const RankTest test = SignedRankTest(shifts);
  effect.p_value = test.p_value;
  effect.test = "Hodges-Lehmann over " + std::to_string(devices.size()) + " devices, " +
                ShownConfidence(*effect.interval) + "; signed rank " + (test.exact ? "exact " : "") +
                ShownP(test.p_value);
  out.change = DecideBy(test.p_value, std::ldexp(2.0, -static_cast<int>(devices.size())), kpi.better, effect);
  return out;
}

}  // namespace paddock
