// What it costs to compare two jobs of 50 runs: the coordinator's answer, and the command line's from start to end.
#include <grpcpp/grpcpp.h>

#include <chrono>

#include "base/subprocess.h"
#include "paddock/v1/result.grpc.pb.h"
#include "tests/bench/compared_jobs.h"
#include "tests/bench/farm_process.h"
#include "tests/bench/report.h"

namespace paddock::bench {
namespace {

constexpr int kRounds = 20;

template <typename Work>
std::vector<double> Milliseconds(Work work) {
  std::vector<double> all_ms;
  for (int i = 0; i < kRounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    all_ms.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  return all_ms;
}

void RunCli(const std::vector<std::string>& arguments) {
  ProcessRequest request;
  request.argv = {ProgramFolder() + "/paddock"};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  request.environment = CleanEnvironment();
  const ProcessResult result = Must(RunProcess(request, Deadline::After(std::chrono::seconds(30))));
  if (!result.succeeded()) GiveUp(result.Describe() + " " + result.stderr_text);
}

void MeasureCompare() {
  const ComparedJobs jobs;
  const CoordinatorProcess coordinator([&](const std::string& state) { WriteComparedJobs(state, jobs); });
  const auto results = v1::ResultService::NewStub(
      grpc::CreateChannel(coordinator.address(), grpc::InsecureChannelCredentials()));
  v1::Comparison comparison;
  const auto compare = [&](const std::string& a, const std::string& b) {
    grpc::ClientContext context;
    v1::CompareRequest request;
    request.set_a(a);
    request.set_b(b);
    const grpc::Status status = results->Compare(&context, request, &comparison);
    if (!status.ok()) GiveUp("Compare: " + status.error_message());
  };
  const auto begin = std::chrono::steady_clock::now();
  compare("j-1", "j-2");
  const double first_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  const std::string size = std::to_string(comparison.rows_size()) + " rows, " +
                           std::to_string(comparison.combined_size()) + " over devices, " +
                           std::to_string(comparison.differences_size()) + " differences";
  const Spread answer = SpreadOf(Milliseconds([&] { compare("j-1", "j-2"); }));
  const Spread one_run = SpreadOf(Milliseconds([&] { compare("r-1", "r-51"); }));
  const Spread program = SpreadOf(Milliseconds([&] {
    RunCli({"--server", coordinator.address(), "compare", "j-1", "j-2"});
  }));
  const Spread start = SpreadOf(Milliseconds([&] { RunCli({"--version"}); }));

  Table table("Comparing two jobs of " + std::to_string(jobs.devices) + " runs (" +
              std::to_string(jobs.repetitions) + " repetitions of " + std::to_string(jobs.queries) +
              " queries, " + std::to_string(jobs.answers) + " answers), " + std::to_string(kRounds) +
              " rounds");
  table.Row("Compare called -> answered, ms", Number(answer.median, 1), "<= 200", Number(one_run.median, 1),
            Range(answer, 1));
  table.Row("paddock compare, whole program, ms", Number(program.median, 1), "<= 200",
            Number(start.median, 1), Range(program, 1));
  table.Row("the first one after the coordinator's start, ms", Number(first_ms, 1), "", "", "");
  Note(size + "; floors: two runs compared, and the program that only says its version");
}

}  // namespace
}  // namespace paddock::bench

int main() { paddock::bench::MeasureCompare(); }
