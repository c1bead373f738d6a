#include "agent/load_scenario.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace paddock::agent {
namespace {

constexpr std::size_t kMinReserve = 4096;
constexpr std::size_t kMaxReserve = std::size_t{1} << 22;  // 64 MiB of series; beyond it they grow

std::uint64_t NsOf(double seconds) {
  return static_cast<std::uint64_t>(std::llround(std::clamp(seconds, 0.0, 1e9) * 1e9));
}

class LoadLoop {
 public:
  LoadLoop(Session& session, const LoadRequest& request, const Clock& clock, SharedCounter& done)
      : session_(session), request_(request), clock_(clock), done_(done) {
    Reserve(kMinReserve);
  }

  // Queries until `min_count` and `min_ns` are both reached, or `max_ns`.
  Status RunUntil(std::uint64_t min_count, std::uint64_t min_ns, std::uint64_t max_ns) {
    const std::size_t pass = request_.queries.size();
    const std::uint64_t first = count();
    std::uint64_t begin = 0;
    std::uint64_t host_begin = 0;
    for (;;) {
      const std::uint64_t issue = Now();
      const Status status = session_.Invoke(request_.queries[count() % pass].handle);
      const std::uint64_t end = Now();
      if (!status.ok()) return status;
      Keep(issue, end);
      if (count() == first + 1) {
        begin = starts_.back();
        host_begin = issue;
      }
      const std::uint64_t elapsed = starts_.back() + latencies_.back() - begin;
      const bool enough = count() - first >= min_count && elapsed >= min_ns;
      if (enough || elapsed >= max_ns || end - host_begin >= max_ns) return OkStatus();
    }
  }

  // Room for what a window of `min_count` and `min_ns` will take, judged by the queries so far.
  void ReserveFor(std::uint64_t min_count, std::uint64_t min_ns) {
    std::vector<std::uint64_t> sorted = latencies_;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2),
                     sorted.end());
    const std::uint64_t median_ns = std::max<std::uint64_t>(sorted[sorted.size() / 2], 100);
    const std::uint64_t expected = std::max(min_count, min_ns / median_ns * 3 / 2);
    Reserve(count() + std::clamp<std::size_t>(expected, kMinReserve, kMaxReserve));
  }

  std::uint64_t count() const { return latencies_.size(); }
  std::uint64_t EndOf(std::uint64_t query) const { return starts_[query] + latencies_[query]; }
  std::uint64_t StartOf(std::uint64_t query) const { return starts_[query]; }

  QuerySeries TakeSeries(std::uint64_t warmup_count) {
    QuerySeries series;
    series.samples_per_query = request_.samples_per_query;
    series.warmup_count = warmup_count;
    for (std::size_t i = 0; i < request_.queries.size(); ++i) {
      if (request_.queries[i].samples == request_.samples_per_query) continue;
      for (std::uint64_t query = i; query < count(); query += request_.queries.size()) {
        series.short_queries.emplace(query, request_.queries[i].samples);
      }
    }
    series.start_offset_ns = std::move(starts_);
    series.latency_ns = std::move(latencies_);
    return series;
  }

 private:
  std::uint64_t Now() const { return static_cast<std::uint64_t>(clock_.Now().time_since_epoch().count()); }

  void Keep(std::uint64_t issue, std::uint64_t end) {
    if (starts_.empty()) origin_ = issue;
    std::uint64_t start = issue - origin_;
    std::uint64_t latency = end - issue;
    if (const auto device_ns = session_.DeviceTimeNs()) {
      start = device_elapsed_;
      latency = *device_ns;
      device_elapsed_ += latency;
    }
    starts_.push_back(start);
    latencies_.push_back(latency);
    done_.Store(count());
  }

  void Reserve(std::size_t queries) {
    starts_.reserve(queries);
    latencies_.reserve(queries);
  }

  Session& session_;
  const LoadRequest& request_;
  const Clock& clock_;
  SharedCounter& done_;
  std::vector<std::uint64_t> starts_;
  std::vector<std::uint64_t> latencies_;
  std::uint64_t origin_ = 0;
  std::uint64_t device_elapsed_ = 0;
};

}  // namespace

Result<LoadResult> RunLoad(Session& session, const LoadRequest& request, const Clock& clock,
                           SharedCounter& done, const std::function<void(std::string_view stage)>& on_stage) {
  PADDOCK_CHECK(!request.queries.empty(), "a load without queries");
  const Scenario& scenario = request.scenario;
  const std::uint64_t max_ns = NsOf(scenario.max_duration_s);
  LoadLoop loop(session, request, clock, done);

  on_stage(kStageWarmup);
  std::uint64_t warmup_count = 0;
  if (scenario.warmup.min_inferences > 0 || scenario.warmup.min_s > 0) {
    PADDOCK_RETURN_IF_ERROR(
        loop.RunUntil(scenario.warmup.min_inferences, NsOf(scenario.warmup.min_s), max_ns));
    warmup_count = loop.count();
    loop.ReserveFor(scenario.min_inferences, NsOf(scenario.min_duration_s));
  }

  on_stage(kStageMeasuring);
  const auto energy_before = session.EnergyJ();
  PADDOCK_RETURN_IF_ERROR(loop.RunUntil(scenario.min_inferences, NsOf(scenario.min_duration_s), max_ns));
  const auto energy_after = session.EnergyJ();

  LoadResult result;
  result.window_ns = loop.EndOf(loop.count() - 1) - loop.StartOf(warmup_count);
  if (energy_before && energy_after) result.energy_j = *energy_after - *energy_before;
  result.series = loop.TakeSeries(warmup_count);
  return result;
}

std::uint64_t MeasureTimerFloorNs(const Clock& clock) {
  constexpr std::size_t kPairs = 20'001;
  std::vector<std::uint64_t> floor_ns(kPairs);
  for (std::uint64_t& pair : floor_ns) {
    const auto begin = clock.Now();
    pair = static_cast<std::uint64_t>((clock.Now() - begin).count());
  }
  std::nth_element(floor_ns.begin(), floor_ns.begin() + kPairs / 2, floor_ns.end());
  return floor_ns[kPairs / 2];
}

}  // namespace paddock::agent
