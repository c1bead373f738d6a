#include "kpi/energy.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace paddock {
namespace {

constexpr double kMaxGapPeriods = 3;
constexpr double kMinCoverage = 0.95;
constexpr std::uint64_t kMinWindowSamples = 100;
constexpr std::uint64_t kMinIdleSamples = 5;
constexpr double kStuckAfterS = 1;
// A wrap is believed when its step is no faster than this many times the fastest other step.
constexpr double kWrapRateFactor = 4;
const double kUniform = 1 / std::sqrt(12.0);  // standard deviation of a uniform error, of its full width

double InSeconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }
double FromMicro(std::int64_t micro) { return static_cast<double>(micro) * 1e-6; }

std::string Rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

// The trace as lines between neighbouring samples: watts of a sensor, joules since the first sample of a counter.
class Curve {
 public:
  Curve(const std::vector<std::int64_t>& at_ns, std::vector<double> y) : at_ns_(at_ns), y_(std::move(y)) {}

  bool Covers(std::int64_t begin_ns, std::int64_t end_ns) const {
    return at_ns_.size() >= 2 && begin_ns >= at_ns_.front() && end_ns <= at_ns_.back();
  }
  // The sample that begins the segment with `ns`. REQUIRES: covered.
  std::size_t SegmentOf(std::int64_t ns) const {
    const auto after = std::upper_bound(at_ns_.begin(), at_ns_.end(), ns);
    const auto index = static_cast<std::size_t>(after - at_ns_.begin());
    return std::min(index == 0 ? 0 : index - 1, at_ns_.size() - 2);
  }
  double At(std::int64_t ns) const {
    const std::size_t i = SegmentOf(ns);
    const double length = InSeconds(at_ns_[i + 1] - at_ns_[i]);
    if (length <= 0) return y_[i + 1];
    return y_[i] + (y_[i + 1] - y_[i]) * (InSeconds(ns - at_ns_[i]) / length);
  }
  double Integral(std::int64_t begin_ns, std::int64_t end_ns) const {
    double sum = 0;
    std::int64_t from_ns = begin_ns;
    double from_y = At(begin_ns);
    for (std::size_t i = SegmentOf(begin_ns) + 1; i < at_ns_.size() && at_ns_[i] < end_ns; ++i) {
      if (at_ns_[i] <= from_ns) {
        from_y = y_[i];
        continue;
      }
      sum += (from_y + y_[i]) / 2 * InSeconds(at_ns_[i] - from_ns);
      from_ns = at_ns_[i];
      from_y = y_[i];
    }
    return sum + (from_y + At(end_ns)) / 2 * InSeconds(end_ns - from_ns);
  }
  std::int64_t SegmentNs(std::int64_t ns) const {
    const std::size_t i = SegmentOf(ns);
    return at_ns_[i + 1] - at_ns_[i];
  }
  double SegmentRise(std::int64_t ns) const {
    const std::size_t i = SegmentOf(ns);
    return std::abs(y_[i + 1] - y_[i]);
  }
  double y(std::size_t i) const { return y_[i]; }

 private:
  const std::vector<std::int64_t>& at_ns_;
  std::vector<double> y_;
};

// Joules since the first sample with the wraps undone.
Result<std::vector<double>> UnwrappedJoules(const PowerTrace& trace) {
  std::vector<double> joules;
  joules.reserve(trace.value.size());
  double fastest_w = 0;
  struct Wrap {
    std::size_t index;
    double power_w;
  };
  std::vector<Wrap> wraps;
  for (std::size_t i = 0; i < trace.value.size(); ++i) {
    if (i == 0) {
      joules.push_back(0);
      continue;
    }
    auto step = CounterStep(trace.value[i - 1], trace.value[i], trace.meter.counter_range_uj);
    if (!step.ok()) return step.status().WithContext("sample " + std::to_string(i));
    const double elapsed_s = InSeconds(trace.at_ns[i] - trace.at_ns[i - 1]);
    const double power_w = elapsed_s > 0 ? FromMicro(*step) / elapsed_s : 0;
    if (trace.value[i] < trace.value[i - 1]) {
      wraps.push_back({i, power_w});
    } else {
      fastest_w = std::max(fastest_w, power_w);
    }
    joules.push_back(joules.back() + FromMicro(*step));
  }
  for (const Wrap& wrap : wraps) {
    if (wrap.power_w <= kWrapRateFactor * fastest_w) continue;
    return Status(StatusCode::kOutOfRange,
                  "sample " + std::to_string(wrap.index) + ": the counter fell and a wrap would mean " +
                      Rounded(wrap.power_w) + " W, elsewhere it is at most " + Rounded(fastest_w) + " W");
  }
  return joules;
}

Result<Curve> CurveOf(const PowerTrace& trace) {
  if (trace.meter.kind == MeterKind::kCounter) {
    PADDOCK_ASSIGN_OR_RETURN(std::vector<double> joules, UnwrappedJoules(trace));
    return Curve(trace.at_ns, std::move(joules));
  }
  std::vector<double> watts(trace.value.size());
  std::transform(trace.value.begin(), trace.value.end(), watts.begin(), FromMicro);
  return Curve(trace.at_ns, std::move(watts));
}

std::int64_t NominalPeriodNs(const PowerTrace& trace) {
  if (trace.meter.period_ns > 0 || trace.at_ns.size() < 2) return trace.meter.period_ns;
  return (trace.at_ns.back() - trace.at_ns.front()) / static_cast<std::int64_t>(trace.at_ns.size() - 1);
}

// How far readings reach back: an averaging sensor's window needs that much of the trace behind it.
std::int64_t TailNs(const PowerTrace& trace) {
  return trace.meter.kind == MeterKind::kAveraged ? trace.meter.averaging_ns : 0;
}

// Samples that can differ: a counter read faster than it is refreshed says the same thing twice.
std::uint64_t EffectiveSamples(const PowerTrace& trace, const TimeSpan& span) {
  const std::uint64_t count = trace.IndicesOf(span).count();
  if (trace.meter.kind != MeterKind::kCounter || trace.meter.averaging_ns <= 0) return count;
  return std::min(count, static_cast<std::uint64_t>(span.duration_ns() / trace.meter.averaging_ns));
}

void AddGapProblems(const PowerTrace& trace, const TimeSpan& window, EnergyResult* result) {
  const std::int64_t period_ns = NominalPeriodNs(trace);
  const bool counter = trace.meter.kind == MeterKind::kCounter;
  const PowerTrace::IndexRange inside = trace.IndicesOf(window);
  std::uint64_t gaps = 0;
  std::int64_t longest_ns = 0;
  for (std::size_t i = std::max<std::size_t>(inside.first, 1); i <= inside.last && i < trace.at_ns.size();
       ++i) {
    // A counter loses nothing in a gap, unless an edge has to be interpolated in it.
    if (counter && i != inside.first && i != inside.last) continue;
    const std::int64_t spacing_ns = trace.at_ns[i] - trace.at_ns[i - 1];
    if (static_cast<double>(spacing_ns) <= kMaxGapPeriods * static_cast<double>(period_ns)) continue;
    ++gaps;
    longest_ns = std::max(longest_ns, spacing_ns);
  }
  if (gaps > 0) {
    result->problems.push_back(
        {"ENERGY_GAPS", std::to_string(gaps) + " gap(s) of more than 3 periods of " +
                            Rounded(InSeconds(period_ns) * 1e3) + " ms, the longest of " +
                            Rounded(InSeconds(longest_ns) * 1e3) + " ms; " +
                            std::to_string(trace.failed_reads) + " readings failed, " +
                            std::to_string(trace.overflow_count) + " samples were lost"});
  }
  result->coverage =
      counter
          ? 1
          : std::min(1.0, static_cast<double>(inside.count()) * InSeconds(period_ns) / result->duration_s);
  if (result->coverage < kMinCoverage) {
    result->problems.push_back({"ENERGY_COVERAGE", Rounded(100 * result->coverage) + " % of the samples of " +
                                                       Rounded(1 / InSeconds(period_ns)) +
                                                       " Hz arrived; at least 95 % must"});
  }
  const std::uint64_t effective = EffectiveSamples(trace, window);
  if (effective < kMinWindowSamples) {
    result->problems.push_back({"ENERGY_RESOLUTION", std::to_string(effective) + " samples in a window of " +
                                                         Rounded(result->duration_s) +
                                                         " s; at least 100 are needed"});
  }
}

// Standard deviation of one sample from its neighbours: what varies between samples and not slowly over many.
double NeighbourDeviation(const Curve& watts, const PowerTrace::IndexRange& inside) {
  if (inside.count() < 2) return 0;
  double sum = 0;
  for (std::size_t i = inside.first + 1; i < inside.last; ++i)
    sum += std::pow(watts.y(i) - watts.y(i - 1), 2);
  return std::sqrt(sum / 2 / static_cast<double>(inside.count() - 1));
}

double GrossUncertainty(const PowerTrace& trace, const Curve& curve, const TimeSpan& window, double gross_j) {
  const MeterDescription& meter = trace.meter;
  const double duration_s = InSeconds(window.duration_ns());
  double variance = 0;
  const auto add = [&variance](double part_j) { variance += part_j * part_j; };
  if (meter.gain_uncertainty) add(*meter.gain_uncertainty * gross_j);
  if (meter.kind == MeterKind::kCounter) {
    for (const std::int64_t edge_ns : {window.begin_ns, window.end_ns}) {
      add(meter.lsb * kUniform);
      // Where in its step the counter was, and how old its value.
      add(gross_j / duration_s * InSeconds(std::max(curve.SegmentNs(edge_ns), meter.averaging_ns)) *
          kUniform);
    }
    return std::sqrt(variance);
  }
  add(meter.lsb * kUniform * duration_s);  // the same rounding in every sample of a steady load
  for (const std::int64_t edge_ns : {window.begin_ns, window.end_ns}) {
    add(curve.SegmentRise(edge_ns) * InSeconds(curve.SegmentNs(edge_ns)) * kUniform);
  }
  const PowerTrace::IndexRange inside = trace.IndicesOf(window);
  double unseen = 1;  // the part of the time that no reading contains
  if (meter.kind == MeterKind::kAveraged) {
    const double averaging_s = InSeconds(meter.averaging_ns);
    unseen = std::max(0.0, 1 - averaging_s * static_cast<double>(inside.count()) / duration_s);
    // A step of the power anywhere in the averaging time beside an edge is misplaced by A/8 of its height at the most.
    for (const std::int64_t edge_ns : {window.begin_ns, window.end_ns}) {
      const std::int64_t later_ns = std::min(edge_ns + meter.averaging_ns, trace.at_ns.back());
      add(std::abs(curve.At(later_ns) - curve.At(edge_ns)) * averaging_s / 4 * kUniform);
    }
  }
  if (inside.count() > 0) {
    add(unseen * NeighbourDeviation(curve, inside) / std::sqrt(static_cast<double>(inside.count())) *
        duration_s);
  }
  return std::sqrt(variance);
}

// Without the checks. REQUIRES: the curve covers the span and its tail.
double Joules(const PowerTrace& trace, const Curve& curve, const TimeSpan& span) {
  if (trace.meter.kind == MeterKind::kCounter) return curve.At(span.end_ns) - curve.At(span.begin_ns);
  const std::int64_t tail_ns = TailNs(trace);
  const double outside_w = (curve.At(span.begin_ns) + curve.At(span.end_ns + tail_ns)) / 2;
  return curve.Integral(span.begin_ns, span.end_ns + tail_ns) - outside_w * InSeconds(tail_ns);
}

std::optional<double> IdleOfSpan(const PowerTrace& trace, const Curve& curve,
                                 const std::optional<TimeSpan>& marked, const char* name,
                                 std::vector<EnergyProblem>* problems) {
  const auto refuse = [&](const std::string& why) -> std::optional<double> {
    problems->push_back({"ENERGY_IDLE", std::string("idle power ") + name + " the window: " + why});
    return std::nullopt;
  };
  if (!marked) return refuse("not measured");
  // The first readings of an averaging sensor still contain what came before. The rest is a mean of idle alone.
  const TimeSpan span{std::min(marked->begin_ns + TailNs(trace), marked->end_ns), marked->end_ns};
  const std::uint64_t samples = EffectiveSamples(trace, span);
  if (samples < kMinIdleSamples || span.duration_ns() <= 0) {
    return refuse(std::to_string(samples) + " samples; at least 5 are needed");
  }
  const std::int64_t begin_ns = std::max(span.begin_ns, trace.at_ns.front());
  const std::int64_t end_ns = std::min(span.end_ns, trace.at_ns.back());
  if (end_ns <= begin_ns) return refuse("all samples have the same time");
  const double joules = trace.meter.kind == MeterKind::kCounter ? curve.At(end_ns) - curve.At(begin_ns)
                                                                : curve.Integral(begin_ns, end_ns);
  return joules / InSeconds(end_ns - begin_ns);
}

}  // namespace

bool IsBelievable(const EnergyResult& energy) {
  return energy.gross_j &&
         std::all_of(energy.problems.begin(), energy.problems.end(),
                     [](const EnergyProblem& problem) { return problem.code == "ENERGY_IDLE"; });
}

Result<std::int64_t> CounterStep(std::int64_t previous_uj, std::int64_t next_uj,
                                 std::optional<std::int64_t> range_uj) {
  if (next_uj >= previous_uj) return next_uj - previous_uj;
  const std::string fell =
      "the counter fell from " + std::to_string(previous_uj) + " to " + std::to_string(next_uj) + " uJ";
  if (!range_uj) return Status(StatusCode::kOutOfRange, fell + " and does not wrap");
  if (previous_uj >= *range_uj) return Status(StatusCode::kOutOfRange, fell + " and was over its range");
  const std::int64_t step = *range_uj - previous_uj + next_uj;
  if (step >= *range_uj / 2)
    return Status(StatusCode::kOutOfRange, fell + "; a wrap would be half its range or more");
  return step;
}

IdlePower IdlePowerOf(const PowerTrace& trace) {
  IdlePower idle;
  auto curve = CurveOf(trace);
  if (!curve.ok()) {
    idle.problems.push_back({"ENERGY_COUNTER_RESET", curve.status().message()});
    return idle;
  }
  idle.before_w = IdleOfSpan(trace, *curve, trace.idle_before, "before", &idle.problems);
  idle.after_w = IdleOfSpan(trace, *curve, trace.idle_after, "after", &idle.problems);
  const double step_w = trace.meter.kind == MeterKind::kCounter ? 0 : trace.meter.lsb * kUniform;
  if (idle.before_w && idle.after_w) {
    idle.mean_w = (*idle.before_w + *idle.after_w) / 2;
    idle.uncertainty_w = std::hypot(step_w, (*idle.after_w - *idle.before_w) / 2);
  } else if (idle.before_w || idle.after_w) {
    idle.mean_w = idle.before_w ? idle.before_w : idle.after_w;
  }
  return idle;
}

EnergyResult EnergyOfWindow(const PowerTrace& trace, const TimeSpan& window, const IdlePower& idle) {
  EnergyResult result;
  result.idle_w = idle.mean_w;
  if (idle.before_w && idle.after_w) result.idle_difference_w = *idle.after_w - *idle.before_w;
  if (window.duration_ns() <= 0) {
    result.problems.push_back({"ENERGY_NO_WINDOW", "the measured window has no length"});
    return result;
  }
  result.duration_s = InSeconds(window.duration_ns());
  result.samples = trace.IndicesOf(window).count();
  result.rate_hz = static_cast<double>(result.samples) / result.duration_s;
  auto curve = CurveOf(trace);
  if (!curve.ok()) {
    result.problems.push_back({"ENERGY_COUNTER_RESET", curve.status().message()});
    return result;
  }
  if (!curve->Covers(window.begin_ns, window.end_ns + TailNs(trace))) {
    result.problems.push_back(
        {"ENERGY_EDGES", trace.at_ns.empty()
                             ? "the meter delivered no sample"
                             : "the trace must reach from before the window to " +
                                   Rounded(InSeconds(TailNs(trace))) + " s behind it; it begins " +
                                   Rounded(InSeconds(window.begin_ns - trace.at_ns.front())) +
                                   " s before and ends " +
                                   Rounded(InSeconds(trace.at_ns.back() - window.end_ns)) + " s behind"});
    return result;
  }
  AddGapProblems(trace, window, &result);
  const double gross_j = Joules(trace, *curve, window);
  if (trace.meter.kind == MeterKind::kCounter && gross_j == 0 && result.duration_s >= kStuckAfterS) {
    result.problems.push_back(
        {"ENERGY_STUCK", "the counter did not move in " + Rounded(result.duration_s) + " s: it is stuck"});
    return result;
  }
  result.gross_j = gross_j;
  result.mean_w = gross_j / result.duration_s;
  result.uncertainty_j = GrossUncertainty(trace, *curve, window, gross_j);
  if (idle.mean_w) {
    result.net_j = gross_j - *idle.mean_w * result.duration_s;
    if (idle.uncertainty_w) {
      result.net_uncertainty_j = std::hypot(*result.uncertainty_j, *idle.uncertainty_w * result.duration_s);
    }
  }
  return result;
}

EnergyResult MeasuredEnergy(const PowerTrace& trace) {
  if (!trace.window) {
    EnergyResult result;
    result.problems.push_back({"ENERGY_NO_WINDOW", "the trace does not say where the measured window is"});
    return result;
  }
  const IdlePower idle = IdlePowerOf(trace);
  EnergyResult result = EnergyOfWindow(trace, *trace.window, idle);
  for (const EnergyProblem& problem : idle.problems) {
    if (problem.code == "ENERGY_IDLE") result.problems.push_back(problem);
  }
  return result;
}

}  // namespace paddock
