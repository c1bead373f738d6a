#include "kpi/mlperf_tiny/part_readers.h"

#include <algorithm>

#include "kpi/mlperf_tiny/energy_trace.h"
#include "kpi/mlperf_tiny/results_json.h"
#include "kpi/mlperf_tiny/runner_log.h"

namespace paddock::mlperf_tiny {
namespace {

std::string At(const SourceFile& file, std::size_t line) { return file.name + ":" + std::to_string(line); }

// The last session that holds what the part is about; null when none does. Says so when there was a choice.
const RunnerSession* ChooseSession(const RunnerLog& log, const SourceFile& file, bool results,
                                   PartReading& reading) {
  const RunnerSession* chosen = nullptr;
  std::size_t candidates = 0;
  for (const RunnerSession& session : log.sessions) {
    if (results ? session.results.empty() : session.loops.empty()) continue;
    chosen = &session;
    ++candidates;
  }
  if (candidates > 1) {
    reading.reasons.push_back({Verdict::kValid,
                               "SEVERAL_RUNS",
                               std::to_string(candidates) + " runs in one log; the last one counts",
                               {{"runs", candidates}, {"source", file.name}}});
  }
  if (chosen != nullptr && chosen->unfinished_loops > 0) {
    reading.reasons.push_back(
        {Verdict::kValid,
         "UNFINISHED_LOOP",
         std::to_string(chosen->unfinished_loops) + " loops began and did not end; they do not count",
         {{"loops", chosen->unfinished_loops}, {"source", file.name}}});
  }
  return chosen;
}

void AddTimedWindows(const RunnerSession& session, const SourceFile& file, PartReading& reading) {
  for (const InferenceLoop& loop : session.loops) {
    if (loop.duration_s) {
      reading.windows.push_back(
          {loop.iterations, *loop.duration_s, std::nullopt, std::nullopt, At(file, loop.line)});
      continue;
    }
    reading.why_missing = "no_laps";
    reading.reasons.push_back(
        {Verdict::kInvalid,
         loop.clock_backwards ? "CLOCK_BACKWARDS" : "NO_LAPS",
         "the loop at " + At(file, loop.line) +
             (loop.clock_backwards ? " ends before it begins" : " has no two m-lap-us messages"),
         {{"source", At(file, loop.line)}}});
  }
}

// Inferences of window `i` of `count`: by its loop when there are as many, else what all loops agree on, else as published.
std::optional<std::uint64_t> IterationsOf(std::size_t i, std::size_t count, const RunnerSession* session,
                                          const Published& published) {
  if (session != nullptr && !session->loops.empty()) {
    const auto& loops = session->loops;
    if (loops.size() == count) return loops[i].iterations;
    const bool agree = std::all_of(loops.begin(), loops.end(), [&](const InferenceLoop& loop) {
      return loop.iterations == loops.front().iterations;
    });
    if (agree) return loops.front().iterations;
  }
  if (published.inferences.size() == count) return published.inferences[i];
  return std::nullopt;
}

// The traces that the run registered, when it did and they are there; else all.
std::vector<TraceFiles> TracesOf(const PartFiles& files, const RunnerSession* session) {
  std::vector<TraceFiles> registered;
  for (const TraceFiles& trace : files.traces) {
    const std::string base = trace.samples.name.substr(trace.samples.name.rfind('/') + 1);
    if (session != nullptr && std::find(session->trace_files.begin(), session->trace_files.end(), base) !=
                                  session->trace_files.end()) {
      registered.push_back(trace);
    }
  }
  return registered.empty() ? files.traces : registered;
}

Status AddPoweredWindows(const PartFiles& files, const RunnerSession* session, PartReading& reading) {
  if (files.traces.empty()) {
    reading.why_missing = "no_trace";
    return OkStatus();
  }
  reading.why_missing = "no_time_stamps";
  for (const TraceFiles& trace : TracesOf(files, session)) {
    PADDOCK_ASSIGN_OR_RETURN(const EnergyTrace parsed,
                             ParseEnergyTrace(trace.samples.bytes, trace.samples.name, trace.timestamps.bytes,
                                              trace.timestamps.name));
    for (const PoweredWindow& window : PoweredWindows(parsed)) {
      if (window.outside_trace) {
        reading.reasons.push_back(
            {Verdict::kInvalid,
             "WINDOW_OUTSIDE_TRACE",
             "window " + std::to_string(reading.windows.size() + 1) + " ends after the trace",
             {{"window_end_s", window.end_s}, {"source", trace.samples.name}}});
      }
      Window& added = reading.windows.emplace_back();
      added.duration_s = window.end_s - window.begin_s;
      added.source = trace.timestamps.name;
      if (window.samples == 0) continue;  // what was not sampled has no energy, rather than none
      added.energy_j = window.energy_j;
      added.power_w = window.power_w;
    }
  }
  // Stamps of another clock or unit than the trace's: not even their distances mean anything.
  if (std::none_of(reading.windows.begin(), reading.windows.end(),
                   [](const Window& window) { return window.energy_j.has_value(); }) &&
      !reading.windows.empty()) {
    reading.windows.clear();
    reading.why_missing = "outside_trace";
  }
  for (std::size_t i = 0; i < reading.windows.size(); ++i)
    reading.windows[i].iterations = IterationsOf(i, reading.windows.size(), session, reading.published);
  return OkStatus();
}

Status ReadOldPart(Part part, const PartFiles& files, const std::vector<SourceFile>& labels,
                   PartReading& reading) {
  RunnerLog log;
  if (files.log) {
    PADDOCK_ASSIGN_OR_RETURN(log, ParseRunnerLog(files.log->bytes, files.log->name, part == Part::kAccuracy));
    reading.model = log.model;
    if (!log.sessions.empty()) reading.format = "v0.5-v1.2";
    if (log.sessions.empty()) reading.why_missing = "no_loops";
  }
  const RunnerSession* session =
      files.log ? ChooseSession(log, *files.log, part == Part::kAccuracy, reading) : nullptr;
  if (part == Part::kEnergy) {
    if (!files.traces.empty()) reading.format = "v0.5-v1.2";
    return AddPoweredWindows(files, session, reading);
  }
  if (part == Part::kPerformance) {
    if (session != nullptr) AddTimedWindows(*session, *files.log, reading);
    return OkStatus();
  }
  std::vector<Answer> answers;
  if (session != nullptr) {
    for (const InferenceScores& result : session->results)
      answers.push_back({result.input, std::nullopt, result.scores, At(*files.log, result.line)});
  }
  PADDOCK_ASSIGN_OR_RETURN(reading.accuracy, AccuracyOf(answers, labels));
  return OkStatus();
}

void AddJsonWindow(Part part, const JsonEntry& entry, const std::string& source, PartReading& reading) {
  Window window{entry.iterations, 0, std::nullopt, std::nullopt, source};
  if (part == Part::kEnergy) {
    if (!entry.power) {
      reading.why_missing = entry.has_power ? "no_time_stamps" : "no_trace";
      return;
    }
    window.duration_s =
        static_cast<double>(entry.power->end_sample - entry.power->begin_sample) / kJsonSamplesPerSecond;
    window.energy_j = entry.power->energy_j;
    if (window.duration_s > 0) window.power_w = entry.power->energy_j / window.duration_s;
  } else {
    const auto duration_s = reading.streaming ? entry.stream_s : entry.duration_s;
    if (!duration_s) {
      reading.why_missing = "no_elapsed_time";
      return;
    }
    window.duration_s = *duration_s;
  }
  reading.windows.push_back(std::move(window));
}

Status ReadJsonPart(Part part, const PartFiles& files, const std::vector<SourceFile>& labels,
                    PartReading& reading) {
  const SourceFile& file = *files.results_json;
  PADDOCK_ASSIGN_OR_RETURN(const ResultsJson results, ParseResultsJson(file.bytes, file.name));
  reading.format = "v1.3";
  reading.why_missing = "no_loops";
  if (files.log) {
    if (const auto model = After(files.log->bytes, "Device model retrieved: "))
      reading.model = model->substr(0, model->find_first_of("\r\n"));
  }
  for (const std::string& error : results.errors) reading.published.errors.push_back(error);
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < results.entries.size(); ++i) {
    const JsonEntry& entry = results.entries[i];
    const std::string source = file.name + ", entry " + std::to_string(i);
    if (reading.model.empty()) reading.model = entry.model;
    if (entry.stream_s) reading.streaming = true;
    if (entry.processing_s && *entry.processing_s > 0) reading.throughput = 1 / *entry.processing_s;
    if (part != Part::kAccuracy) AddJsonWindow(part, entry, source, reading);
    if (part == Part::kAccuracy && !entry.scores.empty())
      answers.push_back({entry.input, entry.label, entry.scores, source});
  }
  if (reading.streaming && reading.model.empty()) reading.model = "sww01";
  if (part == Part::kAccuracy) {
    PADDOCK_ASSIGN_OR_RETURN(reading.accuracy, AccuracyOf(answers, labels));
  }
  return OkStatus();
}

}  // namespace

Result<PartReading> ReadPart(Part part, const PartFiles& files, const std::vector<SourceFile>& labels) {
  PartReading reading;
  if (files.published) {
    reading.published = ParsePublished(files.published->bytes);
  } else if (files.log) {
    reading.published = ParsePublished(files.log->bytes);
  }
  if (files.results_json) {
    PADDOCK_RETURN_IF_ERROR(ReadJsonPart(part, files, labels, reading));
  } else {
    PADDOCK_RETURN_IF_ERROR(ReadOldPart(part, files, labels, reading));
  }
  for (const std::string& error : reading.published.errors) {
    reading.reasons.push_back({Verdict::kValid,
                               "RUNNER_ERROR",
                               "the runner printed: " + error,
                               {{"source", files.published      ? files.published->name
                                           : files.results_json ? files.results_json->name
                                                                : files.log->name}}});
  }
  return reading;
}

}  // namespace paddock::mlperf_tiny
