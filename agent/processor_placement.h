// Which CPUs a measuring process runs on, and how it is scheduled there. Nothing here fails: what the kernel refused is listed.
//
//  1. Before the runtime starts its threads: PlaceProcess(). Threads created later inherit the CPUs.
//  2. Just before warm-up, on the thread that issues queries: EnterRealtime().
//  3. The Placement lives as long as the process measures: it holds the claims on its CPUs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/machine_files.h"
#include "base/status.h"

namespace paddock::agent {

struct Processor {
  std::uint32_t number = 0;
  std::uint64_t speed = 0;  // of the machine's own scale; 0 where the kernel does not say
  std::uint32_t core = 0;   // hyper-threads of one core have the same
  bool isolated = false;    // isolcpus
  bool claimed = false;     // another measuring process holds it
};

// The numbers, ascending, of `count` processors, or of all when there are no more. In this order: free ones, isolated ones, one
// for each core, the fastest, and the highest number, since CPU 0 serves most interrupts. Pure.
std::vector<std::uint32_t> ChooseProcessors(const std::vector<Processor>& processors, std::uint32_t count);

// An exclusive lock on a CPU among the processes of this machine that measure; it goes with the object or the process.
class ProcessorClaim {
 public:
  explicit ProcessorClaim(int fd) : fd_(fd) {}
  ProcessorClaim(ProcessorClaim&& other) noexcept;
  ProcessorClaim& operator=(ProcessorClaim&&) = delete;
  ~ProcessorClaim();

 private:
  int fd_;
};

struct PlacementRequest {
  // Threads that compute at the same time; 0: not known, nothing is pinned.
  std::uint32_t threads = 1;
  // Exactly these CPUs; empty: chosen from those the process may use and the isolated ones.
  std::vector<std::uint32_t> cpus;
};

struct Placement {
  std::vector<std::uint32_t> cpus;         // pinned to; empty when not pinned
  bool exclusive = false;                  // no other measuring process has any of them
  bool others_remain = false;              // the machine has more CPUs than these
  std::vector<std::uint32_t> spare;        // what the process could also have run on
  std::uint32_t threads = 1;               // of the request
  bool realtime = false;                   // SCHED_FIFO
  std::vector<std::string> not_permitted;  // for Fingerprint
  std::vector<ProcessorClaim> claims;
};

// The kernel's calls, so that a test can refuse them. Each returns 0 or an errno value and concerns the calling thread.
struct SchedulerCalls {
  std::function<std::vector<std::uint32_t>()> allowed_cpus;
  std::function<int(const std::vector<std::uint32_t>& cpus)> set_affinity;
  std::function<int()> set_fifo;  // the lowest priority; threads created later are ordinary again
  std::function<int(std::uint64_t slack_ns)> set_timer_slack;
};
const SchedulerCalls& KernelScheduler();

// `files` tells of the CPUs and is where claims are made. Also sets a timer slack of 1 ns.
Placement PlaceProcess(const PlacementRequest& request, const MachineFiles& files,
                       const SchedulerCalls& calls = KernelScheduler());

// SCHED_FIFO, where it helps and cannot starve anyone (docs/decisions/0010): one computing thread on a CPU of its own, another
// CPU for the rest of the machine, and a loop that sleeps between queries or a kernel that does not hold real-time back.
void EnterRealtime(bool sleeps_between_queries, const MachineFiles& files, Placement* placement,
                   const SchedulerCalls& calls = KernelScheduler());

// Calls `start`, whose threads run on spare CPUs that no other measuring process has, where there are any: they are not to take
// time from what is measured. The calling thread is back on its own CPUs afterwards.
void StartElsewhere(const Placement& placement, const MachineFiles& files, const std::function<void()>& start,
                    const SchedulerCalls& calls = KernelScheduler());

// "0-2,5". Empty for none; the numbers ascend.
std::string CpuListText(const std::vector<std::uint32_t>& cpus);
// The same backwards; malformed parts and numbers above 4095 are left out.
std::vector<std::uint32_t> ParseCpuList(const std::string& text);
// A list that a person wrote. INVALID_ARGUMENT when it is malformed, or names CPUs that are not online: those that are, then.
Result<std::vector<std::uint32_t>> CpusByName(const std::string& text, const MachineFiles& files);

}  // namespace paddock::agent
