// The CPU's counters and the kernel's accounting over one block of this process, with all its threads.
//
//  1. Open() before the runtime starts its threads: only threads created later are counted with the opening one.
//  2. Begin() and End() around the measured block, from the thread that issues the queries. As often as wanted.
//
// Begin() and End() are some dozen system calls; nothing happens between them.
#pragma once

#include <linux/perf_event.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "kpi/counters.h"

namespace paddock::agent {

// perf_event_open and what belongs to it, so that a test can be the kernel. Negative results are -errno.
struct PerfCalls {
  std::function<int(perf_event_attr* attributes, int group)>
      open;  // this process, any CPU; group -1: a leader
  std::function<int(int fd, unsigned long request)> control_group;
  std::function<long(int fd, void* buffer, std::size_t bytes)> read;
  std::function<void(int fd)> close;
};
const PerfCalls& KernelPerf();

class PerformanceCounters {
 public:
  // Never fails: without usable counters End() says why in `missing`. Runs a loop of some milliseconds to see whether the
  // counters move, since some open and then stand still. `calls` outlives the object.
  static PerformanceCounters Open(const PerfCalls& calls = KernelPerf());
  PerformanceCounters(PerformanceCounters&& other) noexcept;
  PerformanceCounters& operator=(PerformanceCounters&&) = delete;
  ~PerformanceCounters();

  void Begin();
  CounterReadings End();

 private:
  enum Event { kCycles, kInstructions, kCacheMisses, kBranchMisses, kEvents };
  struct Reading {
    std::uint64_t value = 0;
    std::uint64_t enabled_ns = 0;
    std::uint64_t running_ns = 0;
  };
  struct Accounting {
    std::uint64_t process_cpu_ns = 0;
    std::uint64_t thread_cpu_ns = 0;
    std::uint64_t voluntary_switches = 0;
    std::uint64_t involuntary_switches = 0;
  };

  explicit PerformanceCounters(const PerfCalls& calls) : calls_(&calls) { descriptors_.fill(-1); }
  void OpenGroup();
  void ProbeLiveness();
  void CloseAll();
  Reading Read(int event) const;
  // Since Begin(), scaled up to the whole time; absent when this counter never ran. `share` becomes the least of all.
  std::optional<std::uint64_t> Counted(int event, double* share) const;
  static Accounting ReadAccounting();

  const PerfCalls* calls_;
  std::array<int, kEvents> descriptors_;
  std::array<Reading, kEvents> begin_{};
  Accounting begin_accounting_;
  std::string missing_;
};

}  // namespace paddock::agent
