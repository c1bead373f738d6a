#include "kpi/mlperf_tiny/runner_log.h"

#include <charconv>
#include <cmath>

namespace paddock::mlperf_tiny {
namespace {

constexpr std::size_t kMaxScores = 10'000;  // of one inference

std::optional<std::uint64_t> LeadingInteger(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

// "C:\datasets\kws01\a.bin" -> "a.bin"
std::string_view BaseName(std::string_view path) { return path.substr(path.find_last_of("/\\") + 1); }

std::string_view Until(std::string_view text, char end) { return text.substr(0, text.find(end)); }

// Reads a log line by line into sessions.
class LogReader {
 public:
  LogReader(std::string_view source, bool scores) : source_(source), scores_(scores) {}

  Status Read(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      PADDOCK_RETURN_IF_ERROR(ReadLine(TakeLine(text)));
    }
    EndSession();
    return OkStatus();
  }

  RunnerLog Take() { return std::move(log_); }

 private:
  struct OpenLoop {
    InferenceLoop loop;
    std::vector<std::uint64_t> laps;
    bool done = false;
  };

  Status Unreadable(std::string_view what) const {
    return InvalidArgumentError(std::string(source_) + ":" + std::to_string(line_) + ": " +
                                std::string(what));
  }

  Status ReadLine(std::string_view line) {
    if (After(line, "m-session-start") || After(line, "m-sequencer-start")) EndSession();
    if (const auto model = After(line, "m-model-[")) log_.model = Until(*model, ']');
    if (const auto model = After(line, "Device model retrieved: ")) log_.model = *model;  // v1.3
    if (const auto file = After(line, "m-regfile-fn[")) session_.trace_files.emplace_back(Until(*file, ']'));
    ReadInput(line);
    if (const auto count = After(line, "m-infer-start-")) {
      CloseLoop();
      const auto iterations = LeadingInteger(*count);
      if (!iterations) return Unreadable("m-infer-start without a number of inferences");
      open_ = OpenLoop{{*iterations, std::nullopt, false, line_}, {}, false};
    }
    if (const auto lap = After(line, "m-lap-us-"); lap && open_) {
      const auto time_us = LeadingInteger(*lap);
      if (!time_us) return Unreadable("m-lap-us without a time");
      open_->laps.push_back(*time_us);
    }
    if (open_ && After(line, "m-infer-done")) {
      open_->done = true;
      if (open_->laps.size() >= 2) CloseLoop();
    }
    ReadSummary(line);
    return ReadScores(line);
  }

  void ReadInput(std::string_view line) {
    if (const auto load = After(line, "bload")) {
      const auto path = After(*load, "\"");
      if (!path) return;
      input_ = BaseName(Until(*path, '"'));
      input_is_new_ = true;
    } else if (const auto file = After(line, "ulp-mlperf: Loading file ")) {
      input_ = Until(*file, ' ');
      input_is_new_ = true;
    }
  }

  // "# Inferences : 250" and "Runtime: 10.862042 sec." at the beginning of lines: the v1.3 runner's own summary.
  void ReadSummary(std::string_view line) {
    if (line.starts_with("# Inferences :")) summary_inferences_ = LeadingNumber(line.substr(14));
    if (!line.starts_with("Runtime:") || !summary_inferences_) return;
    const auto seconds = LeadingNumber(line.substr(8));
    const double inferences = *std::exchange(summary_inferences_, std::nullopt);
    if (!seconds || !(*seconds > 0) || !(inferences >= 0 && inferences < 1e15)) return;
    session_.loops.push_back({static_cast<std::uint64_t>(inferences), *seconds, false, line_});
  }

  Status ReadScores(std::string_view line) {
    auto list = After(line, "m-results-[");
    if (!list) {
      list = After(line, "m-results    : [");
    }
    if (!list) return OkStatus();
    if (open_) {
      open_->done = true;
      CloseLoop();
    }
    if (!scores_) return OkStatus();
    if (list->find(']') == std::string_view::npos) return Unreadable("m-results without its closing ]");
    InferenceScores result{input_, {}, line_};
    for (std::string_view rest = Until(*list, ']'); !rest.empty();) {
      const std::string_view item = Until(rest, ',');
      rest.remove_prefix(std::min(item.size() + 1, rest.size()));
      if (item.find_first_not_of(" \t") == std::string_view::npos) continue;  // "0.1,0.9," is seen
      const auto score = LeadingNumber(item);
      if (!score)
        return Unreadable("m-results holds '" + std::string(item.substr(0, 40)) + "', not a number");
      if (result.scores.size() == kMaxScores) return Unreadable("m-results holds more than 10000 scores");
      result.scores.push_back(*score);
    }
    if (result.scores.empty()) return Unreadable("m-results without scores");
    // A board that was asked twice about one input has given its last answer.
    if (!input_is_new_ && !input_.empty() && !session_.results.empty()) session_.results.pop_back();
    session_.results.push_back(std::move(result));
    input_is_new_ = false;
    return OkStatus();
  }

  void CloseLoop() {
    if (!open_) return;
    const OpenLoop open = *std::exchange(open_, std::nullopt);
    if (!open.done) {
      ++session_.unfinished_loops;
      return;
    }
    InferenceLoop loop = open.loop;
    if (open.laps.size() >= 2) {
      const std::uint64_t begin_us = open.laps[open.laps.size() - 2];
      const std::uint64_t end_us = open.laps.back();
      loop.clock_backwards = end_us <= begin_us;
      if (!loop.clock_backwards) loop.duration_s = static_cast<double>(end_us - begin_us) / 1e6;
    }
    session_.loops.push_back(loop);
  }

  void EndSession() {
    CloseLoop();
    if (!session_.loops.empty() || !session_.results.empty()) log_.sessions.push_back(std::move(session_));
    session_ = {};
    input_.clear();
    input_is_new_ = true;
    summary_inferences_.reset();
  }

  const std::string_view source_;
  const bool scores_;
  std::size_t line_ = 0;
  RunnerLog log_;
  RunnerSession session_;
  std::optional<OpenLoop> open_;
  std::string input_;
  bool input_is_new_ = true;
  std::optional<double> summary_inferences_;
};

}  // namespace

std::string_view TakeLine(std::string_view& rest) {
  std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) end = rest.find('\r');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<double> LeadingNumber(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::string_view> After(std::string_view line, std::string_view mark) {
  const std::size_t at = line.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  return line.substr(at + mark.size());
}

Result<RunnerLog> ParseRunnerLog(std::string_view text, std::string_view source, bool scores) {
  LogReader reader(source, scores);
  PADDOCK_RETURN_IF_ERROR(reader.Read(text));
  return reader.Take();
}

}  // namespace paddock::mlperf_tiny
