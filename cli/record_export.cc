#include "cli/record_export.h"

#include <array>
#include <charconv>
#include <cmath>
#include <ostream>

#include <fmt/format.h>

#include "base/strict_json.h"
#include "base/utc_text.h"
#include "kpi/histogram.h"

namespace paddock {
namespace {

void Append(std::string& line, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  line.append(digits.data(), end);
}

template <typename Number>
void WriteNumbers(const std::vector<Number>& numbers, std::ostream& out) {
  out << "[";
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) out << ",";
    out << numbers[i];
  }
  out << "]";
}

Json Scalars(const RepetitionRecord& record) {
  Json json = DescribeRepetition(record);
  json["repetition"] = record.index;
  json.erase("index");
  const auto pairs = [&](const char* key, const auto& map) {
    Json list = Json::array();
    for (const auto& [entry, value] : map) list.push_back({entry, value});
    json[key] = std::move(list);
  };
  pairs("short_queries", record.queries.short_queries);
  pairs("pauses_ns", record.queries.pauses_ns);
  return json;
}

void WritePower(const PowerTrace& power, std::ostream& out) {
  Json meter = {{"source", power.meter.source},
                {"boundary", power.meter.boundary},
                {"kind", std::string(MeterKindName(power.meter.kind))},
                {"rails", power.meter.rails},
                {"period_ns", power.meter.period_ns},
                {"on_device", power.meter.on_device},
                {"failed_reads", power.failed_reads},
                {"overflow_count", power.overflow_count}};
  if (!power.meter.edge_input.empty()) {
    meter["edge_input"] = power.meter.edge_input;
    meter["edges"] = power.edges;
    meter["lost_edges"] = power.lost_edges;
  }
  const auto span = [&](const char* key, const std::optional<TimeSpan>& marked) {
    if (marked) meter[key] = {marked->begin_ns, marked->end_ns};
  };
  span("idle_before", power.idle_before);
  span("window", power.window);
  span("idle_after", power.idle_after);
  std::string head = meter.dump(-1, ' ', false, Json::error_handler_t::replace);
  head.pop_back();
  out << head << ",\"at_ns\":";
  WriteNumbers(power.at_ns, out);
  out << ",\"read_ns\":";
  WriteNumbers(power.read_ns, out);
  out << (power.meter.kind == MeterKind::kCounter ? ",\"energy_uj\":" : ",\"power_uw\":");
  WriteNumbers(power.value, out);
  out << "}";
}

}  // namespace

Status WriteHdrLog(const std::vector<HistogramSpan>& spans, std::int64_t end_wall_ms,
                   const std::string& about, std::ostream& out) {
  double total_s = 0;
  for (const HistogramSpan& span : spans) total_s += span.seconds;
  const double begin_s = static_cast<double>(end_wall_ms) / 1000 - total_s;
  out << "#[Histogram log format version 1.3]\n#[" << about << "]\n"
      << fmt::format("#[StartTime: {:.3f} (seconds since epoch), {}]\n", begin_s,
                     UtcText(static_cast<std::int64_t>(begin_s * 1000), kUtcIso))
      << "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
  double start_s = 0;
  for (const HistogramSpan& span : spans) {
    PADDOCK_ASSIGN_OR_RETURN(const Histogram histogram, Histogram::Decode(span.histogram.encoded));
    out << fmt::format("{:.3f},{:.3f},{:.6f},{}\n", start_s, span.seconds,
                       static_cast<double>(histogram.Max()) / 1e6, Base64Encode(histogram.Encode()));
    start_s += span.seconds;
  }
  return OkStatus();
}

void WriteQueriesHeader(std::ostream& out) {
  out << "repetition,index,warmup,start_ns,intended_ns,latency_ns,samples\n";
}

void WriteQueries(const RepetitionRecord& record, std::ostream& out) {
  const QuerySeries& queries = record.queries;
  std::string line;
  for (std::size_t i = 0; i < queries.latency_ns.size(); ++i) {
    line.clear();
    Append(line, record.index);
    line += ',';
    Append(line, i);
    line += i < queries.warmup_count ? ",1," : ",0,";
    Append(line, queries.start_offset_ns[i]);
    line += ',';
    if (!queries.intended_offset_ns.empty()) Append(line, queries.intended_offset_ns[i]);
    line += ',';
    Append(line, queries.latency_ns[i]);
    line += ',';
    Append(line, queries.SamplesOf(i));
    line += '\n';
    out << line;
  }
}

void WriteRecordJson(const RepetitionRecord& record, std::ostream& out) {
  std::string head = Scalars(record).dump(-1, ' ', false, Json::error_handler_t::replace);
  head.pop_back();
  out << head << ",\"start_offset_ns\":";
  WriteNumbers(record.queries.start_offset_ns, out);
  out << ",\"latency_ns\":";
  WriteNumbers(record.queries.latency_ns, out);
  if (!record.queries.intended_offset_ns.empty()) {
    out << ",\"intended_offset_ns\":";
    WriteNumbers(record.queries.intended_offset_ns, out);
  }
  if (record.power) {
    out << ",\"power\":";
    WritePower(*record.power, out);
  }
  out << "}";
}

}  // namespace paddock
