#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "base/strict_json.h"
#include "cli/record_export.h"
#include "kpi/energy.h"

namespace paddock {
namespace {

constexpr int kStageTrack = 1;
constexpr int kInferenceTrack = 2;

// Microseconds with the nanoseconds behind the point. REQUIRES: ns >= 0.
std::string Microseconds(std::int64_t ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::int64_t Nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

// The time that passed before each entry, with the pauses that its offset leaves out; asked in order.
class RealTime {
 public:
  explicit RealTime(const QuerySeries& queries) : queries_(queries), next_(queries.pauses_ns.begin()) {}
  std::int64_t StartOf(std::uint64_t entry) {
    for (; next_ != queries_.pauses_ns.end() && next_->first <= entry; ++next_) paused_ns_ += next_->second;
    return static_cast<std::int64_t>(queries_.start_offset_ns[entry] + paused_ns_);
  }

 private:
  const QuerySeries& queries_;
  std::map<std::uint64_t, std::uint64_t>::const_iterator next_;
  std::uint64_t paused_ns_ = 0;
};

std::uint64_t DurationOf(const QuerySeries& queries, std::uint64_t entry) {
  const std::uint64_t latency = queries.latency_ns[entry];
  if (queries.intended_offset_ns.empty() || entry < queries.warmup_count) return latency;
  const std::uint64_t end = queries.intended_offset_ns[entry] + latency;
  return end > queries.start_offset_ns[entry] ? end - queries.start_offset_ns[entry] : 0;
}

// What a repetition's own record knows of its stages.
std::vector<StageTime> StagesOf(const RepetitionRecord& record) {
  std::vector<StageTime> stages;
  const auto add = [&](const char* stage, std::optional<std::uint64_t> ns) {
    if (ns)
      stages.push_back({stage, record.index, static_cast<double>(*ns) / 1e9, std::nullopt, std::nullopt});
  };
  add(kLoadStage, record.model_load_ns);
  add(kFirstInferenceStage, record.first_inference_ns);
  const QuerySeries& queries = record.queries;
  const bool measured = queries.warmup_count < queries.start_offset_ns.size();
  if (measured) add(kWarmupStage, queries.start_offset_ns[queries.warmup_count]);
  add(kMeasuredStage, record.window_ns);
  return stages;
}

}  // namespace

PerfettoTrace::PerfettoTrace(std::ostream& out, const std::string& name) : out_(out) {
  out_ << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  const auto metadata = [&](const char* what, int track, const std::string& value) {
    Event(fmt::format(R"("ph":"M","name":"{}","pid":1,"tid":{},"args":{{"name":{}}})", what, track,
                      Quoted(value)));
  };
  metadata("process_name", 0, name);
  metadata("thread_name", kStageTrack, "stages");
  metadata("thread_name", kInferenceTrack, "inferences");
}

void PerfettoTrace::Event(const std::string& fields) {
  out_ << (first_ ? "\n{" : ",\n{") << fields << "}";
  first_ = false;
}

void PerfettoTrace::Span(int track, const std::string& name, std::int64_t begin_ns, std::int64_t duration_ns,
                         const std::string& arguments) {
  Event(fmt::format(R"("ph":"X","name":{},"pid":1,"tid":{},"ts":{},"dur":{},"args":{{{}}})", Quoted(name),
                    track, Microseconds(begin_ns), Microseconds(duration_ns), arguments));
}

void PerfettoTrace::AddStage(const StageTime& stage) {
  std::string arguments;
  const auto add = [&](const std::string& text) { arguments += (arguments.empty() ? "" : ",") + text; };
  if (stage.repetition) add(fmt::format("\"repetition\":{}", *stage.repetition));
  if (stage.bytes) add(fmt::format("\"bytes\":{}", *stage.bytes));
  if (stage.energy_j) add(fmt::format("\"energy_j\":{}", *stage.energy_j));
  const std::int64_t duration_ns = std::max<std::int64_t>(Nanoseconds(stage.seconds), 0);
  Span(kStageTrack, stage.stage, now_ns_, duration_ns, arguments);
  now_ns_ += duration_ns;
}

void PerfettoTrace::AddRepetition(const RepetitionRecord& record, const std::vector<StageTime>& stages) {
  const bool modelled = record.clock != RepetitionRecord().clock;
  const std::vector<StageTime> shown = modelled || stages.empty() ? StagesOf(record) : stages;
  std::optional<std::int64_t> warmup_ns;
  for (const StageTime& stage : shown) {
    const bool begins = stage.stage == kWarmupStage || stage.stage == kMeasuredStage;
    if (begins && !warmup_ns) warmup_ns = now_ns_;
    AddStage(stage);
  }
  AddQueries(record, warmup_ns.value_or(now_ns_));
}

void PerfettoTrace::AddQueries(const RepetitionRecord& record, std::int64_t begin_ns) {
  const QuerySeries& queries = record.queries;
  RealTime time(queries);
  std::int64_t window_begin_ns = begin_ns;
  std::int64_t end_ns = begin_ns;
  for (std::uint64_t i = 0; i < queries.latency_ns.size(); ++i) {
    const std::int64_t start_ns = begin_ns + time.StartOf(i);
    const auto duration_ns = static_cast<std::int64_t>(DurationOf(queries, i));
    const bool warmup = i < queries.warmup_count;
    if (i == queries.warmup_count) window_begin_ns = start_ns;
    std::string arguments = fmt::format("\"index\":{},\"samples\":{}", i, queries.SamplesOf(i));
    if (!warmup && !queries.intended_offset_ns.empty()) {
      arguments +=
          fmt::format(",\"latency_ns\":{},\"late_ns\":{}", queries.latency_ns[i], queries.PacerLatenessNs(i));
    }
    Span(kInferenceTrack, warmup ? "warm-up" : "inference", start_ns, duration_ns, arguments);
    end_ns = start_ns + duration_ns;
  }
  if (record.power) {
    // A sampler on the device has a window of its own, after the measured one, and so has what edges mark.
    AddPower(record, record.energy_window || !record.edge_windows.empty() ? end_ns : window_begin_ns);
  }
  now_ns_ = std::max(now_ns_, end_ns);
}

void PerfettoTrace::AddPower(const RepetitionRecord& record, std::int64_t begin_ns) {
  const PowerTrace& power = *record.power;
  const std::optional<TimeSpan>& begin = record.edge_windows.empty() ? power.window : power.idle_before;
  if (!begin) return;
  for (std::size_t i = 0; i < power.value.size(); ++i) {
    const std::int64_t at_ns = begin_ns + power.at_ns[i] - begin->begin_ns;
    if (at_ns < 0) continue;
    double watts = static_cast<double>(power.value[i]) / 1e6;
    if (power.meter.kind == MeterKind::kCounter) {
      if (i == 0 || power.at_ns[i] == power.at_ns[i - 1]) continue;
      const auto step_uj = CounterStep(power.value[i - 1], power.value[i], power.meter.counter_range_uj);
      if (!step_uj.ok()) continue;
      watts = static_cast<double>(*step_uj) * 1e3 / static_cast<double>(power.at_ns[i] - power.at_ns[i - 1]);
    }
    Event(fmt::format(R"("ph":"C","name":"power","pid":1,"ts":{},"args":{{"W":{}}})", Microseconds(at_ns),
                      watts));
  }
}

void PerfettoTrace::Finish() { out_ << "\n]}\n"; }

}  // namespace paddock
