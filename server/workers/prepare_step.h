// One preparation step in a child process, since a vendor's tool may crash on a model. The child is paddockd itself, started
// with --prepare-step; its answer comes back in a file, because such tools print what they like.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "prepare/steps.h"

namespace paddock {

// The first argument that makes paddockd a child of this kind.
inline constexpr char kPrepareStepFlag[] = "--prepare-step";

// The child's main: `arguments` are those after the program's name, beginning with kPrepareStepFlag. Returns the exit code:
// 0 when the step's answer, also an error, was written.
int PrepareStepMain(const std::vector<std::string>& arguments);

struct StepProcessSettings {
  std::string program = "/proc/self/exe";  // understands kPrepareStepFlag
  StepTools tools;
  std::chrono::seconds timeout{600};
  std::uint64_t memory_limit_bytes = std::uint64_t{8} << 30;
};

// Runs the step on the files of `files`; out_path does not exist before and after an error. Options are those of `step`, tools
// those of `settings`. A child that a signal ends is started again,
// three times in all, since a crash may be a matter of luck.
// The child leads a process group, and a converter and what that has started stay in it: all of them end with the step. When
// paddockd itself is killed (SIGKILL), the child and the converter end, what the converter has started may not.
// The step's own error; ABORTED when the child died (names the signal or exit code and its last words), DEADLINE_EXCEEDED,
// CANCELLED. Blocks; any thread.
Result<StepReport> RunStepInChild(const std::string& step, const StepRequest& files,
                                  const StepProcessSettings& settings,
                                  const std::function<bool()>& cancelled);

}  // namespace paddock
