#include <catch2/catch.hpp>

#include "cli/progress_lines.h"

namespace paddock {
namespace {

// A run that takes turns with another one on the device.
v1::JobStatus TwoRuns() {
  v1::JobStatus job;
  for (const char* variant : {"as-is", "optimize"}) {
    v1::RunStatus& run = *job.add_runs();
    run.set_run_id("r-" + std::to_string(job.runs_size()));
    run.set_device("cpu-1");
    run.set_variant(variant);
    run.set_state("preparing");
    run.mutable_progress()->set_stage("preparing");
  }
  return job;
}

void Become(v1::RunStatus& run, const std::string& state, const std::string& stage,
            std::uint32_t repetition = 0, const std::string& detail = "") {
  run.set_state(state);
  run.mutable_progress()->set_stage(stage);
  run.mutable_progress()->set_repetition(repetition);
  run.mutable_progress()->set_repetitions(repetition == 0 ? 0 : 2);
  run.mutable_progress()->set_detail(detail);
}

struct Log {
  v1::JobStatus job = TwoRuns();
  ProgressLines lines;
  std::string text;

  v1::RunStatus& run(int number) { return *job.mutable_runs(number - 1); }
  void Look() {
    for (const std::string& line : lines.Next(job)) text += line + "\n";
  }
  // One repetition of a run while the other one waits.
  void Turn(int number, std::uint32_t repetition) {
    v1::RunStatus& other = run(3 - number);
    if (!HasEnded(other))
      Become(other, "queued", "queued", 0, "waiting for device cpu-1, busy with r-" + std::to_string(number));
    for (const char* stage : {"transferring", "loading", "warm-up", "measuring", "measuring", "reporting"}) {
      Become(run(number), "running", stage, repetition);
      run(number).set_attempts(1);
      run(number).mutable_progress()->set_inferences_done(run(number).progress().inferences_done() + 10);
      Look();
    }
    Become(run(number), "queued", "queued", 0, "about to start on device cpu-1");
    run(number).set_attempts(0);
    Look();
  }
};

TEST_CASE(
    "off a terminal a run has a line when it waits, when it measures, for each repetition and for its end") {
  Log log;
  log.Look();
  for (int number : {1, 2}) Become(log.run(number), "queued", "queued", 0, "about to start on device cpu-1");
  log.Look();
  log.Turn(1, 1);
  log.Turn(2, 1);
  log.Turn(1, 2);
  Become(log.run(1), "evaluating", "reporting", 2);
  log.Look();
  Become(log.run(1), "done", "");
  log.Turn(2, 2);
  Become(log.run(2), "done", "");
  log.Look();
  log.Look();
  CHECK(log.text ==
        "r-1    cpu-1      as-is      preparing\n"
        "r-2    cpu-1      optimize   preparing\n"
        "r-1    cpu-1      as-is      queued  (about to start on device cpu-1)\n"
        "r-2    cpu-1      optimize   queued  (about to start on device cpu-1)\n"
        "r-1    cpu-1      as-is      measuring  repetition 1/2  40 inferences\n"
        "r-1    cpu-1      as-is      repetition 1/2 done\n"
        "r-2    cpu-1      optimize   measuring  repetition 1/2  40 inferences\n"
        "r-2    cpu-1      optimize   repetition 1/2 done\n"
        "r-1    cpu-1      as-is      done\n"
        "r-2    cpu-1      optimize   done\n");
}

TEST_CASE("off a terminal a run that began at once does not say that it waits for its next turn") {
  Log log;
  log.job.mutable_runs()->RemoveLast();
  v1::RunStatus& run = log.run(1);
  Become(run, "running", "measuring", 1);
  run.set_attempts(1);
  log.Look();
  Become(run, "queued", "queued", 0, "waiting for device cpu-1, busy with r-2");
  run.set_attempts(0);
  log.Look();
  Become(run, "running", "loading", 2);
  run.set_attempts(1);
  log.Look();
  CHECK(log.text ==
        "r-1    cpu-1      as-is      measuring  repetition 1/2\n"
        "r-1    cpu-1      as-is      repetition 1/2 done\n");
}

TEST_CASE("off a terminal a run says once that it cools down, and each time that something is wrong") {
  Log log;
  v1::RunStatus& run = log.run(1);
  log.job.mutable_runs()->RemoveLast();
  for (const char* detail : {"55.0 C, waiting for 43.0 C", "54.0 C, waiting for 43.0 C"}) {
    Become(run, "running", "cooling", 2, detail);
    log.Look();
  }
  Become(run, "running", "measuring", 2, "device cpu-1 is out of reach; its lease goes on");
  log.Look();
  Become(run, "queued", "queued", 0, "about to start on device cpu-1; attempt 1 of 3 failed: lease lost");
  run.set_attempts(1);
  log.Look();
  Become(run, "queued", "queued", 0, "waiting for device cpu-1, offline since 10:00");
  log.Look();
  Become(run, "running", "measuring", 2);
  run.set_attempts(2);
  log.Look();
  run.set_state("lost");
  log.Look();
  CHECK(log.text ==
        "r-1    cpu-1      as-is      repetition 1/2 done\n"
        "r-1    cpu-1      as-is      cooling  repetition 2/2  (55.0 C, waiting for 43.0 C)\n"
        "r-1    cpu-1      as-is      measuring  repetition 2/2  (device cpu-1 is out of reach; its lease "
        "goes on)\n"
        "r-1    cpu-1      as-is      queued  (about to start on device cpu-1; attempt 1 of 3 failed: lease "
        "lost)\n"
        "r-1    cpu-1      as-is      queued  (waiting for device cpu-1, offline since 10:00)\n"
        "r-1    cpu-1      as-is      measuring  repetition 2/2  attempt 2\n"
        "r-1    cpu-1      as-is      lost\n");
}

}  // namespace
}  // namespace paddock
