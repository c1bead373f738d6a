#include "agent/rate_search.h"

#include <algorithm>
#include <cmath>

#include "agent/arrival_schedule.h"
#include "kpi/statistics.h"

namespace paddock::agent {
namespace {

constexpr double kWidth = 0.01;
constexpr int kMostDoublings = 3;
constexpr double kLowestShare =
    1.0 / 64;  // of the first rate: a limit below the service time is met by no rate

class RateSearch {
 public:
  RateSearch(LoadLoop& loop, const Scenario& scenario, std::uint64_t seed)
      : loop_(loop),
        scenario_(scenario),
        seed_(seed),
        limit_ns_(static_cast<std::uint64_t>(std::llround(*scenario.latency_limit_s * 1e9))) {}

  Result<RateSearchResult> Run(double first_rate_hz) {
    double passed_hz = 0;
    double failed_hz = first_rate_hz;
    PADDOCK_ASSIGN_OR_RETURN(bool passed, Probe(failed_hz));
    for (int i = 0; passed && i < kMostDoublings; ++i) {
      passed_hz = failed_hz;
      failed_hz *= 2;
      PADDOCK_ASSIGN_OR_RETURN(passed, Probe(failed_hz));
    }
    if (passed) passed_hz = failed_hz;
    while (failed_hz - passed_hz > kWidth * failed_hz && failed_hz > kLowestShare * first_rate_hz) {
      const double middle_hz = (passed_hz + failed_hz) / 2;
      PADDOCK_ASSIGN_OR_RETURN(passed, Probe(middle_hz));
      (passed ? passed_hz : failed_hz) = middle_hz;
    }
    result_.rate_hz = passed_hz > 0 ? passed_hz : failed_hz;
    return std::move(result_);
  }

 private:
  Result<bool> Probe(double rate_hz) {
    const std::uint64_t planned =
        std::max(MinSamplesForPercentile(scenario_.latency_percentile),
                 static_cast<std::uint64_t>(std::ceil(rate_hz * scenario_.probe_duration_s)));
    const std::uint64_t most_over = planned - 1 - PercentileIndex(planned, scenario_.latency_percentile);
    const auto longest_ns = static_cast<std::uint64_t>(scenario_.max_duration_s * 1e9);
    const std::uint64_t kept = loop_.count();
    loop_.Pause([&] { loop_.Reserve(kept + planned + 1); });
    const std::uint64_t begin = loop_.NowNs();
    const std::uint64_t host_begin = loop_.HostElapsedNs();
    ArrivalSchedule schedule = ArrivalSchedule::Poisson(rate_hz, seed_);
    std::uint64_t over = 0;
    bool in_time = true;
    while (loop_.count() - kept < planned && over <= most_over && in_time) {
      PADDOCK_RETURN_IF_ERROR(loop_.IssueAt(begin + schedule.Next(), 1));
      if (loop_.latencies().back() > limit_ns_) ++over;
      in_time = loop_.EndNs() - begin <= longest_ns && loop_.HostElapsedNs() - host_begin <= longest_ns;
    }
    const auto latencies = loop_.latencies().subspan(kept);
    std::vector<std::uint64_t> sorted(latencies.begin(), latencies.end());
    std::sort(sorted.begin(), sorted.end());
    const bool passed = sorted.size() == planned && over <= most_over;
    result_.probes.push_back({.rate_hz = rate_hz,
                              .queries = sorted.size(),
                              .percentile_ns = PercentileOfSorted(sorted, scenario_.latency_percentile),
                              .passed = passed});
    loop_.Truncate(kept);
    return passed;
  }

  LoadLoop& loop_;
  const Scenario& scenario_;
  const std::uint64_t seed_;
  const std::uint64_t limit_ns_;
  RateSearchResult result_;
};

}  // namespace

Result<RateSearchResult> SearchRate(LoadLoop& loop, const Scenario& scenario, std::uint64_t seed,
                                    std::uint64_t service_ns) {
  return RateSearch(loop, scenario, seed).Run(1e9 / static_cast<double>(service_ns));
}

}  // namespace paddock::agent
