#include "kpi/accuracy_rule.h"

#include "kpi/accuracy_interval.h"

namespace paddock {

std::optional<RuleFinding> FindAccuracyInterval(const RunEvidence& evidence) {
  if (!evidence.accuracy_interval) return std::nullopt;
  const auto width = AccuracyIntervalWidth(evidence);
  if (!width) return std::nullopt;
  const std::int64_t answered = evidence.predictions.front().tensor.shape.front();
  const std::int64_t samples = evidence.labels->tensor.shape.front();
  const double asked = *evidence.accuracy_interval;
  const bool wide = *width > asked;
  if (!wide && answered == samples) return std::nullopt;
  RuleFinding finding;
  finding.code = wide ? "ACCURACY_INTERVAL" : "FEWER_ANSWERS";
  finding.verdict = wide ? Verdict::kInconclusive : Verdict::kValid;
  finding.detail = std::to_string(answered) + " of " + std::to_string(samples) +
                   " samples were answered for the accuracy; the nominal 95 % interval of top-1 is " +
                   std::to_string(*width) + " wide, " + std::to_string(asked) + " was asked" +
                   (wide ? "; give more data or ask for a wider interval" : "");
  finding.evidence = {{"answered", answered}, {"samples", samples}, {"width", *width}, {"asked", asked}};
  return finding;
}

}  // namespace paddock
