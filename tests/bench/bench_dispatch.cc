// How fast runs are handed out: from a submission to a started worker on an idle farm of 50 agents, and runs per second when
// 50 sessions answer every assignment at once.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/subprocess.h"
#include "kpi/run_record.h"
#include "tests/bench/farm_client.h"
#include "tests/bench/farm_process.h"
#include "tests/bench/report.h"
#include "tests/bench/sessions.h"
#include "tests/bench/store_floor.h"

namespace paddock::bench {
namespace {

constexpr int kAgents = 50;
constexpr int kSubmissions = 300;
constexpr int kRounds = 5;
constexpr int kJobsPerRound = 100;
constexpr int kRunsPerRound = kJobsPerRound * kAgents;

double NowMs() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// ---- submit to worker started

struct WorkerStart {
  double spawned_ms = 0;  // the agent's clock just before it started the process
  double started_ms = 0;  // the first line of the worker's main()
};

// The links through which agents start workers; see worker_stamp.cc.
class WorkerStarts {
 public:
  explicit WorkerStarts(const TempDir& folder) : worker_(folder / "worker"), file_(folder / "starts") {
    std::filesystem::create_symlink(ProgramFolder() + "/paddock-bench-worker", worker_);
    std::filesystem::create_symlink(ProgramFolder() + "/paddock-worker", folder / "real-worker");
  }
  const std::string& worker() const { return worker_; }

  WorkerStart Last() const {
    std::ifstream file(file_);
    double spawned_ns = 0;
    double started_ns = 0;
    WorkerStart last;
    while (file >> spawned_ns >> started_ns) last = {spawned_ns / 1e6, started_ns / 1e6};
    return last;
  }

 private:
  std::string worker_;
  std::string file_;
};

std::string AgentId(int number) { return "sim-" + std::to_string(number); }

// An RPC that asks the core something, and the start of a process: what no farm can do without.
void MeasureStartFloor(FarmClient& client, const TempDir& folder, std::vector<double>* rpc_ms,
                       std::vector<double>* process_ms) {
  const TempDir own;
  const WorkerStarts starts(own);
  std::filesystem::remove(own / "real-worker");
  std::filesystem::create_symlink("/bin/true", own / "real-worker");
  for (int i = 0; i < kAgents; ++i) {
    double begin = NowMs();
    client.Info();
    rpc_ms->push_back(NowMs() - begin);
    begin = NowMs();
    ProcessRequest request;
    request.argv = {starts.worker(), folder.path(), "0", "0"};
    static_cast<void>(Must(RunProcess(request, Deadline::After(std::chrono::seconds(10)))));
    process_ms->push_back(starts.Last().started_ms - begin);
  }
}

void MeasureStart() {
  const CoordinatorProcess coordinator;
  const TempDir folder;
  const WorkerStarts starts(folder);
  FarmClient client(coordinator.address());
  std::vector<std::unique_ptr<ChildProcess>> agents;
  for (int i = 0; i < kAgents; ++i) {
    const std::string state = folder / AgentId(i);
    agents.push_back(std::make_unique<ChildProcess>(
        std::vector<std::string>{ProgramFolder() + "/paddock-agent", "--server", coordinator.address(),
                                 "--id", AgentId(i), "--driver", "simulated", "--state", state},
        folder / "agents.log", std::vector<std::string>{"PADDOCK_WORKER=" + starts.worker()}));
  }
  client.WaitForDevices(kAgents);
  // Every agent has the blobs after its first run.
  client.WaitUntilDone(client.Submit(client.ShortJob("all")));

  std::vector<double> start_ms;
  std::vector<double> spawn_ms;
  std::vector<double> submit_ms;
  for (int i = 0; i < kSubmissions; ++i) {
    const auto request = client.ShortJob("id=" + AgentId(i % kAgents));
    const double begin = NowMs();
    const std::string job = client.Submit(request);
    submit_ms.push_back(NowMs() - begin);
    client.WaitUntilDone(job);
    const WorkerStart start = starts.Last();
    if (start.spawned_ms < begin) GiveUp("no worker was started for " + job);
    start_ms.push_back(start.started_ms - begin);
    spawn_ms.push_back(start.spawned_ms - begin);
  }
  std::vector<double> rpc_ms;
  std::vector<double> process_ms;
  MeasureStartFloor(client, folder, &rpc_ms, &process_ms);

  const double floor_p50 = SpreadOf(rpc_ms).median + SpreadOf(process_ms).median;
  const double floor_p99 = Percentile(rpc_ms, 0.99) + Percentile(process_ms, 0.99);
  Table table("Submit to worker started, idle farm, " + std::to_string(kAgents) + " paddock-agents, " +
              std::to_string(kSubmissions) + " submissions one after the other");
  table.Row("SubmitJob called -> worker's main(), p50, ms", Number(SpreadOf(start_ms).median, 2), "<= 5",
            Number(floor_p50, 2), Range(SpreadOf(start_ms), 2));
  table.Row("the same, p99, ms", Number(Percentile(start_ms, 0.99), 2), "<= 20", Number(floor_p99, 2), "");
  table.Row("of it until SubmitJob is answered, p50, ms", Number(SpreadOf(submit_ms).median, 2), "",
            Number(SpreadOf(rpc_ms).median, 2), Range(SpreadOf(submit_ms), 2));
  table.Row("of it until the agent starts the process, p50, ms", Number(SpreadOf(spawn_ms).median, 2), "", "",
            Range(SpreadOf(spawn_ms), 2));
  Note(
      "model and data are prepared and in the agents' caches; floor: one RPC that asks the core, and one "
      "process start");
}

// ---- runs per second

std::string SmallRecord() {
  RepetitionRecord record;
  record.runtime = "simulated 1";
  record.clock = "simulated";
  for (std::uint64_t i = 0; i < 64; ++i) {
    record.queries.start_offset_ns.push_back(i * 1'000'000);
    record.queries.latency_ns.push_back(1'000'000 + i % 7);
  }
  record.window_ns = 64'000'000;
  return EncodeRepetition(record);
}

void MeasureThroughput() {
  const CoordinatorProcess coordinator;
  FarmClient client(coordinator.address());
  const std::string record = SmallRecord();
  const std::string busy = "held back until all runs are prepared";
  Sessions sessions({.address = coordinator.address(), .count = kAgents, .record = record, .problem = busy});
  std::vector<double> released;
  std::vector<double> evaluated;
  std::vector<double> cpu_us;
  std::vector<double> floor;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::string> jobs;
    for (int i = 0; i < kJobsPerRound; ++i) jobs.push_back(client.Submit(client.ShortJob("all")));
    client.WaitForQueuedRuns(kRunsPerRound);
    const double cpu_s = CpuSeconds(coordinator.pid());
    const double begin = NowMs();
    sessions.SetProblem("");
    sessions.WaitForAnswers(static_cast<std::uint64_t>(round + 1) * kRunsPerRound);
    released.push_back(kRunsPerRound / (NowMs() - begin) * 1e3);
    for (const std::string& job : jobs) client.WaitUntilDone(job);
    evaluated.push_back(kRunsPerRound / (NowMs() - begin) * 1e3);
    cpu_us.push_back((CpuSeconds(coordinator.pid()) - cpu_s) * 1e6 / kRunsPerRound);
    sessions.SetProblem(busy);
    floor.push_back(BareStoreRunsPerSecond(kRunsPerRound, record));
  }
  Table table("Lease grant + result + release without work, " + std::to_string(kAgents) + " sessions, " +
              std::to_string(kRounds) + " rounds of " + std::to_string(kRunsPerRound) + " runs");
  table.Row("runs per second, each stored before its answer", Number(SpreadOf(released).median, 0), ">= 2000",
            Number(SpreadOf(floor).median, 0),
            Range(SpreadOf(released), 0) + " (bare store " + Range(SpreadOf(floor), 0) + ")");
  table.Row("runs per second until all are evaluated too", Number(SpreadOf(evaluated).median, 0), "", "",
            Range(SpreadOf(evaluated), 0));
  table.Row("coordinator's processor time per run, us", Number(SpreadOf(cpu_us).median, 0), "", "",
            Range(SpreadOf(cpu_us), 0));
  Note(
      "floor: the same rows in the bare store, a commit for 50 runs; evaluation goes on beside the "
      "measurement");
}

}  // namespace
}  // namespace paddock::bench

int main() {
  paddock::bench::MeasureStart();
  paddock::bench::MeasureThroughput();
}
