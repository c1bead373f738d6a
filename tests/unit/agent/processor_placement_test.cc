#include "agent/processor_placement.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <thread>

#include "tests/fakes/fake_tree.h"

namespace paddock::agent {
namespace {

using Cpus = std::vector<std::uint32_t>;

// A kernel that remembers what it was asked.
struct FakeScheduler {
  Cpus allowed{0, 1, 2, 3};
  Cpus pinned;
  int fifo_calls = 0;
  int affinity_error = 0;
  int fifo_error = 0;
  int slack_error = 0;
  std::uint64_t slack_ns = 0;

  SchedulerCalls Calls() {
    return {[this] { return allowed; },
            [this](const Cpus& cpus) {
              pinned = cpus;
              return affinity_error;
            },
            [this] {
              ++fifo_calls;
              return fifo_error;
            },
            [this](std::uint64_t slack) {
              slack_ns = slack;
              return slack_error;
            }};
  }
};

// Four CPUs of a core each, on a kernel that holds real-time back.
struct FourCores {
  FakeTree tree;
  FakeScheduler scheduler;
  MachineFiles files{tree.root()};

  FourCores() {
    for (int cpu = 0; cpu < 4; ++cpu) {
      tree.Put("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
               std::to_string(cpu) + "\n");
    }
    SetRealtimeLimit("950000");
  }
  void SetRealtimeLimit(const std::string& runtime_us) {
    tree.Put("/proc/sys/kernel/sched_rt_runtime_us", runtime_us + "\n");
  }
  Placement Place(std::uint32_t threads, const Cpus& cpus = {}) {
    return PlaceProcess({.threads = threads, .cpus = cpus}, files, scheduler.Calls());
  }
};

TEST_CASE("CPUs are chosen free, isolated, one a core, fast and far from CPU 0", "[agent][placement]") {
  CHECK(ChooseProcessors({{0, 0, 0}, {1, 0, 1}, {2, 0, 2}, {3, 0, 3}}, 2) == Cpus{2, 3});
  // Hyper-threads 2 and 3 share the cores of 0 and 1.
  CHECK(ChooseProcessors({{0, 0, 0}, {1, 0, 1}, {2, 0, 0}, {3, 0, 1}}, 2) == Cpus{2, 3});
  CHECK(ChooseProcessors({{0, 0, 0}, {1, 0, 0}, {2, 0, 1}, {3, 0, 1}}, 2) == Cpus{1, 3});
  CHECK(ChooseProcessors({{0, 0, 0}, {1, 0, 0}, {2, 0, 1}, {3, 0, 1}}, 3) == Cpus{1, 2, 3});
  // Big cores before little ones.
  CHECK(ChooseProcessors({{0, 1024, 0}, {1, 1024, 1}, {2, 446, 2}, {3, 446, 3}}, 1) == Cpus{1});
  CHECK(ChooseProcessors({{0, 0, 0}, {1, 0, 1, true}, {2, 0, 2}}, 1) == Cpus{1});
  CHECK(ChooseProcessors({{0, 0, 0}, {1, 0, 1, true, true}, {2, 0, 2, false, true}}, 1) == Cpus{0});
  CHECK(ChooseProcessors({{0, 0, 0}, {1, 0, 1}}, 5) == Cpus{0, 1});
  CHECK(ChooseProcessors({}, 1).empty());
}

TEST_CASE("a process is pinned to as many CPUs as it has threads", "[agent][placement]") {
  FourCores machine;
  const auto placement = machine.Place(2);
  CHECK(placement.cpus == Cpus{2, 3});
  CHECK(machine.scheduler.pinned == Cpus{2, 3});
  CHECK(machine.scheduler.slack_ns == 1);
  CHECK(placement.exclusive);
  CHECK(placement.others_remain);
  CHECK(placement.not_permitted.empty());
}

TEST_CASE("a process whose threads are not known, or too many, is not pinned", "[agent][placement]") {
  FourCores machine;
  const auto placement = machine.Place(GENERATE(0U, 5U));
  CHECK(placement.cpus.empty());
  CHECK(machine.scheduler.pinned.empty());
  CHECK(placement.not_permitted.empty());
}

TEST_CASE("two processes that measure do not get the same CPU", "[agent][placement]") {
  FourCores machine;
  const auto first = machine.Place(1);
  const auto second = machine.Place(2);
  CHECK(first.cpus == Cpus{3});
  CHECK(second.cpus == Cpus{1, 2});
  {
    const auto third = machine.Place(2);  // only CPU 0 is left
    CHECK(third.cpus.size() == 2);
    CHECK_FALSE(third.exclusive);
  }
  CHECK(machine.Place(1).cpus == Cpus{0});
}

TEST_CASE("a claim ends with its placement", "[agent][placement]") {
  FourCores machine;
  CHECK(machine.Place(1).cpus == Cpus{3});
  CHECK(machine.Place(1).cpus == Cpus{3});
}

TEST_CASE("isolated CPUs are taken although the process may not use them by default", "[agent][placement]") {
  FourCores machine;
  machine.scheduler.allowed = {0, 3};
  machine.tree.Put("/sys/devices/system/cpu/isolated", "1-2\n");
  CHECK(machine.Place(1).cpus == Cpus{2});
}

TEST_CASE("configured CPUs are taken as they are", "[agent][placement]") {
  FourCores machine;
  const auto placement = machine.Place(1, {0, 1});
  CHECK(placement.cpus == Cpus{0, 1});
  CHECK(placement.exclusive);
}

TEST_CASE("what the kernel refuses is listed", "[agent][placement]") {
  FourCores machine;
  machine.scheduler.affinity_error = EINVAL;
  machine.scheduler.slack_error = EPERM;
  auto placement = machine.Place(1);
  CHECK(placement.cpus.empty());
  CHECK(placement.not_permitted == std::vector<std::string>{"timer_slack", "affinity"});
  EnterRealtime(true, machine.files, &placement, machine.scheduler.Calls());
  CHECK(machine.scheduler.fifo_calls == 0);

  machine.scheduler = {};
  machine.scheduler.fifo_error = EPERM;
  placement = machine.Place(1);
  EnterRealtime(true, machine.files, &placement, machine.scheduler.Calls());
  CHECK_FALSE(placement.realtime);
  CHECK(placement.not_permitted == std::vector<std::string>{"realtime"});
}

TEST_CASE("one thread on a CPU of its own becomes real-time when it sleeps between queries",
          "[agent][placement]") {
  FourCores machine;
  auto placement = machine.Place(1);
  EnterRealtime(true, machine.files, &placement, machine.scheduler.Calls());
  CHECK(placement.realtime);
  CHECK(machine.scheduler.fifo_calls == 1);
}

TEST_CASE("a loop that never sleeps becomes real-time only where the kernel does not hold it back",
          "[agent][placement]") {
  FourCores machine;
  auto placement = machine.Place(1);
  EnterRealtime(false, machine.files, &placement, machine.scheduler.Calls());
  CHECK_FALSE(placement.realtime);
  CHECK(placement.not_permitted == std::vector<std::string>{"realtime_without_limit"});
  machine.SetRealtimeLimit("-1");
  EnterRealtime(false, machine.files, &placement, machine.scheduler.Calls());
  CHECK(placement.realtime);
}

TEST_CASE("nothing that could starve others becomes real-time", "[agent][placement]") {
  FourCores machine;
  machine.SetRealtimeLimit("-1");
  std::vector<Placement> earlier;
  Placement placement;
  SECTION("several threads that may wait busily for each other") { placement = machine.Place(2); }
  SECTION("a CPU that another measuring process uses") {
    earlier.push_back(machine.Place(1, {3}));
    placement = machine.Place(1, {3});
    CHECK_FALSE(placement.exclusive);
  }
  SECTION("the machine's only CPU") {
    machine.scheduler.allowed = {0};
    placement = machine.Place(1);
    CHECK(placement.cpus == Cpus{0});
  }
  SECTION("a process that is not pinned") { placement = machine.Place(0); }
  EnterRealtime(true, machine.files, &placement, machine.scheduler.Calls());
  CHECK(machine.scheduler.fifo_calls == 0);
  CHECK(placement.not_permitted.empty());
}

TEST_CASE("what is not to be measured starts on spare CPUs that no other worker has", "[agent][placement]") {
  FourCores machine;
  const auto other = machine.Place(1);
  REQUIRE(other.cpus == Cpus{3});
  const auto placement = machine.Place(1);
  REQUIRE(placement.cpus == Cpus{2});
  CHECK(placement.spare == Cpus{0, 1, 3});
  Cpus started_on;
  const auto start = [&] { started_on = machine.scheduler.pinned; };
  StartElsewhere(placement, machine.files, start, machine.scheduler.Calls());
  CHECK(started_on == Cpus{0, 1});
  CHECK(machine.scheduler.pinned == Cpus{2});

  // Where there is no other CPU, or the kernel refuses, it starts all the same.
  const auto all = machine.Place(4);
  CHECK(all.spare.empty());
  StartElsewhere(all, machine.files, start, machine.scheduler.Calls());
  CHECK(started_on == Cpus{0, 1, 2, 3});
  const auto not_pinned = machine.Place(0);
  started_on.clear();
  StartElsewhere(not_pinned, machine.files, start, machine.scheduler.Calls());
  CHECK_FALSE(started_on.empty());
}

TEST_CASE("the kernel pins the calling thread, and refuses a CPU that does not exist", "[agent][placement]") {
  std::thread([] {
    const SchedulerCalls& kernel = KernelScheduler();
    const auto allowed = kernel.allowed_cpus();
    REQUIRE_FALSE(allowed.empty());
    CHECK(kernel.set_affinity({allowed.back()}) == 0);
    CHECK(kernel.allowed_cpus() == Cpus{allowed.back()});
    CHECK(kernel.set_affinity({4095}) == EINVAL);
    CHECK(kernel.set_affinity({4096}) == EINVAL);
    CHECK(kernel.set_timer_slack(1) == 0);
  }).join();
}

TEST_CASE("lists of CPUs are written and read as the kernel writes them", "[agent][placement]") {
  CHECK(CpuListText({}).empty());
  CHECK(CpuListText({0, 1, 2, 5, 7, 8}) == "0-2,5,7-8");
  CHECK(ParseCpuList("0-2,5,7-8\n") == Cpus{0, 1, 2, 5, 7, 8});
  CHECK(ParseCpuList("") == Cpus{});
  CHECK(ParseCpuList("x,3,-,9999999999,5-4,2-99999") == Cpus{3});
}

TEST_CASE("CPUs that a person names are taken to the letter, or refused with those that are online",
          "[agent][placement]") {
  FakeTree tree;
  tree.Put("/sys/devices/system/cpu/online", "0-3,6\n");
  const MachineFiles files(tree.root());
  CHECK(CpusByName("2-3", files).value() == Cpus{2, 3});
  CHECK(CpusByName("6,0", files).value() == Cpus{0, 6});
  CHECK(CpusByName("3-5,7", files).status().message() ==
        "the CPUs \"3-5,7\" cannot be used: 4-5,7 not online here; online are 0-3,6");
  for (const char* malformed :
       {"", "x", "1-", "-1", "2-1", "0 1", "0,", "0,,1", "0-1-2", "4096", "99999999999"})
    CHECK_THAT(CpusByName(malformed, files).status().message(),
               Catch::Contains("must read like 2-3 or 0,4-5"));
  // A machine that does not say which CPUs it has.
  CHECK(CpusByName("70", MachineFiles("/nowhere")).value() == Cpus{70});
}

}  // namespace
}  // namespace paddock::agent
