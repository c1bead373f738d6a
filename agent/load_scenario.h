// Issues the queries of a repetition as its scenario says and keeps what each took (load_loop.h): warm-up, for `server` with
// a latency limit the search for the rate (rate_search.h), then the measured window until its stop rule (stop_rule.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/pacer.h"
#include "agent/worker_protocol.h"
#include "base/clock.h"
#include "base/status.h"
#include "device_drivers/api/driver.h"
#include "kpi/run_plan.h"
#include "kpi/run_record.h"

namespace paddock::agent {

struct BoundQuery {
  std::uint32_t handle = 0;
  std::uint32_t samples = 1;
};

struct LoadRequest {
  Scenario scenario;
  std::span<const BoundQuery> queries;  // one pass; repeated as often as needed. At least one
  std::uint32_t samples_per_query = 1;
  std::uint32_t invocations_per_query =
      1;                   // bound queries that make one query, when the model takes fewer samples at a time
  std::uint64_t seed = 0;  // of the arrivals
  // Absent: readings are never batched. With it, where warm-up's median is under 200 times the floor, each measured entry
  // of a closed loop is a block of a power of two of queries that takes at least so long.
  std::optional<std::uint64_t> timer_floor_ns = std::nullopt;
  Pacer* pacer = nullptr;  // null: a SpinningPacer
};

struct LoadResult {
  QuerySeries series;
  std::uint64_t window_ns = 0;
  std::optional<double> energy_j;               // over the measured window
  std::optional<std::uint64_t> cycles;          // by the session's counter, over the measured window
  std::optional<std::uint64_t> instructions;    // likewise
  std::optional<std::uint64_t> throttle_count;  // likewise
  std::string stop_reason;
  std::optional<double> rate_hz;
  std::vector<RateProbe> rate_probes;
};

// Warm-up, a closed loop, until both of its minima are met; each of warm-up and window ends at scenario.max_duration_s at
// the latest, after at least one query. A session with DeviceTimeNs() is measured in its own time: latencies, offsets and
// durations are sums of it (and max_duration_s also bounds the host's time); it must have been invoked once before.
// `on_stage` is called before each of the two, outside of both; `done` counts the entries of warm-up and window.
// INVALID_ARGUMENT: the scenario (CheckScenario).
Result<LoadResult> RunLoad(Session& session, const LoadRequest& request, const Clock& clock,
                           SharedCounter& done, const std::function<void(std::string_view stage)>& on_stage);

// The median of an empty pair of clock readings.
std::uint64_t MeasureTimerFloorNs(const Clock& clock);

}  // namespace paddock::agent
