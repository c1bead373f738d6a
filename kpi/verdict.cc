#include "kpi/verdict.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace paddock {
namespace {

// What a rule found, in words; empty: nothing.
using Finding = std::optional<std::string>;

std::string CompletedText(const RunEvidence& evidence) {
  return std::to_string(evidence.repetitions.size()) + " of " + std::to_string(evidence.repetitions_planned) +
         " repetitions completed";
}

std::uint64_t MeasuredQueries(const RepetitionRecord& repetition) {
  const std::uint64_t all = repetition.queries.latency_ns.size();
  return all - std::min(all, repetition.queries.warmup_count);
}

Finding NoRepetitions(const RunEvidence& evidence, const Scenario&) {
  if (!evidence.repetitions.empty()) return std::nullopt;
  return CompletedText(evidence);
}

Finding NoMeasuredQueries(const RunEvidence& evidence, const Scenario&) {
  for (const RepetitionRecord& repetition : evidence.repetitions) {
    if (MeasuredQueries(repetition) > 0) continue;
    return "repetition " + std::to_string(repetition.index) + " answered " +
           std::to_string(repetition.queries.latency_ns.size()) + " queries, all of them warm-up";
  }
  return std::nullopt;
}

// The record's own clock decides, so that simulated time is judged as simulated time. Inferences are samples.
Finding ShortWindow(const RunEvidence& evidence, const Scenario& scenario) {
  const double min_window_ns = std::floor(scenario.min_duration_s * 1e9);
  for (const RepetitionRecord& repetition : evidence.repetitions) {
    const std::uint64_t queries = repetition.queries.latency_ns.size();
    std::uint64_t inferences = 0;
    for (std::uint64_t query = repetition.queries.warmup_count; query < queries; ++query) {
      inferences += repetition.queries.SamplesOf(query);
    }
    const std::string where = "repetition " + std::to_string(repetition.index) + " measured ";
    if (static_cast<double>(repetition.window_ns) < min_window_ns) {
      return where + std::to_string(static_cast<double>(repetition.window_ns) * 1e-9) + " s; at least " +
             std::to_string(scenario.min_duration_s) + " s are needed";
    }
    if (inferences < scenario.min_inferences) {
      return where + std::to_string(inferences) + " inferences; at least " +
             std::to_string(scenario.min_inferences) + " are needed";
    }
  }
  return std::nullopt;
}

Finding MissingRepetitions(const RunEvidence& evidence, const Scenario&) {
  const std::size_t completed = evidence.repetitions.size();
  if (completed == 0 || completed >= evidence.repetitions_planned) return std::nullopt;
  return CompletedText(evidence);
}

Finding FewRepetitions(const RunEvidence& evidence, const Scenario&) {
  if (evidence.repetitions.size() != 1) return std::nullopt;
  return "1 repetition: no interval, and nothing is known about the difference between two processes";
}

// Below 200 times the cost of reading the clock twice, the clock is more than half a percent of what is
// measured.
Finding TimerFloor(const RunEvidence& evidence, const Scenario&) {
  constexpr double kMinRatio = 200;
  for (const RepetitionRecord& repetition : evidence.repetitions) {
    if (!repetition.timer_floor_ns || MeasuredQueries(repetition) == 0) continue;
    const auto& all = repetition.queries.latency_ns;
    std::vector<std::uint64_t> latencies(
        all.begin() + static_cast<std::ptrdiff_t>(repetition.queries.warmup_count), all.end());
    const auto middle =
        latencies.begin() + static_cast<std::ptrdiff_t>(PercentileIndex(latencies.size(), 0.5));
    std::nth_element(latencies.begin(), middle, latencies.end());
    if (static_cast<double>(*middle) >= kMinRatio * static_cast<double>(*repetition.timer_floor_ns)) continue;
    return "repetition " + std::to_string(repetition.index) + ": median latency " + std::to_string(*middle) +
           " ns is less than 200 times the timer's " + std::to_string(*repetition.timer_floor_ns) + " ns";
  }
  return std::nullopt;
}

struct Rule {
  std::string_view code;
  Verdict verdict;  // kValid: the rule only informs
  Finding (*find)(const RunEvidence&, const Scenario&);
};

constexpr std::array kRules = {
    Rule{"NO_REPETITIONS", Verdict::kInvalid, NoRepetitions},
    Rule{"NO_MEASURED_QUERIES", Verdict::kInvalid, NoMeasuredQueries},
    Rule{"SHORT_WINDOW", Verdict::kInconclusive, ShortWindow},
    Rule{"MISSING_REPETITIONS", Verdict::kDegraded, MissingRepetitions},
    Rule{"FEW_REPETITIONS", Verdict::kValid, FewRepetitions},
    Rule{"TIMER_FLOOR", Verdict::kValid, TimerFloor},
};

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kValid:
      return "valid";
    case Verdict::kDegraded:
      return "degraded";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kInvalid:
      break;
  }
  return "invalid";
}

Judgement Judge(const RunEvidence& evidence, const Scenario& scenario) {
  Judgement judgement;
  for (const Rule& rule : kRules) {
    Finding finding = rule.find(evidence, scenario);
    if (!finding) continue;
    judgement.verdict = std::max(judgement.verdict, rule.verdict);
    judgement.reasons.push_back({std::string(rule.code), std::move(*finding)});
  }
  return judgement;
}

}  // namespace paddock
