#include "kpi/verdict_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

#include "base/strict_json.h"
#include "kpi/accuracy_rule.h"
#include "kpi/energy_rules.h"
#include "kpi/environment_rules.h"
#include "kpi/repetition_findings.h"

namespace paddock {
namespace {

// A smaller change from the first to the last third is visible in a long series and matters to nobody: the tolerance of a
// canary (kpi/environment_rules.cc).
constexpr double kDriftTolerance = 0.02;
// Of a change that only shows when queries are taken for independent: a step, or noise that wanders.
constexpr double kChangeTolerance = 0.05;
// Below it the interval rests on less than every twentieth query (measurement protocol B8).
constexpr double kEffectiveShare = 0.05;
// The pacer may be late by a tenth of the distance between queries (pitfall P1 of the measurement protocol).
constexpr double kLatenessShare = 0.1;
// Below 200 times the cost of reading the clock twice, the clock is more than half a percent of what is measured.
constexpr double kTimerFloorRatio = 200;

std::string Percent(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g %%", 100 * share);
  return text.data();
}

std::string Completed(const RunEvidence& evidence) {
  return std::to_string(evidence.repetitions.size()) + " of " + std::to_string(evidence.repetitions_planned) +
         " repetitions completed";
}

Json CompletedEvidence(const RunEvidence& evidence) {
  return {{"completed", evidence.repetitions.size()}, {"planned", evidence.repetitions_planned}};
}

Finding NoRepetitions(const RunEvidence& evidence, const Scenario&) {
  if (!evidence.repetitions.empty()) return std::nullopt;
  return RuleFinding{"NO_REPETITIONS", Verdict::kInvalid, Completed(evidence), CompletedEvidence(evidence)};
}

Finding NoMeasuredQueries(const RunEvidence& evidence, const Scenario&) {
  for (const AnalysedRepetition& repetition : evidence.repetitions) {
    if (!repetition.latency.sorted.empty()) continue;
    const std::uint64_t queries = repetition.latency.warmup_entries;
    return RuleFinding{"NO_MEASURED_QUERIES",
                       Verdict::kInvalid,
                       "repetition " + std::to_string(repetition.index) + " answered " +
                           std::to_string(queries) + " queries, all of them warm-up",
                       {{"repetition", repetition.index}, {"warmup_queries", queries}}};
  }
  return std::nullopt;
}

// The record's own clock decides, so that simulated time is judged as simulated time. Inferences are samples.
Finding ShortWindow(const RunEvidence& evidence, const Scenario& scenario) {
  const double min_window_ns = std::floor(scenario.min_duration_s * 1e9);
  for (const AnalysedRepetition& repetition : evidence.repetitions) {
    const std::uint64_t inferences = repetition.latency.measured_samples;
    const bool short_time =
        repetition.clock != kInstructionClock && static_cast<double>(repetition.window_ns) < min_window_ns;
    if (!short_time && inferences >= scenario.min_inferences) continue;
    const std::string where = "repetition " + std::to_string(repetition.index) + " measured ";
    return RuleFinding{"SHORT_WINDOW",
                       Verdict::kInconclusive,
                       short_time ? where + DurationText(static_cast<double>(repetition.window_ns)) +
                                        "; at least " + DurationText(min_window_ns) + " are needed"
                                  : where + std::to_string(inferences) + " inferences; at least " +
                                        std::to_string(scenario.min_inferences) + " are needed",
                       {{"repetition", repetition.index},
                        {"window_ns", repetition.window_ns},
                        {"min_window_ns", min_window_ns},
                        {"inferences", inferences},
                        {"min_inferences", scenario.min_inferences}}};
  }
  return std::nullopt;
}

Finding Emulated(const RunEvidence& evidence, const Scenario&) {
  for (const AnalysedRepetition& repetition : evidence.repetitions) {
    if (repetition.clock != kInstructionClock) continue;
    return RuleFinding{
        "EMULATED",
        Verdict::kValid,
        "an emulator ran this and counted instructions: exact, but no time and no cycles of any "
        "board",
        {{"clock", repetition.clock}}};
  }
  return std::nullopt;
}

Finding MissingRepetitions(const RunEvidence& evidence, const Scenario&) {
  const std::size_t completed = evidence.repetitions.size();
  if (completed == 0 || completed >= evidence.repetitions_planned) return std::nullopt;
  return RuleFinding{"MISSING_REPETITIONS", Verdict::kDegraded, Completed(evidence),
                     CompletedEvidence(evidence)};
}

Finding FewRepetitions(const RunEvidence& evidence, const Scenario&) {
  if (evidence.repetitions.size() != 1) return std::nullopt;
  return RuleFinding{
      "FEW_REPETITIONS", Verdict::kValid,
      "1 repetition: no interval, and nothing is known about the difference between two processes",
      CompletedEvidence(evidence)};
}

Finding TimerFloor(const RunEvidence& evidence, const Scenario&) {
  return InRepetitions(evidence, "TIMER_FLOOR", Verdict::kValid,
                       [](const AnalysedRepetition& repetition) -> std::optional<Hit> {
                         if (!repetition.timer_floor_ns || repetition.latency.sorted.empty())
                           return std::nullopt;
                         const auto floor_ns = static_cast<double>(*repetition.timer_floor_ns);
                         const double median_ns = MedianNs(repetition);
                         if (median_ns >= kTimerFloorRatio * floor_ns) return std::nullopt;
                         return Hit{"reads its clock every " + DurationText(median_ns) +
                                        " at the median, less than 200 times what two readings take (" +
                                        DurationText(floor_ns) + ")",
                                    {{"median_ns", median_ns}, {"timer_floor_ns", floor_ns}},
                                    floor_ns / std::max(median_ns, 1.0)};
                       });
}

Finding NoSteadyState(const RunEvidence& evidence, const Scenario& scenario) {
  if (IsOpenLoop(scenario.kind)) return std::nullopt;  // there a queue may build up; it is the result
  return InRepetitions(
      evidence, "NO_STEADY_STATE", Verdict::kInconclusive,
      [](const AnalysedRepetition& repetition) -> std::optional<Hit> {
        const LatencyAnalysis& latency = repetition.latency;
        const double change = latency.change.value_or(0);
        const double drift = std::abs(change) > kChangeTolerance ? change : latency.drift.value_or(0);
        if (latency.steady && std::abs(drift) <= kDriftTolerance) return std::nullopt;
        Json figures = {{"steady_state_found", latency.steady}, {"queries", latency.measured_entries}};
        if (drift != 0) figures["drift"] = drift;
        return Hit{latency.steady ? "changed by " + Percent(drift) + " from its first to its last third"
                                  : "was still warming up after half of its queries (MSER-5)",
                   std::move(figures), latency.steady ? std::abs(drift) : 1e9};
      });
}

// Half-width of the interval of a percentile over its value; absent when a bound is infinite.
std::optional<double> HalfWidth(const AnalysedRepetition& repetition, double p) {
  const auto& sorted = repetition.latency.sorted;
  const auto value = static_cast<double>(PercentileOfSorted(sorted, p));
  const QuantileBounds bounds = OrderStatisticBounds(sorted, p, 0.95, repetition.latency.effective_size);
  if (!bounds.lower || !bounds.upper || value == 0) return std::nullopt;
  return static_cast<double>(*bounds.upper - *bounds.lower) / 2 / value;
}

Finding WideInterval(const RunEvidence& evidence, const Scenario& scenario) {
  const auto tail = HeadlinePercentile(scenario.kind);
  return InRepetitions(
      evidence, "WIDE_INTERVAL", Verdict::kInconclusive,
      [&](const AnalysedRepetition& repetition) -> std::optional<Hit> {
        const bool gave_up = repetition.stop_reason == kStopPatience;
        if ((!gave_up && repetition.stop_reason != kStopMaxDuration) || repetition.latency.sorted.empty())
          return std::nullopt;
        Json figures = {{"queries", repetition.latency.sorted.size()},
                        {"effective_size", repetition.latency.effective_size},
                        {"median_precision", scenario.median_precision},
                        {"tail_precision", scenario.tail_precision}};
        const auto text = [&](double p, const char* key) {
          const auto half_width = HalfWidth(repetition, p);
          figures[key] = half_width ? Json(*half_width) : Json("infinite");
          return half_width ? Percent(*half_width) : std::string("infinite");
        };
        std::string detail = std::string(gave_up ? "gave up after " : "ended at max_duration_s, ") +
                             DurationText(static_cast<double>(repetition.window_ns)) +
                             ", with an interval of +-" + text(0.5, "median_half_width") +
                             " for the median (" + Percent(scenario.median_precision) + " was asked for)";
        if (tail) {
          detail += " and +-" + text(*tail, "tail_half_width") + " for p" +
                    std::to_string(static_cast<int>(std::lround(100 * *tail))) + " (" +
                    Percent(scenario.tail_precision) + ")";
        }
        return Hit{std::move(detail), std::move(figures),
                   1 / std::max(repetition.latency.effective_size, 1.0)};
      });
}

Finding Autocorrelated(const RunEvidence& evidence, const Scenario&) {
  return InRepetitions(
      evidence, "AUTOCORRELATED", Verdict::kValid,
      [](const AnalysedRepetition& repetition) -> std::optional<Hit> {
        const auto count = static_cast<double>(repetition.latency.sorted.size());
        const double share = count == 0 ? 1 : repetition.latency.effective_size / count;
        if (share >= kEffectiveShare) return std::nullopt;
        return Hit{"has " + std::to_string(repetition.latency.sorted.size()) +
                       " queries that say as much as " +
                       std::to_string(std::llround(repetition.latency.effective_size)) + " independent ones",
                   {{"queries", count}, {"effective_size", repetition.latency.effective_size}},
                   1 - share};
      });
}

Finding TwoModes(const RunEvidence& evidence, const Scenario& scenario) {
  if (IsOpenLoop(scenario.kind)) return std::nullopt;
  return InRepetitions(evidence, "BIMODAL", Verdict::kDegraded,
                       [](const AnalysedRepetition& repetition) -> std::optional<Hit> {
                         const auto& sorted = repetition.latency.sorted;
                         if (sorted.empty() || !Bimodal(sorted)) return std::nullopt;
                         const auto at = [&](double p) {
                           return static_cast<double>(PercentileOfSorted(sorted, p));
                         };
                         return Hit{"has latencies of two kinds: p10 is " + DurationText(at(0.1)) + ", p90 " +
                                        DurationText(at(0.9)) + "; neither is the typical one",
                                    {{"p10_ns", at(0.1)}, {"p50_ns", at(0.5)}, {"p90_ns", at(0.9)}},
                                    at(0.9) / std::max(at(0.1), 1.0)};
                       });
}

Finding PacerLate(const RunEvidence& evidence, const Scenario& scenario) {
  if (!IsOpenLoop(scenario.kind)) return std::nullopt;
  return InRepetitions(evidence, "PACER_LATE", Verdict::kInvalid,
                       [&](const AnalysedRepetition& repetition) -> std::optional<Hit> {
                         const double distance_ns = scenario.period_s         ? *scenario.period_s * 1e9
                                                    : repetition.rate_hz      ? 1e9 / *repetition.rate_hz
                                                    : scenario.target_rate_hz ? 1e9 / *scenario.target_rate_hz
                                                                              : 0;
                         if (!repetition.latency.lateness_p99_ns || distance_ns == 0) return std::nullopt;
                         const auto late_ns = static_cast<double>(*repetition.latency.lateness_p99_ns);
                         if (late_ns <= kLatenessShare * distance_ns) return std::nullopt;
                         return Hit{"issued queries late: p99 of the lateness is " + DurationText(late_ns) +
                                        ", more than a tenth of the " + DurationText(distance_ns) +
                                        " between queries",
                                    {{"lateness_p99_ns", late_ns}, {"distance_ns", distance_ns}},
                                    late_ns};
                       });
}

using Rule = Finding (*)(const RunEvidence&, const Scenario&);
constexpr std::array<Rule, 12> kRules = {Emulated,           NoRepetitions,  NoMeasuredQueries, ShortWindow,
                                         MissingRepetitions, FewRepetitions, TimerFloor,        NoSteadyState,
                                         WideInterval,       Autocorrelated, TwoModes,          PacerLate};

Verdict VerdictOf(FindingSeverity severity) {
  switch (severity) {
    case FindingSeverity::kInforms:
      return Verdict::kValid;
    case FindingSeverity::kDegrades:
      return Verdict::kDegraded;
    case FindingSeverity::kInvalidates:
      break;
  }
  return Verdict::kInvalid;
}

// What happened to the machine in the repetitions, a finding a code.
std::vector<RuleFinding> EnvironmentFindings(const RunEvidence& evidence) {
  struct Found {
    RuleFinding finding;
    std::size_t hits = 0;  // that would decide
    std::size_t mentioned = 0;
    Verdict worst = Verdict::kValid;
  };
  std::vector<std::string> order;
  std::map<std::string, Found> by_code;
  for (const AnalysedRepetition& repetition : evidence.repetitions) {
    if (!repetition.environment) continue;
    for (EnvironmentFinding& finding : CompareEnvironment(*repetition.environment, repetition.window_ns)) {
      Found& found = by_code[finding.code];
      const Verdict verdict = VerdictOf(finding.severity);
      if (found.mentioned++ == 0 || verdict > found.worst) {
        if (found.mentioned == 1) order.push_back(finding.code);
        found.finding.code = finding.code;
        found.finding.detail = "repetition " + std::to_string(repetition.index) + ": " + finding.detail;
        found.worst = std::max(found.worst, verdict);
      }
      if (verdict > Verdict::kValid) ++found.hits;
      finding.evidence["repetition"] = repetition.index;
      found.finding.evidence["repetitions"].push_back(std::move(finding.evidence));
    }
  }
  std::vector<RuleFinding> findings;
  for (const std::string& code : order) {
    Found& found = by_code.at(code);
    // A device that throttled once will do so again.
    if (2 * found.hits >= evidence.repetitions.size() || (code == "THROTTLED" && found.hits > 0))
      found.finding.verdict = found.worst;
    if (evidence.repetitions.size() > 1) {
      found.finding.detail += " (" + std::to_string(found.mentioned) + " of " +
                              std::to_string(evidence.repetitions.size()) + " repetitions)";
    }
    findings.push_back(std::move(found.finding));
  }
  return findings;
}

}  // namespace

std::string DurationText(double ns) {
  std::array<char, 48> text{};
  const char* unit = ns < 1e3 ? "ns" : ns < 1e6 ? "us" : ns < 1e9 ? "ms" : "s";
  const double factor = ns < 1e3 ? 1 : ns < 1e6 ? 1e3 : ns < 1e9 ? 1e6 : 1e9;
  std::snprintf(text.data(), text.size(), "%.4g %s", ns / factor, unit);
  return text.data();
}

std::vector<RuleFinding> ApplyRules(const RunEvidence& evidence, const Scenario& scenario) {
  std::vector<RuleFinding> findings;
  const auto apply = [&](Rule rule) {
    if (Finding finding = rule(evidence, scenario)) findings.push_back(std::move(*finding));
  };
  for (const Rule rule : kRules) apply(rule);
  if (auto finding = FindAccuracyInterval(evidence)) findings.push_back(std::move(*finding));
  for (RuleFinding& finding : EnvironmentFindings(evidence)) findings.push_back(std::move(finding));
  for (const auto find : {FindEnergySource, FindEnergyWindows}) {
    if (auto finding = find(evidence)) findings.push_back(std::move(*finding));
  }
  return findings;
}

}  // namespace paddock
