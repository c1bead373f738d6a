#include "cli/record_export.h"

#include <catch2/catch.hpp>

#include <sstream>

#include "base/strict_json.h"

namespace paddock {
namespace {

RepetitionRecord OpenLoopRecord() {
  RepetitionRecord record;
  record.index = 1;
  record.window_ns = 5000;
  record.model_load_ns = 2000;
  record.first_inference_ns = 1500;
  QuerySeries& queries = record.queries;
  queries.warmup_count = 1;
  queries.start_offset_ns = {0, 1000, 3500};
  queries.intended_offset_ns = {0, 1000, 2000};
  queries.latency_ns = {700, 1500, 3000};
  queries.pauses_ns = {{1, 250}};
  PowerTrace power;
  power.meter.kind = MeterKind::kCounter;
  power.at_ns = {99'000, 100'000, 101'000};
  power.read_ns = {0, 0, 0};
  power.value = {10, 12, 15};
  power.window = TimeSpan{100'000, 105'000};
  record.power = power;
  return record;
}

TEST_CASE("queries are a line each, with what was intended in open loops") {
  std::ostringstream out;
  WriteQueriesHeader(out);
  WriteQueries(OpenLoopRecord(), out);
  CHECK(out.str() ==
        "repetition,index,warmup,start_ns,intended_ns,latency_ns,samples\n"
        "1,0,1,0,0,700,1\n1,1,0,1000,1000,1500,1\n1,2,0,3500,2000,3000,1\n");
}

TEST_CASE("a record as JSON holds the machine around it, its counters and the search for a rate") {
  RepetitionRecord record = OpenLoopRecord();
  record.environment.emplace().before.governors = {"performance"};
  record.counters.emplace().cycles = 77;
  record.rate_probes = {{100, 5, 1500, true}};
  record.no_energy = "the meter is stuck";
  std::ostringstream out;
  WriteRecordJson(record, out);
  const Json json = Json::parse(out.str());
  CHECK(json["environment"]["before"]["governors"][0] == "performance");
  CHECK(json["counters"]["cycles"] == 77);
  CHECK(json["rate_probes"][0]["passed"] == true);
  CHECK(json["no_energy"] == "the meter is stuck");
}

TEST_CASE("a record as JSON holds its arrays and its power") {
  std::ostringstream out;
  WriteRecordJson(OpenLoopRecord(), out);
  const Json json = Json::parse(out.str());
  CHECK(json["latency_ns"] == Json({700, 1500, 3000}));
  CHECK(json["intended_offset_ns"].size() == 3);
  CHECK(json["pauses_ns"].dump() == "[[1,250]]");
  CHECK(json["power"]["energy_uj"] == Json({10, 12, 15}));
  CHECK_FALSE(json.contains("energy_j"));  // absent, not zero
}

TEST_CASE("a record as JSON holds the edges of the device's pin") {
  RepetitionRecord record = OpenLoopRecord();
  record.power->meter.kind = MeterKind::kSampled;
  record.power->meter.edge_input = "d7";
  record.power->edges = {1, 2};
  record.edge_source = kGpioEdges;
  record.edge_windows = {{10, {99'500, 101'000}}};
  std::ostringstream out;
  WriteRecordJson(record, out);
  const Json json = Json::parse(out.str());
  CHECK(json["power"]["edges"] == Json({1, 2}));
  CHECK(json["power"]["lost_edges"] == 0);
  CHECK(json["edge_source"] == "gpio");
  CHECK(json["edge_windows"].dump() == "[[10,99500,101000]]");
}

TEST_CASE("a log has HdrHistogram's form and its intervals follow each other") {
  RepetitionRecord record;
  record.queries.latency_ns = {1'000'000, 2'000'000};
  record.queries.start_offset_ns = {0, 1'000'000};
  const LatencyHistogram histogram = MakeLatencyHistogram(record);
  std::ostringstream out;
  REQUIRE(WriteHdrLog({{0, histogram, 1.5}, {1, histogram, 2}}, 1'700'000'003'500, "Run: r-7", out).ok());
  const std::string base64 = Base64Encode(Histogram::Decode(histogram.encoded)->Encode());
  CHECK(base64.starts_with("HISTFAAAA"));
  CHECK(out.str() ==
        "#[Histogram log format version 1.3]\n#[Run: r-7]\n"
        "#[StartTime: 1700000000.000 (seconds since epoch), 2023-11-14T22:13:20Z]\n"
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
        "0.000,1.500,2.000895," +
            base64 + "\n1.500,2.000,2.000895," + base64 + "\n");
  CHECK_FALSE(WriteHdrLog({{0, {"junk", 1}, 1}}, 0, "", out).ok());
}

Json TraceOf(const RepetitionRecord& record, const std::vector<StageTime>& stages) {
  std::ostringstream out;
  PerfettoTrace trace(out, "r-7 \"quoted\"");
  trace.AddStage({kQueueStage, std::nullopt, 0.000004, std::nullopt, std::nullopt});
  trace.AddRepetition(record, stages);
  trace.Finish();
  return Json::parse(out.str());
}

std::vector<Json> EventsOf(const Json& trace, const std::string& kind, const std::string& name) {
  std::vector<Json> found;
  for (const Json& event : trace["traceEvents"]) {
    if (event["ph"] == kind && event["name"] == name) found.push_back(event);
  }
  return found;
}

TEST_CASE("a trace shows stages, inferences where they ran, and watts") {
  const Json trace = TraceOf(OpenLoopRecord(), {});
  CHECK(EventsOf(trace, "X", "queue").at(0)["dur"] == 4);
  const auto warmup = EventsOf(trace, "X", "warm-up");  // the stage and the query
  REQUIRE(warmup.size() == 2);
  CHECK(warmup[0]["ts"] == 7.5);  // queue 4, load 2, first inference 1.5
  const auto inferences = EventsOf(trace, "X", "inference");
  REQUIRE(inferences.size() == 2);
  // The pause before the first measured query passed in real time.
  CHECK(inferences[0]["ts"] == 8.75);
  CHECK(inferences[0]["dur"] == 1.5);
  // Intended at 2000 with a latency of 3000, issued at 3500: it ran for 1500.
  CHECK(inferences[1]["dur"] == 1.5);
  CHECK(inferences[1]["args"]["latency_ns"] == 3000);
  const auto power = EventsOf(trace, "C", "power");
  REQUIRE(power.size() == 2);
  CHECK(power[0]["ts"] == 8.75);  // the window begins with the first measured query
  CHECK(power[0]["args"]["W"] == Approx(2e-6 / 1e-6));
  CHECK(power[1]["args"]["W"] == Approx(3));
}

TEST_CASE("a trace shows what a meter with edges saw behind the inferences") {
  RepetitionRecord record = OpenLoopRecord();
  record.power->meter.kind = MeterKind::kSampled;
  record.power->window.reset();
  record.edge_windows = {{10, {99'500, 101'000}}};
  CHECK(EventsOf(TraceOf(record, {}), "C", "power").empty());  // nobody says where it begins
  record.power->idle_before = TimeSpan{99'000, 99'500};
  const auto power = EventsOf(TraceOf(record, {}), "C", "power");
  REQUIRE(power.size() == 3);
  CHECK(power[0]["ts"] == EventsOf(TraceOf(record, {}), "X", "inference").at(1)["ts"].get<double>() + 1.5);
}

TEST_CASE("stages that the agent measured stand above the record's, unless time is modelled") {
  const std::vector<StageTime> stages = {{kLoadStage, 1, 0.000010, std::nullopt, std::nullopt},
                                         {kWarmupStage, 1, 0.000001, std::nullopt, std::nullopt},
                                         {kMeasuredStage, 1, 0.000006, std::nullopt, 0.25}};
  RepetitionRecord record = OpenLoopRecord();
  CHECK(EventsOf(TraceOf(record, stages), "X", "load").at(0)["dur"] == 10);
  CHECK(EventsOf(TraceOf(record, stages), "X", "measured").at(0)["args"]["energy_j"] == 0.25);
  record.clock = "simulated";
  CHECK(EventsOf(TraceOf(record, stages), "X", "load").at(0)["dur"] == 2);
}

}  // namespace
}  // namespace paddock
