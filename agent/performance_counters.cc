#include "agent/performance_counters.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace paddock::agent {
namespace {

constexpr std::uint64_t kHardwareEvents[] = {PERF_COUNT_HW_CPU_CYCLES, PERF_COUNT_HW_INSTRUCTIONS,
                                             PERF_COUNT_HW_CACHE_MISSES, PERF_COUNT_HW_BRANCH_MISSES};
constexpr int kLivenessIterations = 1'000'000;

int KernelOpen(perf_event_attr* attributes, int group) {
  const long fd = ::syscall(SYS_perf_event_open, attributes, 0, -1, group, PERF_FLAG_FD_CLOEXEC);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

int KernelControlGroup(int fd, unsigned long request) {
  return ::ioctl(fd, request, PERF_IOC_FLAG_GROUP) < 0 ? -errno : 0;
}

std::uint64_t Nanoseconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

void BusyLoop() {
  volatile std::uint64_t sink = 1;
  for (int i = 0; i < kLivenessIterations; ++i) sink = sink * 3 + 1;
}

}  // namespace

const PerfCalls& KernelPerf() {
  static const PerfCalls calls{
      KernelOpen, KernelControlGroup,
      [](int fd, void* buffer, std::size_t bytes) { return static_cast<long>(::read(fd, buffer, bytes)); },
      [](int fd) { ::close(fd); }};
  return calls;
}

PerformanceCounters PerformanceCounters::Open(const PerfCalls& calls) {
  PerformanceCounters counters(calls);
  counters.OpenGroup();
  if (counters.missing_.empty()) counters.ProbeLiveness();
  return counters;
}

PerformanceCounters::PerformanceCounters(PerformanceCounters&& other) noexcept
    : calls_(other.calls_),
      descriptors_(other.descriptors_),
      begin_(other.begin_),
      begin_accounting_(other.begin_accounting_),
      missing_(std::move(other.missing_)) {
  other.descriptors_.fill(-1);
}

PerformanceCounters::~PerformanceCounters() { CloseAll(); }

void PerformanceCounters::CloseAll() {
  for (int& fd : descriptors_)
    if (fd >= 0) calls_->close(std::exchange(fd, -1));
}

void PerformanceCounters::OpenGroup() {
  for (int event = 0; event < kEvents; ++event) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = kHardwareEvents[event];
    attributes.disabled = event == kCycles ? 1 : 0;  // the leader's state is the group's
    attributes.inherit = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    // Without PERF_FORMAT_GROUP: kernels refuse it together with `inherit`.
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    const int fd = calls_->open(&attributes, descriptors_[kCycles]);
    if (fd >= 0) {
      descriptors_[static_cast<std::size_t>(event)] = fd;
    } else if (event == kCycles) {
      missing_ = fd == -EACCES || fd == -EPERM ? "not_permitted" : "no_pmu";
      return;
    }
  }
}

void PerformanceCounters::ProbeLiveness() {
  Begin();
  BusyLoop();
  calls_->control_group(descriptors_[kCycles], PERF_EVENT_IOC_DISABLE);
  const auto moved = [this](Event event) {
    double share = 1;
    return descriptors_[event] >= 0 && Counted(event, &share).value_or(0) > 0;
  };
  if (!moved(kCycles)) {
    missing_ = "stuck";
    CloseAll();
  } else if (!moved(kInstructions) && descriptors_[kInstructions] >= 0) {
    calls_->close(std::exchange(descriptors_[kInstructions], -1));
  }
}

PerformanceCounters::Reading PerformanceCounters::Read(int event) const {
  std::uint64_t values[3] = {};
  const int fd = descriptors_[static_cast<std::size_t>(event)];
  if (fd < 0 || calls_->read(fd, values, sizeof values) != static_cast<long>(sizeof values)) return {};
  return {.value = values[0], .enabled_ns = values[1], .running_ns = values[2]};
}

PerformanceCounters::Accounting PerformanceCounters::ReadAccounting() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return {.process_cpu_ns = Nanoseconds(CLOCK_PROCESS_CPUTIME_ID),
          .thread_cpu_ns = Nanoseconds(CLOCK_THREAD_CPUTIME_ID),
          .voluntary_switches = static_cast<std::uint64_t>(usage.ru_nvcsw),
          .involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw)};
}

void PerformanceCounters::Begin() {
  begin_accounting_ = ReadAccounting();
  if (descriptors_[kCycles] < 0) return;
  // Counts are differences: resetting would not reset what threads have counted.
  for (int event = 0; event < kEvents; ++event) begin_[static_cast<std::size_t>(event)] = Read(event);
  calls_->control_group(descriptors_[kCycles], PERF_EVENT_IOC_ENABLE);
}

std::optional<std::uint64_t> PerformanceCounters::Counted(int event, double* share) const {
  if (descriptors_[static_cast<std::size_t>(event)] < 0) return std::nullopt;
  const Reading now = Read(event);
  const Reading& begin = begin_[static_cast<std::size_t>(event)];
  if (now.value < begin.value || now.running_ns <= begin.running_ns || now.enabled_ns <= begin.enabled_ns)
    return std::nullopt;
  const double running = static_cast<double>(now.running_ns - begin.running_ns) /
                         static_cast<double>(now.enabled_ns - begin.enabled_ns);
  const std::uint64_t value = now.value - begin.value;
  if (running >= 1) return value;
  *share = std::min(*share, running);
  return static_cast<std::uint64_t>(static_cast<double>(value) / running + 0.5);
}

CounterReadings PerformanceCounters::End() {
  if (descriptors_[kCycles] >= 0) calls_->control_group(descriptors_[kCycles], PERF_EVENT_IOC_DISABLE);
  const Accounting now = ReadAccounting();
  CounterReadings readings;
  readings.process_cpu_ns = now.process_cpu_ns - begin_accounting_.process_cpu_ns;
  readings.thread_cpu_ns = now.thread_cpu_ns - begin_accounting_.thread_cpu_ns;
  readings.voluntary_switches = now.voluntary_switches - begin_accounting_.voluntary_switches;
  readings.involuntary_switches = now.involuntary_switches - begin_accounting_.involuntary_switches;
  readings.missing = missing_;
  double share = 1;
  readings.cycles = Counted(kCycles, &share);
  readings.instructions = Counted(kInstructions, &share);
  readings.cache_misses = Counted(kCacheMisses, &share);
  readings.branch_misses = Counted(kBranchMisses, &share);
  if (share < 1) readings.multiplexed_share = share;
  if (!readings.cycles && readings.missing.empty()) readings.missing = "stuck";
  return readings;
}

}  // namespace paddock::agent
