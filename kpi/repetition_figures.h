// For KPIs that every repetition has a figure of: their value is the median over the repetitions. For the KPI tables of this
// folder only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kpi/catalog.h"
#include "kpi/statistics.h"

namespace paddock {

inline constexpr double kNanosecondsPerSecond = 1e9;

inline KpiOutcome MissingKpi(std::string_view code) { return {std::nullopt, std::string(code)}; }

// One repetition's figure, or the code of why it has none.
struct Figure {
  Figure(double number) : value(number) {}                // NOLINT(google-explicit-constructor)
  Figure(const char* code) : missing(code) {}             // NOLINT(google-explicit-constructor)
  Figure(std::string code) : missing(std::move(code)) {}  // NOLINT(google-explicit-constructor)
  std::optional<double> value;
  std::string missing;
};

// A KPI is only as good as its weakest repetition: one without the figure leaves the run without the KPI.
template <typename Statistic>
KpiOutcome OverRepetitions(const RunEvidence& evidence, Statistic statistic) {
  if (evidence.repetitions.empty()) return MissingKpi("no_repetitions");
  std::vector<double> figures;
  for (const AnalysedRepetition& repetition : evidence.repetitions) {
    const Figure figure = statistic(repetition);
    if (!figure.value) return MissingKpi(figure.missing);
    figures.push_back(*figure.value);
  }
  return {KpiValue{Median(figures), MedianInterval(figures), figures}, ""};
}

}  // namespace paddock
