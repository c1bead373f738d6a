// Issues the queries of a repetition and keeps what each took. Both scenarios are closed loops: the next
// query is issued when the one before it has ended, so the intended start is the issue.
//
// Inside the measured window nothing is written, sent or logged, and the series are allocated before it;
// where the estimate was too small they grow between two queries, outside of any latency. The host's clock is
// read twice a query, around Invoke().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

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
};

struct LoadResult {
  QuerySeries series;
  std::uint64_t window_ns = 0;
  std::optional<double> energy_j;  // over the measured window
};

// Warm-up until both of its minima are met, then the measured window until both of its minima are met; each
// ends at scenario.max_duration_s at the latest, after at least one query. A session with DeviceTimeNs() is
// measured in its own time: latencies, offsets and durations are sums of it (and max_duration_s also bounds
// the host's time). `on_stage` is called before each of the two, outside of both; `done` counts measured and
// warm-up queries.
Result<LoadResult> RunLoad(Session& session, const LoadRequest& request, const Clock& clock,
                           SharedCounter& done, const std::function<void(std::string_view stage)>& on_stage);

// The median of an empty pair of clock readings.
std::uint64_t MeasureTimerFloorNs(const Clock& clock);

}  // namespace paddock::agent
