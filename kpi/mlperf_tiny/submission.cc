#include "kpi/mlperf_tiny/submission.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/strict_json.h"
#include "kpi/mlperf_tiny/part_readers.h"

namespace paddock::mlperf_tiny {
namespace {

constexpr std::size_t kWindows = 5;
constexpr double kMinSeconds = 10;
constexpr std::uint64_t kMinIterations = 10;
constexpr double kRounding = 1e-9;  // of a difference between two decimal time stamps

void Add(PartResult& part, Verdict verdict, std::string code, std::string detail, Json evidence) {
  part.verdict = std::max(part.verdict, verdict);
  evidence["part"] = PartName(part.part);
  part.reasons.push_back({verdict, std::move(code), std::move(detail), std::move(evidence)});
}

std::string Decimal(double value, int decimals) {
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

void JudgeWindows(const PartReading& reading, PartResult& part) {
  const std::size_t wanted = reading.streaming ? 1 : kWindows;
  if (part.windows.empty()) {
    // Data that were not kept break no rule, but nothing can be said without them.
    const bool has_data = reading.why_missing != "no_log" && reading.why_missing != "no_trace";
    Add(part, has_data ? Verdict::kInvalid : Verdict::kInconclusive, "NO_WINDOWS",
        "there is no finished loop of inferences in the raw data",
        {{"needed", wanted}, {"why", reading.why_missing}});
    return;
  }
  if (part.windows.size() != wanted) {
    Add(part, Verdict::kInvalid, "WINDOW_COUNT",
        std::to_string(part.windows.size()) + " windows; exactly " + std::to_string(wanted) + " are needed",
        {{"windows", part.windows.size()}, {"needed", wanted}});
  }
  for (std::size_t i = 0; i < part.windows.size(); ++i) {
    const Window& window = part.windows[i];
    const std::string who = "window " + std::to_string(i + 1);
    if (window.duration_s < kMinSeconds - kRounding) {
      Add(part, Verdict::kInvalid, "SHORT_WINDOW",
          who + " lasted " + Decimal(window.duration_s, 3) + " s; at least 10 s are needed",
          {{"window", i + 1},
           {"duration_s", window.duration_s},
           {"needed_s", kMinSeconds},
           {"source", window.source}});
    }
    if (!reading.streaming && window.iterations && *window.iterations < kMinIterations) {
      Add(part, Verdict::kInvalid, "FEW_ITERATIONS",
          who + " has " + std::to_string(*window.iterations) + " inferences; at least 10 are needed",
          {{"window", i + 1},
           {"iterations", *window.iterations},
           {"needed", kMinIterations},
           {"source", window.source}});
    }
    if (!window.iterations) {
      Add(part, Verdict::kInvalid, "UNKNOWN_ITERATIONS", who + ": no file says how many inferences it holds",
          {{"window", i + 1}, {"source", window.source}});
    }
  }
}

struct PublishedKpi {
  const char* kpi;
  const std::optional<PublishedFigure> Published::*figure;
  double factor;  // from the KPI's unit to the printed one
};
constexpr std::array kPublishedKpis{
    PublishedKpi{"throughput", &Published::throughput, 1},
    PublishedKpi{"energy_per_inference", &Published::energy_uj, 1e6},
    PublishedKpi{"accuracy_top1", &Published::top1_percent, 100},
    PublishedKpi{"auc", &Published::auc, 1},
};

void ComparePublished(PartResult& part) {
  for (const PublishedKpi& row : kPublishedKpis) {
    const auto& figure = part.published.*row.figure;
    const auto found = part.kpis.values.find(row.kpi);
    if (!figure || found == part.kpis.values.end()) continue;
    const double ours = found->second.value * row.factor;
    const double half_digit = 0.5 * std::pow(10, -figure->decimals);
    if (std::abs(ours - figure->value) <= half_digit * (1 + 1e-6)) continue;
    Add(part, Verdict::kValid, "PUBLISHED_DIFFERS",
        std::string(row.kpi) + " was published as " + Decimal(figure->value, figure->decimals) +
            "; the raw data give " + Decimal(ours, figure->decimals + 1),
        {{"kpi", row.kpi}, {"published", figure->value}, {"recomputed", ours}});
  }
}

// MLPerfTiny_Rules.adoc, quality targets of the closed division; the open division has none, so that they only inform.
struct QualityTarget {
  const char* model;  // how its name begins
  const char* kpi;
  double target;
};
constexpr std::array kQualityTargets{
    QualityTarget{"kws", "accuracy_top1", 0.90},
    QualityTarget{"vww", "accuracy_top1", 0.80},
    QualityTarget{"ic", "accuracy_top1", 0.85},
    QualityTarget{"ad", "auc", 0.85},
};

void CheckQuality(const std::string& model, PartResult& part) {
  for (const QualityTarget& row : kQualityTargets) {
    const auto found = part.kpis.values.find(row.kpi);
    if (!model.starts_with(row.model) || found == part.kpis.values.end()) continue;
    if (found->second.value >= row.target - kRounding) continue;
    Add(part, Verdict::kValid, "BELOW_QUALITY_TARGET",
        std::string(row.kpi) + " of " + Decimal(found->second.value, 4) + " is below the closed division's " +
            Decimal(row.target, 2),
        {{"kpi", row.kpi}, {"value", found->second.value}, {"target", row.target}});
  }
}

// The median over the windows that have the figure; all must.
template <typename Figure>
void AddMedian(PartResult& part, const std::string& why_missing, const char* kpi, Figure figure) {
  std::vector<double> values;
  for (const Window& window : part.windows) {
    const std::optional<double> value = figure(window);
    if (value) values.push_back(*value);
  }
  if (values.empty() || values.size() != part.windows.size()) {
    part.kpis.missing[kpi] = part.windows.empty() ? why_missing : "not_measured";
    return;
  }
  part.kpis.values[kpi] = {Median(values), MedianInterval(values)};
}

void AddKpis(const PartReading& reading, PartResult& part) {
  const std::string& why = reading.why_missing;
  if (part.part == Part::kAccuracy) {
    part.kpis = reading.accuracy;
    return;
  }
  if (reading.throughput) {
    part.kpis.values["throughput"] = {*reading.throughput, std::nullopt};
  } else {
    AddMedian(part, why, "throughput", [](const Window& window) { return window.throughput(); });
  }
  if (part.part != Part::kEnergy) return;
  AddMedian(part, why, "energy_per_inference",
            [](const Window& window) { return window.energy_per_inference_j(); });
  AddMedian(part, why, "power_mean", [](const Window& window) { return window.power_w; });
}

// `alone`: the task has no other part, so that without an accuracy there is nothing.
PartResult JudgePart(Part which, PartReading reading, const std::string& model, bool alone) {
  PartResult part;
  part.part = which;
  part.format = reading.format;
  part.windows = std::move(reading.windows);
  part.published = std::move(reading.published);
  for (ImportReason& reason : reading.reasons)
    Add(part, reason.verdict, std::move(reason.code), std::move(reason.detail), std::move(reason.evidence));
  AddKpis(reading, part);
  if (which == Part::kAccuracy) {
    CheckQuality(model, part);
    if (part.kpis.values.empty())
      Add(part, alone ? Verdict::kInconclusive : Verdict::kValid, "NO_ACCURACY",
          "no accuracy could be computed", {{"missing", part.kpis.missing}});
  } else {
    JudgeWindows(reading, part);
  }
  ComparePublished(part);
  return part;
}

void Merge(const PartResult& part, KpiReport& all) {
  for (const auto& [kpi, value] : part.kpis.values) {
    all.values.emplace(kpi, value);
    all.missing.erase(kpi);
  }
  for (const auto& [kpi, why] : part.kpis.missing) {
    if (all.values.contains(kpi)) continue;
    std::string& known = all.missing[kpi];
    if (known.empty() || known.ends_with("_run")) known = why;
  }
}

}  // namespace

std::string_view PartName(Part part) {
  switch (part) {
    case Part::kPerformance:
      return "performance";
    case Part::kEnergy:
      return "energy";
    case Part::kAccuracy:
      break;
  }
  return "accuracy";
}

std::optional<double> Window::throughput() const {
  if (!iterations || !(duration_s > 0)) return std::nullopt;
  return static_cast<double>(*iterations) / duration_s;
}

std::optional<double> Window::energy_per_inference_j() const {
  if (!iterations || *iterations == 0 || !energy_j) return std::nullopt;
  return *energy_j / static_cast<double>(*iterations);
}

Result<TaskResult> ImportTask(const TaskFiles& files) {
  TaskResult task;
  task.kpis.missing = {{"throughput", "no_performance_run"},
                       {"energy_per_inference", "no_energy_run"},
                       {"power_mean", "no_energy_run"},
                       {"accuracy_top1", "no_accuracy_run"},
                       {"auc", "no_accuracy_run"}};
  std::map<Part, PartReading> readings;
  for (const auto& [part, part_files] : files.parts) {
    PADDOCK_ASSIGN_OR_RETURN(PartReading reading, ReadPart(part, part_files, files.labels));
    if (task.model.empty()) task.model = reading.model;
    readings.emplace(part, std::move(reading));
  }
  for (auto& entry : readings) {
    task.parts.push_back(JudgePart(entry.first, std::move(entry.second), task.model, readings.size() == 1));
    Merge(task.parts.back(), task.kpis);
    task.verdict = std::max(task.verdict, task.parts.back().verdict);
  }
  return task;
}

}  // namespace paddock::mlperf_tiny
