// `result show` with --distribution, --layers or --transcript, and the exports of raw measurements.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/ecdf_plot.h"
#include "cli/evidence_download.h"
#include "cli/layer_table.h"
#include "cli/result_table.h"

namespace paddock {
namespace {

std::vector<LatencyHistogram> HistogramsOf(const std::vector<HistogramSpan>& spans) {
  std::vector<LatencyHistogram> histograms;
  for (const HistogramSpan& span : spans) histograms.push_back(span.histogram);
  return histograms;
}

std::uint32_t LargestBlock(const std::vector<HistogramSpan>& spans) {
  std::uint32_t largest = 1;
  for (const HistogramSpan& span : spans) largest = std::max(largest, span.histogram.invocations_per_value);
  return largest;
}

OrderedJson DistributionDocument(const v1::RunResult& result, const std::vector<HistogramSpan>& spans,
                                 const Histogram& merged) {
  OrderedJson repetitions = OrderedJson::array();
  for (const HistogramSpan& span : spans) {
    repetitions.push_back({{"repetition", span.repetition},
                           {"seconds", span.seconds},
                           {"invocations_per_value", span.histogram.invocations_per_value},
                           {"hdr_histogram", Base64Encode(span.histogram.encoded)}});
  }
  OrderedJson percentiles = OrderedJson::object();
  for (const auto& row : PercentileTable(merged, LargestBlock(spans), true).rows)
    percentiles[row[0]] = row[1].empty() ? OrderedJson(nullptr) : OrderedJson::parse(row[1]);
  return {{"schema_version", 1},
          {"run", result.run_id()},
          {"verdict", VerdictOrState(result)},
          {"unit", "s"},
          {"count", merged.total_count()},
          {"percentiles", std::move(percentiles)},
          {"repetitions", std::move(repetitions)}};
}

OrderedJson LayersDocument(const v1::RunResult& result, const RepetitionRecord& record) {
  OrderedJson layers = OrderedJson::array();
  for (std::size_t i = 0; i < record.network->layers.size(); ++i) {
    const LayerFacts& layer = record.network->layers[i];
    OrderedJson row = {{"layer", layer.name},
                       {"operators", layer.operators},
                       {"multiply_accumulates", layer.multiply_accumulates},
                       {"bytes", layer.bytes}};
    if (i < record.layer_counts.size()) row["count"] = record.layer_counts[i];
    layers.push_back(std::move(row));
  }
  OrderedJson document = {{"schema_version", 1},
                          {"run", result.run_id()},
                          {"verdict", VerdictOrState(result)},
                          {"network", record.network->name},
                          {"target", record.network->target},
                          {"layers", std::move(layers)}};
  if (!record.layer_unit.empty()) document["unit"] = record.layer_unit;
  return document;
}

std::string About(const v1::RunResult& result) {
  return Printable("Run: " + result.run_id() + " of job " + result.job_id() + ", device " + result.device() +
                   ", variant " + result.variant() + ", " + VerdictOrState(result) +
                   "; latencies in nanoseconds after the warm-up");
}

std::vector<StageTime> StagesOf(const v1::RunResult& result, std::optional<std::uint32_t> repetition) {
  std::vector<StageTime> stages;
  for (const v1::StageTime& stage : result.waterfall()) {
    const auto of = stage.has_repetition() ? std::optional(stage.repetition()) : std::nullopt;
    if (of != repetition) continue;
    stages.push_back({stage.stage(), of, stage.seconds(),
                      stage.has_bytes() ? std::optional(stage.bytes()) : std::nullopt,
                      stage.has_energy_j() ? std::optional(stage.energy_j()) : std::nullopt});
  }
  return stages;
}

// The records one after the other: only one is in memory.
Status WriteRecords(Connection& connection, const v1::RunResult& result, const std::string& format,
                    std::ostream& out) {
  std::optional<PerfettoTrace> trace;
  if (format == "perfetto") {
    trace.emplace(out, result.run_id() + " on " + result.device() + ", " + result.variant());
    for (const StageTime& stage : StagesOf(result, std::nullopt)) {
      if (stage.stage != kUploadStage && stage.stage != kEvaluateStage) trace->AddStage(stage);
    }
  } else if (format == "csv") {
    WriteQueriesHeader(out);
  } else {
    std::string head = Text(RunDocument(result));
    out << R"({"schema_version":1,"run":)"
        << RunDocument(result).dump(-1, ' ', false, OrderedJson::error_handler_t::replace)
        << R"(,"records":[)";
  }
  bool first = true;
  for (const v1::RepetitionInfo& repetition : result.repetitions()) {
    PADDOCK_ASSIGN_OR_RETURN(const RepetitionRecord record,
                             FetchRecord(connection, result.run_id(), repetition.index()));
    if (trace) {
      trace->AddRepetition(record, StagesOf(result, repetition.index()));
    } else if (format == "csv") {
      WriteQueries(record, out);
    } else {
      out << (first ? "\n" : ",\n");
      WriteRecordJson(record, out);
    }
    first = false;
  }
  if (trace) {
    for (const StageTime& stage : StagesOf(result, std::nullopt)) {
      if (stage.stage == kUploadStage || stage.stage == kEvaluateStage) trace->AddStage(stage);
    }
    trace->Finish();
  } else if (format == "json") {
    out << "]}\n";
  }
  return OkStatus();
}

Status WriteRaw(Connection& connection, const v1::RunResult& result, const std::string& format,
                std::ostream& out) {
  if (format != "hdr") return WriteRecords(connection, result, format, out);
  PADDOCK_ASSIGN_OR_RETURN(const auto spans, FetchHistograms(connection, result, std::nullopt));
  return WriteHdrLog(spans, result.finished_wall_ms(), About(result), out);
}

}  // namespace

int ShowDistribution(const Globals& globals, const std::string& run_id,
                     std::optional<std::uint32_t> repetition) {
  Connection connection(globals.server);
  const auto result = FetchResult(connection, run_id);
  if (!result.ok()) return Report(result.status());
  const auto spans = FetchHistograms(connection, *result, repetition);
  if (!spans.ok()) return Report(spans.status());
  const auto merged = MergeLatencyHistograms(HistogramsOf(*spans));
  if (!merged.ok()) return Report(merged.status());
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(DistributionDocument(*result, *spans, *merged));
    return kExitOk;
  }
  const bool exact = globals.format == OutputFormat::kCsv;
  if (merged->total_count() == 0)
    return Report(FailedPreconditionError("run " + run_id + " has no measured queries"));
  if (!exact) {
    const std::string which = repetition ? "repetition " + std::to_string(*repetition)
                                         : std::to_string(spans->size()) + " repetitions merged";
    std::cout << Printable(run_id + " on " + result->device() + ", " + result->variant() + ", " +
                           VerdictOrState(*result) + ": " + std::to_string(merged->total_count()) +
                           " latencies, " + which)
              << "\n\n"
              << EcdfPlot(*merged, StyleOfStdout()) << "\n";
  }
  PrintTable(globals.format, PercentileTable(*merged, LargestBlock(*spans), exact), "no percentiles");
  PrintMessage(ExpiredRecords(*result));
  return kExitOk;
}

int ShowLayers(const Globals& globals, const std::string& run_id) {
  Connection connection(globals.server);
  const auto result = FetchResult(connection, run_id);
  if (!result.ok()) return Report(result.status());
  const auto record = FetchRecord(connection, run_id, 0);
  if (!record.ok()) return Report(record.status());
  if (!record->network) {
    return Report(
        FailedPreconditionError("run " + run_id + " of driver " + result->driver() +
                                " has no table of layers: its model was not compiled to a program"));
  }
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(LayersDocument(*result, *record));
    return kExitOk;
  }
  if (globals.format != OutputFormat::kCsv) {
    std::cout << Printable(run_id + " on " + result->device() + ", " + result->variant() + ", " +
                           VerdictOrState(*result) + ": " + record->network->name + " for " +
                           record->network->target)
              << "\n\n";
  }
  PrintTable(globals.format, LayerTable(*record, globals.format == OutputFormat::kCsv), "no layers");
  if (record->layer_counts.empty()) PrintMessage("the device did not count its layers");
  return kExitOk;
}

int ShowTranscript(const Globals& globals, const std::string& run_id, std::uint32_t repetition) {
  Connection connection(globals.server);
  const auto record = FetchRecord(connection, run_id, repetition);
  if (!record.ok()) return Report(record.status());
  if (record->transcript.empty())
    return Report(FailedPreconditionError("run " + run_id + " kept no transcript: its device has no line"));
  std::string_view rest = record->transcript;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::cout << Printable(std::string(rest.substr(0, end))) << "\n";
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
  return kExitOk;
}

int ExportRaw(const Globals& globals, const std::string& run_id, const std::string& format,
              const std::string& out, bool all_verdicts) {
  if (!run_id.starts_with("r-")) {
    return Report(
        InvalidArgumentError("raw measurements are exported of one run: `paddock result export r-57 ...`; "
                             "`paddock result list` shows the runs"));
  }
  Connection connection(globals.server);
  const auto result = FetchResult(connection, run_id);
  if (!result.ok()) return Report(result.status());
  // A trace is looked at; what the others hold is averaged.
  if (format != "perfetto" && !all_verdicts && result->verdict() != "valid") {
    PrintMessage("left out: " + run_id + " is " + VerdictOrState(*result) +
                 "; --all exports it all the same");
    return kExitNoValidVerdict;
  }
  if (result->verdict() != "valid") PrintMessage("note: " + run_id + " is " + VerdictOrState(*result));
  if (out.empty()) {
    const Status written = WriteRaw(connection, *result, format, std::cout);
    return written.ok() ? kExitOk : Report(written);
  }
  const std::string part = out + ".part";
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  Status written =
      file ? WriteRaw(connection, *result, format, file)
           : InvalidArgumentError("cannot write " + part + "; name a file in a folder of yours with --out");
  file.close();
  if (written.ok() && !file)
    written = ResourceExhaustedError("cannot write all of " + part + "; is the disk full?");
  if (written.ok() && std::rename(part.c_str(), out.c_str()) != 0)
    written = InvalidArgumentError("cannot rename " + part + " to " + out);
  if (!written.ok()) {
    std::remove(part.c_str());
    return Report(written);
  }
  PrintMessage(run_id + " written to " + out);
  return kExitOk;
}

}  // namespace paddock
