#include "agent/stop_rule.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kpi/run_record.h"
#include "kpi/sample_statistics.h"
#include "kpi/statistics.h"

namespace paddock::agent {
namespace {

constexpr std::uint64_t kFirstCheckpoint = 64;
constexpr double kConfidence = 0.95;

std::uint64_t StopNs(double seconds) {
  return static_cast<std::uint64_t>(std::llround(std::clamp(seconds, 0.0, 1e9) * 1e9));
}

bool IsNarrow(std::span<const std::uint64_t> sorted, double p, double effective_size, double precision) {
  const QuantileBounds bounds = OrderStatisticBounds(sorted, p, kConfidence, effective_size);
  if (!bounds.lower || !bounds.upper) return false;
  const auto width = static_cast<double>(*bounds.upper - *bounds.lower);
  return width / 2 <= precision * static_cast<double>(PercentileOfSorted(sorted, p));
}

}  // namespace

StopTerms StopTermsOf(const Scenario& scenario, std::uint32_t queries_per_entry) {
  StopTerms terms;
  terms.min_entries = (std::uint64_t{scenario.min_inferences} + queries_per_entry - 1) / queries_per_entry;
  terms.min_ns = StopNs(scenario.min_duration_s);
  terms.max_ns = StopNs(scenario.max_duration_s);
  if (scenario.patience_s) terms.patience_ns = StopNs(*scenario.patience_s);
  terms.median_precision = scenario.median_precision;
  terms.tail_percentile = HeadlinePercentile(scenario.kind);
  terms.tail_precision = terms.tail_percentile ? scenario.tail_precision : 0;
  return terms;
}

StopRule::StopRule(const StopTerms& terms) : terms_(terms) {
  fewest_ = std::max<std::uint64_t>(terms.min_entries, 1);
  if (terms.tail_percentile && terms.tail_precision > 0)
    fewest_ = std::max(fewest_, MinSamplesForPercentile(*terms.tail_percentile));
  next_look_ = fewest_;
}

std::string_view StopRule::Look(std::span<const std::uint64_t> latencies_ns, std::uint64_t elapsed_ns,
                                bool must_end) {
  const std::uint64_t entries = latencies_ns.size();
  if (entries >= fewest_ && elapsed_ns >= terms_.min_ns) {
    if (LooksAreFree()) return kStopMinimum;
    if (IsPrecise(latencies_ns)) return kStopPrecise;
    if (elapsed_ns >= terms_.patience_ns) return kStopPatience;
  }
  if (must_end || elapsed_ns >= terms_.max_ns) return kStopMaxDuration;
  next_look_ = std::max(fewest_, kFirstCheckpoint);
  while (next_look_ <= entries) next_look_ = std::max(kFirstCheckpoint, std::bit_ceil(next_look_ + 1));
  return {};
}

bool StopRule::IsPrecise(std::span<const std::uint64_t> latencies_ns) {
  const auto entries = static_cast<double>(latencies_ns.size());
  const double effective_size = EffectiveSampleSize(latencies_ns);
  if (terms_.tail_percentile && terms_.tail_precision > 0 && effective_size < 0.5 * entries &&
      effective_size < static_cast<double>(MinSamplesForPercentile(*terms_.tail_percentile))) {
    return false;  // LoadGen's minimum supposes independent queries
  }
  sorted_.assign(latencies_ns.begin(), latencies_ns.end());
  std::sort(sorted_.begin(), sorted_.end());
  if (terms_.median_precision > 0 && !IsNarrow(sorted_, 0.5, effective_size, terms_.median_precision))
    return false;
  return terms_.tail_precision == 0 ||
         IsNarrow(sorted_, *terms_.tail_percentile, effective_size, terms_.tail_precision);
}

}  // namespace paddock::agent
