#include "base/strict_json.h"
#include "kpi/tensor_json.h"
#include "server/core/farm.h"
#include "server/core/stored_json.h"

namespace paddock {
namespace {

Json DescriptionAsJson(const DeviceDescription& description) {
  Json json = {{"driver", description.driver},          {"model", description.model},
               {"serial", description.serial},          {"runtime", description.runtime},
               {"labels", description.labels},          {"artifact_kinds", description.artifact_kinds},
               {"last_steps", description.last_steps},  {"computes_outputs", description.computes_outputs},
               {"link_cuts_s", description.link_cuts_s}};
  const DeviceLimits& limits = description.limits;
  if (limits.batch_bytes) json["batch_bytes_limit"] = *limits.batch_bytes;
  if (limits.artifact_bytes) json["artifact_bytes_limit"] = *limits.artifact_bytes;
  if (limits.samples_per_query) json["samples_per_query_limit"] = *limits.samples_per_query;
  return json;
}

void ReadDescription(StrictObject& object, DeviceDescription* description) {
  object.Required("driver", &description->driver);
  object.Required("model", &description->model);
  object.Required("serial", &description->serial);
  object.Required("runtime", &description->runtime);
  object.Required("labels", &description->labels);
  object.Required("artifact_kinds", &description->artifact_kinds);
  object.Optional("last_steps", &description->last_steps);
  object.Required("computes_outputs", &description->computes_outputs);
  object.Required("link_cuts_s", &description->link_cuts_s);
  object.Optional("batch_bytes_limit", &description->limits.batch_bytes);
  object.Optional("artifact_bytes_limit", &description->limits.artifact_bytes);
  object.Optional("samples_per_query_limit", &description->limits.samples_per_query);
}

Json DriversAsJson(const std::vector<DriverDoc>& drivers) {
  Json list = Json::array();
  for (const DriverDoc& driver : drivers) {
    Json options = Json::array();
    for (const auto& [key, help] : driver.options) options.push_back({{"key", key}, {"help", help}});
    list.push_back({{"name", driver.name}, {"summary", driver.summary}, {"options", std::move(options)}});
  }
  return list;
}

void ReadDrivers(StrictObject& parent, std::string_view key, std::vector<DriverDoc>* out) {
  ReadList(parent, key, out, [](StrictObject& object, DriverDoc* driver) {
    object.Required("name", &driver->name);
    object.Required("summary", &driver->summary);
    ReadList(object, "options", &driver->options, [](StrictObject& entry, auto* option) {
      entry.Required("key", &option->first);
      entry.Required("help", &option->second);
    });
  });
}

}  // namespace

std::string EncodePreparedRun(const PreparedRun& prepared) {
  Json batches = Json::array();
  for (const Digest& batch : prepared.batches) batches.push_back(batch.hex());
  return DumpStored({{"artifact", prepared.artifact.hex()},
                     {"artifact_kind", prepared.artifact_kind},
                     {"artifact_bytes", prepared.artifact_bytes},
                     {"inputs", TensorsAsJson(prepared.inputs)},
                     {"outputs", TensorsAsJson(prepared.outputs)},
                     {"batches", std::move(batches)},
                     {"labels", prepared.labels.hex()},
                     {"sample_count", prepared.sample_count},
                     {"report", prepared.report},
                     {"preparation_s", prepared.preparation_s}});
}

Result<PreparedRun> DecodePreparedRun(std::string_view json) {
  PADDOCK_ASSIGN_OR_RETURN(const Json document, ParseJson(json, "prepared run", kStoredLimits));
  PreparedRun prepared;
  std::vector<std::string> batches;
  StrictObject root(document, "prepared_run");
  ReadDigest(root, "artifact", &prepared.artifact);
  root.Required("artifact_kind", &prepared.artifact_kind);
  root.Required("artifact_bytes", &prepared.artifact_bytes);
  ReadTensors(root, "inputs", &prepared.inputs);
  ReadTensors(root, "outputs", &prepared.outputs);
  root.Required("batches", &batches);
  ReadDigest(root, "labels", &prepared.labels);
  root.Required("sample_count", &prepared.sample_count);
  root.Required("report", &prepared.report);
  root.Required("preparation_s", &prepared.preparation_s);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  for (const std::string& hex : batches) {
    auto batch = Digest::Parse(hex);
    if (!batch.ok()) return batch.status().WithContext("prepared_run.batches");
    prepared.batches.push_back(std::move(batch).value());
  }
  return prepared;
}

std::string EncodeDeviceRecord(const DeviceRecord& record) {
  Json json = {{"id", record.id.str()},
               {"instance", record.instance.str()},
               {"agent_version", record.agent_version},
               {"description", DescriptionAsJson(record.description)},
               {"shares", record.shares},
               {"drivers", DriversAsJson(record.drivers)},
               {"problem", record.problem},
               {"last_seen_wall_ms", record.last_seen_wall_ms}};
  if (record.golden) json["golden"] = GoldenPolicyText(*record.golden);
  return DumpStored(json);
}

Result<DeviceRecord> DecodeDeviceRecord(std::string_view json) {
  PADDOCK_ASSIGN_OR_RETURN(const Json document, ParseJson(json, "device record", kStoredLimits));
  DeviceRecord record;
  std::string id;
  std::string instance;
  std::string golden;
  StrictObject root(document, "device");
  root.Required("id", &id);
  root.Required("instance", &instance);
  root.Required("agent_version", &record.agent_version);
  ReadObject(root, "description",
             [&](StrictObject& object) { ReadDescription(object, &record.description); });
  root.Required("shares", &record.shares);
  ReadDrivers(root, "drivers", &record.drivers);
  root.Required("problem", &record.problem);
  root.Required("last_seen_wall_ms", &record.last_seen_wall_ms);
  root.Optional("golden", &golden);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  if (!golden.empty()) {
    auto policy = ParseGoldenPolicy(golden);
    if (!policy.ok()) return policy.status().WithContext("device.golden");
    record.golden = *policy;
  }
  record.id = DeviceId(id);
  record.instance = AgentInstanceId(instance);
  return record;
}

}  // namespace paddock
