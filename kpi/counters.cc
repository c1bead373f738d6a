#include "kpi/counters.h"

#include "base/strict_json.h"

namespace paddock {
namespace {

template <typename T>
void SetIfPresent(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

}  // namespace

Json CountersToJson(const CounterReadings& counters) {
  Json json = Json::object();
  SetIfPresent(json, "cycles", counters.cycles);
  SetIfPresent(json, "instructions", counters.instructions);
  SetIfPresent(json, "cache_misses", counters.cache_misses);
  SetIfPresent(json, "branch_misses", counters.branch_misses);
  SetIfPresent(json, "multiplexed_share", counters.multiplexed_share);
  if (!counters.missing.empty()) json["missing"] = counters.missing;
  SetIfPresent(json, "process_cpu_ns", counters.process_cpu_ns);
  SetIfPresent(json, "thread_cpu_ns", counters.thread_cpu_ns);
  SetIfPresent(json, "voluntary_switches", counters.voluntary_switches);
  SetIfPresent(json, "involuntary_switches", counters.involuntary_switches);
  return json;
}

Result<CounterReadings> CountersFromJson(const Json& json, const std::string& path) {
  CounterReadings counters;
  StrictObject object(json, path);
  object.Optional("cycles", &counters.cycles);
  object.Optional("instructions", &counters.instructions);
  object.Optional("cache_misses", &counters.cache_misses);
  object.Optional("branch_misses", &counters.branch_misses);
  object.Optional("multiplexed_share", &counters.multiplexed_share);
  object.Optional("missing", &counters.missing);
  object.Optional("process_cpu_ns", &counters.process_cpu_ns);
  object.Optional("thread_cpu_ns", &counters.thread_cpu_ns);
  object.Optional("voluntary_switches", &counters.voluntary_switches);
  object.Optional("involuntary_switches", &counters.involuntary_switches);
  PADDOCK_RETURN_IF_ERROR(object.Finish());
  return counters;
}

}  // namespace paddock
