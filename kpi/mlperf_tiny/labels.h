// The right answers of MLPerf Tiny's accuracy runs: y_labels.csv of the runner's data sets ("a.bin,12,7": file, classes, class;
// more columns may follow), and for two benchmarks the names of the inputs themselves. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace paddock::mlperf_tiny {

using LabelTable = std::map<std::string, std::size_t, std::less<>>;

// INVALID_ARGUMENT with file and line: a row without three columns, a class that is no number, one file with two classes.
Result<LabelTable> ParseLabels(std::string_view csv, std::string_view source);

// "tst_000000_Stop_7.bin" -> 7 (keyword spotting), "anomaly_id_01_00000003_hist_librosa.bin" -> 1 and "normal_..." -> 0
// (anomaly detection); empty for every other name.
std::optional<std::size_t> LabelInName(std::string_view name);

}  // namespace paddock::mlperf_tiny
