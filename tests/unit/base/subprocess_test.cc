#include "base/subprocess.h"
#include "base/sanitizer.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "base/utf8.h"
#include "tests/fakes/growing_patience.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

constexpr auto kLong = std::chrono::seconds(60);

ProcessRequest Shell(const std::string& script) {
  return {.argv = {"/bin/sh", "-c", script}, .environment = {"PATH=/usr/bin:/bin"}};
}

ProcessResult Run(const ProcessRequest& request, std::chrono::nanoseconds deadline = kLong) {
  auto result = RunProcess(request, Deadline::After(deadline));
  INFO(result.status().message());
  REQUIRE(result.ok());
  return *result;
}

// Whether the process goes away; being killed, it does so without further help.
bool Vanishes(pid_t pid) {
  for (int i = 0; i < 10'000; ++i) {
    if (::kill(pid, 0) != 0) return true;
    // An orphan may stay a zombie where nobody reaps it.
    const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
    if (!stat.ok() || stat->find(") Z ") != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace

TEST_CASE("a child's output, its exit code and its memory come back", "[base][subprocess]") {
  const ProcessResult result = Run(Shell("echo out; echo err >&2; exit 3"));
  CHECK(result.stdout_text == "out\n");
  CHECK(result.stderr_text == "err\n");
  CHECK(result.exit_code == 3);
  CHECK_FALSE(result.succeeded());
  CHECK(result.Describe() == "exit code 3");
  CHECK(result.peak_memory_bytes > 100'000);
  CHECK(Run(Shell("exit 0")).succeeded());
}

TEST_CASE("a child that a signal ended says which", "[base][subprocess]") {
  const ProcessResult result = Run(Shell("kill -SEGV $$"));
  CHECK(result.signal == SIGSEGV);
  CHECK(result.Describe() == "killed by signal 11 (Segmentation fault)");
  CHECK(SignalName(12345) == "unknown signal");
}

TEST_CASE("a child gets exactly the environment it is given, and the folder", "[base][subprocess]") {
  const TempDir folder;
  ::setenv("PADDOCK_TEST_LEAK", "1", 1);
  ProcessRequest request{.argv = {"env"}, .environment = {"ONLY=this"}, .working_directory = folder.path()};
  CHECK(Run(request).stdout_text == "ONLY=this\n");
  request.argv = {"/bin/pwd"};
  CHECK_THAT(Run(request).stdout_text, Contains(folder.path().substr(folder.path().rfind('/'))));
  ::unsetenv("PADDOCK_TEST_LEAK");
}

TEST_CASE("a program that is not there is named", "[base][subprocess]") {
  for (const char* name : {"paddock-no-such-program", "/no/such/program"}) {
    const auto result = RunProcess({.argv = {name}}, Deadline::After(kLong));
    CHECK(result.status().code() == StatusCode::kNotFound);
    CHECK_THAT(result.status().message(), Contains(name));
  }
  CHECK(RunProcess({}, Deadline::After(kLong)).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a program that cannot be started says why", "[base][subprocess]") {
  const TempDir folder;
  REQUIRE(WriteFileAtomically(folder / "text", "not a program").ok());
  CHECK(RunProcess({.argv = {folder / "text"}}, Deadline::After(kLong)).status().code() ==
        StatusCode::kPermissionDenied);
  ProcessRequest request = Shell("true");
  request.working_directory = folder / "missing";
  const auto result = RunProcess(request, Deadline::After(kLong));
  CHECK(result.status().code() == StatusCode::kNotFound);
  CHECK_THAT(result.status().message(), Contains(folder / "missing"));
}

TEST_CASE("at the deadline the child and its children are killed", "[base][subprocess]") {
  ProcessResult result;
  WithGrowingPatience([&](int patience) {
    result = Run(Shell("sleep 1000 & echo $!; wait"), patience * std::chrono::milliseconds(300));
    return !result.stdout_text.empty();
  });
  CHECK(result.timed_out);
  CHECK(result.signal == SIGKILL);
  CHECK(result.Describe() == "no answer within its deadline; killed");
  CHECK(Vanishes(std::stoi(result.stdout_text)));
}

TEST_CASE("a grandchild that keeps the pipe open does not outlive the child", "[base][subprocess]") {
  const ProcessResult result = Run(Shell("sleep 1000 & echo $!"));
  CHECK(result.succeeded());
  CHECK(Vanishes(std::stoi(result.stdout_text)));
}

TEST_CASE("a grandchild that left the group and keeps the pipe open holds nobody up", "[base][subprocess]") {
  const ProcessResult result = Run(Shell("setsid sleep 1000 & echo $!"));
  CHECK(result.succeeded());
  const pid_t escaped = std::stoi(result.stdout_text);
  ::kill(escaped, SIGKILL);
}

TEST_CASE("a child that closed its output is still waited for", "[base][subprocess]") {
  CHECK(Run(Shell("exec >&- 2>&-; sleep 0.1; exit 4")).exit_code == 4);
}

TEST_CASE("a cancelled child is killed", "[base][subprocess]") {
  const auto result = RunProcess(Shell("sleep 1000"), Deadline::Never(), [] { return true; });
  REQUIRE(result.ok());
  CHECK(result->cancelled);
  CHECK_FALSE(result->timed_out);
  CHECK(result->Describe() == "cancelled; killed");
}

TEST_CASE("of too much output the beginning of stdout and the end of stderr are kept", "[base][subprocess]") {
  ProcessRequest request =
      Shell("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; printf first; printf last >&2");
  request.output_limit_bytes = 1000;
  const ProcessResult result = Run(request);
  CHECK(result.succeeded());
  CHECK(result.stdout_text == std::string(1000, '\0'));
  CHECK(result.stderr_text == std::string(996, '\0') + "last");
}

TEST_CASE("lines come one by one, whole, and are not kept", "[base][subprocess]") {
  std::vector<std::string> lines;
  ProcessRequest request =
      Shell("printf 'one\\n\\ntw'; printf 'o\\n'; printf '%05000d\\n' 7; printf 'x\\nincomplete'");
  request.output_limit_bytes = 1000;
  request.on_stdout_line = [&lines](const std::string& line) { lines.push_back(line); };
  CHECK(Run(request).stdout_text.empty());
  CHECK(lines == std::vector<std::string>{"one", "", "two", "x"});
}

TEST_CASE("a child inherits neither descriptors, nor blocked signals, nor ignored ones",
          "[base][subprocess]") {
  const int leaked = ::fcntl(STDIN_FILENO, F_DUPFD, 50);  // without O_CLOEXEC
  REQUIRE(leaked >= 50);
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old_handler = ::signal(SIGUSR1, SIG_IGN);
  const ProcessResult result = Run(Shell("test -e /proc/$$/fd/" + std::to_string(leaked) +
                                         " && echo leaked; ulimit -c; "
                                         "read line || echo no input"));
  const ProcessResult signals = Run({.argv = {"/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}});
  const ProcessResult terminated = Run(Shell("kill -TERM $$; echo survived"));
  ::signal(SIGUSR1, old_handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(leaked);
  CHECK(result.stdout_text == "0\nno input\n");
  CHECK(signals.stdout_text == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  CHECK(terminated.signal == SIGTERM);
}

TEST_CASE("a child dies with a parent that is killed", "[base][subprocess]") {
  const TempDir folder;
  const pid_t parent = ::fork();
  if (parent == 0) {
    static_cast<void>(RunProcess(Shell("echo $$ > " + (folder / "new") + "; mv " + (folder / "new") + " " +
                                       (folder / "pid") + "; sleep 1000"),
                                 Deadline::Never()));
    ::_exit(0);
  }
  REQUIRE(parent > 0);
  while (!FileSize(folder / "pid").ok()) std::this_thread::yield();
  const pid_t child = std::stoi(ReadFile(folder / "pid").value());
  CHECK(::kill(child, 0) == 0);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  CHECK(Vanishes(child));
}

TEST_CASE("what a child that joined its parent's group has started dies with that group",
          "[base][subprocess]") {
  const TempDir folder;
  const pid_t parent = ::fork();
  if (parent == 0) {
    ::setpgid(0, 0);
    ProcessRequest request = Shell("sleep 1000 & echo $! > " + (folder / "new") + "; mv " + (folder / "new") +
                                   " " + (folder / "pid") + "; wait");
    request.joins_group = true;
    static_cast<void>(RunProcess(request, Deadline::Never()));
    ::_exit(0);
  }
  REQUIRE(parent > 0);
  while (!FileSize(folder / "pid").ok()) std::this_thread::yield();
  ::kill(-parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  CHECK(Vanishes(std::stoi(ReadFile(folder / "pid").value())));
}

TEST_CASE("a child that joined its parent's group is killed alone", "[base][subprocess]") {
  ProcessRequest request = Shell("exec sleep 1000");
  request.joins_group = true;
  const auto result = RunProcess(request, Deadline::Never(), [] { return true; });
  REQUIRE(result.ok());
  CHECK(result->cancelled);
  CHECK(result->signal == SIGKILL);
}

TEST_CASE("the last words of a child are one line of text, whatever it wrote", "[base][subprocess]") {
  const auto words = [](std::string stderr_text, std::string stdout_text = "") {
    ProcessResult result;
    result.stdout_text = std::move(stdout_text);
    result.stderr_text = std::move(stderr_text);
    return result.LastWords();
  };
  CHECK(words(" \r\n") == "it left no last words");
  CHECK(words("one\n\ttwo\x1b[0m\xff\xc3\n") == "its last words: one  two [0m??");
  CHECK(words("", "said\n") == "its last words: said");
  std::string long_text;
  for (int i = 0; i < 1000; ++i) long_text += "\u20ac";
  const std::string last = words(long_text + "ab");
  CHECK(IsUtf8(last));
  CHECK_THAT(last, StartsWith("its last words: ... \u20ac") && EndsWith("\u20acab"));
  CHECK(last.size() < 630);
}

TEST_CASE("a memory limit reaches the child, except under a sanitizer", "[base][subprocess]") {
  ProcessRequest request = Shell("ulimit -d");
  const std::string unlimited = Run(request).stdout_text;
  request.memory_limit_bytes = 64 << 20;
#if PADDOCK_UNDER_SANITIZER
  CHECK(Run(request).stdout_text == unlimited);
#else
  CHECK(unlimited != "65536\n");
  CHECK(Run(request).stdout_text == "65536\n");
#endif
}

TEST_CASE("what a killed child had started goes with it", "[base][subprocess]") {
  const TempDir folder;
  ProcessRequest request = Shell("sleep 1000 & echo $! > " + (folder / "pid") + "; kill -KILL $$");
  CHECK(Run(request).signal == SIGKILL);
  CHECK(Vanishes(std::stoi(ReadFile(folder / "pid").value())));
}

TEST_CASE("the clean environment has what is set and nothing empty", "[base][subprocess]") {
  ::setenv("TZ", "", 1);
  ::setenv("LANG", "C", 1);
  ::setenv("PADDOCK_TEST_LEAK", "1", 1);
  ::setenv("RUY_PATHS", "", 1);  // TensorFlow Lite aborts on it
  const auto environment = CleanEnvironment();
  const auto has = [&](const std::string& start) {
    return std::any_of(environment.begin(), environment.end(),
                       [&](const auto& e) { return e.starts_with(start); });
  };
  CHECK(has("LANG=C"));
  CHECK(has("PATH="));
  CHECK_FALSE(has("TZ="));
  CHECK_FALSE(has("PADDOCK_TEST_LEAK="));
  CHECK_FALSE(has("RUY_PATHS="));
  ::unsetenv("RUY_PATHS");
  ::unsetenv("TZ");
  ::unsetenv("PADDOCK_TEST_LEAK");
}

}  // namespace paddock
