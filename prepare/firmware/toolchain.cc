#include "prepare/firmware/toolchain.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/subprocess.h"

namespace paddock {
namespace {

constexpr auto kToolTimeout = std::chrono::minutes(10);
constexpr std::size_t kToolLastWords = 600;

Status MissingTool(const Toolchain& toolchain, const std::string& what) {
  return FailedPreconditionError(
      what + " is not installed where the model is prepared; on Debian: apt install " + toolchain.packages);
}

// A compiler says first what is wrong, and then what follows from it.
std::string FirstWords(std::string_view text) {
  std::string words(text.substr(0, kToolLastWords));
  while (!words.empty() && words.back() == '\n') words.pop_back();
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words;
}

}  // namespace

const Toolchain& ArmToolchain() {
  static const Toolchain kArm{"arm-none-eabi-gcc", "arm-none-eabi-objcopy", "arm-none-eabi-size",
                              "gcc-arm-none-eabi libnewlib-arm-none-eabi"};
  return kArm;
}

const Toolchain& HostToolchain() {
  static const Toolchain kHost{"cc", "objcopy", "size", "gcc libc6-dev"};
  return kHost;
}

Status CheckToolchain(const Toolchain& toolchain) {
  for (const std::string& program : {toolchain.compiler, toolchain.objcopy, toolchain.size}) {
    if (!FindProgram(program)) return MissingTool(toolchain, "'" + program + "'");
  }
  return OkStatus();
}

Result<std::string> ToolchainVersion(const Toolchain& toolchain) {
  PADDOCK_RETURN_IF_ERROR(CheckToolchain(toolchain));
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, RunTool(toolchain, {toolchain.compiler, "--version"}, {}));
  return text.substr(0, text.find('\n'));
}

Result<std::string> RunTool(const Toolchain& toolchain, std::vector<std::string> argv,
                            const std::string& folder) {
  const std::string name = argv.front();
  ProcessRequest request;
  request.argv = std::move(argv);
  request.environment = CleanEnvironment();
  request.working_directory = folder;
  PADDOCK_ASSIGN_OR_RETURN(ProcessResult result, RunProcess(request, Deadline::After(kToolTimeout)));
  if (result.succeeded()) return std::move(result.stdout_text);
  const std::string& words = result.stderr_text;
  if (words.find("nano.specs") != words.npos || words.find(".h: No such file") != words.npos)
    return MissingTool(toolchain, "the C library for '" + toolchain.compiler + "'");
  const std::string how = name + " was " + result.Describe();
  if (result.timed_out) return DeadlineExceededError(how);
  if (result.signal != 0) return Status(StatusCode::kAborted, how);
  return InternalError(name + " ended with " + result.Describe() + ": " + FirstWords(words));
}

}  // namespace paddock
