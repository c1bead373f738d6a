#include "kpi/scenario.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/strict_json.h"

namespace paddock {
namespace {

constexpr ScenarioKind kScenarioKinds[] = {ScenarioKind::kSingleStream, ScenarioKind::kMultiStream,
                                           ScenarioKind::kOffline, ScenarioKind::kServer,
                                           ScenarioKind::kPeriodic};
constexpr double kLongestPeriodS = 3'600;

Status FieldError(const char* field, const std::string& problem) {
  return InvalidArgumentError("scenario." + std::string(field) + ": " + problem);
}

std::string Number(double value) {
  std::string text = Json(value).dump();
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

Status CheckRange(const char* field, std::optional<double> value, double low, double high, const char* unit) {
  if (!value || (std::isfinite(*value) && *value >= low && *value <= high)) return OkStatus();
  return FieldError(field, "must be between " + Number(low) + " and " + Number(high) + unit);
}

Status CheckRanges(const Scenario& scenario) {
  PADDOCK_RETURN_IF_ERROR(CheckRange("min_duration_s", scenario.min_duration_s, 0, 86'400, " seconds"));
  PADDOCK_RETURN_IF_ERROR(CheckRange("max_duration_s", scenario.max_duration_s, 0.001, 172'800, " seconds"));
  PADDOCK_RETURN_IF_ERROR(CheckRange("warmup.min_s", scenario.warmup.min_s, 0, 3'600, " seconds"));
  PADDOCK_RETURN_IF_ERROR(CheckRange("median_precision", scenario.median_precision, 0, 1, ""));
  PADDOCK_RETURN_IF_ERROR(CheckRange("tail_precision", scenario.tail_precision, 0, 1, ""));
  PADDOCK_RETURN_IF_ERROR(CheckRange("patience_s", scenario.patience_s, 0, 12 * 86'400.0, " seconds"));
  PADDOCK_RETURN_IF_ERROR(CheckRange("target_rate_hz", scenario.target_rate_hz, 0.001, 1e6, " queries/s"));
  PADDOCK_RETURN_IF_ERROR(
      CheckRange("latency_limit_s", scenario.latency_limit_s, 1e-6, kLongestPeriodS, " seconds"));
  PADDOCK_RETURN_IF_ERROR(CheckRange("latency_percentile", scenario.latency_percentile, 0.5, 0.999, ""));
  PADDOCK_RETURN_IF_ERROR(CheckRange("probe_duration_s", scenario.probe_duration_s, 0.01, 3'600, " seconds"));
  PADDOCK_RETURN_IF_ERROR(CheckRange("period_s", scenario.period_s, 1e-6, kLongestPeriodS, " seconds"));
  return CheckRange("deadline_s", scenario.deadline_s, 1e-6, kLongestPeriodS, " seconds");
}

}  // namespace

std::string_view ScenarioKindName(ScenarioKind kind) {
  switch (kind) {
    case ScenarioKind::kSingleStream:
      return "single-stream";
    case ScenarioKind::kMultiStream:
      return "multi-stream";
    case ScenarioKind::kOffline:
      return "offline";
    case ScenarioKind::kServer:
      return "server";
    case ScenarioKind::kPeriodic:
      return "periodic";
  }
  return "";
}

Result<ScenarioKind> ParseScenarioKind(std::string_view name) {
  std::string known;
  for (const auto kind : kScenarioKinds) {
    if (ScenarioKindName(kind) == name) return kind;
    known.append(known.empty() ? "" : ", ").append(ScenarioKindName(kind));
  }
  return InvalidArgumentError("\"" + std::string(name.substr(0, 40)) + "\" is no scenario; known are " +
                              known);
}

bool IsOpenLoop(ScenarioKind kind) {
  return kind == ScenarioKind::kServer || kind == ScenarioKind::kPeriodic;
}

std::optional<double> HeadlinePercentile(ScenarioKind kind) {
  if (kind == ScenarioKind::kOffline) return std::nullopt;
  return kind == ScenarioKind::kSingleStream ? 0.90 : 0.99;
}

double UsualPatienceS(double min_duration_s) { return std::max(10.0, 12 * min_duration_s); }

Status CheckScenario(const Scenario& scenario) {
  PADDOCK_RETURN_IF_ERROR(CheckRanges(scenario));
  if (scenario.min_inferences == 0) return FieldError("min_inferences", "must be at least 1");
  if (scenario.max_duration_s < scenario.min_duration_s) {
    return FieldError("max_duration_s", "is shorter than scenario.min_duration_s");
  }
  const bool server = scenario.kind == ScenarioKind::kServer;
  const bool periodic = scenario.kind == ScenarioKind::kPeriodic;
  const std::string name(ScenarioKindName(scenario.kind));
  if (scenario.samples_per_query > 1 &&
      (server || periodic || scenario.kind == ScenarioKind::kSingleStream)) {
    return FieldError("samples_per_query",
                      name + " has one sample per query; use kind: multi-stream or kind: offline");
  }
  if (!server && scenario.target_rate_hz)
    return FieldError("target_rate_hz", name + " has no rate; use kind: server");
  if (!server && scenario.latency_limit_s)
    return FieldError("latency_limit_s", name + " searches no rate; use kind: server");
  if (server && !scenario.target_rate_hz && !scenario.latency_limit_s) {
    return FieldError("target_rate_hz",
                      "is missing: server needs queries per second, or scenario.latency_limit_s for the "
                      "highest rate that meets it");
  }
  if (server && scenario.target_rate_hz && scenario.latency_limit_s) {
    return FieldError("latency_limit_s",
                      "stands beside scenario.target_rate_hz; give the rate, or the limit that the "
                      "highest rate shall meet");
  }
  if (periodic && !scenario.period_s)
    return FieldError("period_s", "is missing: periodic needs the seconds from one query to the next");
  if (!periodic && scenario.period_s)
    return FieldError("period_s", name + " has no period; use kind: periodic");
  if (!periodic && scenario.deadline_s)
    return FieldError("deadline_s", name + " has no deadline; use kind: periodic");
  return OkStatus();
}

void AddScenarioTerms(const Scenario& scenario, Json& json) {
  json["samples_per_query"] = scenario.samples_per_query;
  json["median_precision"] = scenario.median_precision;
  json["tail_precision"] = scenario.tail_precision;
  json["latency_percentile"] = scenario.latency_percentile;
  json["probe_duration_s"] = scenario.probe_duration_s;
  if (scenario.patience_s) json["patience_s"] = *scenario.patience_s;
  if (scenario.target_rate_hz) json["target_rate_hz"] = *scenario.target_rate_hz;
  if (scenario.latency_limit_s) json["latency_limit_s"] = *scenario.latency_limit_s;
  if (scenario.period_s) json["period_s"] = *scenario.period_s;
  if (scenario.deadline_s) json["deadline_s"] = *scenario.deadline_s;
}

void ReadScenarioTerms(StrictObject& object, Scenario* scenario) {
  object.Optional("samples_per_query", &scenario->samples_per_query);
  object.Optional("median_precision", &scenario->median_precision);
  object.Optional("tail_precision", &scenario->tail_precision);
  object.Optional("latency_percentile", &scenario->latency_percentile);
  object.Optional("probe_duration_s", &scenario->probe_duration_s);
  object.Optional("patience_s", &scenario->patience_s);
  object.Optional("target_rate_hz", &scenario->target_rate_hz);
  object.Optional("latency_limit_s", &scenario->latency_limit_s);
  object.Optional("period_s", &scenario->period_s);
  object.Optional("deadline_s", &scenario->deadline_s);
}

}  // namespace paddock
