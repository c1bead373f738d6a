#include "kpi/run_record.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/packed_file.h"
#include "base/strict_json.h"
#include "kpi/delta_stream.h"

namespace paddock {
namespace {

static_assert(std::endian::native == std::endian::little, "run records are little-endian");

constexpr std::string_view kMagic = "PDKREC1\n";
constexpr std::size_t kPrefixBytes = 12;  // magic and header length
constexpr std::uint64_t kMaxQueries = 64'000'000;
constexpr std::size_t kMaxBytes = std::size_t{1} << 31;
constexpr std::size_t kReservedBytesPerQuery = 4;
constexpr std::uint64_t kMaxTranscriptBytes = 16 << 20;
constexpr std::int64_t kMaxCommandNs = std::int64_t{1} << 62;  // sums with it stay inside 64 bits
constexpr std::size_t kMostSqueezed =
    1'000'000;  // queries; from then on speed counts more than the last bytes
constexpr ParseLimits kHeaderLimits{.max_bytes = 2 << 20, .max_depth = 8, .max_nodes = 150'000};

struct Counts {
  std::uint64_t queries = 0;
  bool intended = false;
  bool gaps = false;
  std::uint64_t short_queries = 0;
  std::uint64_t power_bytes = 0;
  std::uint64_t transcript_bytes = 0;
};

// What an entry's start is told from: in an open loop when it should have started, else the end of the one before.
std::uint64_t ExpectedStart(const QuerySeries& queries, std::uint64_t entry) {
  if (!queries.intended_offset_ns.empty()) return queries.intended_offset_ns[entry];
  return entry == 0 ? 0 : queries.start_offset_ns[entry - 1] + queries.latency_ns[entry - 1];
}

void ReadEnergyWindow(StrictObject& header, std::optional<EnergyWindow>* window) {
  const Json* json = header.Child("energy_window");
  if (json == nullptr) return;
  StrictObject object(*json, "energy_window");
  EnergyWindow read;
  object.Required("samples", &read.samples);
  object.Required("median_latency_ns", &read.median_latency_ns);
  header.Fail(object.Finish());
  *window = read;
}

// [[samples, begin_ns, end_ns], ...]
void ReadEdgeWindows(StrictObject& header, std::vector<EdgeWindow>* windows) {
  std::vector<std::vector<std::int64_t>> list;
  header.Optional("edge_windows", &list);
  std::int64_t now_ns = 0;
  for (const auto& window : list) {
    if (window.size() != 3 || window[0] < 0 || window[1] < now_ns || window[2] < window[1] ||
        window[2] > kMaxCommandNs) {
      return header.Fail(InvalidArgumentError(
          "edge_windows: must be triples of samples, a begin and an end in ns, in order of time"));
    }
    now_ns = window[2];
    windows->push_back({static_cast<std::uint64_t>(window[0]), {window[1], window[2]}});
  }
}

template <typename T>
void ReadPart(StrictObject& header, const char* key, Result<T> (*from_json)(const Json&, const std::string&),
              std::optional<T>* out) {
  const Json* json = header.Child(key);
  if (json == nullptr) return;
  Result<T> part = from_json(*json, key);
  header.Fail(part.status());
  if (part.ok()) *out = std::move(part).value();
}

void ReadProbes(StrictObject& header, std::vector<RateProbe>* probes) {
  const Json* list = header.Child("rate_probes");
  if (list == nullptr) return;
  if (!list->is_array()) return header.Fail(InvalidArgumentError("rate_probes: must be a list"));
  for (std::size_t i = 0; i < list->size(); ++i) {
    RateProbe probe;
    StrictObject object((*list)[i], "rate_probes[" + std::to_string(i) + "]");
    object.Required("rate_hz", &probe.rate_hz);
    object.Required("queries", &probe.queries);
    object.Required("percentile_ns", &probe.percentile_ns);
    object.Required("passed", &probe.passed);
    header.Fail(object.Finish());
    probes->push_back(probe);
  }
}

// [[index, nanoseconds], ...]
void ReadPauses(StrictObject& header, std::map<std::uint64_t, std::uint64_t>* pauses) {
  std::vector<std::vector<std::uint64_t>> list;
  header.Optional("pauses", &list);
  for (const auto& pause : list) {
    if (pause.size() != 2 || !pauses->emplace(pause[0], pause[1]).second) {
      return header.Fail(
          InvalidArgumentError("pauses: must be pairs of an index, each once, and nanoseconds"));
    }
  }
}

Result<Counts> ReadHeader(std::string_view text, RepetitionRecord* record) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "header", kHeaderLimits));
  Counts counts;
  QuerySeries& queries = record->queries;
  StrictObject header(json, "");
  header.Required("index", &record->index);
  header.Required("runtime", &record->runtime);
  header.Required("options", &record->options);
  header.Optional("model_load_ns", &record->model_load_ns);
  header.Optional("first_inference_ns", &record->first_inference_ns);
  header.Optional("cold_start_ns", &record->cold_start_ns);
  header.Optional("peak_memory_bytes", &record->peak_memory_bytes);
  header.Required("window_ns", &record->window_ns);
  header.Optional("energy_j", &record->energy_j);
  header.Optional("timer_floor_ns", &record->timer_floor_ns);
  header.Required("clock", &record->clock);
  header.Required("samples_per_query", &queries.samples_per_query);
  header.Required("warmup_count", &queries.warmup_count);
  header.Required("queries", &counts.queries);
  header.Required("intended", &counts.intended);
  header.Optional("gaps", &counts.gaps);
  header.Required("short_queries", &counts.short_queries);
  header.Optional("invocations_per_reading", &queries.invocations_per_reading);
  header.Optional("stop_reason", &record->stop_reason);
  header.Optional("rate_hz", &record->rate_hz);
  ReadProbes(header, &record->rate_probes);
  ReadPauses(header, &queries.pauses_ns);
  ReadPart(header, "environment", EnvironmentFromJson, &record->environment);
  ReadPart(header, "counters", CountersFromJson, &record->counters);
  ReadEnergyWindow(header, &record->energy_window);
  header.Optional("no_energy", &record->no_energy);
  header.Optional("edge_source", &record->edge_source);
  ReadEdgeWindows(header, &record->edge_windows);
  header.Optional("power_bytes", &counts.power_bytes);
  ReadPart(header, "network", NetworkFactsFromJson, &record->network);
  header.Optional("layer_counts", &record->layer_counts);
  header.Optional("layer_unit", &record->layer_unit);
  header.Optional("transcript_bytes", &counts.transcript_bytes);
  PADDOCK_RETURN_IF_ERROR(header.Finish());
  if (counts.queries > kMaxQueries) {
    return InvalidArgumentError("queries: " + std::to_string(counts.queries) + ", at most " +
                                std::to_string(kMaxQueries) + " are accepted");
  }
  if (counts.short_queries > counts.queries) return InvalidArgumentError("short_queries: more than queries");
  if (queries.warmup_count > counts.queries) return InvalidArgumentError("warmup_count: more than queries");
  if (queries.samples_per_query == 0) return InvalidArgumentError("samples_per_query: must be at least 1");
  if (queries.invocations_per_reading == 0)
    return InvalidArgumentError("invocations_per_reading: must be at least 1");
  if (queries.pauses_ns.size() > 0 && queries.pauses_ns.rbegin()->first > counts.queries)
    return InvalidArgumentError("pauses: one is before a query that does not exist");
  return counts;
}

Status ReadArrays(std::string_view packed, const Counts& counts, QuerySeries* queries) {
  DeltaReader reader(packed);
  PADDOCK_RETURN_IF_ERROR(reader.Read(counts.queries, "start_offset_ns", &queries->start_offset_ns));
  PADDOCK_RETURN_IF_ERROR(reader.Read(counts.queries, "latency_ns", &queries->latency_ns));
  PADDOCK_RETURN_IF_ERROR(
      reader.Read(counts.intended ? counts.queries : 0, "intended_offset_ns", &queries->intended_offset_ns));
  std::vector<std::uint64_t> indices;
  std::vector<std::uint64_t> samples;
  PADDOCK_RETURN_IF_ERROR(reader.Read(counts.short_queries, "short_queries", &indices));
  PADDOCK_RETURN_IF_ERROR(reader.Read(counts.short_queries, "short_queries", &samples));
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  if (counts.gaps) {
    for (std::size_t i = 0; i < queries->start_offset_ns.size(); ++i)
      queries->start_offset_ns[i] += ExpectedStart(*queries, i);
  }
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] >= counts.queries || (i > 0 && indices[i] <= indices[i - 1])) {
      return InvalidArgumentError("short_queries: query " + std::to_string(indices[i]) +
                                  " does not exist or comes twice");
    }
    const std::uint64_t full = queries->FullSamplesOf(indices[i]);
    if (samples[i] == 0 || samples[i] > full) {
      return InvalidArgumentError("short_queries: query " + std::to_string(indices[i]) + " has " +
                                  std::to_string(samples[i]) + " samples; it must have 1 to " +
                                  std::to_string(full));
    }
    queries->short_queries.emplace_hint(queries->short_queries.end(), indices[i],
                                        static_cast<std::uint32_t>(samples[i]));
  }
  return OkStatus();
}

Result<std::string_view> TakeEnd(std::string_view* rest, std::uint64_t bytes, const std::string& what) {
  if (bytes > rest->size()) return InvalidArgumentError("truncated: the " + what + " is not whole");
  const std::string_view end = rest->substr(rest->size() - bytes);
  rest->remove_suffix(bytes);
  return end;
}

Result<RepetitionRecord> DecodeRecord(std::string_view bytes) {
  if (bytes.size() < kPrefixBytes || bytes.substr(0, kMagic.size()) != kMagic) {
    return InvalidArgumentError("does not begin with PDKREC1");
  }
  if (bytes.size() > kMaxBytes) return InvalidArgumentError("has more than 2 GiB");
  std::uint32_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data() + kMagic.size(), sizeof header_bytes);
  if (header_bytes > bytes.size() - kPrefixBytes) {
    return InvalidArgumentError("truncated: the header has " + std::to_string(header_bytes) +
                                " bytes, the whole record " + std::to_string(bytes.size()));
  }
  RepetitionRecord record;
  PADDOCK_ASSIGN_OR_RETURN(const Counts counts,
                           ReadHeader(bytes.substr(kPrefixBytes, header_bytes), &record));
  std::string_view rest = bytes.substr(kPrefixBytes + header_bytes);
  PADDOCK_ASSIGN_OR_RETURN(const std::string_view transcript,
                           TakeEnd(&rest, counts.transcript_bytes, "transcript"));
  PADDOCK_ASSIGN_OR_RETURN(const std::string_view power, TakeEnd(&rest, counts.power_bytes, "power trace"));
  PADDOCK_RETURN_IF_ERROR(ReadArrays(rest, counts, &record.queries));
  if (!power.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(record.power, DecodePowerTrace(power));
  }
  if (!transcript.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(record.transcript, Unpack(transcript, kMaxTranscriptBytes));
  }
  return record;
}

template <typename T>
void Set(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

}  // namespace

std::uint64_t QuerySeries::PacerLatenessNs(std::uint64_t entry) const {
  if (intended_offset_ns.empty()) return 0;
  std::uint64_t possible = intended_offset_ns[entry];
  if (entry > 0) possible = std::max(possible, intended_offset_ns[entry - 1] + latency_ns[entry - 1]);
  return start_offset_ns[entry] > possible ? start_offset_ns[entry] - possible : 0;
}

Json DescribeRepetition(const RepetitionRecord& record) {
  const QuerySeries& queries = record.queries;
  Json json = {{"index", record.index},
               {"runtime", record.runtime},
               {"options", record.options},
               {"window_ns", record.window_ns},
               {"clock", record.clock},
               {"stop_reason", record.stop_reason},
               {"samples_per_query", queries.samples_per_query},
               {"invocations_per_reading", queries.invocations_per_reading},
               {"warmup_count", queries.warmup_count}};
  Set(json, "model_load_ns", record.model_load_ns);
  Set(json, "first_inference_ns", record.first_inference_ns);
  Set(json, "cold_start_ns", record.cold_start_ns);
  Set(json, "peak_memory_bytes", record.peak_memory_bytes);
  Set(json, "energy_j", record.energy_j);
  Set(json, "timer_floor_ns", record.timer_floor_ns);
  Set(json, "rate_hz", record.rate_hz);
  for (const RateProbe& probe : record.rate_probes) {
    json["rate_probes"].push_back({{"rate_hz", probe.rate_hz},
                                   {"queries", probe.queries},
                                   {"percentile_ns", probe.percentile_ns},
                                   {"passed", probe.passed}});
  }
  if (record.environment) json["environment"] = EnvironmentToJson(*record.environment);
  if (record.counters) json["counters"] = CountersToJson(*record.counters);
  if (record.energy_window) {
    json["energy_window"] = {{"samples", record.energy_window->samples},
                             {"median_latency_ns", record.energy_window->median_latency_ns}};
  }
  if (!record.no_energy.empty()) json["no_energy"] = record.no_energy;
  if (!record.edge_source.empty()) json["edge_source"] = record.edge_source;
  for (const EdgeWindow& window : record.edge_windows) {
    json["edge_windows"].push_back(
        Json::array({window.samples, window.command.begin_ns, window.command.end_ns}));
  }
  if (record.network) json["network"] = NetworkFactsToJson(*record.network);
  if (!record.layer_counts.empty()) json["layer_counts"] = record.layer_counts;
  if (!record.layer_unit.empty()) json["layer_unit"] = record.layer_unit;
  return json;
}

std::string EncodeRepetition(const RepetitionRecord& record) {
  const QuerySeries& queries = record.queries;
  const std::size_t count = queries.latency_ns.size();
  PADDOCK_CHECK(queries.start_offset_ns.size() == count, "one start per latency");
  PADDOCK_CHECK(queries.intended_offset_ns.empty() || queries.intended_offset_ns.size() == count,
                "one intended start per latency, or none");
  Json header = DescribeRepetition(record);
  header["queries"] = count;
  header["intended"] = !queries.intended_offset_ns.empty();
  header["gaps"] = true;
  header["short_queries"] = queries.short_queries.size();
  for (const auto& [entry, pause_ns] : queries.pauses_ns)
    header["pauses"].push_back(Json::array({entry, pause_ns}));
  const std::string power = record.power ? EncodePowerTrace(*record.power) : "";
  if (!power.empty()) header["power_bytes"] = power.size();
  std::string transcript;
  if (!record.transcript.empty()) {
    // Pack() refuses 2 GiB only.
    transcript = Pack(std::string_view(record.transcript).substr(0, kMaxTranscriptBytes), {}).value();
    header["transcript_bytes"] = transcript.size();
  }
  const std::string header_text = header.dump(-1, ' ', false, Json::error_handler_t::replace);

  const auto header_bytes = static_cast<std::uint32_t>(header_text.size());
  std::string bytes;
  bytes.reserve(kPrefixBytes + header_text.size() + power.size() + transcript.size() +
                count * kReservedBytesPerQuery);
  bytes.append(kMagic).append(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
  bytes += header_text;
  DeltaWriter writer(count > kMostSqueezed, &bytes);
  writer.BeginRow();
  for (std::size_t i = 0; i < count; ++i)
    writer.Append(queries.start_offset_ns[i] - ExpectedStart(queries, i));
  writer.AppendRow(queries.latency_ns);
  writer.AppendRow(queries.intended_offset_ns);
  writer.BeginRow();
  for (const auto& [index, samples] : queries.short_queries) writer.Append(index);
  writer.BeginRow();
  for (const auto& [index, samples] : queries.short_queries) writer.Append(samples);
  writer.Finish();
  return bytes.append(power).append(transcript);
}

Result<RepetitionRecord> DecodeRepetition(std::string_view bytes) {
  auto record = DecodeRecord(bytes);
  if (!record.ok()) return record.status().WithContext("repetition record");
  return record;
}

}  // namespace paddock
