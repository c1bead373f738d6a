#include "prepare/firmware/network_section.h"

#include <filesystem>
#include <system_error>

#include "base/file.h"

namespace paddock {

Status AddFactsAndMove(const Toolchain& toolchain, const NetworkFacts& facts, const std::string& folder,
                       const std::string& program, const std::string& out_path) {
  const std::string section(kNetworkFactsSection);
  PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(folder + "/facts.json", EncodeNetworkFacts(facts)));
  const auto added = RunTool(toolchain,
                             {toolchain.objcopy, "--add-section", section + "=facts.json",
                              "--set-section-flags", section + "=readonly", program},
                             folder);
  if (!added.ok()) return added.status();
  std::error_code error;
  std::filesystem::rename(folder + "/" + program, out_path, error);
  return error ? ErrnoStatus(error.value(), "cannot move the program to " + out_path) : OkStatus();
}

}  // namespace paddock
