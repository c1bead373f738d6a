// Builds the C of a network and runs it on samples, on this machine or on an emulated Cortex-M.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "prepare/codegen/network.h"
#include "tests/unit/codegen/reference_network.h"

namespace paddock {

// Where a generated program runs.
struct ProgramTarget {
  std::string name;
  std::string compiler;
  std::vector<std::string> flags;
  std::string machine;  // of qemu-system-arm; empty: this machine
};
ProgramTarget HostTarget();      // with the sanitizers that find what kernels do outside their places
ProgramTarget FastHostTarget();  // for many samples
// `core` is a Cortex-M with an emulated board, "m3", "m4", "m7" or "m55", or "m0", which is only built for.
ProgramTarget CortexTarget(const std::string& core, const std::string& optimization);

// Outputs by sample, by output. `samples` has the bytes of every input by sample. REQUIREs that the C compiles without a
// warning and runs to its end. Absent, with a message, when the target's compiler or emulator is not installed.
std::optional<std::vector<std::vector<ValueBytes>>> RunGenerated(
    const Network& network, const std::vector<std::vector<ValueBytes>>& samples, const ProgramTarget& target);

// Compiles the C of the network without a warning; for targets that are only built for.
void CompileGenerated(const Network& network, const ProgramTarget& target);

}  // namespace paddock
