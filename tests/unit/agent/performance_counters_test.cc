#include "agent/performance_counters.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstring>
#include <map>
#include <set>

namespace paddock::agent {
namespace {

// A kernel whose counters go forward by `step` at each reading while they are enabled. Descriptors are 100 + event.
struct FakePerf {
  std::map<std::uint64_t, int> open_errors;        // by event
  std::map<std::uint64_t, std::uint64_t> counted;  // by event: counts at each reading; 0 stands still
  double running_share = 1;
  std::set<int> open_descriptors;
  std::map<int, std::uint64_t> readings;
  std::vector<unsigned long> requests;
  bool read_fails = false;

  PerfCalls Calls() {
    return {[this](perf_event_attr* attributes, int group) {
              CHECK(attributes->type == PERF_TYPE_HARDWARE);
              CHECK(attributes->inherit == 1);
              CHECK(attributes->exclude_kernel == 1);
              CHECK((attributes->read_format & PERF_FORMAT_GROUP) == 0);
              const bool leader = attributes->config == PERF_COUNT_HW_CPU_CYCLES;
              CHECK(attributes->disabled == (leader ? 1 : 0));
              CHECK((group == -1) == leader);
              if (open_errors.contains(attributes->config)) return -open_errors[attributes->config];
              const int fd = 100 + static_cast<int>(attributes->config);
              open_descriptors.insert(fd);
              return fd;
            },
            [this](int fd, unsigned long request) {
              CHECK(fd == 100);
              requests.push_back(request);
              return 0;
            },
            [this](int fd, void* buffer, std::size_t bytes) {
              CHECK(open_descriptors.contains(fd));
              if (read_fails) return long{-1};
              const std::uint64_t reading = ++readings[fd];
              const auto event = static_cast<std::uint64_t>(fd - 100);
              const std::uint64_t step = counted.contains(event) ? counted[event] : 1000 * (event + 1);
              const std::uint64_t enabled = reading * 1'000'000;
              const std::uint64_t values[3] = {
                  reading * step, enabled,
                  static_cast<std::uint64_t>(running_share * static_cast<double>(enabled))};
              std::memcpy(buffer, values, std::min(bytes, sizeof values));
              return static_cast<long>(bytes);
            },
            [this](int fd) { CHECK(open_descriptors.erase(fd) == 1); }};
  }
};

CounterReadings ReadingsOf(FakePerf& perf) {
  const PerfCalls calls = perf.Calls();
  auto counters = PerformanceCounters::Open(calls);
  counters.Begin();
  return counters.End();
}

TEST_CASE("counters are what moved between begin and end", "[agent][counters]") {
  FakePerf perf;
  const auto readings = ReadingsOf(perf);
  CHECK(readings.missing.empty());
  CHECK(readings.cycles == 1000);
  CHECK(readings.instructions == 2000);
  CHECK(readings.cache_misses == 4000);   // PERF_COUNT_HW_CACHE_MISSES is 3
  CHECK(readings.branch_misses == 6000);  // PERF_COUNT_HW_BRANCH_MISSES is 5
  CHECK_FALSE(readings.multiplexed_share.has_value());
  CHECK(readings.process_cpu_ns.has_value());
  CHECK(perf.open_descriptors.empty());
  using Requests = std::vector<unsigned long>;
  CHECK(perf.requests == Requests{PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_DISABLE, PERF_EVENT_IOC_ENABLE,
                                  PERF_EVENT_IOC_DISABLE});
}

TEST_CASE("a machine without a PMU says so, and the accounting is there", "[agent][counters]") {
  FakePerf perf;
  perf.open_errors[PERF_COUNT_HW_CPU_CYCLES] = GENERATE(ENOENT, EOPNOTSUPP, ENODEV, ENOSYS, EINVAL);
  const auto readings = ReadingsOf(perf);
  CHECK(readings.missing == "no_pmu");
  CHECK_FALSE(readings.cycles.has_value());
  CHECK_FALSE(readings.instructions.has_value());
  CHECK(readings.thread_cpu_ns.has_value());
  CHECK(readings.involuntary_switches.has_value());
  CHECK(perf.readings.empty());
}

TEST_CASE("counters that the kernel refuses are not permitted", "[agent][counters]") {
  FakePerf perf;
  perf.open_errors[PERF_COUNT_HW_CPU_CYCLES] = GENERATE(EACCES, EPERM);
  CHECK(ReadingsOf(perf).missing == "not_permitted");
}

TEST_CASE("a cycle counter that opens and stands still is stuck", "[agent][counters]") {
  FakePerf perf;
  perf.counted[PERF_COUNT_HW_CPU_CYCLES] = 0;
  const auto readings = ReadingsOf(perf);
  CHECK(readings.missing == "stuck");
  CHECK_FALSE(readings.cycles.has_value());
  CHECK_FALSE(readings.cache_misses.has_value());
  CHECK(perf.open_descriptors.empty());
}

TEST_CASE("a counter that cannot be read is stuck", "[agent][counters]") {
  FakePerf perf;
  perf.read_fails = true;
  CHECK(ReadingsOf(perf).missing == "stuck");
}

TEST_CASE("a counter that never got its turn is stuck", "[agent][counters]") {
  FakePerf perf;
  perf.running_share = 0;
  CHECK(ReadingsOf(perf).missing == "stuck");
}

TEST_CASE("a single event that the CPU does not count is absent alone", "[agent][counters]") {
  FakePerf perf;
  perf.open_errors[PERF_COUNT_HW_CACHE_MISSES] = ENOENT;
  perf.counted[PERF_COUNT_HW_INSTRUCTIONS] = 0;
  perf.counted[PERF_COUNT_HW_BRANCH_MISSES] = 0;
  const auto readings = ReadingsOf(perf);
  CHECK(readings.missing.empty());
  CHECK(readings.cycles == 1000);
  CHECK_FALSE(readings.cache_misses.has_value());
  CHECK_FALSE(readings.instructions.has_value());
  CHECK(readings.branch_misses == 0);  // none missed: that is a result
}

TEST_CASE("multiplexed counters are scaled up and say so", "[agent][counters]") {
  FakePerf perf;
  perf.running_share = 0.25;
  const auto readings = ReadingsOf(perf);
  CHECK(readings.cycles == 4000);
  REQUIRE(readings.multiplexed_share.has_value());
  CHECK(*readings.multiplexed_share == Approx(0.25));
}

TEST_CASE("counters close once, also after a move", "[agent][counters]") {
  FakePerf perf;
  const PerfCalls calls = perf.Calls();
  {
    auto counters = PerformanceCounters::Open(calls);
    const PerformanceCounters moved = std::move(counters);
    CHECK(perf.open_descriptors.size() == 4);
  }
  CHECK(perf.open_descriptors.empty());
}

TEST_CASE("the kernel's own counters count or say why not", "[agent][counters]") {
  auto counters = PerformanceCounters::Open();
  counters.Begin();
  volatile std::uint64_t sink = 0;
  for (int i = 0; i < 3'000'000; ++i) sink = sink + 1;
  const auto readings = counters.End();
  CHECK(readings.cycles.has_value() == readings.missing.empty());
  CHECK(*readings.process_cpu_ns > 0);
  CHECK(*readings.thread_cpu_ns > 0);
}

}  // namespace
}  // namespace paddock::agent
