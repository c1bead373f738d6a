// When a measured window may end: both minima are met and the 95 % intervals of the median and of the scenario's tail are as
// narrow as asked, or no patience is left for them; at the longest duration in any case. The intervals are order statistics on the effective sample size
// (kpi/sample_statistics.h), so that a series whose neighbours are alike needs more of them. They are looked at as soon as
// the minima are met, and then at doublings (64, 128, 256, ... entries) only: looking often would end windows by luck.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "kpi/scenario.h"

namespace paddock::agent {

struct StopTerms {
  std::uint64_t min_entries = 1;
  std::uint64_t min_ns = 0;
  std::uint64_t max_ns = 0;
  std::uint64_t patience_ns =
      UINT64_MAX;               // with both minima met the precisions are not waited for beyond this
  double median_precision = 0;  // relative half-width; 0: not asked for
  double tail_precision = 0;
  std::optional<double> tail_percentile;
};
// Of a measured window whose entries hold `queries_per_entry` queries each.
StopTerms StopTermsOf(const Scenario& scenario, std::uint32_t queries_per_entry);

class StopRule {
 public:
  explicit StopRule(const StopTerms& terms);

  // Cheap: is it time for Look()?
  bool Due(std::uint64_t entries, std::uint64_t elapsed_ns) const {
    return (entries >= next_look_ && elapsed_ns >= terms_.min_ns) || elapsed_ns >= terms_.max_ns ||
           (entries >= fewest_ && elapsed_ns >= terms_.patience_ns && elapsed_ns >= terms_.min_ns);
  }
  // Why the window ends now (kStop... of kpi/run_record.h); empty, unless it must end: it goes on. Sorts and may allocate:
  // call it outside of any measurement. REQUIRES: latencies_ns is not empty.
  std::string_view Look(std::span<const std::uint64_t> latencies_ns, std::uint64_t elapsed_ns,
                        bool must_end = false);
  // Look() only compares counts: no interval is asked for.
  bool LooksAreFree() const { return terms_.median_precision == 0 && terms_.tail_precision == 0; }

  const StopTerms& terms() const { return terms_; }
  // So many entries will be looked at next.
  std::uint64_t next_look() const { return next_look_; }

 private:
  bool IsPrecise(std::span<const std::uint64_t> latencies_ns);

  const StopTerms terms_;
  std::uint64_t fewest_ = 1;  // of min_entries and what the tail needs
  std::uint64_t next_look_ = 1;
  std::vector<std::uint64_t> sorted_;
};

}  // namespace paddock::agent
