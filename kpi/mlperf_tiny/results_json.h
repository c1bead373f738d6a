// results.json of MLPerf Tiny v1.3: one entry for each input (or one for the streaming wake word) with what the board answered
// and, in energy mode, joules per millisecond. Pure: takes the text. Keys that are not read here are passed over, since
// runners differ; what is read must have its type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock::mlperf_tiny {

struct JsonPower {
  std::uint64_t begin_sample = 0;  // of the last two time stamps, which are sample numbers
  std::uint64_t end_sample = 0;
  double energy_j = 0;  // samples in [begin, end)
};

struct JsonEntry {
  std::string model;                 // by the number of classes: "kws01", "ic01", "vww01", "ad01"; else empty
  std::string input;                 // "file"; empty for the streaming wake word
  std::optional<std::size_t> label;  // "class"
  std::uint64_t iterations = 0;
  std::optional<double> duration_s;  // elapsed_time, else end_time - start_time
  std::vector<double> scores;
  std::optional<JsonPower> power;
  bool has_power = false;          // samples are there, but fewer than two time stamps when `power` is empty
  std::optional<double> stream_s;  // streaming wake word: length of the recording
  std::optional<double>
      processing_s;  // streaming wake word: mean of stop - start over the board's duty cycles
};

struct ResultsJson {
  std::vector<JsonEntry> entries;
  std::vector<std::string> errors;  // entries that hold only {"error": ...}; at most 20
};

inline constexpr double kJsonSamplesPerSecond = 1000;

// INVALID_ARGUMENT with file and line (JSON) or file and entry: what cannot be read. At most 8 million values.
Result<ResultsJson> ParseResultsJson(std::string_view text, std::string_view source);

}  // namespace paddock::mlperf_tiny
