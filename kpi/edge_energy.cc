#include "kpi/edge_energy.h"

#include <algorithm>
#include <string>
#include <utility>

namespace paddock {
namespace {

// A sum lacks what is lost.
constexpr double kMinSumCoverage = 0.995;
// A line that comes later still is taken for a hole in the stream (device_drivers/meters/line_instrument.h).
constexpr std::int64_t kMaxEdgeOffsetNs = 500'000'000;

std::int64_t EdgeTimeNs(const PowerTrace& trace, std::uint64_t edge) {
  if (trace.at_ns.empty()) return 0;
  return trace.at_ns[std::min<std::size_t>(edge, trace.at_ns.size() - 1)];
}

// Where the edges of a command can lie.
TimeSpan Around(std::span<const TimeSpan> commands, std::size_t i) {
  TimeSpan around{commands[i].begin_ns - kMaxEdgeOffsetNs, commands[i].end_ns + kMaxEdgeOffsetNs};
  const auto between = [&](std::size_t before) {
    return commands[before].end_ns + (commands[before + 1].begin_ns - commands[before].end_ns) / 2;
  };
  if (i > 0) around.begin_ns = std::max(around.begin_ns, between(i - 1));
  if (i + 1 < commands.size()) around.end_ns = std::min(around.end_ns, between(i));
  return around;
}

EnergyResult WithoutEnergy(std::string code, std::string detail) {
  EnergyResult result;
  result.problems.push_back({std::move(code), std::move(detail)});
  return result;
}

// Samples [first, last).
EnergyResult EnergyOfSamples(const PowerTrace& trace, std::size_t first, std::size_t last,
                             const IdlePower& idle) {
  // A sample is of the period that ends with it.
  EnergyResult result = EnergyOfWindow(trace, {trace.at_ns[first - 1], trace.at_ns[last - 1]}, idle);
  if (!result.gross_j) return result;
  const double period_s = static_cast<double>(trace.meter.period_ns) * 1e-9;
  const double span_s = result.duration_s;
  double sum_uw = 0;  // of integers
  for (std::size_t i = first; i < last; ++i) sum_uw += static_cast<double>(trace.value[i]);
  result.samples = last - first;
  result.duration_s = static_cast<double>(result.samples) * period_s;
  result.gross_j = sum_uw * 1e-6 * period_s;
  result.mean_w = *result.gross_j / result.duration_s;
  if (idle.mean_w) result.net_j = *result.gross_j - *idle.mean_w * result.duration_s;
  if (result.duration_s < kMinSumCoverage * span_s) {
    result.problems.push_back({"ENERGY_COVERAGE", std::to_string(result.samples) + " samples in " +
                                                      std::to_string(span_s) +
                                                      " s; a sum of samples must have 99.5 % of them"});
  }
  return result;
}

// Of the edges [begin, end), which belong to the window's command.
EnergyResult EnergyOfEdges(const PowerTrace& trace, std::size_t begin, std::size_t end,
                           const IdlePower& idle) {
  if (trace.lost_edges > 0) {
    return WithoutEnergy("LOST_EDGES", "the meter counted " + std::to_string(trace.lost_edges) +
                                           " more edges of the device's pin than it told");
  }
  const bool two = end - begin >= 2;
  const std::size_t first = two ? trace.edges[end - 2] : 0;
  const std::size_t last = two ? trace.edges[end - 1] : 0;
  if (first == 0 || first == last) {
    return WithoutEnergy(
        "NO_EDGES", "a window has " + std::to_string(end - begin) +
                        " edges of the device's pin; two, with samples before and between them, are needed");
  }
  return EnergyOfSamples(trace, first, last, idle);
}

}  // namespace

std::vector<EnergyResult> EnergiesBetweenEdges(const PowerTrace& trace, std::span<const TimeSpan> commands) {
  const IdlePower idle = IdlePowerOf(trace);
  std::vector<EnergyResult> results;
  std::size_t edge = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const TimeSpan around = Around(commands, i);
    const auto skip_until = [&](std::int64_t end_ns) {
      while (edge < trace.edges.size() && EdgeTimeNs(trace, trace.edges[edge]) < end_ns) ++edge;
      return edge;
    };
    const std::size_t begin = skip_until(around.begin_ns);
    skip_until(around.end_ns);
    results.push_back(EnergyOfEdges(trace, begin, edge, idle));
    for (const EnergyProblem& problem : idle.problems) {
      if (problem.code == "ENERGY_IDLE") results.back().problems.push_back(problem);
    }
  }
  return results;
}

}  // namespace paddock
