// From the files of one part of a submission to windows and accuracies, before any rule is applied. Internal to this folder.
#pragma once

#include "kpi/mlperf_tiny/submission.h"

namespace paddock::mlperf_tiny {

struct PartReading {
  std::string format;
  std::string model;
  std::vector<Window> windows;
  std::optional<double> throughput;  // streaming wake word: from its duty cycle instead of the windows
  bool streaming = false;
  std::string why_missing = "no_log";  // why there are no windows
  KpiReport accuracy;
  Published published;
  std::vector<ImportReason> reasons;  // what reading found; "part" is added to their evidence later
};

Result<PartReading> ReadPart(Part part, const PartFiles& files, const std::vector<SourceFile>& labels);

// One answer of the board to one input.
struct Answer {
  std::string input;
  std::optional<std::size_t> label;  // when the raw data themselves say
  std::vector<double> scores;
  std::string source;  // "accuracy/log.txt:31"
};

// accuracy_top1 and auc by the KPI catalogue. Single scores (anomaly detection) are averaged over the segments of a file, and
// have no accuracy_top1: the benchmark states no threshold. INVALID_ARGUMENT: answers of different lengths, or label files
// that cannot be read.
Result<KpiReport> AccuracyOf(const std::vector<Answer>& answers, const std::vector<SourceFile>& labels);

}  // namespace paddock::mlperf_tiny
