#include "device_drivers/mcu/emulator.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <utility>

#include "base/scratch_folder.h"
#include "base/subprocess.h"

namespace paddock {
namespace {

constexpr char kProgram[] = "qemu-system-arm";
constexpr EmulatedBoard kBoards[] = {
    {"qemu-stm32f405", "netduinoplus2"},
    {"qemu-mps2-an386", "mps2-an386"},
    {"qemu-mps2-an500", "mps2-an500"},
    {"qemu-mps3-an547", "mps3-an547"},
};

// And the first line of what it said: of a processor that locked up its registers follow.
std::string LastWordsOf(const ProcessResult& result) {
  constexpr std::size_t kShown = 300;
  const std::string words = result.stderr_text.substr(0, std::min(result.stderr_text.find('\n'), kShown));
  return result.Describe() + (words.empty() ? "" : ": " + words);
}

// Of the calling thread, and of processes that it starts. QEMU hands each byte of the line from one of its threads to another: half as
// fast again where that wakes up no other processor, twice with LineBytes::kOneByOne. Nothing happens where it is not allowed.
void StayOnOneProcessor() {
  const int processor = ::sched_getcpu();
  if (processor < 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(processor), &one);
  static_cast<void>(::sched_setaffinity(0, sizeof one, &one));
}

Status NotInstalled(const Status& status) {
  if (status.code() != StatusCode::kNotFound) return status;
  return UnavailableError(std::string(kProgram) + " is not in PATH; on Debian: apt install qemu-system-arm");
}

class QemuEmulator final : public Emulator {
 public:
  explicit QemuEmulator(ScratchFolder folder) : folder_(std::move(folder)) {}
  ~QemuEmulator() override { stop_ = true; }  // ended_ waits in its destructor

  Status Start(const EmulatedBoard& board, const std::string& image, LineBytes bytes, Deadline deadline) {
    const std::string socket = folder_.path() + "/line";
    PADDOCK_ASSIGN_OR_RETURN(const std::unique_ptr<LineListener> listener, ListenForLine(socket));
    ProcessRequest request;
    request.argv = {kProgram};
    const auto add = [&argv = request.argv](const char* flag, const std::string& value) {
      argv.emplace_back(flag);
      argv.push_back(value);
    };
    add("-M", std::string(board.machine));
    add("-display", "none");
    add("-monitor", "none");
    add("-icount", "shift=0,align=off,sleep=on");
    // What would share the line among several has a buffer; no byte is its escape character.
    add("-chardev", "socket,id=line,path=" + socket + (bytes == LineBytes::kAhead ? ",mux=on" : ""));
    add("-echr", "256");
    add("-serial", "chardev:line");
    add("-kernel", image);
    request.environment = CleanEnvironment();
    request.output_limit_bytes = 65536;  // the last of it is kept, and its first line is wanted
    // QEMU dies with the thread that started it: that thread stays until then.
    ended_ = std::async(std::launch::async, [this, request = std::move(request)] {
      StayOnOneProcessor();
      return RunProcess(request, Deadline::Never(), [this] { return stop_.load(); });
    });
    while (true) {
      constexpr std::chrono::milliseconds kLookEvery(20);
      const Deadline look(std::min(deadline.when(), Deadline::After(kLookEvery).when()));
      auto line = listener->Accept(look);
      if (line.ok()) {
        line_ = *std::move(line);
        return OkStatus();
      }
      if (line.status().code() != StatusCode::kDeadlineExceeded) return line.status();
      if (HasEnded(std::chrono::milliseconds(0)))
        return failure_.ok() ? UnavailableError("the emulator ended at once: " + *ended_words_) : failure_;
      if (deadline.passed()) return DeadlineExceededError("the emulator does not come up");
    }
  }

  std::unique_ptr<Line> TakeLine() override { return std::move(line_); }

  std::optional<std::string> HowItEnded() override {
    constexpr std::chrono::milliseconds kEndTakes(300);
    if (HasEnded(kEndTakes)) return failure_.ok() ? ended_words_ : failure_.message();
    return std::nullopt;
  }

 private:
  bool HasEnded(std::chrono::milliseconds wait) {
    if (!ended_.valid()) return true;
    if (ended_.wait_for(wait) != std::future_status::ready) return false;
    const Result<ProcessResult> result = ended_.get();
    failure_ = NotInstalled(result.status());
    if (result.ok()) ended_words_ = LastWordsOf(*result);
    return true;
  }

  const ScratchFolder folder_;
  std::unique_ptr<Line> line_;
  std::optional<std::string> ended_words_;
  Status failure_;  // to start it
  std::atomic<bool> stop_{false};
  std::future<Result<ProcessResult>> ended_;  // last: its destructor waits for the process
};

}  // namespace

std::span<const EmulatedBoard> EmulatedBoards() { return kBoards; }

Result<const EmulatedBoard*> FindEmulatedBoard(std::string_view name) {
  std::string names;
  for (const EmulatedBoard& board : kBoards) {
    if (board.name == name) return &board;
    names.append(names.empty() ? "" : ", ").append(board.name);
  }
  return NotFoundError("there is no emulated board '" + std::string(name) + "'; there are: " + names);
}

Result<std::unique_ptr<Emulator>> StartEmulator(const EmulatedBoard& board, const std::string& image,
                                                LineBytes bytes, Deadline deadline) {
  PADDOCK_ASSIGN_OR_RETURN(ScratchFolder folder, ScratchFolder::Make());
  auto emulator = std::make_unique<QemuEmulator>(std::move(folder));
  PADDOCK_RETURN_IF_ERROR(emulator->Start(board, image, bytes, deadline));
  return std::unique_ptr<Emulator>(std::move(emulator));
}

Status CheckEmulator(Deadline deadline) {
  ProcessRequest request;
  request.argv = {kProgram, "--version"};
  request.environment = CleanEnvironment();
  const auto result = RunProcess(request, deadline);
  if (!result.ok()) return NotInstalled(result.status());
  if (!result->succeeded()) return UnavailableError(std::string(kProgram) + ": " + LastWordsOf(*result));
  return OkStatus();
}

}  // namespace paddock
