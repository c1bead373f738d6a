// The compilers that make programs of generated C: found in PATH, started without a shell, with the same output for the same
// input. Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace paddock {

// Of one kind of processor. Debian's packages are named in errors.
struct Toolchain {
  std::string compiler;  // "arm-none-eabi-gcc"
  std::string objcopy;
  std::string size;
  std::string packages;  // "gcc-arm-none-eabi libnewlib-arm-none-eabi"
};
const Toolchain& ArmToolchain();
const Toolchain& HostToolchain();

// FAILED_PRECONDITION names what to install.
Status CheckToolchain(const Toolchain& toolchain);
// The first line that the compiler prints about itself, after CheckToolchain().
Result<std::string> ToolchainVersion(const Toolchain& toolchain);

// Runs one of its programs in `folder`; its stdout. INTERNAL with its last words when it refuses what it is given, which is
// ours; DEADLINE_EXCEEDED after ten minutes; ABORTED when it is killed.
Result<std::string> RunTool(const Toolchain& toolchain, std::vector<std::string> argv,
                            const std::string& folder);

}  // namespace paddock
