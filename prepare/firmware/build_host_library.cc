#include <filesystem>
#include <utility>

#include "base/architecture.h"
#include "base/file.h"
#include "base/scratch_folder.h"
#include "prepare/firmware/build_firmware.h"
#include "prepare/firmware/device_sources.h"
#include "prepare/firmware/network_section.h"
#include "prepare/firmware/toolchain.h"

namespace paddock {

Result<NetworkFacts> BuildHostLibrary(std::string_view network_c, NetworkFacts facts,
                                      const std::string& out_path) {
  const Toolchain& toolchain = HostToolchain();
  PADDOCK_RETURN_IF_ERROR(CheckToolchain(toolchain));
  PADDOCK_ASSIGN_OR_RETURN(const ScratchFolder scratch,
                           ScratchFolder::Make(std::filesystem::absolute(out_path).parent_path().string()));
  PADDOCK_RETURN_IF_ERROR(
      WriteFileUnsynced(scratch.path() + "/network.h", std::string(NetworkHeader().front().text)));
  PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(scratch.path() + "/network.c", network_c));
  const auto compiled = RunTool(toolchain,
                                {toolchain.compiler, "-std=c99", "-O2", "-fPIC", "-shared", "-I.",
                                 "network.c", "-o", "network.so", "-lm"},
                                scratch.path());
  if (!compiled.ok()) return compiled.status();
  facts.target = HostArchitecture();
  PADDOCK_RETURN_IF_ERROR(AddFactsAndMove(toolchain, facts, scratch.path(), "network.so", out_path));
  return facts;
}

}  // namespace paddock
