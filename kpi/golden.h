// Golden runs: a small reference model that a device runs between jobs, so that it can be compared with itself. Which policy a
// device may have, and what its golden runs say of a run beside them. Pure.
//
//   history   the device's golden runs of the same model and runtime that were valid but for a drift, oldest first
//   near      those around a run: the last one before it, and all that came after it. A golden run is near itself; one that is
//             not valid for another reason is not called drifting
//   before    the history without the near ones
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kpi/verdict.h"

namespace paddock {

// When a device makes golden runs.
struct GoldenPolicy {
  std::uint32_t every_runs = 0;  // 0: around each run
  bool operator==(const GoldenPolicy&) const = default;
};
// "every N runs" with N >= 1, or "around each run". INVALID_ARGUMENT names both forms.
Result<GoldenPolicy> ParseGoldenPolicy(std::string_view text);
std::string GoldenPolicyText(const GoldenPolicy& policy);

// Golden runs that are looked back on, and how many of them it takes to say that one is not as they are.
inline constexpr std::uint32_t kGoldenHistory = 100;
inline constexpr std::size_t kGoldenHistoryNeeded = 5;
// The device drifts when the median latency of a near golden run is farther from the median of those before than both: a share
// of it, and a multiple of their robust standard deviation (1.4826 times the median absolute deviation).
inline constexpr double kGoldenTolerance = 0.05;
inline constexpr double kGoldenSigmas = 4;
inline constexpr std::string_view kGoldenKpi = "latency_p50";
inline constexpr std::string_view kDeviceDrift = "DEVICE_DRIFT";

struct GoldenRun {
  std::string id;
  std::map<std::string, double> kpis;
};

struct GoldenComparison {
  std::vector<std::string> near_runs;  // ids
  std::uint32_t history = 0;           // golden runs before
  std::optional<double> median_s;      // of their median latencies; absent without any
  std::optional<double> spread_s;      // their robust standard deviation
  // The near run that is farthest from the median, and its latency over the median. Absent without both.
  std::string farthest;
  std::optional<double> ratio;
  bool drifting = false;  // also false when there are too few before
  bool operator==(const GoldenComparison&) const = default;
};

GoldenComparison CompareWithGolden(std::span<const GoldenRun> before, std::span<const GoldenRun> near);
// Sets `relative` of each KPI that is a time, a rate or an energy and that golden runs have too: the value over the median of
// theirs, before and near. A median of 0 sets none.
void SetRelative(std::span<const GoldenRun> before, std::span<const GoldenRun> near, KpiReport* kpis);
// DEVICE_DRIFT, which makes a run degraded at best, when the comparison says so.
void AddDrift(const GoldenComparison& comparison, Judgement* judgement);

// The form that is stored. Reading is strict.
std::string EncodeGoldenComparison(const GoldenComparison& comparison);
Result<GoldenComparison> DecodeGoldenComparison(std::string_view json);

}  // namespace paddock
