#include "agent/load_scenario.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "agent/arrival_schedule.h"
#include "agent/load_loop.h"
#include "agent/rate_search.h"
#include "agent/stop_rule.h"

namespace paddock::agent {
namespace {

constexpr std::uint64_t kMaxReserve = std::uint64_t{1}
                                      << 22;  // 64 MiB of series; beyond it they grow in pauses
constexpr std::uint64_t kFloorsPerReading = 200;
constexpr std::uint64_t kMaxBlock = 1 << 16;

std::uint64_t NsOf(double seconds) {
  return static_cast<std::uint64_t>(std::llround(std::clamp(seconds, 0.0, 1e9) * 1e9));
}

// A window from now on: says after each entry whether it has ended.
class Window {
 public:
  Window(LoadLoop& loop, const StopTerms& terms)
      : loop_(loop), rule_(terms), first_(loop.count()), host_begin_ns_(loop.HostElapsedNs()) {}

  // Empty: it goes on.
  std::string_view Ended() {
    const std::uint64_t elapsed_ns = ElapsedNs();
    const bool out_of_time =
        loop_.models_time() && loop_.HostElapsedNs() - host_begin_ns_ >= rule_.terms().max_ns;
    if (!rule_.Due(loop_.count() - first_, elapsed_ns) && !out_of_time) return {};
    return Look(elapsed_ns, out_of_time);
  }
  // No other entry comes before its end.
  std::string_view EndNow() { return Look(ElapsedNs(), true); }

 private:
  std::uint64_t ElapsedNs() const { return loop_.EndNs() - loop_.StartOf(first_); }
  std::string_view Look(std::uint64_t elapsed_ns, bool must_end) {
    std::string_view reason;
    const auto look = [&] { reason = rule_.Look(loop_.latencies().subspan(first_), elapsed_ns, must_end); };
    if (rule_.LooksAreFree()) {
      look();
    } else {
      loop_.Pause([&] {
        look();
        if (reason.empty()) loop_.Reserve(first_ + std::min(rule_.next_look(), kMaxReserve) + 1);
      });
    }
    return reason;
  }

  LoadLoop& loop_;
  StopRule rule_;
  const std::uint64_t first_;
  const std::uint64_t host_begin_ns_;
};

Result<std::string_view> RunClosed(LoadLoop& loop, const StopTerms& terms, std::uint32_t invocations) {
  Window window(loop, terms);
  for (;;) {
    PADDOCK_RETURN_IF_ERROR(loop.Issue(invocations));
    if (const auto reason = window.Ended(); !reason.empty()) return reason;
  }
}

Result<std::string_view> RunOpen(LoadLoop& loop, const StopTerms& terms, ArrivalSchedule schedule) {
  Window window(loop, terms);
  const std::uint64_t begin_ns = loop.NowNs();
  std::uint64_t arrival_ns = schedule.Next();
  for (;;) {
    PADDOCK_RETURN_IF_ERROR(loop.IssueAt(begin_ns + arrival_ns, 1));
    if (const auto reason = window.Ended(); !reason.empty()) return reason;
    arrival_ns = schedule.Next();
    if (arrival_ns > terms.max_ns) return window.EndNow();
  }
}

class Load {
 public:
  Load(Session& session, const LoadRequest& request, const Clock& clock, Pacer* pacer, SharedCounter& done)
      : session_(session),
        request_(request),
        scenario_(request.scenario),
        is_open_(IsOpenLoop(request.scenario.kind)),
        loop_(session, request.queries, is_open_, clock, pacer, done) {}

  Status WarmUp() {
    const bool searches = scenario_.latency_limit_s.has_value();  // begins from the time of a query
    if (scenario_.warmup.min_inferences == 0 && scenario_.warmup.min_s == 0 && !searches) return OkStatus();
    StopTerms terms;
    terms.min_entries = scenario_.warmup.min_inferences;
    terms.min_ns = NsOf(scenario_.warmup.min_s);
    terms.max_ns = NsOf(scenario_.max_duration_s);
    PADDOCK_RETURN_IF_ERROR(RunClosed(loop_, terms, request_.invocations_per_query).status());
    warmup_count_ = loop_.count();
    std::vector<std::uint64_t> sorted(loop_.latencies().begin(), loop_.latencies().end());
    std::sort(sorted.begin(), sorted.end());
    warmup_median_ns_ = std::max<std::uint64_t>(sorted[sorted.size() / 2], 1);
    return OkStatus();
  }

  // What the window needs to know and to have, by what warm-up showed.
  Status Prepare() {
    result_.rate_hz = scenario_.target_rate_hz;
    if (scenario_.latency_limit_s) {
      PADDOCK_ASSIGN_OR_RETURN(RateSearchResult found,
                               SearchRate(loop_, scenario_, request_.seed, warmup_median_ns_));
      result_.rate_hz = found.rate_hz;
      result_.rate_probes = std::move(found.probes);
    }
    if (warmup_count_ == 0) return OkStatus();
    if (!is_open_ && !loop_.models_time() && request_.timer_floor_ns) {
      const std::uint64_t shortest_ns = kFloorsPerReading * *request_.timer_floor_ns;
      block_ = static_cast<std::uint32_t>(
          std::min(kMaxBlock, std::bit_ceil((shortest_ns + warmup_median_ns_ - 1) / warmup_median_ns_)));
      block_ = std::max<std::uint32_t>(block_, 1);
    }
    std::uint64_t entry_ns = std::max<std::uint64_t>(warmup_median_ns_ * block_, 100);
    if (result_.rate_hz) entry_ns = static_cast<std::uint64_t>(1e9 / *result_.rate_hz);
    if (scenario_.period_s) entry_ns = NsOf(*scenario_.period_s);
    const StopTerms terms = StopTermsOf(scenario_, block_);
    const std::uint64_t expected =
        std::max(terms.min_entries, terms.min_ns / std::max<std::uint64_t>(entry_ns, 1) * 3 / 2);
    loop_.Reserve(loop_.count() + std::min(expected, kMaxReserve) + 1);
    return OkStatus();
  }

  Status Measure() {
    const double paused_before_j = loop_.paused_j();
    measured_cursor_ = loop_.cursor();
    const auto energy_before = session_.EnergyJ();
    const auto cycles_before = session_.Cycles();
    const auto instructions_before = session_.Instructions();
    const auto throttle_before = session_.ThrottleCount();
    PADDOCK_ASSIGN_OR_RETURN(const std::string_view reason, RunWindow());
    const auto energy_after = session_.EnergyJ();
    const auto cycles_after = session_.Cycles();
    const auto instructions_after = session_.Instructions();
    const auto throttle_after = session_.ThrottleCount();
    if (cycles_before && cycles_after) result_.cycles = *cycles_after - *cycles_before;
    if (instructions_before && instructions_after)
      result_.instructions = *instructions_after - *instructions_before;
    if (throttle_before && throttle_after) result_.throttle_count = *throttle_after - *throttle_before;
    result_.stop_reason = reason;
    result_.window_ns = loop_.EndNs() - loop_.StartOf(warmup_count_);
    if (energy_before && energy_after)
      result_.energy_j = *energy_after - *energy_before - (loop_.paused_j() - paused_before_j);
    return OkStatus();
  }

  LoadResult TakeResult() {
    QuerySeries& series = result_.series;
    series = loop_.TakeSeries();
    series.samples_per_query = request_.samples_per_query;
    series.invocations_per_reading = block_;
    series.warmup_count = warmup_count_;
    ListShortQueries(series);
    return std::move(result_);
  }

 private:
  Result<std::string_view> RunWindow() {
    const StopTerms terms = StopTermsOf(scenario_, block_);
    switch (scenario_.kind) {
      case ScenarioKind::kServer:
        return RunOpen(loop_, terms, ArrivalSchedule::Poisson(*result_.rate_hz, request_.seed));
      case ScenarioKind::kPeriodic:
        return RunOpen(loop_, terms, ArrivalSchedule::Periodic(*scenario_.period_s));
      default:
        return RunClosed(loop_, terms, request_.invocations_per_query * block_);
    }
  }

  void ListShortQueries(QuerySeries& series) const {
    const auto pass = static_cast<std::uint64_t>(request_.queries.size());
    std::vector<std::uint64_t> before(pass + 1, 0);  // samples of the bound queries before each
    for (std::uint64_t i = 0; i < pass; ++i) before[i + 1] = before[i] + request_.queries[i].samples;
    const std::uint64_t each = request_.invocations_per_query;
    if (before[pass] * each == pass * series.samples_per_query) return;
    const auto samples_until = [&](std::uint64_t invocation) {
      return invocation / pass * before[pass] + before[invocation % pass];
    };
    for (std::uint64_t entry = 0; entry < series.latency_ns.size(); ++entry) {
      const bool warm = entry < warmup_count_;
      const std::uint64_t first =
          warm ? entry * each : measured_cursor_ + (entry - warmup_count_) * each * block_;
      const std::uint64_t samples = samples_until(first + each * (warm ? 1 : block_)) - samples_until(first);
      if (samples != series.FullSamplesOf(entry))
        series.short_queries.emplace_hint(series.short_queries.end(), entry,
                                          static_cast<std::uint32_t>(samples));
    }
  }

  Session& session_;
  const LoadRequest& request_;
  const Scenario& scenario_;
  const bool is_open_;
  LoadLoop loop_;
  std::uint64_t warmup_count_ = 0;
  std::uint64_t warmup_median_ns_ = 0;
  std::uint32_t block_ = 1;  // queries of a measured entry
  std::uint64_t measured_cursor_ = 0;
  LoadResult result_;
};

}  // namespace

Result<LoadResult> RunLoad(Session& session, const LoadRequest& request, const Clock& clock,
                           SharedCounter& done, const std::function<void(std::string_view stage)>& on_stage) {
  PADDOCK_CHECK(!request.queries.empty(), "a load without queries");
  PADDOCK_RETURN_IF_ERROR(CheckScenario(request.scenario));
  std::optional<SpinningPacer> spinning;
  Pacer* pacer = request.pacer;
  if (pacer == nullptr && IsOpenLoop(request.scenario.kind)) pacer = &spinning.emplace();
  Load load(session, request, clock, pacer, done);
  on_stage(kStageWarmup);
  PADDOCK_RETURN_IF_ERROR(load.WarmUp());
  PADDOCK_RETURN_IF_ERROR(load.Prepare());
  on_stage(kStageMeasuring);
  PADDOCK_RETURN_IF_ERROR(load.Measure());
  return load.TakeResult();
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
