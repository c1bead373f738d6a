// What a thousand agents cost a coordinator that has nothing to do: memory, and processor time for their heartbeats.
#include <chrono>
#include <thread>

#include "tests/bench/farm_process.h"
#include "tests/bench/report.h"
#include "tests/bench/sessions.h"

namespace paddock::bench {
namespace {

constexpr int kAgents = 1000;
constexpr int kIntervals = 6;
constexpr std::chrono::seconds kInterval{5};  // one heartbeat of every agent

double Megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

void Run() {
  const CoordinatorProcess coordinator;
  const double empty_mb = Megabytes(ResidentBytes(coordinator.pid()));
  const auto begin = std::chrono::steady_clock::now();
  const Sessions sessions({.address = coordinator.address(), .count = kAgents, .record = {}, .problem = {}});
  const double connect_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::this_thread::sleep_for(kInterval);  // what came with the greetings has settled

  std::vector<double> cores;
  std::vector<double> memory_mb;
  for (int i = 0; i < kIntervals; ++i) {
    const double cpu_s = CpuSeconds(coordinator.pid());
    const auto from = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(kInterval);
    const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
    cores.push_back(100 * (CpuSeconds(coordinator.pid()) - cpu_s) / wall_s);
    memory_mb.push_back(Megabytes(ResidentBytes(coordinator.pid())));
  }
  const Spread memory = SpreadOf(memory_mb);
  const Spread idle = SpreadOf(cores);
  Table table(std::to_string(kAgents) +
              " agents connected, one channel each, a heartbeat every 5 s, over 30 s");
  table.Row("coordinator memory (resident), MB", Number(memory.max, 1), "<= 120", Number(empty_mb, 1),
            Range(memory, 1));
  table.Row("memory of one agent's session, kB", Number((memory.max - empty_mb) * 1e3 / kAgents, 1), "", "",
            "");
  table.Row("idle processor time, % of a core", Number(idle.median, 1), "<= 5", "", Range(idle, 1));
  table.Row("processor time of one heartbeat, us", Number(idle.median / 100 * 5e6 / kAgents, 0), "", "", "");
  table.Row("connecting all of them, s", Number(connect_s, 2), "", "", "");
  Note(
      "floor of the memory: the coordinator without agents; keepalive pings of both sides are in the "
      "processor time");
}

}  // namespace
}  // namespace paddock::bench

int main() { paddock::bench::Run(); }
