// paddock-worker: one repetition of one run; see worker_protocol.h. It dies with the repetition, and whatever
// a model does to a runtime ends here.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <unistd.h>

#include "agent/repetition.h"
#include "agent/worker_protocol.h"
#include "base/file.h"
#include "base/sanitizer.h"
#include "base/version.h"
#include "device_drivers/registry.h"

#if PADDOCK_UNDER_SANITIZER
// LeakSanitizer's: threads of ONNX Runtime 1.30 now and then leave a few bytes behind. What we do not give back to it is found
// by the tests of its driver, which run without this.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libonnxruntime"; }
#endif

namespace paddock::agent {
namespace {

void WriteLine(const std::string& line) {
  std::fflush(stdout);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (count <= 0) return;  // nobody listens any more
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

int Fail(const Failure& failure) {
  WriteLine(FailureLine(failure));
  return 1;
}

template <typename T>
bool ParseNumber(std::string_view text, T* out) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), *out);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

int RunWorker(const std::string& folder, std::uint32_t index, MonotonicTime spawned) {
  std::string stage = kStageLoading;
  try {
    const auto text = ReadFile(WorkerRequestPath(folder));
    if (!text.ok()) return Fail(FailureOfFarm(text.status(), stage));
    const auto work = DecodeWorkerRequest(*text);
    if (!work.ok()) return Fail(FailureOfFarm(work.status(), stage));
    const auto entry = FindDriver(work->driver);
    if (!entry.ok()) return Fail(FailureOfFarm(entry.status(), stage));
    auto driver = (*entry)->create(work->options);
    if (!driver.ok()) {
      // The agent's configuration is at fault, or what it names is missing: not the job.
      Failure failure = FailureOfFarm(driver.status(), stage);
      failure.failure_class = FailureClass::kDevice;
      failure.retry = true;
      return Fail(failure);
    }
    const auto report_stage = [&stage](std::string_view entered) {
      stage = entered;
      WriteLine(StageLine(entered));
    };
    const RepetitionRequest request{.work = *work, .folder = folder, .index = index, .spawned = spawned};
    const auto failure = RunRepetition(**driver, request, SystemClock(), report_stage);
    return failure ? Fail(*failure) : 0;
  } catch (const std::bad_alloc&) {
    return Fail(FailureOfDriver(
        ResourceExhaustedError("out of memory on this device; a smaller model or batch needs less"), stage));
  } catch (const std::exception& error) {
    return Fail(FailureOfFarm(InternalError(std::string("uncaught exception: ") + error.what()), stage));
  }
}

}  // namespace
}  // namespace paddock::agent

int main(int argc, char** argv) {
  using namespace paddock;
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::printf("paddock-worker %s\n", std::string(kPaddockVersion).c_str());
    return 0;
  }
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::puts(
        "usage: paddock-worker FOLDER REPETITION SPAWN_NS\nMeasures one repetition; started by "
        "paddock-agent.");
    return 0;
  }
  std::uint32_t index = 0;
  std::int64_t spawned_ns = 0;
  if (argc != 4 || !agent::ParseNumber(argv[2], &index) || !agent::ParseNumber(argv[3], &spawned_ns)) {
    std::fputs("usage: paddock-worker FOLDER REPETITION SPAWN_NS (see --help)\n", stderr);
    return 2;
  }
  return agent::RunWorker(argv[1], index, MonotonicTime(std::chrono::nanoseconds(spawned_ns)));
}
