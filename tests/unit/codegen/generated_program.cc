#include "tests/unit/codegen/generated_program.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "base/subprocess.h"
#include "prepare/codegen/write_c.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

const std::string kTests = PADDOCK_SOURCE_DIR "/tests/unit/codegen/";
constexpr std::chrono::minutes kPatience(2);

bool IsInstalled(const std::string& program) {
  ProcessRequest request;
  request.argv = {program, "--version"};
  request.environment = CleanEnvironment();
  const auto result = RunProcess(request, Deadline::After(kPatience));
  if (result.ok() && result->succeeded()) return true;
  WARN("skipped: there is no " << program);
  return false;
}

void RequireSuccess(std::vector<std::string> argv, const std::string& folder) {
  ProcessRequest request;
  request.argv = std::move(argv);
  request.environment = CleanEnvironment();
  request.working_directory = folder;
  const auto result = RunProcess(request, Deadline::After(kPatience));
  REQUIRE(result.ok());
  INFO(result->Describe() << "\n" << result->stdout_text << result->stderr_text);
  REQUIRE(result->succeeded());
}

std::vector<std::string> Compile(const ProgramTarget& target) {
  std::vector<std::string> argv = {target.compiler, "-std=c99",     "-Wall",
                                   "-Wextra",       "-Wconversion", "-pedantic",
                                   "-Werror",       "-I",           PADDOCK_SOURCE_DIR "/prepare/firmware"};
  argv.insert(argv.end(), target.flags.begin(), target.flags.end());
  return argv;
}

std::vector<std::vector<ValueBytes>> SplitOutputs(const Network& network, std::string_view bytes) {
  std::vector<std::vector<ValueBytes>> samples;
  while (!bytes.empty()) {
    std::vector<ValueBytes>& outputs = samples.emplace_back();
    for (const std::uint32_t output : network.outputs) {
      const std::size_t size = network.values[output].Bytes();
      REQUIRE(bytes.size() >= size);
      const auto* const begin = reinterpret_cast<const std::byte*>(bytes.data());
      outputs.emplace_back(begin, begin + size);
      bytes.remove_prefix(size);
    }
  }
  return samples;
}

}  // namespace

ProgramTarget HostTarget() {
  return {"host", "cc", {"-Os", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"}, ""};
}
ProgramTarget FastHostTarget() { return {"host", "cc", {"-O2"}, ""}; }
ProgramTarget CortexTarget(const std::string& core, const std::string& optimization) {
  struct Row {
    const char* core;
    std::vector<std::string> floats;
    const char* machine;
  };
  const std::vector<Row> rows = {{"m0", {}, ""},
                                 {"m3", {}, "mps2-an385"},
                                 {"m4", {"-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"}, "mps2-an386"},
                                 {"m7", {"-mfloat-abi=hard", "-mfpu=fpv5-d16"}, "mps2-an500"},
                                 {"m55", {"-mfloat-abi=hard"}, "mps3-an547"}};
  for (const Row& row : rows) {
    if (row.core != core) continue;
    std::vector<std::string> flags = {optimization, "-mthumb", "-mcpu=cortex-" + core};
    flags.insert(flags.end(), row.floats.begin(), row.floats.end());
    return {"Cortex-" + core, "arm-none-eabi-gcc", flags, row.machine};
  }
  FAIL("there is no row for " << core);
  return {};
}

std::optional<std::vector<std::vector<ValueBytes>>> RunGenerated(
    const Network& network, const std::vector<std::vector<ValueBytes>>& samples,
    const ProgramTarget& target) {
  CAPTURE(target.name);
  const bool emulated = !target.machine.empty();
  if (!IsInstalled(target.compiler) || (emulated && !IsInstalled("qemu-system-arm"))) return std::nullopt;
  const TempDir folder;
  std::string inputs;
  for (const std::vector<ValueBytes>& sample : samples) {
    for (const ValueBytes& bytes : sample)
      inputs.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  REQUIRE(WriteFileUnsynced(folder / "inputs", inputs).ok());
  REQUIRE(WriteFileUnsynced(folder / "network.c", WriteC(network)).ok());
  std::vector<std::string> build = Compile(target);
  build.insert(build.end(), {"-o", "program", "network.c", kTests + "run_samples.c"});
  if (emulated)
    build.insert(build.end(), {"-nostartfiles", "-specs=nano.specs", "-T", kTests + "semihosting.ld"});
  build.emplace_back("-lm");
  RequireSuccess(build, folder.path());
  if (emulated) {
    RequireSuccess(
        {"qemu-system-arm", "-machine", target.machine, "-display", "none", "-monitor", "none", "-serial",
         "none", "-semihosting-config", "enable=on,target=native", "-kernel", "program"},
        folder.path());
  } else {
    RequireSuccess({folder / "program", "inputs", "outputs"}, folder.path());
  }
  const auto outputs = ReadFile(folder / "outputs");
  REQUIRE(outputs.ok());
  return SplitOutputs(network, *outputs);
}

void CompileGenerated(const Network& network, const ProgramTarget& target) {
  CAPTURE(target.name);
  if (!IsInstalled(target.compiler)) return;
  const TempDir folder;
  REQUIRE(WriteFileUnsynced(folder / "network.c", WriteC(network)).ok());
  std::vector<std::string> build = Compile(target);
  build.insert(build.end(), {"-c", "-o", "network.o", "network.c"});
  RequireSuccess(build, folder.path());
}

}  // namespace paddock
