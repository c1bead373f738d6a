// The agent's types as messages of paddock.v1, and back.
#pragma once

#include "agent/link.h"
#include "agent/run_types.h"
#include "paddock/v1/agent.pb.h"

namespace paddock::agent {

void FillHeld(const HeldLease& lease, v1::HeldLease* out);
HeldLease FromProto(const std::string& run_id, std::uint64_t lease);
// With this build's versions and its families of drivers.
v1::AgentMessage HelloMessage(const Greeting& greeting);
// Adds them.
void FillStages(const std::vector<StageTime>& stages, v1::RunReport* out);
v1::AgentMessage ProgressMessage(const Progress& progress);

}  // namespace paddock::agent
