// What the store answers to readers, as plain structs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/core/farm.h"

namespace paddock {

struct StoredRun {
  Run run;                         // without progress, which is not stored
  std::string driver;              // the device's when the job was submitted
  std::optional<Verdict> verdict;  // absent: not evaluated
};

struct StoredJob {
  Job job;
  std::vector<StoredRun> runs;  // in the job's order
};

// Everything that is known of one run.
struct StoredResult {
  Run run;
  std::string driver;
  JobSpec spec;  // of its job
  std::optional<Evaluation> evaluation;
  LeaseId measured_lease = 0;                  // the last one under which measurements arrived; 0: none
  std::vector<RepetitionReport> measurements;  // by index
  std::vector<StageTime> waterfall;            // in the order in which they happened, as far as is known
};

// A device's golden runs for a comparison, each part oldest first.
struct GoldenHistory {
  std::vector<GoldenRun> before;  // the run in question was measured
  std::vector<GoldenRun> after;
};

// What a device's golden runs come to.
struct GoldenSummary {
  std::uint32_t runs = 0;                      // that are done
  RunId last;                                  // of those that were valid but for a drift; empty: none was
  std::optional<GoldenComparison> comparison;  // of the last one
};

// How long large raw records are kept. Small ones stay with the row of their repetition, as KPIs and histograms do.
struct RawRetention {
  std::uint32_t days = 90;  // after the run's end
  static constexpr std::int64_t kDayMs = 86'400'000;
  std::int64_t ExpiryOf(const Run& run) const { return run.finished_wall_ms + days * kDayMs; }
  std::int64_t KeptSince(std::int64_t now_wall_ms) const { return now_wall_ms - days * kDayMs; }
};

// A KPI's unit and direction are the catalogue's (kpi/catalog.h).

Result<Verdict> ParseVerdict(std::string_view name);
Result<BudgetOutcome> ParseBudgetOutcome(std::string_view name);
// A flat JSON object of strings, as the store keeps options.
std::string EncodeOptions(const std::map<std::string, std::string>& options);
Result<std::map<std::string, std::string>> DecodeOptions(std::string_view json);
// Finite numbers as a JSON array; none at all is the empty text.
std::string EncodeFigures(const std::vector<double>& figures);
Result<std::vector<double>> DecodeFigures(std::string_view json);

}  // namespace paddock
