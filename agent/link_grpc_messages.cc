#include "agent/link_grpc_messages.h"

#include "base/version.h"
#include "device_drivers/registry.h"
#include "proto/wire_limits.h"

namespace paddock::agent {

void FillHeld(const HeldLease& lease, v1::HeldLease* out) {
  out->set_run_id(lease.run.str());
  out->set_lease(lease.lease);
}

HeldLease FromProto(const std::string& run_id, std::uint64_t lease) {
  return {.run = RunId(run_id), .lease = lease};
}

v1::AgentMessage HelloMessage(const Greeting& greeting) {
  v1::AgentMessage message;
  v1::AgentHello& hello = *message.mutable_hello();
  hello.set_protocol_version(kProtocolVersion);
  hello.set_agent_version(std::string(kPaddockVersion));
  hello.set_device_id(greeting.device.str());
  hello.set_instance_id(greeting.instance.str());
  hello.set_problem(greeting.problem);
  for (const HeldLease& lease : greeting.held) FillHeld(lease, hello.add_held());
  const DeviceDescription& from = greeting.description;
  v1::DeviceDescription& to = *hello.mutable_description();
  to.set_driver(from.driver);
  to.set_model(from.model);
  to.set_serial(from.serial);
  to.set_runtime(from.runtime);
  to.mutable_labels()->insert(from.labels.begin(), from.labels.end());
  for (const std::string& share : greeting.shares) to.add_shares(share);
  to.set_golden(greeting.golden);
  for (const std::string& kind : from.artifact_kinds) to.add_artifact_kinds(kind);
  for (const auto& [kind, steps] : from.last_steps) {
    auto& listed = *(*to.mutable_last_steps())[kind].mutable_steps();
    listed.Assign(steps.begin(), steps.end());
  }
  if (from.limits.batch_bytes) to.set_batch_bytes_limit(*from.limits.batch_bytes);
  if (from.limits.artifact_bytes) to.set_artifact_bytes_limit(*from.limits.artifact_bytes);
  if (from.limits.samples_per_query) to.set_samples_per_query_limit(*from.limits.samples_per_query);
  to.set_computes_outputs(from.computes_outputs);
  for (const DriverEntry& entry : AllDrivers()) {
    v1::DriverInfo& driver = *hello.add_drivers();
    driver.set_name(std::string(entry.name));
    driver.set_summary(std::string(entry.summary));
    for (const OptionDoc& option : entry.options) {
      v1::DriverOption& documented = *driver.add_options();
      documented.set_key(std::string(option.key));
      documented.set_help(std::string(option.help));
    }
  }
  return message;
}

void FillStages(const std::vector<StageTime>& stages, v1::RunReport* out) {
  for (const StageTime& stage : stages) {
    v1::StageTime& to = *out->add_stages();
    to.set_stage(stage.stage);
    if (stage.repetition) to.set_repetition(*stage.repetition);
    to.set_seconds(stage.seconds);
    if (stage.bytes) to.set_bytes(*stage.bytes);
    if (stage.energy_j) to.set_energy_j(*stage.energy_j);
  }
}

v1::AgentMessage ProgressMessage(const Progress& progress) {
  v1::AgentMessage message;
  v1::ProgressReport& report = *message.mutable_progress();
  report.set_run_id(progress.lease.run.str());
  report.set_lease(progress.lease.lease);
  v1::RunProgress& out = *report.mutable_progress();
  out.set_stage(progress.stage);
  out.set_repetition(progress.repetition);
  out.set_repetitions(progress.repetitions);
  out.set_inferences_done(progress.inferences_done);
  if (progress.time_left_s) out.set_time_left_s(*progress.time_left_s);
  out.set_detail(progress.detail);
  return message;
}

}  // namespace paddock::agent
