// Every folder of tests/golden/kpi/ is a case worked out by hand or taken from the source it names: evidence.json holds what
// was measured, why the answer is what it is, and which KPIs the case is about; expected.json holds those KPIs.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "base/strict_json.h"
#include "golden.h"
#include "kpi/catalog.h"

namespace paddock {
namespace {

const std::string kCases = std::string(PADDOCK_SOURCE_DIR) + "/tests/golden/kpi";

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCases))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

void Require(const Status& status) {
  INFO(status.ToString());
  REQUIRE(status.ok());
}

// A list of numbers, or {"first":, "step":, "count":} for an arithmetic series.
std::vector<std::uint64_t> Series(const Json& json) {
  if (json.is_array()) return json.get<std::vector<std::uint64_t>>();
  std::vector<std::uint64_t> values(json.at("count").get<std::size_t>());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = json.at("first").get<std::uint64_t>() + i * json.at("step").get<std::uint64_t>();
  }
  return values;
}

// A sample every 10 ms: 5 s at idle_w, 10 s of window at load_w, 5 s at idle_w.
PowerTrace PowerFrom(const Json& json) {
  constexpr std::int64_t kPeriodNs = 10'000'000;
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  PowerTrace trace;
  trace.meter.source = "model";
  trace.meter.boundary = "external";
  trace.meter.on_device = false;
  trace.meter.period_ns = kPeriodNs;
  trace.idle_before = TimeSpan{0, 5 * kSecondNs - kPeriodNs};
  trace.window = TimeSpan{5 * kSecondNs, 15 * kSecondNs};
  trace.idle_after = TimeSpan{15 * kSecondNs + kPeriodNs, 20 * kSecondNs};
  for (std::int64_t at = 0; at <= 20 * kSecondNs; at += kPeriodNs) {
    const bool loaded = at >= trace.window->begin_ns && at <= trace.window->end_ns;
    trace.at_ns.push_back(at);
    trace.read_ns.push_back(0);
    trace.value.push_back(std::llround(json.at(loaded ? "load_w" : "idle_w").get<double>() * 1e6));
  }
  return trace;
}

RepetitionRecord RepetitionFrom(const Json& json) {
  RepetitionRecord record;
  StrictObject object(json, "repetition");
  object.Optional("model_load_ns", &record.model_load_ns);
  object.Optional("first_inference_ns", &record.first_inference_ns);
  object.Optional("cold_start_ns", &record.cold_start_ns);
  object.Optional("peak_memory_bytes", &record.peak_memory_bytes);
  object.Optional("window_ns", &record.window_ns);
  object.Optional("energy_j", &record.energy_j);
  object.Optional("invocations_per_reading", &record.queries.invocations_per_reading);
  if (const Json* counters = object.Child("counters"))
    record.counters = CountersFromJson(*counters, "counters").value();
  if (const Json* environment = object.Child("environment"))
    record.environment = EnvironmentFromJson(*environment, "environment").value();
  object.Optional("clock", &record.clock);
  if (const Json* network = object.Child("network"))
    record.network = NetworkFactsFromJson(*network, "network").value();
  if (const Json* power = object.Child("power")) record.power = PowerFrom(*power);
  if (const Json* probes = object.Child("rate_probes")) {
    for (const Json& probe : *probes)
      record.rate_probes.push_back(
          {probe.at("rate_hz").get<double>(), 1000, 1, probe.at("passed").get<bool>()});
  }
  object.Optional("samples_per_query", &record.queries.samples_per_query);
  object.Optional("warmup_count", &record.queries.warmup_count);
  if (const Json* latencies = object.Child("latency_ns")) record.queries.latency_ns = Series(*latencies);
  if (const Json* queries = object.Child("short_queries")) {
    for (const auto& [query, samples] : queries->items())
      record.queries.short_queries[std::stoull(query)] = samples;
  }
  record.queries.start_offset_ns.resize(record.queries.latency_ns.size());
  bool open_loop = false;  // there a rising series is a queue that builds up, and not a warm-up
  object.Optional("open_loop", &open_loop);
  if (open_loop) record.queries.intended_offset_ns.resize(record.queries.latency_ns.size());
  Require(object.Finish());
  return record;
}

// {"type": "float32"|"int8"|"int64", "shape": [...], "values": [...]}
Tensor TensorFrom(const Json& json) {
  Tensor tensor;
  tensor.info.type = *ParseElementType(json.at("type").get<std::string>());
  tensor.info.shape = json.at("shape").get<Shape>();
  REQUIRE(ElementCount(tensor.info.shape) == json.at("values").size());
  const auto append = [&](auto value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    tensor.bytes.insert(tensor.bytes.end(), bytes, bytes + sizeof value);
  };
  for (const Json& value : json.at("values")) {
    switch (tensor.info.type) {
      case ElementType::kInt8:
        append(value.get<std::int8_t>());
        break;
      case ElementType::kInt64:
        append(value.get<std::int64_t>());
        break;
      case ElementType::kFloat64:
        append(value.get<double>());
        break;
      default:
        REQUIRE(tensor.info.type == ElementType::kFloat32);
        append(value.get<float>());
    }
  }
  return tensor;
}

struct Case {
  std::vector<std::string> kpis;
  Tensor tensors[3];
  std::vector<Tensor> outputs;
  RunEvidence evidence;
};

// By reference: the evidence refers to the tensors.
void ReadCase(const std::string& name, Case* out) {
  const std::string path = kCases + "/" + name + "/evidence.json";
  const auto text = ReadFile(path);
  Require(text.status());
  const auto json = ParseJson(*text, path);
  Require(json.status());
  std::string why;
  std::string task = "none";
  StrictObject object(*json, "");
  object.Required("why", &why);
  object.Required("kpis", &out->kpis);
  object.Optional("task", &task);
  object.Optional("artifact_bytes", &out->evidence.artifact_bytes);
  object.Optional("deadline_s", &out->evidence.deadline_s);
  if (const Json* repetitions = object.Child("repetitions")) {
    for (const Json& repetition : *repetitions)
      out->evidence.repetitions.push_back(RepetitionFrom(repetition));
  }
  if (const Json* tensor = object.Child("predictions")) {
    out->tensors[0] = TensorFrom(*tensor);
    out->evidence.predictions = {{"scores", out->tensors[0].view()}};
  }
  if (const Json* outputs = object.Child("outputs")) {  // by name
    for (const auto& [output, tensor] : outputs->items()) {
      out->outputs.push_back(TensorFrom(tensor));
      out->outputs.back().info.name = output;
    }
    for (const Tensor& output : out->outputs)
      out->evidence.predictions.push_back({output.info.name, output.view()});
  }
  if (const Json* tensor = object.Child("labels")) {
    out->tensors[1] = TensorFrom(*tensor);
    out->evidence.labels = NamedTensorView{"labels", out->tensors[1].view()};
  }
  if (const Json* tensor = object.Child("reference")) {
    out->tensors[2] = TensorFrom(*tensor);
    out->evidence.reference = {{"scores", out->tensors[2].view()}};
  }
  Require(object.Finish());
  CHECK_FALSE(why.empty());
  out->evidence.task = *ParseTask(task);
}

TEST_CASE("every KPI of every golden case has the value that was worked out", "[kpi][golden]") {
  for (const std::string& name : CaseNames()) {
    DYNAMIC_SECTION(name) {
      Case golden;
      ReadCase(name, &golden);
      const KpiReport report = ComputeKpis(golden.evidence);
      Json actual = Json::object();
      for (const std::string& kpi : golden.kpis) {
        if (const auto missing = report.missing.find(kpi); missing != report.missing.end()) {
          actual[kpi] = {{"missing", missing->second}};
          continue;
        }
        REQUIRE(report.values.contains(kpi));
        const KpiValue& value = report.values.at(kpi);
        actual[kpi] = {{"value", value.value}};
        if (value.interval) {
          actual[kpi]["lower"] = value.interval->lower;
          actual[kpi]["upper"] = value.interval->upper;
          actual[kpi]["confidence"] = value.interval->confidence;
        }
      }
      CHECK(DifferenceFromGolden(kCases + "/" + name + "/expected.json", actual) == "");
    }
  }
}

TEST_CASE("every KPI of the catalogue has a golden case", "[kpi][golden]") {
  std::set<std::string> covered;
  for (const std::string& name : CaseNames()) {
    Case golden;
    ReadCase(name, &golden);
    covered.insert(golden.kpis.begin(), golden.kpis.end());
  }
  for (const KpiDefinition& kpi : KpiCatalog()) {
    INFO(kpi.name);
    CHECK(covered.contains(std::string(kpi.name)));
  }
}

}  // namespace
}  // namespace paddock
