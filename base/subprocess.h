// Child processes: started without a shell, in a process group of their own (or not: joins_group), with an explicit environment,
// and never left behind. A child also dies with its parent (PR_SET_PDEATHSIG; the thread that starts it must outlive it).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace paddock {

struct ProcessRequest {
  std::vector<std::string> argv{};         // argv[0] is a path, or a name found in PATH
  std::vector<std::string> environment{};  // "NAME=value"; exactly this, nothing inherited
  std::string working_directory{};         // empty: the parent's
  std::uint64_t memory_limit_bytes =
      0;  // RLIMIT_DATA; 0: none. Ignored in sanitizer builds, which need the space
  std::size_t output_limit_bytes =
      1 << 20;  // kept of stdout from its beginning and of stderr from its end; the rest is read and dropped
  // Called on the waiting thread with each complete line of stdout as it comes; stdout is not kept then. A line longer than
  // output_limit_bytes is dropped, and so is a last one without its newline.
  std::function<void(const std::string& line)> on_stdout_line{};
  // The child stays in this process's group, so that whoever kills that group takes it and all that it starts along. Then what
  // is killed here is the child alone, and what it started lives until the group is killed or it ends by itself.
  bool joins_group = false;
};

struct ProcessResult {
  int exit_code = -1;      // when it exited
  int signal = 0;          // when a signal ended it
  bool timed_out = false;  // we killed its group at the deadline
  bool cancelled = false;  // we killed its group because `cancelled` said so
  std::string stdout_text;
  std::string stderr_text;  // the last output_limit_bytes
  std::int64_t peak_memory_bytes =
      0;  // ru_maxrss of the child; the kernel counts the parent's at the fork as well
  bool succeeded() const { return !timed_out && !cancelled && signal == 0 && exit_code == 0; }
  // "exit code 3", "killed by signal 11 (Segmentation fault)", "no answer within its deadline; killed".
  std::string Describe() const;
  // "its last words: " and the end of stderr, of stdout when stderr is empty, as one line of UTF-8 of at most 600 bytes; or "it
  // left no last words".
  std::string LastWords() const;
};

// Starts, waits, kills its group with SIGKILL at the deadline or when `cancelled` (polled at least every 50 ms) answers
// true. A child that cannot be started is an error (NOT_FOUND names the program); how it ended is in the result.
Result<ProcessResult> RunProcess(const ProcessRequest& request, Deadline deadline,
                                 const std::function<bool()>& cancelled = {});

// PATH, HOME, LANG, TZ, LD_LIBRARY_PATH of this process where set, plus what the sanitizer runtimes read; nothing else.
// Empty variables are left out: some runtimes abort on them.
std::vector<std::string> CleanEnvironment();

// The executable file that `name` means: a path, or a name found in PATH. Absent: there is none.
std::optional<std::string> FindProgram(const std::string& name);

// "Segmentation fault" for SIGSEGV.
std::string SignalName(int signal);

}  // namespace paddock
