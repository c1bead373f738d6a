// Raw measurements in the formats of other tools. All write as they go: memory is bounded by one record.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/status.h"
#include "kpi/latency_histogram.h"
#include "kpi/run_record.h"
#include "kpi/stage_time.h"

namespace paddock {

// A repetition's histogram and the span that it covers.
struct HistogramSpan {
  std::uint32_t repetition = 0;
  LatencyHistogram histogram;
  double seconds = 0;
};
// HdrHistogram's log, version 1.3, one interval a repetition, that HistogramLogProcessor and the readers in other languages
// take; maxima are in milliseconds, as there. `end_wall_ms` is the end of the last interval. `about` goes into comments.
// INVALID_ARGUMENT: a histogram is damaged.
Status WriteHdrLog(const std::vector<HistogramSpan>& spans, std::int64_t end_wall_ms,
                   const std::string& about, std::ostream& out);

// repetition, index, warmup (0 or 1), start_ns, intended_ns (empty in closed loops), latency_ns, samples: a line per query,
// or per block of them.
void WriteQueriesHeader(std::ostream& out);
void WriteQueries(const RepetitionRecord& record, std::ostream& out);

// One JSON object with everything that the record holds, arrays in full.
void WriteRecordJson(const RepetitionRecord& record, std::ostream& out);

// A trace for ui.perfetto.dev (Chrome's JSON format): the run's stages, each repetition's inferences and its power in watts
// as tracks. The repetitions follow each other; what passed between them is not known and not shown.
class PerfettoTrace {
 public:
  // `out` must outlive the trace. `name`: of the run.
  PerfettoTrace(std::ostream& out, const std::string& name);
  // `stages`: those of the repetition; the times of a device that is modelled come from the record instead.
  void AddRepetition(const RepetitionRecord& record, const std::vector<StageTime>& stages);
  // A stage that is of no repetition, after all that was added before.
  void AddStage(const StageTime& stage);
  // The end of the document. Nothing may be added afterwards.
  void Finish();

 private:
  void Event(const std::string& fields);
  void Span(int track, const std::string& name, std::int64_t begin_ns, std::int64_t duration_ns,
            const std::string& arguments);
  void AddQueries(const RepetitionRecord& record, std::int64_t begin_ns);
  void AddPower(const RepetitionRecord& record, std::int64_t begin_ns);

  std::ostream& out_;
  bool first_ = true;
  std::int64_t now_ns_ = 0;  // where the next stage begins
};

}  // namespace paddock
