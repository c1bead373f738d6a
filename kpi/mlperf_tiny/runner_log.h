// What the EEMBC runner of MLPerf Tiny v0.5 to v1.2 wrote down while it drove a board (log.txt), and what the runner of v1.3
// repeats of its results.json in its own log. Pure: takes the text. A line may begin with a time stamp and a speaker
// ("00032.712 io: [dut]: "), an echo of the command ("timestamp%") or anything else a board printed, so messages are found
// by their marks ("m-lap-us-") wherever they stand; lines end with LF, CRLF or, in a file without LF, CR.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock::mlperf_tiny {

// One timed (performance) or powered (energy) loop of inferences.
struct InferenceLoop {
  std::uint64_t iterations = 0;
  std::optional<double> duration_s;  // between the last two laps; empty in energy mode, which has no laps
  bool clock_backwards = false;      // the second lap is not after the first
  std::size_t line = 0;              // of m-infer-start
};

struct InferenceScores {
  std::string input;  // name of the file loaded last, without its folder; empty when none was
  std::vector<double> scores;
  std::size_t line = 0;
};

// From one m-session-start to the next.
struct RunnerSession {
  std::vector<InferenceLoop> loops;
  std::vector<InferenceScores> results;
  std::vector<std::string> trace_files;  // m-regfile-fn[...]
  std::size_t unfinished_loops = 0;      // without m-infer-done
};

struct RunnerLog {
  std::vector<RunnerSession> sessions;  // those with at least one loop or result, in the order of the file
  std::string model;                    // "kws01"; empty when the log does not say
};

// `source` names the file in errors. INVALID_ARGUMENT with file and line: a number or a list of scores that cannot be read.
// Without `scores` the answers of the board are passed over, whatever they look like.
Result<RunnerLog> ParseRunnerLog(std::string_view text, std::string_view source, bool scores = true);

// What follows is shared with the other parsers of this folder.

// Takes the first line off `rest`, without its end.
std::string_view TakeLine(std::string_view& rest);
// The number at the beginning of `text` after blanks; empty when there is none.
std::optional<double> LeadingNumber(std::string_view text);
// What stands after the first `mark`; empty when it is not there.
std::optional<std::string_view> After(std::string_view line, std::string_view mark);

}  // namespace paddock::mlperf_tiny
