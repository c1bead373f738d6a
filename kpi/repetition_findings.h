// For rules that look at every repetition by itself. For the rules of this folder only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kpi/verdict_rules.h"

namespace paddock {

using Finding = std::optional<RuleFinding>;

// "12.3 ms"
std::string DurationText(double ns);

// Of the latencies that count. REQUIRES: there are some.
inline double MedianNs(const AnalysedRepetition& repetition) {
  return static_cast<double>(PercentileOfSorted(repetition.latency.sorted, 0.5));
}

// What a rule says of one repetition: the figures, and a sentence about the worst one.
struct Hit {
  std::string detail;
  Json evidence;
  double badness = 0;  // the greatest gives the detail
};

// Looks at every repetition that has times, since counts of instructions have no noise to judge; `verdict` holds from half of
// them on, below that the finding informs.
template <typename Look>
Finding InRepetitions(const RunEvidence& evidence, std::string_view code, Verdict verdict, Look look) {
  RuleFinding finding{std::string(code), Verdict::kValid, "", Json{{"repetitions", Json::array()}}};
  std::size_t hits = 0;
  double worst = 0;
  for (const AnalysedRepetition& repetition : evidence.repetitions) {
    if (repetition.clock == kInstructionClock) continue;
    std::optional<Hit> hit = look(repetition);
    if (!hit) continue;
    if (hits++ == 0 || hit->badness > worst) {
      worst = hit->badness;
      finding.detail = "repetition " + std::to_string(repetition.index) + " " + hit->detail;
    }
    hit->evidence["repetition"] = repetition.index;
    finding.evidence["repetitions"].push_back(std::move(hit->evidence));
  }
  if (hits == 0) return std::nullopt;
  if (2 * hits >= evidence.repetitions.size()) finding.verdict = verdict;
  if (evidence.repetitions.size() > 1) {
    finding.detail +=
        " (" + std::to_string(hits) + " of " + std::to_string(evidence.repetitions.size()) + " repetitions)";
  }
  return finding;
}

}  // namespace paddock
