// A published MLPerf Tiny result (v0.5 to v1.3) computed again from its raw data, with a verdict by the benchmark's rules
// (MLPerfTiny_Rules.adoc v1.2): performance and energy take exactly five loops of at least 10 s and 10 inferences each and
// report the median; the streaming wake word takes one. Pure: the files' contents are given, nothing is opened.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/strict_json.h"
#include "kpi/catalog.h"
#include "kpi/mlperf_tiny/published.h"
#include "kpi/verdict.h"

namespace paddock::mlperf_tiny {

struct SourceFile {
  std::string name;  // in errors and evidence: "energy/log.txt"
  std::string_view bytes;
};

struct TraceFiles {
  SourceFile samples;
  SourceFile timestamps;
};

// What lies in `performance`, `energy` or `accuracy`; any of it may be missing.
struct PartFiles {
  std::optional<SourceFile> log;           // log.txt
  std::optional<SourceFile> published;     // results.txt
  std::optional<SourceFile> results_json;  // results.json (v1.3); goes before the log
  std::vector<TraceFiles> traces;          // trace1-energy.bin with trace1-timestamps.json, ... in order
};

enum class Part { kPerformance, kEnergy, kAccuracy };
std::string_view PartName(Part part);  // "performance", "energy", "accuracy"

struct TaskFiles {
  std::map<Part, PartFiles> parts;
  // y_labels.csv, best first: the first that knows every input is taken.
  std::vector<SourceFile> labels;
};

struct Window {
  std::optional<std::uint64_t> iterations;
  double duration_s = 0;
  std::optional<double> energy_j;
  std::optional<double> power_w;
  std::string source;  // "performance/log.txt:29"

  std::optional<double> throughput() const;  // inferences a second
  std::optional<double> energy_per_inference_j() const;
};

struct ImportReason {
  Verdict verdict = Verdict::kValid;  // kValid: only informs
  std::string code;
  std::string detail;
  Json evidence;  // an object: the figures behind it and their file
};

struct PartResult {
  Part part = Part::kPerformance;
  std::string format;  // "v0.5-v1.2", "v1.3"; empty when nothing was readable
  std::vector<Window> windows;
  KpiReport kpis;
  Published published;
  Verdict verdict = Verdict::kValid;
  std::vector<ImportReason> reasons;
};

struct TaskResult {
  std::string model;              // "kws01"; empty when no file says
  std::vector<PartResult> parts;  // in the order of Part
  // Over the parts. Throughput is the performance run's, and the energy run's only without one.
  KpiReport kpis;
  Verdict verdict = Verdict::kValid;
};

// INVALID_ARGUMENT names file and line of what cannot be read. A file that is not there is no error: the KPIs that need it
// are in `missing`.
Result<TaskResult> ImportTask(const TaskFiles& files);

}  // namespace paddock::mlperf_tiny
