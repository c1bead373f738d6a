#include "agent/processor_placement.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

namespace paddock::agent {
namespace {

constexpr std::uint32_t kMaxCpu = 4095;
constexpr std::uint64_t kTimerSlackNs = 1;  // the default of 50 us delays every wake-up of a paced loop

std::string FolderOf(std::uint32_t cpu) { return "/sys/devices/system/cpu/cpu" + std::to_string(cpu); }

class CpuSet {
 public:
  CpuSet() : set_(CPU_ALLOC(kMaxCpu + 1)) { CPU_ZERO_S(bytes(), get()); }
  static std::size_t bytes() { return CPU_ALLOC_SIZE(kMaxCpu + 1); }
  cpu_set_t* get() const { return set_.get(); }

 private:
  struct Free {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
  };
  std::unique_ptr<cpu_set_t, Free> set_;
};

std::vector<std::uint32_t> KernelAllowedCpus() {
  std::vector<std::uint32_t> cpus;
  const CpuSet set;
  if (::sched_getaffinity(0, CpuSet::bytes(), set.get()) != 0) return cpus;
  for (std::uint32_t cpu = 0; cpu <= kMaxCpu; ++cpu)
    if (CPU_ISSET_S(cpu, CpuSet::bytes(), set.get())) cpus.push_back(cpu);
  return cpus;
}

int KernelSetAffinity(const std::vector<std::uint32_t>& cpus) {
  const CpuSet set;
  for (const std::uint32_t cpu : cpus) {
    if (cpu > kMaxCpu) return EINVAL;
    CPU_SET_S(cpu, CpuSet::bytes(), set.get());
  }
  return ::sched_setaffinity(0, CpuSet::bytes(), set.get()) == 0 ? 0 : errno;
}

int KernelSetFifo() {
  sched_param parameters{};
  parameters.sched_priority = ::sched_get_priority_min(SCHED_FIFO);
  return ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0 ? 0 : errno;
}

int KernelSetTimerSlack(std::uint64_t slack_ns) {
  return ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack_ns), 0, 0, 0) == 0 ? 0 : errno;
}

Processor ReadProcessor(std::uint32_t number, const MachineFiles& files) {
  const std::string folder = FolderOf(number);
  Processor processor{.number = number, .speed = 0, .core = number};
  processor.speed = files.Unsigned(folder + "/cpu_capacity")
                        .value_or(files.Unsigned(folder + "/cpufreq/cpuinfo_max_freq").value_or(0));
  const auto siblings = ParseCpuList(files.Text(folder + "/topology/thread_siblings_list").value_or(""));
  if (!siblings.empty()) processor.core = siblings.front();
  return processor;
}

// A kernel that allows real-time threads all of the time. Otherwise one that never sleeps is stopped for 50 ms in every second.
bool RealtimeIsUnlimited(const MachineFiles& files) {
  const auto runtime_us = files.Signed("/proc/sys/kernel/sched_rt_runtime_us");
  return runtime_us && *runtime_us < 0;
}

}  // namespace

ProcessorClaim::ProcessorClaim(ProcessorClaim&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
ProcessorClaim::~ProcessorClaim() {
  if (fd_ >= 0) ::close(fd_);
}

std::vector<std::uint32_t> ChooseProcessors(const std::vector<Processor>& processors, std::uint32_t count) {
  std::vector<Processor> left = processors;
  std::vector<std::uint32_t> chosen;
  std::set<std::uint32_t> used_cores;
  while (chosen.size() < count && !left.empty()) {
    const auto best = std::max_element(left.begin(), left.end(), [&](const Processor& a, const Processor& b) {
      const auto rank = [&](const Processor& processor) {
        return std::make_tuple(!processor.claimed, processor.isolated, !used_cores.contains(processor.core),
                               processor.speed, processor.number);
      };
      return rank(a) < rank(b);
    });
    used_cores.insert(best->core);
    chosen.push_back(best->number);
    left.erase(best);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

const SchedulerCalls& KernelScheduler() {
  static const SchedulerCalls calls{KernelAllowedCpus, KernelSetAffinity, KernelSetFifo, KernelSetTimerSlack};
  return calls;
}

Placement PlaceProcess(const PlacementRequest& request, const MachineFiles& files,
                       const SchedulerCalls& calls) {
  Placement placement;
  placement.threads = request.threads;
  if (calls.set_timer_slack(kTimerSlackNs) != 0) placement.not_permitted.emplace_back("timer_slack");

  const auto allowed = calls.allowed_cpus();
  const auto isolated = ParseCpuList(files.Text("/sys/devices/system/cpu/isolated").value_or(""));
  std::set<std::uint32_t> numbers(allowed.begin(), allowed.end());
  numbers.insert(isolated.begin(), isolated.end());
  if (request.cpus.empty() && (request.threads == 0 || request.threads > numbers.size())) return placement;

  std::vector<Processor> processors;
  for (const std::uint32_t number :
       request.cpus.empty() ? std::vector<std::uint32_t>(numbers.begin(), numbers.end()) : request.cpus) {
    Processor processor = ReadProcessor(number, files);
    processor.isolated = std::find(isolated.begin(), isolated.end(), number) != isolated.end();
    processors.push_back(processor);
  }
  // A CPU that was just taken by another is put last and the choice is made again, so every round claims one or gives one up.
  std::vector<std::uint32_t> cpus;
  for (std::size_t round = 0; round <= processors.size(); ++round) {
    cpus = request.cpus.empty() ? ChooseProcessors(processors, request.threads) : request.cpus;
    placement.claims.clear();
    bool all = true;
    for (const std::uint32_t cpu : cpus) {
      if (auto claim = files.Lock(FolderOf(cpu))) {
        placement.claims.emplace_back(*claim);
        continue;
      }
      all = false;
      for (Processor& processor : processors) processor.claimed |= processor.number == cpu;
    }
    placement.exclusive = all;
    if (all) break;
  }
  if (calls.set_affinity(cpus) != 0) {
    placement.not_permitted.emplace_back("affinity");
    placement.claims.clear();
    placement.exclusive = false;
    return placement;
  }
  placement.others_remain = std::any_of(numbers.begin(), numbers.end(), [&](std::uint32_t number) {
    return std::find(cpus.begin(), cpus.end(), number) == cpus.end();
  });
  for (const std::uint32_t number : allowed)
    if (std::find(cpus.begin(), cpus.end(), number) == cpus.end()) placement.spare.push_back(number);
  placement.cpus = std::move(cpus);
  return placement;
}

void StartElsewhere(const Placement& placement, const MachineFiles& files, const std::function<void()>& start,
                    const SchedulerCalls& calls) {
  std::vector<std::uint32_t> free;
  for (const std::uint32_t cpu : placement.spare) {
    const auto lock = files.Lock(FolderOf(cpu));
    if (!lock) continue;
    const ProcessorClaim released(*lock);
    free.push_back(cpu);
  }
  const bool moved = !free.empty() && calls.set_affinity(free) == 0;
  start();
  if (moved) calls.set_affinity(placement.cpus);
}

void EnterRealtime(bool sleeps_between_queries, const MachineFiles& files, Placement* placement,
                   const SchedulerCalls& calls) {
  const bool alone = placement->threads == 1 && placement->cpus.size() == 1 && placement->exclusive;
  if (!alone || !placement->others_remain) return;
  if (!sleeps_between_queries && !RealtimeIsUnlimited(files)) {
    placement->not_permitted.emplace_back("realtime_without_limit");
  } else if (calls.set_fifo() == 0) {
    placement->realtime = true;
  } else {
    placement->not_permitted.emplace_back("realtime");
  }
}

std::string CpuListText(const std::vector<std::uint32_t>& cpus) {
  std::string text;
  for (std::size_t begin = 0; begin < cpus.size();) {
    std::size_t end = begin + 1;
    while (end < cpus.size() && cpus[end] == cpus[end - 1] + 1) ++end;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[begin]);
    if (end - begin > 1) text += '-' + std::to_string(cpus[end - 1]);
    begin = end;
  }
  return text;
}

std::vector<std::uint32_t> ParseCpuList(const std::string& text) {
  std::set<std::uint32_t> cpus;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    const auto first = ParseUnsigned(part);
    const auto dash = part.find('-');
    const auto last = dash == std::string_view::npos ? first : ParseUnsigned(part.substr(dash + 1));
    if (!first || !last || *last > kMaxCpu) continue;
    for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) cpus.insert(static_cast<std::uint32_t>(cpu));
  }
  return {cpus.begin(), cpus.end()};
}

Result<std::vector<std::uint32_t>> CpusByName(const std::string& text, const MachineFiles& files) {
  std::set<std::uint32_t> cpus;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const char* const stop = text.data() + end;
    std::uint32_t first = 0;
    auto parsed = std::from_chars(text.data() + begin, stop, first);
    std::uint32_t last = first;
    if (parsed.ec == std::errc() && parsed.ptr != stop && *parsed.ptr == '-')
      parsed = std::from_chars(parsed.ptr + 1, stop, last);
    if (parsed.ec != std::errc() || parsed.ptr != stop || first > last || last > kMaxCpu)
      return InvalidArgumentError("the CPUs \"" + text + "\" must read like 2-3 or 0,4-5");
    for (std::uint32_t cpu = first; cpu <= last; ++cpu) cpus.insert(cpu);
    begin = end + 1;
  }
  const auto online = ParseCpuList(files.Text("/sys/devices/system/cpu/online").value_or(""));
  std::vector<std::uint32_t> missing;
  for (const std::uint32_t cpu : cpus)
    if (!std::binary_search(online.begin(), online.end(), cpu)) missing.push_back(cpu);
  if (!online.empty() && !missing.empty()) {
    return InvalidArgumentError("the CPUs \"" + text + "\" cannot be used: " + CpuListText(missing) +
                                " not online here; online are " + CpuListText(online));
  }
  return std::vector<std::uint32_t>(cpus.begin(), cpus.end());
}

}  // namespace paddock::agent
