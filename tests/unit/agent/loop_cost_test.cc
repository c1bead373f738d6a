// What the measured loop itself asks of the machine: counted from the first to the last measured query. A program of its
// own, since it replaces the allocator's entry points.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <new>

#include "agent/load_scenario.h"
#include "tests/fakes/temp_dir.h"

namespace {

std::uint64_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace paddock::agent {
namespace {

constexpr std::uint64_t kWarmupQueries = 100;
constexpr std::uint64_t kMeasuredQueries = 20'000;

// Calls `at_first` in the first measured query and `at_last` in the last one.
class EdgeSession final : public Session {
 public:
  EdgeSession(std::function<void()> at_first, std::function<void()> at_last)
      : at_first_(std::move(at_first)), at_last_(std::move(at_last)) {}
  const std::vector<TensorInfo>& Inputs() const override { return none_; }
  const std::vector<TensorInfo>& Outputs() const override { return none_; }
  std::map<std::string, std::string> EffectiveOptions() const override { return {}; }
  Result<std::uint32_t> Bind(std::span<const TensorView>) override { return std::uint32_t{0}; }
  Status Invoke(std::uint32_t) override {
    ++count_;
    if (count_ == kWarmupQueries + 1) at_first_();
    if (count_ == kWarmupQueries + kMeasuredQueries) at_last_();
    return OkStatus();
  }
  Result<std::vector<TensorView>> ReadOutputs() override { return std::vector<TensorView>(); }

 private:
  const std::function<void()> at_first_;
  const std::function<void()> at_last_;
  std::uint64_t count_ = 0;
  std::vector<TensorInfo> none_;
};

void RunCounted(ScenarioKind kind, double precision, std::function<void()> at_first,
                std::function<void()> at_last) {
  const TempDir folder;
  SharedCounter done = SharedCounter::Open(folder / "progress").value();
  EdgeSession session(std::move(at_first), std::move(at_last));
  const std::vector<BoundQuery> queries(3);
  LoadRequest request{.scenario = {}, .queries = queries};
  request.scenario.kind = kind;
  if (kind == ScenarioKind::kServer) request.scenario.target_rate_hz = 1e5;
  request.scenario.min_duration_s = 0;
  request.scenario.max_duration_s = 20;
  request.scenario.min_inferences = kMeasuredQueries;
  request.scenario.warmup = {.min_inferences = kWarmupQueries, .min_s = 0};
  request.scenario.median_precision = precision;
  request.scenario.tail_precision = precision;
  REQUIRE(RunLoad(session, request, SystemClock(), done, [](std::string_view) {}).ok());
}

TEST_CASE("nothing is allocated between the first and the last measured query", "[load]") {
  const auto kind = GENERATE(ScenarioKind::kSingleStream, ScenarioKind::kServer);
  const double precision = kind == ScenarioKind::kServer ? 0 : GENERATE(0.0, 1.0);
  std::uint64_t first = 0;
  std::uint64_t last = ~std::uint64_t{0};
  RunCounted(
      kind, precision, [&] { first = allocations; }, [&] { last = allocations; });
  CHECK(first > 0);
  CHECK(last - first == 0);
}

// Every system call from here on ends the process with SIGSYS, but for its end, and for the clock where it is no vDSO.
bool ForbidSystemCalls() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog program{.len = std::size(filter), .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

constexpr int kNothingCalled = 42;
constexpr int kCannotForbid = 43;

// How a child ends that runs the load and forbids system calls between its first and last measured query.
int EndOfForbidden(const std::function<void()>& between) {
  const pid_t child = fork();
  if (child == 0) {
    RunCounted(
        ScenarioKind::kSingleStream, 0,
        [&] {
          if (!ForbidSystemCalls()) std::_Exit(kCannotForbid);
          between();
        },
        [] { std::_Exit(kNothingCalled); });
    std::_Exit(1);
  }
  int how = 0;
  REQUIRE(waitpid(child, &how, 0) == child);
  return how;
}

TEST_CASE("no system call but the clock is made between the first and the last measured query", "[load]") {
  const int end = EndOfForbidden([] {});
  if (WIFEXITED(end) && WEXITSTATUS(end) == kCannotForbid) {
    WARN("this machine does not let a process filter its system calls");
    return;
  }
  CHECK((WIFEXITED(end) && WEXITSTATUS(end) == kNothingCalled));
  // The filter does see a call.
  const int caught = EndOfForbidden([] { static_cast<void>(getppid()); });
  CHECK((WIFSIGNALED(caught) && WTERMSIG(caught) == SIGSYS));
}

}  // namespace
}  // namespace paddock::agent
