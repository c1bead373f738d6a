#include "base/subprocess.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/sanitizer.h"

namespace paddock {
namespace {

constexpr int kPollMs = 50;
constexpr std::size_t kReadBytes = 64 * 1024;
// The most that the kernel lets a pipe hold by default; what a dead child left behind is not more.
constexpr std::size_t kMaxLeftoverBytes = 1 << 20;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { Close(); }
  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// Above the three standard numbers, so that the child can put its own there without overwriting another.
Fd AboveStandard(Fd fd) {
  if (fd.get() < 0 || fd.get() > STDERR_FILENO) return fd;
  return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

struct Pipe {
  Fd read_end;
  Fd write_end;

  bool Open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read_end = AboveStandard(Fd(ends[0]));
    write_end = AboveStandard(Fd(ends[1]));
    return read_end.get() >= 0 && write_end.get() >= 0;
  }
};

std::vector<char*> PointersTo(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const auto& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// What went wrong between fork and exec, sent through a pipe that exec closes.
struct StartFailure {
  enum Step : int { kWorkingDirectory, kLimits, kDescriptors, kExec } step;
  int error_number;
};

struct ChildPlan {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* working_directory;  // null: the parent's
  std::uint64_t memory_limit_bytes;
  bool joins_group;
  int null_fd, stdout_fd, stderr_fd, failure_fd;
  pid_t parent;
};

[[noreturn]] void FailStart(const ChildPlan& plan, StartFailure::Step step) {
  const StartFailure failure{step, errno};
  [[maybe_unused]] const ssize_t written = ::write(plan.failure_fd, &failure, sizeof failure);
  ::_exit(127);
}

// Runs in the child of a process with threads: only async-signal-safe calls, no allocation.
[[noreturn]] void BecomeProgram(const ChildPlan& plan) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(127);  // the parent died before the line above
  if (!plan.joins_group) ::setpgid(0, 0);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) FailStart(plan, StartFailure::kLimits);
  if (plan.memory_limit_bytes != 0 && !PADDOCK_UNDER_SANITIZER) {
    const rlimit memory{plan.memory_limit_bytes, plan.memory_limit_bytes};
    if (::setrlimit(RLIMIT_DATA, &memory) != 0) FailStart(plan, StartFailure::kLimits);
  }
  if (plan.working_directory != nullptr && ::chdir(plan.working_directory) != 0) {
    FailStart(plan, StartFailure::kWorkingDirectory);
  }
  if (::dup2(plan.null_fd, STDIN_FILENO) < 0 || ::dup2(plan.stdout_fd, STDOUT_FILENO) < 0 ||
      ::dup2(plan.stderr_fd, STDERR_FILENO) < 0) {
    FailStart(plan, StartFailure::kDescriptors);
  }
  // Closed by exec rather than now: failure_fd is needed until then. Kernels before 5.11 lack the call.
  if (::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    const int end = static_cast<int>(std::min<long>(::sysconf(_SC_OPEN_MAX), 1 << 16));
    for (int fd = STDERR_FILENO + 1; fd < end; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ::execve(plan.program, plan.argv, plan.environment);
  FailStart(plan, StartFailure::kExec);
}

// A started child. Whatever way the scope is left, it is killed, its group with it when that is its own, and reaped.
class Child {
 public:
  Child(pid_t pid, bool joins_group)
      : pid_(pid),
        killed_(joins_group ? pid : -pid),
        pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) Reap();
  }

  // -1 on kernels before 5.3; then HasEnded() must be asked from time to time.
  int pidfd() const { return pidfd_.get(); }

  // Until Reap() the child keeps its pid, so that the group's number cannot belong to another.
  void Kill() const { ::kill(killed_, SIGKILL); }

  bool HasEnded() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_;
  }

  struct End {
    int wait_status = 0;
    std::int64_t peak_memory_bytes = 0;
  };
  End Reap() {
    Kill();
    End end;
    rusage usage{};
    while (::wait4(pid_, &end.wait_status, 0, &usage) < 0 && errno == EINTR) {
    }
    end.peak_memory_bytes = std::int64_t{usage.ru_maxrss} * 1024;
    pid_ = -1;
    return end;
  }

 private:
  pid_t pid_;
  pid_t killed_;  // negative: a group
  Fd pidfd_;
};

// The reading end of one of the child's streams.
class Stream {
 public:
  Stream(Fd fd, std::function<void(std::string_view)> consume)
      : fd_(std::move(fd)), consume_(std::move(consume)) {
    ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  }

  int fd() const { return fd_.get(); }

  // Reads what is there, at most `limit`. At the end of the stream fd() becomes -1.
  void Drain(std::size_t limit) {
    char buffer[kReadBytes];
    for (std::size_t total = 0; fd_.get() >= 0 && total < limit;) {
      const ssize_t count = ::read(fd_.get(), buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) return fd_.Close();
      total += static_cast<std::size_t>(count);
      consume_(std::string_view(buffer, static_cast<std::size_t>(count)));
    }
  }

 private:
  Fd fd_;
  std::function<void(std::string_view)> consume_;
};

// Cuts a stream into lines; an overlong one is dropped whole.
class LineSplitter {
 public:
  LineSplitter(std::size_t limit_bytes, const std::function<void(const std::string&)>& on_line)
      : limit_bytes_(limit_bytes), on_line_(on_line) {}

  void Append(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t length = std::min(bytes.find('\n'), bytes.size());
      if (line_.size() + length > limit_bytes_) overlong_ = true;
      if (overlong_) {
        line_.clear();
      } else {
        line_.append(bytes.substr(0, length));
      }
      if (length == bytes.size()) return;
      bytes.remove_prefix(length + 1);
      if (!std::exchange(overlong_, false)) on_line_(line_);
      line_.clear();
    }
  }

 private:
  const std::size_t limit_bytes_;
  const std::function<void(const std::string&)>& on_line_;
  std::string line_;
  bool overlong_ = false;
};

void KeepBeginning(std::string& kept, std::string_view bytes, std::size_t limit) {
  kept.append(bytes.substr(0, limit - std::min(limit, kept.size())));
}

void KeepEnd(std::string& kept, std::string_view bytes, std::size_t limit) {
  kept.append(bytes);
  if (kept.size() > limit) kept.erase(0, kept.size() - limit);
}

Result<pid_t> Start(const ProcessRequest& request, int stdout_fd, int stderr_fd) {
  const std::string& name = request.argv.front();
  // Of a path that cannot be started, exec says why.
  const auto program = name.find('/') != name.npos ? std::optional(name) : FindProgram(name);
  if (!program)
    return NotFoundError("cannot start " + name + ": no such program in PATH; install it or give its path");
  const Fd null_device = AboveStandard(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  Pipe failure_pipe;
  if (null_device.get() < 0 || !failure_pipe.Open()) return ErrnoStatus(errno, "cannot start " + name);

  const auto argv = PointersTo(request.argv);
  const auto environment = PointersTo(request.environment);
  const ChildPlan plan{
      .program = program->c_str(),
      .argv = argv.data(),
      .environment = environment.data(),
      .working_directory = request.working_directory.empty() ? nullptr : request.working_directory.c_str(),
      .memory_limit_bytes = request.memory_limit_bytes,
      .joins_group = request.joins_group,
      .null_fd = null_device.get(),
      .stdout_fd = stdout_fd,
      .stderr_fd = stderr_fd,
      .failure_fd = failure_pipe.write_end.get(),
      .parent = ::getpid()};
  // No handler of ours may run in the child.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  // fork() would copy the page tables of a large process first, a millisecond in an agent. The child shares memory with this
  // waiting thread until exec; it only makes system calls and does not return from this function.
  const pid_t pid = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  const int fork_error = errno;
  if (pid == 0) BecomeProgram(plan);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return ErrnoStatus(fork_error, "cannot start " + name);

  failure_pipe.write_end.Close();
  StartFailure failure{};
  ssize_t count;
  do {
    count = ::read(failure_pipe.read_end.get(), &failure, sizeof failure);
  } while (count < 0 && errno == EINTR);
  if (count != sizeof failure) return pid;  // exec closed the pipe
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  switch (failure.step) {
    case StartFailure::kWorkingDirectory:
      return ErrnoStatus(failure.error_number,
                         "cannot start " + name + " in the folder " + request.working_directory);
    case StartFailure::kLimits:
      return ErrnoStatus(failure.error_number, "cannot start " + name + ": setting its memory limit");
    default:
      return ErrnoStatus(failure.error_number, "cannot start " + *program);
  }
}

int PollTimeoutMs(Deadline deadline, bool must_look_around) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining()).count();
  const std::int64_t longest = must_look_around ? kPollMs : 60'000;
  return static_cast<int>(std::min<std::int64_t>(left, longest));
}

}  // namespace

Result<ProcessResult> RunProcess(const ProcessRequest& request, Deadline deadline,
                                 const std::function<bool()>& cancelled) {
  if (request.argv.empty()) return InvalidArgumentError("cannot start a process: argv is empty");
  Pipe stdout_pipe;
  Pipe stderr_pipe;
  if (!stdout_pipe.Open() || !stderr_pipe.Open())
    return ErrnoStatus(errno, "cannot start " + request.argv.front());
  PADDOCK_ASSIGN_OR_RETURN(const pid_t pid,
                           Start(request, stdout_pipe.write_end.get(), stderr_pipe.write_end.get()));
  Child child(pid, request.joins_group);
  stdout_pipe.write_end.Close();
  stderr_pipe.write_end.Close();

  ProcessResult result;
  const std::size_t limit = request.output_limit_bytes;
  LineSplitter lines(limit, request.on_stdout_line);
  Stream out(std::move(stdout_pipe.read_end), [&](std::string_view bytes) {
    if (request.on_stdout_line) {
      lines.Append(bytes);
    } else {
      KeepBeginning(result.stdout_text, bytes, limit);
    }
  });
  Stream err(std::move(stderr_pipe.read_end),
             [&](std::string_view bytes) { KeepEnd(result.stderr_text, bytes, limit); });

  while (!child.HasEnded()) {
    if (!result.timed_out && !result.cancelled) {
      result.cancelled = cancelled && cancelled();
      result.timed_out = !result.cancelled && deadline.passed();
      if (result.cancelled || result.timed_out) child.Kill();
    }
    const bool killed = result.cancelled || result.timed_out;
    pollfd watched[] = {{child.pidfd(), POLLIN, 0}, {out.fd(), POLLIN, 0}, {err.fd(), POLLIN, 0}};
    const bool must_look_around = cancelled || child.pidfd() < 0 || killed;
    ::poll(watched, 3, PollTimeoutMs(killed ? Deadline::Never() : deadline, must_look_around));
    if (watched[1].revents != 0) out.Drain(kReadBytes);
    if (watched[2].revents != 0) err.Drain(kReadBytes);
  }
  // A grandchild may hold the pipes open: what the child wrote is in them already, the end of file is not waited for.
  child.Kill();
  out.Drain(kMaxLeftoverBytes);
  err.Drain(kMaxLeftoverBytes);
  const Child::End end = child.Reap();
  if (WIFEXITED(end.wait_status)) result.exit_code = WEXITSTATUS(end.wait_status);
  if (WIFSIGNALED(end.wait_status)) result.signal = WTERMSIG(end.wait_status);
  result.peak_memory_bytes = end.peak_memory_bytes;
  return result;
}

std::vector<std::string> CleanEnvironment() {
  std::vector<std::string> environment;
  for (const char* name : {"PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "LSAN_OPTIONS",
                           "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') environment.push_back(std::string(name) + "=" + value);
  }
  return environment;
}

std::optional<std::string> FindProgram(const std::string& name) {
  const auto is_program = [](const std::string& path) {
    std::error_code error;
    return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != name.npos) return is_program(name) ? std::optional(name) : std::nullopt;
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody writes it
  std::string_view folders = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!folders.empty() && !name.empty()) {
    const std::size_t length = std::min(folders.find(':'), folders.size());
    std::string candidate = std::string(folders.substr(0, length)) + "/" + name;
    if (length > 0 && is_program(candidate)) return candidate;
    folders.remove_prefix(std::min(length + 1, folders.size()));
  }
  return std::nullopt;
}

}  // namespace paddock
