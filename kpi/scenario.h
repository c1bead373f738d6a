// How the queries of a repetition are issued and when its measured window may end. Times in seconds and rates in hertz are
// doubles as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/status.h"

namespace paddock {

// Closed loops (the next query is issued when the one before has ended; latency counts from the issue): single-stream,
// multi-stream, offline. Open loops (queries come by a schedule, whether or not the device is ready; latency counts from
// the intended start, so that waiting behind a stall is in it): server, periodic.
enum class ScenarioKind { kSingleStream, kMultiStream, kOffline, kServer, kPeriodic };
// "single-stream", "multi-stream", "offline", "server", "periodic"
std::string_view ScenarioKindName(ScenarioKind kind);
Result<ScenarioKind> ParseScenarioKind(std::string_view name);
bool IsOpenLoop(ScenarioKind kind);
// The tail that the scenario is judged by, which its stop rule and minimum count look at: .90 for single-stream (MLPerf
// LoadGen), .99 for multi-stream, server and periodic; none for offline, which is judged by throughput.
std::optional<double> HeadlinePercentile(ScenarioKind kind);

struct Warmup {
  std::uint32_t min_inferences = 10;
  double min_s = 1.0;
};

// The measured window ends when both minima are met and the precisions that are asked for are reached, or at
// max_duration_s.
struct Scenario {
  ScenarioKind kind = ScenarioKind::kSingleStream;
  double min_duration_s = 10.0;
  std::uint32_t min_inferences = 64;
  double max_duration_s = 120.0;
  Warmup warmup;
  // Samples of a query. offline: 0 is as many as the model's batch dimension, the device and the data allow (at most 32).
  // multi-stream: 0 is 8, or the next multiple of a fixed batch dimension. Elsewhere 0 or 1.
  std::uint32_t samples_per_query = 0;

  // Largest half-width of the 95 % interval (order statistics on the effective sample size) relative to the value, of the
  // median and of the headline percentile. 0: not asked for; for the tail also not the fewest queries that support it.
  double median_precision = 0.01;
  double tail_precision = 0.05;
  // How long a window goes on for the precisions alone, once both minima are met. Absent: until max_duration_s.
  std::optional<double> patience_s{};

  // server: exactly one of the two. Queries per second, with exponential gaps; or a limit on a percentile of latency, for
  // which the highest rate is searched by bisection, each probe with a window of its own, before the measured one.
  std::optional<double> target_rate_hz{};
  std::optional<double> latency_limit_s{};
  double latency_percentile = 0.99;
  double probe_duration_s =
      2.0;  // of one probe at least, and at least as many queries as the percentile needs

  // periodic: a query every period_s; its answer is late after deadline_s, which is the period unless given.
  std::optional<double> period_s{};
  std::optional<double> deadline_s{};
  std::optional<double> DeadlineS() const { return deadline_s ? deadline_s : period_s; }
};

// Of a job that does not state max_duration_s: 12 times min_duration_s, and 10 s at least.
double UsualPatienceS(double min_duration_s);

// INVALID_ARGUMENT names the field ("scenario.period_s: ..."): out of range, missing for the kind, or of another kind.
Status CheckScenario(const Scenario& scenario);

// Everything but kind, durations, counts and warm-up as keys of a JSON object; all may be missing in what is read, and then
// are what they are by default.
void AddScenarioTerms(const Scenario& scenario, Json& json);
void ReadScenarioTerms(StrictObject& object, Scenario* scenario);

}  // namespace paddock
