#include "kpi/energy_rules.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/strict_json.h"
#include "kpi/energy.h"
#include "kpi/repetition_findings.h"

namespace paddock {
namespace {

// Times in the windows of the energy must agree with those of the measured window.
constexpr double kEnergyRunTolerance = 0.02;

struct EnergyTime {
  double in_energy_ns = 0;
  double in_window_ns = 0;
};

// Of an inference between the edges, or of a query with a sampler on the device.
std::optional<EnergyTime> TimeWithMeter(const AnalysedRepetition& repetition) {
  if (repetition.latency.sorted.empty()) return std::nullopt;
  const QuerySeries& queries = repetition.queries;
  EnergyTime time{0, MedianNs(repetition) / queries.invocations_per_reading};
  if (repetition.energy_window) {
    time.in_energy_ns = static_cast<double>(repetition.energy_window->median_latency_ns);
    return time;
  }
  std::vector<double> each_ns;
  for (std::size_t i = 0; i < repetition.edge_windows.size() && i < repetition.energies.size(); ++i) {
    const std::uint64_t samples = repetition.edge_windows[i].samples;
    if (!IsBelievable(repetition.energies[i]) || samples == 0) continue;
    each_ns.push_back(repetition.energies[i].duration_s * 1e9 / static_cast<double>(samples));
  }
  if (each_ns.empty()) return std::nullopt;
  time.in_energy_ns = Median(each_ns);
  time.in_window_ns /= queries.samples_per_query;
  return time;
}

void AddProblems(const AnalysedRepetition& repetition, std::string* detail, Json* figures) {
  std::set<std::string> told;
  for (const EnergyResult& energy : repetition.energies) {
    for (const EnergyProblem& problem : energy.problems) {
      if (!told.insert(problem.code).second) continue;
      *detail += "; " + problem.code + ": " + problem.detail;
      (*figures)["problems"].push_back(problem.code);
    }
  }
  if (!repetition.power->last_failure.empty()) {
    (*figures)["failed_reads"] = repetition.power->failed_reads;
    *detail += "; " + std::to_string(repetition.power->failed_reads) +
               " readings failed, the last one: " + repetition.power->last_failure;
  }
}

void AddWindows(const AnalysedRepetition& repetition, Json* figures) {
  for (std::size_t i = 0; i < repetition.edge_windows.size() && i < repetition.energies.size(); ++i) {
    const EnergyResult& energy = repetition.energies[i];
    Json window = {{"inferences", repetition.edge_windows[i].samples}, {"seconds", energy.duration_s}};
    if (energy.gross_j) window["joules"] = *energy.gross_j;
    (*figures)["windows"].push_back(std::move(window));
  }
}

std::optional<Hit> SourceOf(const AnalysedRepetition& repetition) {
  if (!repetition.power || repetition.energies.empty()) {
    if (repetition.no_energy.empty()) return std::nullopt;
    return Hit{"has no energy: " + repetition.no_energy, {{"problem", repetition.no_energy}}, 2};
  }
  const MeterDescription& meter = repetition.power->meter;
  const EnergyResult& energy = repetition.energies.front();
  Json figures = {
      {"source", meter.source},      {"boundary", meter.boundary}, {"kind", MeterKindName(meter.kind)},
      {"rails", meter.rails},        {"rate_hz", energy.rate_hz},  {"coverage", energy.coverage},
      {"samples", energy.samples},   {"lsb", meter.lsb},           {"window_s", energy.duration_s},
      {"on_device", meter.on_device}};
  if (energy.idle_w) figures["idle_w"] = *energy.idle_w;
  if (energy.uncertainty_j) figures["uncertainty_j"] = *energy.uncertainty_j;
  if (!repetition.edge_source.empty()) figures["edge_source"] = repetition.edge_source;
  std::string detail = "measured energy with " + meter.source + " (" + meter.boundary + ")";
  if (repetition.edge_source == kGpioEdges) {
    detail += " between edges of the device's pin";
    AddWindows(repetition, &figures);
  }
  AddProblems(repetition, &detail, &figures);
  if (const auto time = TimeWithMeter(repetition)) {
    figures["median_with_sampler_ns"] = time->in_energy_ns;
    figures["median_without_sampler_ns"] = time->in_window_ns;
    if (std::abs(time->in_energy_ns - time->in_window_ns) > kEnergyRunTolerance * time->in_window_ns) {
      figures["problems"].push_back("ENERGY_RUN_DIFFERS");
      detail += "; ENERGY_RUN_DIFFERS: the median was " + DurationText(time->in_energy_ns) +
                " with the sampler and " + DurationText(time->in_window_ns) + " without";
    }
  }
  return Hit{std::move(detail), std::move(figures), static_cast<double>(energy.problems.size())};
}

std::optional<Hit> ShortWindows(const AnalysedRepetition& repetition) {
  if (repetition.edge_source != kGpioEdges) return std::nullopt;
  std::size_t windows = 0;
  double shortest_s = kMinEnergyWindowS;
  for (const EnergyResult& energy : repetition.energies) {
    if (!IsBelievable(energy)) continue;
    ++windows;
    shortest_s = std::min(shortest_s, energy.duration_s);
  }
  if (windows == 0 || (windows >= kMinEnergyWindows && shortest_s >= kMinEnergyWindowS)) return std::nullopt;
  return Hit{"measured energy in " + std::to_string(windows) + " windows, the shortest of " +
                 DurationText(shortest_s * 1e9) + (shortest_s < kMinEnergyWindowS ? "" : " or more") +
                 "; five of at least 10 s are needed",
             {{"windows", windows}, {"shortest_s", shortest_s}},
             kMinEnergyWindowS - shortest_s};
}

}  // namespace

std::optional<RuleFinding> FindEnergySource(const RunEvidence& evidence) {
  return InRepetitions(evidence, "ENERGY_SOURCE", Verdict::kValid, SourceOf);
}

std::optional<RuleFinding> FindEnergyWindows(const RunEvidence& evidence) {
  return InRepetitions(evidence, "ENERGY_WINDOWS", Verdict::kInconclusive, ShortWindows);
}

}  // namespace paddock
