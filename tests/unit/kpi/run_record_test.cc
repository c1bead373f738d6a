#include "kpi/run_record.h"

#include <cstring>

#include <catch2/catch.hpp>
#include <zlib.h>

#include "base/random.h"
#include "base/strict_json.h"
#include "evidence.h"
#include "kpi/delta_stream.h"

namespace paddock {
namespace {

bool Same(const QuerySeries& a, const QuerySeries& b) {
  return a.start_offset_ns == b.start_offset_ns && a.latency_ns == b.latency_ns &&
         a.intended_offset_ns == b.intended_offset_ns && a.samples_per_query == b.samples_per_query &&
         a.short_queries == b.short_queries && a.warmup_count == b.warmup_count &&
         a.invocations_per_reading == b.invocations_per_reading && a.pauses_ns == b.pauses_ns;
}

// The parts of an encoded record, so that a test can change one.
struct Parts {
  Json header;
  std::string arrays;
};

Parts Split(const std::string& bytes) {
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, 4);
  return {Json::parse(bytes.substr(12, length)), bytes.substr(12 + length)};
}

std::string Join(const Parts& parts) {
  const std::string header = parts.header.dump();
  const auto length = static_cast<std::uint32_t>(header.size());
  std::string bytes = "PDKREC1\n";
  bytes.append(reinterpret_cast<const char*>(&length), 4);
  return bytes + header + parts.arrays;
}

std::string Deflate(const std::string& raw) {
  uLongf size = compressBound(raw.size());
  std::string packed(size, '\0');
  REQUIRE(compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                    reinterpret_cast<const Bytef*>(raw.data()), raw.size(), 9) == Z_OK);
  packed.resize(size);
  return packed;
}

std::string RecordError(const std::string& bytes) {
  const auto record = DecodeRepetition(bytes);
  REQUIRE_FALSE(record.ok());
  CHECK(record.status().code() == StatusCode::kInvalidArgument);
  return record.status().message();
}

RepetitionRecord RandomRecord(Random& random) {
  RepetitionRecord record;
  const std::size_t count = random.Below(300);
  const auto number = [&] { return random.Below(4) == 0 ? random.Next() : random.Below(100000); };
  const auto maybe = [&]() -> std::optional<std::uint64_t> {
    if (random.Below(2) == 0) return std::nullopt;
    return random.Next();
  };
  record.index = static_cast<std::uint32_t>(random.Next());
  record.runtime = "onnxruntime \"1\"";
  record.options = {{"threads", "2"}, {"é", "\n"}};
  record.model_load_ns = maybe();
  record.first_inference_ns = maybe();
  record.cold_start_ns = maybe();
  record.peak_memory_bytes = maybe();
  record.timer_floor_ns = maybe();
  record.window_ns = random.Next();
  if (random.Below(2) == 0) record.energy_j = random.Normal();
  if (random.Below(2) == 0) record.clock = "simulated";
  QuerySeries& queries = record.queries;
  const bool open_loop = random.Below(2) == 0;
  queries.samples_per_query = 1 + static_cast<std::uint32_t>(random.Below(32));
  queries.warmup_count = random.Below(count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    queries.start_offset_ns.push_back(number());
    queries.latency_ns.push_back(number());
    if (open_loop) queries.intended_offset_ns.push_back(number());
    if (random.Below(5) == 0)
      queries.short_queries[i] = 1 + static_cast<std::uint32_t>(random.Below(queries.samples_per_query));
    if (random.Below(20) == 0) queries.pauses_ns[i] = random.Next();
  }
  queries.invocations_per_reading = 1U << random.Below(8);
  if (random.Below(2) == 0) record.stop_reason = kStopPrecise;
  if (open_loop) record.rate_hz = random.Uniform() * 1e5;
  for (std::uint64_t i = random.Below(4); i > 0; --i) {
    record.rate_probes.push_back({random.Uniform(), random.Below(1000), random.Next(), random.Below(2) == 0});
  }
  return record;
}

TEST_CASE("a record keeps the network that ran, the counts of its layers and the transcript of the line") {
  RepetitionRecord record;
  record.clock = kInstructionClock;
  record.network.emplace();
  record.network->target = "qemu-stm32f405";
  record.network->name = "digits";
  record.network->layers = {{"conv", "Conv+Relu", 40, 30}};
  record.network->arena_bytes = 600;
  record.layer_counts = {123};
  record.layer_unit = "instructions";
  record.transcript = "> name%\n< m-name-dut-[board]\r\n\x01\xff";
  const std::string bytes = EncodeRepetition(record);
  const auto decoded = DecodeRepetition(bytes);
  REQUIRE(decoded.ok());
  CHECK(decoded->clock == kInstructionClock);
  CHECK(decoded->network == record.network);
  CHECK(decoded->layer_counts == record.layer_counts);
  CHECK(decoded->layer_unit == record.layer_unit);
  CHECK(decoded->transcript == record.transcript);
  CHECK_FALSE(RecordError(bytes.substr(0, bytes.size() - 1)).empty());
  Parts parts = Split(bytes);
  parts.header["transcript_bytes"] = 1'000'000;
  CHECK(RecordError(Join(parts)).find("the transcript is not whole") != std::string::npos);
}

TEST_CASE("a record keeps the windows between edges, and one without them is written as before",
          "[kpi][run_record]") {
  RepetitionRecord record = MakeRepetition(0, 10, 1000);
  const Parts plain = Split(EncodeRepetition(record));
  CHECK_FALSE(plain.header.contains("edge_source"));
  CHECK_FALSE(plain.header.contains("edge_windows"));
  CHECK(DecodeRepetition(Join(plain))->edge_windows.empty());
  record.edge_source = kGpioEdges;
  record.edge_windows = {{110, {1000, 2000}}, {111, {2000, 2500}}};
  record.power.emplace();
  record.power->meter.edge_input = "d7";
  record.power->at_ns = {1, 2};
  record.power->read_ns = {0, 0};
  record.power->value = {5, 6};
  record.power->edges = {1, 2};
  const std::string bytes = EncodeRepetition(record);
  const auto decoded = DecodeRepetition(bytes);
  REQUIRE(decoded.status().ToString() == "OK");
  CHECK(decoded->edge_source == kGpioEdges);
  CHECK(decoded->edge_windows == record.edge_windows);
  CHECK(decoded->power == record.power);
  const auto message = [&](const Json& windows) {
    Parts parts = Split(bytes);
    parts.header["edge_windows"] = windows;
    return RecordError(Join(parts));
  };
  const auto refused = Catch::Contains("edge_windows: must be triples");
  CHECK_THAT(message({{1, 2}}), refused);
  CHECK_THAT(message({{-1, 2, 3}}), refused);
  CHECK_THAT(message({{1, 3, 2}}), refused);
  CHECK_THAT(message({{1, 2, 5}, {1, 4, 6}}), refused);
  CHECK_THAT(message({{1, 2, (std::int64_t{1} << 62) + 1}}), refused);
}

TEST_CASE("what a worker records is read back, whatever the numbers", "[kpi][run_record]") {
  Random random(17);
  for (int round = 0; round < 300; ++round) {
    const RepetitionRecord record = RandomRecord(random);
    const auto decoded = DecodeRepetition(EncodeRepetition(record));
    REQUIRE(decoded.status().ToString() == "OK");
    CHECK(decoded->index == record.index);
    CHECK(decoded->runtime == record.runtime);
    CHECK(decoded->options == record.options);
    CHECK(decoded->model_load_ns == record.model_load_ns);
    CHECK(decoded->first_inference_ns == record.first_inference_ns);
    CHECK(decoded->cold_start_ns == record.cold_start_ns);
    CHECK(decoded->peak_memory_bytes == record.peak_memory_bytes);
    CHECK(decoded->window_ns == record.window_ns);
    CHECK(decoded->energy_j == record.energy_j);
    CHECK(decoded->timer_floor_ns == record.timer_floor_ns);
    CHECK(decoded->clock == record.clock);
    CHECK(decoded->stop_reason == record.stop_reason);
    CHECK(decoded->rate_hz == record.rate_hz);
    CHECK(decoded->rate_probes == record.rate_probes);
    CHECK(Same(decoded->queries, record.queries));
  }
}

TEST_CASE("a record that says nothing of blocks, pauses and stopping has single queries",
          "[kpi][run_record]") {
  Parts parts = Split(EncodeRepetition(MakeRepetition(0, 50, 1000, 5)));
  for (const char* key : {"invocations_per_reading", "pauses", "stop_reason", "rate_hz", "rate_probes"}) {
    parts.header.erase(key);
  }
  const auto decoded = DecodeRepetition(Join(parts));
  REQUIRE(decoded.ok());
  CHECK(decoded->queries.invocations_per_reading == 1);
  CHECK(decoded->stop_reason.empty());
}

TEST_CASE("an entry of a block has the samples of all its queries, warm-up those of one",
          "[kpi][run_record]") {
  QuerySeries series;
  series.samples_per_query = 3;
  series.invocations_per_reading = 8;
  series.warmup_count = 2;
  series.short_queries = {{4, 22}};
  CHECK(series.SamplesOf(1) == 3);
  CHECK(series.SamplesOf(2) == 24);
  CHECK(series.SamplesOf(4) == 22);
}

TEST_CASE("lateness of the pacer is what neither schedule nor the query before explain",
          "[kpi][run_record]") {
  QuerySeries series;
  series.intended_offset_ns = {100, 200, 300};
  series.start_offset_ns = {130, 260, 300};
  series.latency_ns = {150, 90, 50};  // ends: 250, 290, 350
  CHECK(series.PacerLatenessNs(0) == 30);
  CHECK(series.PacerLatenessNs(1) == 10);
  CHECK(series.PacerLatenessNs(2) == 0);
  series.intended_offset_ns.clear();
  CHECK(series.PacerLatenessNs(0) == 0);
}

TEST_CASE("a long series of like latencies takes few bytes a query", "[kpi][run_record]") {
  Random random(1);
  RepetitionRecord record;
  std::uint64_t now = 0;
  for (int i = 0; i < 100000; ++i) {
    const std::uint64_t latency = 1'000'000 + random.Below(20000);
    record.queries.start_offset_ns.push_back(now);
    record.queries.latency_ns.push_back(latency);
    now += latency + 100 + random.Below(50);
  }
  const std::string bytes = EncodeRepetition(record);
  CHECK(bytes.size() < 320'000);
  const auto decoded = DecodeRepetition(bytes);
  REQUIRE(decoded.ok());
  CHECK(Same(decoded->queries, record.queries));
}

TEST_CASE("starts that were kept as they are, without gaps, are read too", "[kpi][run_record]") {
  Parts parts = Split(EncodeRepetition(MakeRepetition(0, 3, 1000)));
  parts.header.erase("gaps");
  std::string raw;
  AppendDeltas(std::vector<std::uint64_t>{0, 1010, 2020}, &raw);
  AppendDeltas(std::vector<std::uint64_t>{1000, 1000, 900}, &raw);
  parts.arrays = ZlibCompress(raw);
  const auto decoded = DecodeRepetition(Join(parts));
  REQUIRE(decoded.status().ToString() == "OK");
  CHECK(decoded->queries.start_offset_ns == std::vector<std::uint64_t>{0, 1010, 2020});
  CHECK(decoded->queries.latency_ns == std::vector<std::uint64_t>{1000, 1000, 900});
}

TEST_CASE("more than a million queries are packed for speed and read back", "[kpi][run_record]") {
  Random random(5);
  RepetitionRecord record;
  for (std::uint64_t i = 0; i < 1'000'100; ++i) {
    record.queries.intended_offset_ns.push_back(i * 1'000'000);
    record.queries.start_offset_ns.push_back(i * 1'000'000 + 40 + random.Below(20));
    record.queries.latency_ns.push_back(800'000 + random.Below(2000));
  }
  const std::string bytes = EncodeRepetition(record);
  CHECK(bytes.size() < 4'000'000);
  const auto decoded = DecodeRepetition(bytes);
  REQUIRE(decoded.ok());
  CHECK(Same(decoded->queries, record.queries));
}

TEST_CASE("every prefix of a record is refused with a reason", "[kpi][run_record]") {
  const std::string bytes = EncodeRepetition(MakeRepetition(0, 50, 1234567, 5));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(RecordError(bytes.substr(0, size)).empty());
  CHECK_THAT(RecordError(bytes + "x"), Catch::Contains("more bytes than the header says"));
  CHECK_THAT(RecordError("not a record at all"), Catch::Contains("does not begin with PDKREC1"));
}

TEST_CASE("a damaged byte in the arrays is noticed", "[kpi][run_record]") {
  const std::string bytes = EncodeRepetition(MakeRepetition(0, 50, 1234567, 5));
  const std::size_t arrays = bytes.size() - Split(bytes).arrays.size();
  for (std::size_t i = arrays; i < bytes.size(); ++i) {
    std::string bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    const auto record = DecodeRepetition(bad);
    if (i >= arrays + 2) CHECK_FALSE(record.ok());  // the first two bytes only describe the compression
  }
}

TEST_CASE("a header that does not fit its arrays is refused", "[kpi][run_record]") {
  const Parts good = Split(EncodeRepetition(MakeRepetition(0, 50, 1000, 5)));
  const auto message = [&](const char* key, const Json& value) {
    Parts bad = good;
    bad.header[key] = value;
    return RecordError(Join(bad));
  };
  CHECK_THAT(message("queries", 51), Catch::Contains("latency_ns: ends or is damaged at entry 49 of 51"));
  CHECK_THAT(message("queries", 49), Catch::Contains("more bytes than the header says"));
  CHECK_THAT(message("queries", 64'000'001), Catch::Contains("at most 64000000"));
  CHECK_THAT(message("warmup_count", 51), Catch::Contains("warmup_count: more than queries"));
  CHECK_THAT(message("samples_per_query", 0), Catch::Contains("samples_per_query"));
  CHECK_THAT(message("short_queries", 51), Catch::Contains("short_queries: more than queries"));
  CHECK_THAT(message("intended", true), Catch::Contains("intended_offset_ns"));
  CHECK_THAT(message("windows_ns", 1), Catch::Contains("window_ns"));
  CHECK_THAT(message("energy_j", "much"), Catch::Contains("energy_j"));
  CHECK_THAT(message("invocations_per_reading", 0), Catch::Contains("invocations_per_reading: must be"));
  CHECK_THAT(message("pauses", Json::array({Json::array({1})})), Catch::Contains("pauses: must be pairs"));
  CHECK_THAT(message("pauses", Json::array({Json::array({51, 1})})), Catch::Contains("does not exist"));
  CHECK_THAT(message("rate_probes", 3), Catch::Contains("rate_probes: must be a list"));
  CHECK_THAT(message("rate_probes", Json::array({Json::object()})),
             Catch::Contains("rate_probes[0].rate_hz"));
}

TEST_CASE("short queries that cannot be are refused", "[kpi][run_record]") {
  RepetitionRecord record = MakeRepetition(0, 10, 1000);
  record.queries.samples_per_query = 4;
  record.queries.short_queries[10] = 2;
  CHECK_THAT(RecordError(EncodeRepetition(record)), Catch::Contains("query 10 does not exist"));
  record.queries.short_queries = {{3, 5}};
  CHECK_THAT(RecordError(EncodeRepetition(record)), Catch::Contains("query 3 has 5 samples"));
  record.queries.short_queries = {{3, 0}};
  CHECK_THAT(RecordError(EncodeRepetition(record)), Catch::Contains("query 3 has 0 samples"));
}

TEST_CASE("a compression bomb is read no further than the header's count", "[kpi][run_record]") {
  Parts bomb = Split(EncodeRepetition(MakeRepetition(0, 2, 1000)));
  bomb.arrays = Deflate(std::string(std::size_t{64} << 20, '\0'));
  CHECK(bomb.arrays.size() < 100'000);
  CHECK_THAT(RecordError(Join(bomb)), Catch::Contains("more bytes than the header says"));
}

TEST_CASE("a count without the bytes for it costs no memory", "[kpi][run_record]") {
  Parts bad = Split(EncodeRepetition(MakeRepetition(0, 2, 1000)));
  bad.header["queries"] = 64'000'000;
  CHECK_THAT(RecordError(Join(bad)), Catch::Contains("ends or is damaged at entry"));
}

TEST_CASE("a number of more than 64 bits is refused", "[kpi][run_record]") {
  Parts bad = Split(EncodeRepetition(MakeRepetition(0, 1, 1000)));
  bad.arrays = Deflate(std::string(10, '\xff') + std::string(2, '\x01'));
  CHECK_THAT(RecordError(Join(bad)), Catch::Contains("start_offset_ns: a number over 64 bits"));
}

}  // namespace
}  // namespace paddock
