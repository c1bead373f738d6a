#include "kpi/power_trace.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/strict_json.h"
#include "kpi/delta_stream.h"

namespace paddock {
namespace {

static_assert(std::endian::native == std::endian::little, "power traces are little-endian");

constexpr std::string_view kPowerMagic = "PDKPWR1\n";
constexpr std::size_t kPowerPrefixBytes = 12;  // magic and header length
constexpr std::uint64_t kMaxPowerSamples = 64'000'000;
constexpr std::size_t kMaxPowerBytes = std::size_t{1} << 31;
constexpr std::int64_t kMaxSpacingNs = std::int64_t{86'400} * 1'000'000'000;
// Sums and differences of two values or times stay inside 64 bits.
constexpr std::int64_t kMaxValue = std::int64_t{1} << 62;
constexpr ParseLimits kPowerHeaderLimits{.max_bytes = 1 << 18, .max_depth = 4, .max_nodes = 5'000};

constexpr MeterKind kMeterKinds[] = {MeterKind::kCounter, MeterKind::kSampled, MeterKind::kAveraged};

Status ReadKind(const std::string& name, MeterKind* kind) {
  for (const MeterKind known : kMeterKinds) {
    if (MeterKindName(known) != name) continue;
    *kind = known;
    return OkStatus();
  }
  return InvalidArgumentError("kind: is '" + name + "'; it must be counter, sampled or averaged");
}

Status ReadSpan(StrictObject* header, const char* key, std::optional<TimeSpan>* span) {
  std::optional<std::vector<std::int64_t>> ends;
  header->Optional(key, &ends);
  if (!ends) return OkStatus();
  if (ends->size() != 2 || ends->front() < 0 || ends->back() < ends->front() || ends->back() > kMaxValue) {
    return InvalidArgumentError(std::string(key) + ": must be a begin and an end not before it, in ns");
  }
  *span = TimeSpan{ends->front(), ends->back()};
  return OkStatus();
}

Status CheckMeter(const MeterDescription& meter) {
  const auto spacing_ok = [](std::int64_t ns) { return ns >= 0 && ns <= kMaxSpacingNs; };
  if (!spacing_ok(meter.averaging_ns)) return InvalidArgumentError("averaging_ns: must be 0 to a day");
  if (!spacing_ok(meter.period_ns)) return InvalidArgumentError("period_ns: must be 0 to a day");
  if (!(meter.lsb >= 0 && std::isfinite(meter.lsb))) return InvalidArgumentError("lsb: must be 0 or more");
  if (meter.gain_uncertainty && !(*meter.gain_uncertainty >= 0 && std::isfinite(*meter.gain_uncertainty))) {
    return InvalidArgumentError("gain_uncertainty: must be 0 or more");
  }
  if (meter.counter_range_uj && (*meter.counter_range_uj <= 0 || *meter.counter_range_uj > kMaxValue)) {
    return InvalidArgumentError("counter_range_uj: must be over 0 and at most 2^62");
  }
  return OkStatus();
}

struct ArraySizes {
  std::uint64_t samples = 0;
  std::uint64_t edges = 0;
};

Result<ArraySizes> ReadPowerHeader(std::string_view text, PowerTrace* trace) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "header", kPowerHeaderLimits));
  MeterDescription& meter = trace->meter;
  ArraySizes sizes;
  std::string kind;
  StrictObject header(json, "");
  header.Required("source", &meter.source);
  header.Required("boundary", &meter.boundary);
  header.Required("kind", &kind);
  header.Required("averaging_ns", &meter.averaging_ns);
  header.Required("on_device", &meter.on_device);
  header.Required("rails", &meter.rails);
  header.Required("period_ns", &meter.period_ns);
  header.Required("lsb", &meter.lsb);
  header.Optional("gain_uncertainty", &meter.gain_uncertainty);
  header.Optional("counter_range_uj", &meter.counter_range_uj);
  header.Optional("edge_input", &meter.edge_input);
  header.Required("failed_reads", &trace->failed_reads);
  header.Optional("last_failure", &trace->last_failure);
  header.Required("overflow_count", &trace->overflow_count);
  header.Optional("lost_edges", &trace->lost_edges);
  header.Optional("edges", &sizes.edges);
  header.Required("samples", &sizes.samples);
  PADDOCK_RETURN_IF_ERROR(ReadSpan(&header, "idle_before", &trace->idle_before));
  PADDOCK_RETURN_IF_ERROR(ReadSpan(&header, "window", &trace->window));
  PADDOCK_RETURN_IF_ERROR(ReadSpan(&header, "idle_after", &trace->idle_after));
  PADDOCK_RETURN_IF_ERROR(header.Finish());
  PADDOCK_RETURN_IF_ERROR(ReadKind(kind, &meter.kind));
  PADDOCK_RETURN_IF_ERROR(CheckMeter(meter));
  for (const auto& [key, size] : {std::pair("samples", sizes.samples), std::pair("edges", sizes.edges)}) {
    if (size > kMaxPowerSamples) {
      return InvalidArgumentError(std::string(key) + ": " + std::to_string(size) + ", at most " +
                                  std::to_string(kMaxPowerSamples) + " are accepted");
    }
  }
  if (sizes.edges > 0 && meter.kind == MeterKind::kCounter)
    return InvalidArgumentError("edges: a counter has none");
  return sizes;
}

Status CheckSamples(const PowerTrace& trace) {
  const bool counter = trace.meter.kind == MeterKind::kCounter;
  for (std::size_t i = 0; i < trace.at_ns.size(); ++i) {
    const auto refuse = [i](const char* what) {
      return InvalidArgumentError("sample " + std::to_string(i) + ": " + what);
    };
    if (trace.at_ns[i] < 0 || trace.at_ns[i] > kMaxValue || (i > 0 && trace.at_ns[i] < trace.at_ns[i - 1])) {
      return refuse("its time is before its neighbour's or out of range");
    }
    if (trace.read_ns[i] < 0 || trace.read_ns[i] > kMaxSpacingNs) return refuse("read_ns must be 0 to a day");
    if (trace.value[i] > kMaxValue || trace.value[i] < (counter ? 0 : -kMaxValue)) {
      return refuse(counter ? "a counter must be 0 to 2^62" : "a power must be within 2^62");
    }
  }
  return OkStatus();
}

Status CheckEdges(const PowerTrace& trace) {
  for (std::size_t i = 0; i < trace.edges.size(); ++i) {
    if (trace.edges[i] > trace.at_ns.size() || (i > 0 && trace.edges[i] < trace.edges[i - 1])) {
      return InvalidArgumentError("edge " + std::to_string(i) +
                                  ": it is before its neighbour or behind the samples");
    }
  }
  return OkStatus();
}

Result<PowerTrace> DecodeTrace(std::string_view bytes) {
  if (bytes.size() < kPowerPrefixBytes || bytes.substr(0, kPowerMagic.size()) != kPowerMagic) {
    return InvalidArgumentError("does not begin with PDKPWR1");
  }
  if (bytes.size() > kMaxPowerBytes) return InvalidArgumentError("has more than 2 GiB");
  std::uint32_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data() + kPowerMagic.size(), sizeof header_bytes);
  if (header_bytes > bytes.size() - kPowerPrefixBytes) {
    return InvalidArgumentError("truncated: the header has " + std::to_string(header_bytes) +
                                " bytes, the whole trace " + std::to_string(bytes.size()));
  }
  PowerTrace trace;
  PADDOCK_ASSIGN_OR_RETURN(const ArraySizes sizes,
                           ReadPowerHeader(bytes.substr(kPowerPrefixBytes, header_bytes), &trace));
  DeltaReader reader(bytes.substr(kPowerPrefixBytes + header_bytes));
  PADDOCK_RETURN_IF_ERROR(reader.Read(sizes.samples, "at_ns", &trace.at_ns));
  PADDOCK_RETURN_IF_ERROR(reader.Read(sizes.samples, "read_ns", &trace.read_ns));
  PADDOCK_RETURN_IF_ERROR(reader.Read(sizes.samples, "value", &trace.value));
  PADDOCK_RETURN_IF_ERROR(reader.Read(sizes.edges, "edges", &trace.edges));
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  PADDOCK_RETURN_IF_ERROR(CheckSamples(trace));
  PADDOCK_RETURN_IF_ERROR(CheckEdges(trace));
  return trace;
}

void SetSpan(const char* key, const std::optional<TimeSpan>& span, Json* header) {
  if (span) (*header)[key] = {span->begin_ns, span->end_ns};
}

}  // namespace

std::string_view MeterKindName(MeterKind kind) {
  switch (kind) {
    case MeterKind::kCounter:
      return "counter";
    case MeterKind::kSampled:
      return "sampled";
    case MeterKind::kAveraged:
      break;
  }
  return "averaged";
}

PowerTrace::IndexRange PowerTrace::IndicesOf(const TimeSpan& span) const {
  const auto index = [this](std::int64_t ns) {
    return static_cast<std::size_t>(std::lower_bound(at_ns.begin(), at_ns.end(), ns) - at_ns.begin());
  };
  return {index(span.begin_ns), index(std::max(span.begin_ns, span.end_ns))};
}

std::string EncodePowerTrace(const PowerTrace& trace) {
  const std::size_t count = trace.at_ns.size();
  PADDOCK_CHECK(trace.read_ns.size() == count && trace.value.size() == count, "one entry per sample");
  const MeterDescription& meter = trace.meter;
  Json header = {{"source", meter.source},
                 {"boundary", meter.boundary},
                 {"kind", MeterKindName(meter.kind)},
                 {"averaging_ns", meter.averaging_ns},
                 {"on_device", meter.on_device},
                 {"rails", meter.rails},
                 {"period_ns", meter.period_ns},
                 {"lsb", meter.lsb},
                 {"failed_reads", trace.failed_reads},
                 {"overflow_count", trace.overflow_count},
                 {"samples", count}};
  if (meter.gain_uncertainty) header["gain_uncertainty"] = *meter.gain_uncertainty;
  if (meter.counter_range_uj) header["counter_range_uj"] = *meter.counter_range_uj;
  SetSpan("idle_before", trace.idle_before, &header);
  SetSpan("window", trace.window, &header);
  SetSpan("idle_after", trace.idle_after, &header);
  if (!meter.edge_input.empty()) header["edge_input"] = meter.edge_input;
  if (!trace.edges.empty()) header["edges"] = trace.edges.size();
  if (trace.lost_edges > 0) header["lost_edges"] = trace.lost_edges;
  if (!trace.last_failure.empty()) header["last_failure"] = trace.last_failure;
  const std::string header_text = header.dump(-1, ' ', false, Json::error_handler_t::replace);

  std::string raw;
  raw.reserve(count * 6);
  AppendDeltas(trace.at_ns, &raw);
  AppendDeltas(trace.read_ns, &raw);
  AppendDeltas(trace.value, &raw);
  AppendDeltas(trace.edges, &raw);

  const auto header_bytes = static_cast<std::uint32_t>(header_text.size());
  std::string bytes(kPowerMagic);
  bytes.append(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
  return bytes + header_text + ZlibCompress(raw);
}

Result<PowerTrace> DecodePowerTrace(std::string_view bytes) {
  auto trace = DecodeTrace(bytes);
  if (!trace.ok()) return trace.status().WithContext("power trace");
  return trace;
}

}  // namespace paddock
