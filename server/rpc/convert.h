// The wire's messages to the domain's structs and back: the only place on the server that knows both. Foreign input is checked
// here for form (names, ranges, digests); INVALID_ARGUMENT names the field as a job file spells it.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <vector>

#include "base/status.h"
#include "paddock/v1/agent.pb.h"
#include "paddock/v1/artifact.pb.h"
#include "paddock/v1/device.pb.h"
#include "paddock/v1/job.pb.h"
#include "paddock/v1/result.pb.h"
#include "server/core/coordinator.h"
#include "server/core/farm.h"
#include "server/core/job_spec.h"
#include "server/store/results.h"

namespace paddock {

// Jobs. `files` are the digests of the paths that the spec names.
Result<JobSpec> JobSpecFromProto(const v1::JobSpec& spec, const std::map<std::string, std::string>& files);
v1::JobStatus JobStatusToProto(const Job& job, const std::vector<Run>& runs,
                               const std::map<DeviceId, std::string>& drivers);
v1::JobStatus StoredJobToProto(const StoredJob& stored);
v1::Failure FailureToProto(const RunFailure& failure);

// Results.
v1::Kpi KpiToProto(const KpiDefinition& definition, const KpiValue& value);
v1::StageTime StageToProto(const StageTime& stage);
v1::RunResult ResultToProto(const StoredResult& result);

// Agents.
Result<AgentGreeting> GreetingFromProto(const v1::AgentMessage& message);
std::vector<HeldLease> HeldFromProto(const google::protobuf::RepeatedPtrField<v1::HeldLease>& held);
RunProgress ProgressFromProto(const v1::RunProgress& progress);
Result<RunReport> ReportFromProto(const v1::RunReport& report);

// Devices.
v1::Device DeviceToProto(const DeviceView& view);
v1::GoldenState GoldenStateToProto(const GoldenSummary& summary);

}  // namespace paddock
