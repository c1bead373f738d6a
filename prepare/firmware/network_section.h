// Puts the facts of a network into the program that was made of it. Internal to this folder.
#pragma once

#include <string>

#include "base/status.h"
#include "kpi/network_facts.h"
#include "prepare/firmware/toolchain.h"

namespace paddock {

// Adds the section kNetworkFactsSection to `folder`/`program`, which is then moved to `out_path`.
Status AddFactsAndMove(const Toolchain& toolchain, const NetworkFacts& facts, const std::string& folder,
                       const std::string& program, const std::string& out_path);

}  // namespace paddock
