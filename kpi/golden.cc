#include "kpi/golden.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/strict_json.h"
#include "kpi/catalog.h"
#include "kpi/statistics.h"

namespace paddock {
namespace {

constexpr std::string_view kAroundEachRun = "around each run";
constexpr std::string_view kEvery = "every ";
constexpr std::string_view kRuns = " runs";
// The median absolute deviation of normal figures is their standard deviation over this.
constexpr double kDeviationsPerMad = 1.4826;

std::vector<double> FiguresOf(std::span<const GoldenRun> runs, const std::string& kpi) {
  std::vector<double> figures;
  for (const GoldenRun& run : runs) {
    if (const auto found = run.kpis.find(kpi); found != run.kpis.end()) figures.push_back(found->second);
  }
  return figures;
}

double RobustDeviation(const std::vector<double>& figures, double median) {
  std::vector<double> distances;
  for (const double figure : figures) distances.push_back(std::abs(figure - median));
  return kDeviationsPerMad * Median(std::move(distances));
}

bool IsRelated(const KpiDefinition* kpi) {
  return kpi != nullptr && (kpi->unit == "s" || kpi->unit == "1/s" || kpi->unit == "J");
}

double DriftThreshold(double median, double spread) {
  return std::max(kGoldenTolerance * median, kGoldenSigmas * spread);
}

std::string Milliseconds(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g ms", 1e3 * seconds);
  return text.data();
}

}  // namespace

Result<GoldenPolicy> ParseGoldenPolicy(std::string_view text) {
  if (text == kAroundEachRun) return GoldenPolicy{};
  GoldenPolicy policy;
  if (text.starts_with(kEvery) && text.ends_with(kRuns) && text.size() > kEvery.size() + kRuns.size()) {
    const std::string_view count = text.substr(kEvery.size(), text.size() - kEvery.size() - kRuns.size());
    const auto [rest, error] = std::from_chars(count.data(), count.data() + count.size(), policy.every_runs);
    if (error == std::errc() && rest == count.data() + count.size() && policy.every_runs >= 1) return policy;
  }
  return InvalidArgumentError("\"" + std::string(text.substr(0, 100)) +
                              "\" does not say when golden runs are made; write \"every N runs\" with N of 1 "
                              "or more, or \"around each run\"");
}

std::string GoldenPolicyText(const GoldenPolicy& policy) {
  if (policy.every_runs == 0) return std::string(kAroundEachRun);
  return std::string(kEvery) + std::to_string(policy.every_runs) + std::string(kRuns);
}

GoldenComparison CompareWithGolden(std::span<const GoldenRun> before, std::span<const GoldenRun> near) {
  const std::string kpi(kGoldenKpi);
  GoldenComparison comparison;
  for (const GoldenRun& run : near) comparison.near_runs.push_back(run.id);
  const std::vector<double> figures = FiguresOf(before, kpi);
  comparison.history = static_cast<std::uint32_t>(figures.size());
  if (figures.empty()) return comparison;
  const double median = Median(figures);
  comparison.median_s = median;
  comparison.spread_s = RobustDeviation(figures, median);
  if (median <= 0) return comparison;
  double farthest = -1;
  for (const GoldenRun& run : near) {
    const auto found = run.kpis.find(kpi);
    if (found == run.kpis.end()) continue;
    const double distance = std::abs(found->second - median);
    if (distance <= farthest) continue;
    farthest = distance;
    comparison.farthest = run.id;
    comparison.ratio = found->second / median;
  }
  comparison.drifting =
      figures.size() >= kGoldenHistoryNeeded && farthest > DriftThreshold(median, *comparison.spread_s);
  return comparison;
}

void SetRelative(std::span<const GoldenRun> before, std::span<const GoldenRun> near, KpiReport* kpis) {
  for (auto& [name, kpi] : kpis->values) {
    if (!IsRelated(FindKpi(name))) continue;
    std::vector<double> figures = FiguresOf(before, name);
    const std::vector<double> around = FiguresOf(near, name);
    figures.insert(figures.end(), around.begin(), around.end());
    if (figures.empty()) continue;
    const double median = Median(std::move(figures));
    if (median != 0) kpi.relative = kpi.value / median;
  }
}

void AddDrift(const GoldenComparison& comparison, Judgement* judgement) {
  if (!comparison.drifting) return;
  const double median = *comparison.median_s;
  const double ratio = *comparison.ratio;
  std::array<char, 64> change{};
  std::snprintf(change.data(), change.size(), "%.3g %% %s", 100 * std::abs(ratio - 1),
                ratio > 1 ? "over" : "under");
  const Json evidence = {{"run", comparison.farthest},
                         {"latency_p50_s", ratio * median},
                         {"median_s", median},
                         {"spread_s", *comparison.spread_s},
                         {"threshold_s", DriftThreshold(median, *comparison.spread_s)},
                         {"history", comparison.history},
                         {"near_runs", comparison.near_runs},
                         {"ratio", ratio}};
  judgement->verdict = std::max(judgement->verdict, Verdict::kDegraded);
  judgement->reasons.push_back({std::string(kDeviceDrift),
                                "golden run " + comparison.farthest + " took " +
                                    Milliseconds(ratio * median) + ", " + change.data() + " the median " +
                                    Milliseconds(median) + " of " + std::to_string(comparison.history) +
                                    " golden runs before",
                                evidence.dump(-1, ' ', false, Json::error_handler_t::replace)});
}

std::string EncodeGoldenComparison(const GoldenComparison& comparison) {
  Json json = {{"near_runs", comparison.near_runs},
               {"history", comparison.history},
               {"drifting", comparison.drifting}};
  if (comparison.median_s) json["median_s"] = *comparison.median_s;
  if (comparison.spread_s) json["spread_s"] = *comparison.spread_s;
  if (comparison.ratio) {
    json["farthest"] = comparison.farthest;
    json["ratio"] = *comparison.ratio;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<GoldenComparison> DecodeGoldenComparison(std::string_view json) {
  PADDOCK_ASSIGN_OR_RETURN(const Json document, ParseJson(json, "golden comparison"));
  GoldenComparison comparison;
  StrictObject root(document, "golden");
  root.Required("near_runs", &comparison.near_runs);
  root.Required("history", &comparison.history);
  root.Required("drifting", &comparison.drifting);
  root.Optional("median_s", &comparison.median_s);
  root.Optional("spread_s", &comparison.spread_s);
  root.Optional("farthest", &comparison.farthest);
  root.Optional("ratio", &comparison.ratio);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  return comparison;
}

}  // namespace paddock
