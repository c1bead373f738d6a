#include "kpi/energy_kpis.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "kpi/energy.h"
#include "kpi/repetition_figures.h"

namespace paddock {
namespace {

// Problems that keep a window's energy from being believed (kpi/energy.h); others only touch the net figure.
bool Rejects(const EnergyProblem& problem) { return problem.code != "ENERGY_IDLE"; }

std::string LowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Energy and duration of a window that energy is measured in, and the samples answered in it.
struct MeasuredWindow {
  double gross_j = 0;
  double seconds = 0;
  std::uint64_t samples = 0;
  std::optional<double> net_j;
  std::optional<double> idle_w;
};

struct WindowsOrCode {
  std::vector<MeasuredWindow> windows;
  std::string missing;  // why there are none
};

// Those that can be believed.
WindowsOrCode WindowsOfTrace(const AnalysedRepetition& repetition) {
  const bool by_edges = repetition.edge_source == kGpioEdges;
  WindowsOrCode found{{}, by_edges ? "no_edges" : "no_energy"};
  for (std::size_t i = 0; i < repetition.energies.size(); ++i) {
    const EnergyResult& energy = repetition.energies[i];
    if (!IsBelievable(energy)) {
      const auto problem = std::find_if(energy.problems.begin(), energy.problems.end(), Rejects);
      if (problem != energy.problems.end()) found.missing = LowerCase(problem->code);
      continue;
    }
    const std::uint64_t samples = by_edges                   ? repetition.edge_windows[i].samples
                                  : repetition.energy_window ? repetition.energy_window->samples
                                                             : repetition.latency.measured_samples;
    found.windows.push_back({*energy.gross_j, energy.duration_s, samples, energy.net_j, energy.idle_w});
  }
  return found;
}

WindowsOrCode EnergyWindowsOf(const AnalysedRepetition& repetition) {
  WindowsOrCode found;
  if (repetition.power) {
    found = WindowsOfTrace(repetition);
  } else if (repetition.energy_j) {
    found.windows.push_back({*repetition.energy_j,
                             static_cast<double>(repetition.window_ns) / kNanosecondsPerSecond,
                             repetition.latency.measured_samples,
                             {},
                             {}});
  } else if (repetition.edge_source == kNoEdges) {
    found.missing = "no_edges";
  } else {
    found.missing = repetition.no_energy.empty() ? "no_sensor" : "sensor_failed";
  }
  for (const MeasuredWindow& window : found.windows) {
    if (window.samples == 0) return {{}, "no_measured_queries"};
    if (window.seconds <= 0) return {{}, "no_window"};
  }
  return found;
}

// A repetition's figure is the median of its windows', as MLPerf Tiny's is.
template <typename Statistic>
KpiOutcome OfEnergy(const RunEvidence& evidence, Statistic statistic) {
  return OverRepetitions(evidence, [&](const AnalysedRepetition& repetition) -> Figure {
    const WindowsOrCode found = EnergyWindowsOf(repetition);
    if (found.windows.empty()) return found.missing;
    std::vector<double> figures;
    for (const MeasuredWindow& window : found.windows) {
      const Figure figure = statistic(window);
      if (!figure.value) return figure;
      figures.push_back(*figure.value);
    }
    return Median(figures);
  });
}

KpiOutcome EnergyPerInference(const RunEvidence& evidence) {
  return OfEnergy(evidence, [](const MeasuredWindow& window) -> Figure {
    return window.gross_j / static_cast<double>(window.samples);
  });
}

KpiOutcome EnergyNetPerInference(const RunEvidence& evidence) {
  return OfEnergy(evidence, [](const MeasuredWindow& window) -> Figure {
    if (!window.net_j) return "no_idle_power";
    return *window.net_j / static_cast<double>(window.samples);
  });
}

KpiOutcome PowerMean(const RunEvidence& evidence) {
  return OfEnergy(evidence,
                  [](const MeasuredWindow& window) -> Figure { return window.gross_j / window.seconds; });
}

KpiOutcome PowerIdle(const RunEvidence& evidence) {
  return OfEnergy(evidence, [](const MeasuredWindow& window) -> Figure {
    if (!window.idle_w) return "no_idle_power";
    return *window.idle_w;
  });
}

KpiOutcome InferencesPerJoule(const RunEvidence& evidence) {
  return OfEnergy(evidence, [](const MeasuredWindow& window) -> Figure {
    if (window.gross_j <= 0) return "no_energy";
    return static_cast<double>(window.samples) / window.gross_j;
  });
}

KpiOutcome EnergyDelayProduct(const RunEvidence& evidence) {
  return OfEnergy(evidence, [](const MeasuredWindow& window) -> Figure {
    const auto samples = static_cast<double>(window.samples);
    return window.gross_j / samples * (window.seconds / samples);
  });
}

template <std::optional<std::uint64_t> CounterReadings::*kField>
KpiOutcome CountPerInference(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (!repetition.counters) return "no_counter";
    const auto& count = (*repetition.counters).*kField;
    if (!count)
      return repetition.counters->missing.empty() ? std::string("no_counter") : repetition.counters->missing;
    if (repetition.latency.measured_samples == 0) return "no_measured_queries";
    return static_cast<double>(*count) / static_cast<double>(repetition.latency.measured_samples);
  });
}

KpiOutcome CpuTimePerInference(const RunEvidence& evidence) {
  KpiOutcome outcome = CountPerInference<&CounterReadings::process_cpu_ns>(evidence);
  if (!outcome.value) return outcome;
  KpiValue& kpi = *outcome.value;
  kpi.value /= kNanosecondsPerSecond;
  for (double& figure : kpi.repetitions) figure /= kNanosecondsPerSecond;
  if (kpi.interval) {
    kpi.interval->lower /= kNanosecondsPerSecond;
    kpi.interval->upper /= kNanosecondsPerSecond;
  }
  return outcome;
}

KpiOutcome TemperatureMax(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (!repetition.environment) return "no_sensor";
    const auto& before = repetition.environment->before.temperature_max_mdegc;
    const auto& after = repetition.environment->after.temperature_max_mdegc;
    if (!before && !after) return "no_sensor";
    constexpr double kZeroCelsiusInKelvin = 273.15;
    const std::int64_t highest_mdegc = before && after ? std::max(*before, *after)
                                       : before        ? *before
                                                       : *after;
    return static_cast<double>(highest_mdegc) / 1000 + kZeroCelsiusInKelvin;
  });
}

constexpr std::string_view kMeter = "a power meter";
constexpr Task kAnyTask = Task::kNone;

constexpr std::array kEnergyKpis = {
    KpiDefinition{"energy_per_inference", "J", Better::kLower, kAnyTask, kMeter, EnergyPerInference},
    KpiDefinition{"energy_net_per_inference", "J", Better::kLower, kAnyTask, "a power meter and idle power",
                  EnergyNetPerInference},
    KpiDefinition{"power_mean", "W", Better::kLower, kAnyTask, kMeter, PowerMean},
    KpiDefinition{"power_idle", "W", Better::kLower, kAnyTask, "a power meter and idle power", PowerIdle},
    KpiDefinition{"inferences_per_joule", "1/J", Better::kHigher, kAnyTask, kMeter, InferencesPerJoule},
    KpiDefinition{"energy_delay_product", "J s", Better::kLower, kAnyTask, kMeter, EnergyDelayProduct},
    KpiDefinition{"cycles_per_inference", "cycles", Better::kLower, kAnyTask, "a cycle counter",
                  CountPerInference<&CounterReadings::cycles>},
    KpiDefinition{"instructions_per_inference", "1", Better::kLower, kAnyTask, "a PMU",
                  CountPerInference<&CounterReadings::instructions>},
    KpiDefinition{"cache_misses_per_inference", "1", Better::kLower, kAnyTask, "a PMU",
                  CountPerInference<&CounterReadings::cache_misses>},
    KpiDefinition{"branch_misses_per_inference", "1", Better::kLower, kAnyTask, "a PMU",
                  CountPerInference<&CounterReadings::branch_misses>},
    KpiDefinition{"cpu_time_per_inference", "s", Better::kLower, kAnyTask, "the kernel's accounting",
                  CpuTimePerInference},
    KpiDefinition{"temperature_max", "K", Better::kLower, kAnyTask, "a thermal zone", TemperatureMax},
};

}  // namespace

std::span<const KpiDefinition> EnergyKpis() { return kEnergyKpis; }

}  // namespace paddock
