#include <algorithm>
#include <cmath>
#include <limits>

#include "proto/wire_limits.h"
#include "server/rpc/convert.h"

namespace paddock {
namespace {

constexpr int kMostStages = 10'000;

bool IsDeviceId(const std::string& id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '_' || c == '-';
  });
}

DeviceDescription DescriptionFromProto(const v1::DeviceDescription& in) {
  DeviceDescription out;
  out.driver = in.driver();
  out.model = in.model();
  out.serial = in.serial();
  out.runtime = in.runtime();
  out.labels.insert(in.labels().begin(), in.labels().end());
  out.artifact_kinds.assign(in.artifact_kinds().begin(), in.artifact_kinds().end());
  for (const auto& [kind, steps] : in.last_steps())
    out.last_steps[kind].assign(steps.steps().begin(), steps.steps().end());
  if (in.has_batch_bytes_limit()) out.limits.batch_bytes = in.batch_bytes_limit();
  if (in.has_artifact_bytes_limit()) out.limits.artifact_bytes = in.artifact_bytes_limit();
  if (in.has_samples_per_query_limit()) out.limits.samples_per_query = in.samples_per_query_limit();
  out.computes_outputs = in.computes_outputs();
  return out;
}

Result<std::vector<StageTime>> StagesFromProto(const v1::RunReport& in) {
  std::vector<StageTime> out;
  if (in.stages_size() > kMostStages) {
    return InvalidArgumentError("report of run " + in.run_id() + ": more than " +
                                std::to_string(kMostStages) + " stages");
  }
  for (const v1::StageTime& stage : in.stages()) {
    if (!(stage.seconds() >= 0) || std::isinf(stage.seconds()) || !std::isfinite(stage.energy_j()) ||
        stage.bytes() > std::numeric_limits<std::int64_t>::max()) {
      return InvalidArgumentError("report of run " + in.run_id() + ": stage '" + stage.stage() +
                                  "' has a time, size or energy that cannot be");
    }
    StageTime entry;
    entry.stage = stage.stage();
    if (stage.has_repetition()) entry.repetition = stage.repetition();
    entry.seconds = stage.seconds();
    if (stage.has_bytes()) entry.bytes = stage.bytes();
    if (stage.has_energy_j()) entry.energy_j = stage.energy_j();
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

Result<AgentGreeting> GreetingFromProto(const v1::AgentMessage& message) {
  if (!message.has_hello())
    return InvalidArgumentError("the first message of a session must be the greeting");
  const v1::AgentHello& hello = message.hello();
  if (hello.protocol_version() != kProtocolVersion) {
    return FailedPreconditionError("the agent of '" + hello.device_id() + "' speaks protocol version " +
                                   std::to_string(hello.protocol_version()) + ", this coordinator " +
                                   std::to_string(kProtocolVersion) + "; update the older of the two");
  }
  if (!IsDeviceId(hello.device_id())) {
    return InvalidArgumentError("device id '" + hello.device_id() +
                                "' must have 1 to 64 letters, digits, '.', '_' or '-'");
  }
  if (hello.instance_id().empty()) return InvalidArgumentError("the greeting has no instance id");
  AgentGreeting out;
  out.device.id = DeviceId(hello.device_id());
  out.device.instance = AgentInstanceId(hello.instance_id());
  out.device.agent_version = hello.agent_version();
  out.device.description = DescriptionFromProto(hello.description());
  out.device.description.labels["id"] = hello.device_id();
  out.device.description.labels["driver"] = hello.description().driver();
  out.device.shares.assign(hello.description().shares().begin(), hello.description().shares().end());
  if (!hello.description().golden().empty()) {
    auto policy = ParseGoldenPolicy(hello.description().golden());
    if (!policy.ok()) return policy.status().WithContext("golden of device '" + hello.device_id() + "'");
    out.device.golden = *policy;
  }
  out.device.problem = hello.problem();
  for (const v1::DriverInfo& driver : hello.drivers()) {
    DriverDoc doc{driver.name(), driver.summary(), {}};
    for (const v1::DriverOption& option : driver.options())
      doc.options.emplace_back(option.key(), option.help());
    out.device.drivers.push_back(std::move(doc));
  }
  out.held = HeldFromProto(hello.held());
  return out;
}

std::vector<HeldLease> HeldFromProto(const google::protobuf::RepeatedPtrField<v1::HeldLease>& held) {
  std::vector<HeldLease> out;
  out.reserve(static_cast<std::size_t>(held.size()));
  for (const v1::HeldLease& lease : held) out.push_back({RunId(lease.run_id()), lease.lease()});
  return out;
}

RunProgress ProgressFromProto(const v1::RunProgress& progress) {
  RunProgress out;
  out.stage = progress.stage();
  out.repetition = progress.repetition();
  out.repetitions = progress.repetitions();
  out.inferences_done = progress.inferences_done();
  if (progress.has_time_left_s()) out.time_left_s = progress.time_left_s();
  out.detail = progress.detail();
  return out;
}

Result<RunReport> ReportFromProto(const v1::RunReport& in) {
  RunReport out;
  out.run = RunId(in.run_id());
  out.lease = in.lease();
  if (in.outcome() == "done") {
    out.outcome = RunOutcome::kDone;
  } else if (in.outcome() == "failed") {
    out.outcome = RunOutcome::kFailed;
  } else if (in.outcome() == "cancelled") {
    out.outcome = RunOutcome::kCancelled;
  } else {
    return InvalidArgumentError("report of run " + in.run_id() + ": outcome '" + in.outcome() +
                                "' is none of done, failed, cancelled");
  }
  if (in.has_failure()) {
    PADDOCK_ASSIGN_OR_RETURN(const FailureClass failure_class, ParseFailureClass(in.failure().class_()));
    out.failure = RunFailure{failure_class, in.failure().stage(), in.failure().message()};
  }
  out.retry = in.retry();
  for (const v1::RepetitionReport& repetition : in.repetitions()) {
    RepetitionReport entry;
    entry.index = repetition.index();
    entry.record_inline = repetition.record();
    if (!repetition.record_sha256().empty()) {
      PADDOCK_ASSIGN_OR_RETURN(entry.record_blob, Digest::Parse(repetition.record_sha256()));
    }
    if (!repetition.predictions_sha256().empty()) {
      PADDOCK_ASSIGN_OR_RETURN(entry.predictions, Digest::Parse(repetition.predictions_sha256()));
    }
    if (entry.record_inline.empty() == entry.record_blob.empty() ||
        entry.record_inline.size() > kMaxInlineRecordBytes) {
      return InvalidArgumentError("report of run " + in.run_id() + ": repetition " +
                                  std::to_string(entry.index) +
                                  " must have its record inline (up to 32 KiB) or named by digest");
    }
    out.repetitions.push_back(std::move(entry));
  }
  PADDOCK_ASSIGN_OR_RETURN(out.stages, StagesFromProto(in));
  return out;
}

v1::Device DeviceToProto(const DeviceView& view) {
  v1::Device out;
  const DeviceDescription& description = view.record.description;
  out.set_id(view.record.id.str());
  out.set_state(view.state);
  out.set_run_id(view.run.str());
  out.set_agent_version(view.record.agent_version);
  out.set_last_seen_wall_ms(view.record.last_seen_wall_ms);
  out.set_problem(view.record.problem);
  v1::DeviceDescription& to = *out.mutable_description();
  to.set_driver(description.driver);
  to.set_model(description.model);
  to.set_serial(description.serial);
  to.set_runtime(description.runtime);
  to.mutable_labels()->insert(description.labels.begin(), description.labels.end());
  for (const std::string& share : view.record.shares) to.add_shares(share);
  for (const std::string& kind : description.artifact_kinds) to.add_artifact_kinds(kind);
  for (const auto& [kind, steps] : description.last_steps) {
    auto& listed = *(*to.mutable_last_steps())[kind].mutable_steps();
    listed.Assign(steps.begin(), steps.end());
  }
  if (description.limits.batch_bytes) to.set_batch_bytes_limit(*description.limits.batch_bytes);
  if (description.limits.artifact_bytes) to.set_artifact_bytes_limit(*description.limits.artifact_bytes);
  if (description.limits.samples_per_query)
    to.set_samples_per_query_limit(*description.limits.samples_per_query);
  to.set_computes_outputs(description.computes_outputs);
  if (view.record.golden) to.set_golden(GoldenPolicyText(*view.record.golden));
  return out;
}

v1::GoldenState GoldenStateToProto(const GoldenSummary& summary) {
  v1::GoldenState out;
  out.set_runs(summary.runs);
  out.set_last_run(summary.last.str());
  if (summary.comparison && summary.comparison->ratio) out.set_last_ratio(*summary.comparison->ratio);
  out.set_drifting(summary.comparison && summary.comparison->drifting);
  return out;
}

}  // namespace paddock
