// The steps `firmware` and `host-c`: from an ONNX model to a program.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/option_reader.h"
#include "base/status.h"
#include "kpi/network_facts.h"
#include "prepare/codegen/network.h"
#include "prepare/firmware/toolchain.h"
#include "prepare/steps.h"

namespace paddock {

std::span<const OptionDoc> FirmwareStepOptions();
Status CheckFirmwareStep(const std::map<std::string, std::string>& options);
// "elf+nucleo-l4r5zi". REQUIRES: the options were checked.
std::string FirmwareKind(const std::map<std::string, std::string>& options);
Result<std::vector<std::string>> RunFirmwareStep(const StepRequest& request);

std::span<const OptionDoc> HostLibraryStepOptions();
Status CheckHostLibraryStep(const std::map<std::string, std::string>& options);
std::string HostLibraryKind(const std::map<std::string, std::string>& options);  // "so+x86_64"
Result<std::vector<std::string>> RunHostLibraryStep(const StepRequest& request);

// What programs depend on besides the model and the options: the compiler, and the C sources that are part of this program.
Result<std::string> CompilerFingerprint(const Toolchain& toolchain);

// Without target and sizes. REQUIRES: places are given (plan_arena.h).
NetworkFacts FactsOf(const Network& network);

}  // namespace paddock
