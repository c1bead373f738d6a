// From a power trace to joules. Pure functions; nothing is guessed: what a trace does not hold is absent and the problem
// is named.
//
// Sampled power: trapezoids between the samples, the window's two edges interpolated.
// Averaging sensors lag: a reading at t is the mean over the averaging time A before it. The energy of [b, e) is the
// integral of the readings over [b, e + A) less what lies outside: A/2 times the reading at b and A/2 times the reading
// at e + A. Exact when the power is steady for A before b and for A after e, idle or not.
// Counters: the difference of the two edges, interpolated between the readings around them.
//
// The codes of problems, and what they do to the numbers:
//   ENERGY_NO_WINDOW      the trace has no window mark: nothing is computed
//   ENERGY_EDGES          an edge (with the averaging time) is outside the trace: nothing is computed
//   ENERGY_COUNTER_RESET  a counter fell and no wrap explains it: nothing is computed
//   ENERGY_STUCK          a counter did not move in a window of a second or more: nothing is computed
//   ENERGY_GAPS           samples are more than 3 nominal periods apart
//   ENERGY_COVERAGE       fewer than 95 % of the nominal samples arrived
//   ENERGY_RESOLUTION     fewer than 100 samples (or refreshes of a counter) in the window
//   ENERGY_IDLE           no idle power, or only from one side of the window
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "kpi/power_trace.h"

namespace paddock {

struct EnergyProblem {
  std::string code;
  std::string detail;  // a sentence with the numbers
};

struct IdlePower {
  std::optional<double> before_w;
  std::optional<double> after_w;
  std::optional<double> mean_w;         // of both, or the one there is
  std::optional<double> uncertainty_w;  // half their difference, and what one reading can be wrong by
  std::vector<EnergyProblem> problems;
};

struct EnergyResult {
  std::optional<double> gross_j;
  std::optional<double> net_j;          // gross - idle x duration; absent without idle power
  std::optional<double> uncertainty_j;  // one standard uncertainty of gross_j
  std::optional<double> net_uncertainty_j;
  std::optional<double> mean_w;  // gross / duration
  std::optional<double> idle_w;
  std::optional<double> idle_difference_w;  // after - before
  double duration_s = 0;
  std::uint64_t samples = 0;  // in the window
  double rate_hz = 0;         // samples / duration
  double coverage = 0;        // of the window, 0 to 1
  std::vector<EnergyProblem> problems;
};

// MLPerf Tiny: at least so many windows, of at least so long.
inline constexpr std::uint64_t kMinEnergyWindows = 5;
inline constexpr double kMinEnergyWindowS = 10;

// There is an energy, and no problem but the idle power's.
bool IsBelievable(const EnergyResult& energy);

// The step of a counter from one reading to the next, with one wrap undone where the counter has a range. OUT_OF_RANGE
// when it fell and a wrap cannot be why: no range, a value over it, or a step of half a range or more.
Result<std::int64_t> CounterStep(std::int64_t previous_uj, std::int64_t next_uj,
                                 std::optional<std::int64_t> range_uj);

// Over idle_before and idle_after; each needs 5 samples, and an averaging sensor's first averaging time is left out.
IdlePower IdlePowerOf(const PowerTrace& trace);

// `idle` may be empty: then net_j is absent.
EnergyResult EnergyOfWindow(const PowerTrace& trace, const TimeSpan& window, const IdlePower& idle);

// Of the trace's own marks.
EnergyResult MeasuredEnergy(const PowerTrace& trace);

}  // namespace paddock
