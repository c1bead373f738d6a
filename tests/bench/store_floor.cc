#include "tests/bench/store_floor.h"

#include <chrono>
#include <vector>

#include "server/store/store.h"
#include "tests/bench/report.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::bench {
namespace {

constexpr int kDevices = 50;

PreparedRun ExamplePreparation() {
  PreparedRun prepared;
  prepared.artifact = Sha256::Of("artifact");
  prepared.artifact_kind = "onnx";
  prepared.artifact_bytes = 97'220;
  prepared.inputs = {{"image", ElementType::kFloat32, {-1, 1, 8, 8}}};
  prepared.outputs = {{"scores", ElementType::kFloat32, {-1, 10}}};
  prepared.batches = {Sha256::Of("batch")};
  prepared.labels = Sha256::Of("labels");
  prepared.sample_count = 10;
  prepared.report = {"model as it is", "model from cache",
                     "data: 10 samples in 1 batches of 2880 bytes in all"};
  return prepared;
}

RunPlan PlanOf(const Run& run) {
  RunPlan plan;
  plan.run_id = run.id.str();
  plan.artifact = run.prepared->artifact;
  plan.artifact_kind = run.prepared->artifact_kind;
  plan.batches = run.prepared->batches;
  plan.sample_count = run.prepared->sample_count;
  plan.inputs = run.prepared->inputs;
  plan.outputs = run.prepared->outputs;
  return plan;
}

void Grant(SqliteStore& store, Run& run, LeaseId lease) {
  run.state = RunState::kRunning;
  run.lease = lease;
  run.attempts = 1;
  run.plan_json = EncodeRunPlan(PlanOf(run));
  Must(store.UpdateRun(run));
  Must(store.InsertLease({lease, run.id, run.device, 1, 30'001}));
}

void Release(SqliteStore& store, Run& run, const std::string& record) {
  Must(store.EndLease(run.lease, "reported", 2));
  RunReport report;
  report.run = run.id;
  report.lease = run.lease;
  report.repetitions.emplace_back().record_inline = record;
  Must(store.InsertMeasurements(report));
  run.state = RunState::kEvaluating;
  Must(store.UpdateRun(run));
}

}  // namespace

double BareStoreRunsPerSecond(int runs, const std::string& record) {
  const TempDir folder;
  const auto store = Must(SqliteStore::Open(folder / "paddock.db"));
  Job job;
  job.id = JobId("j-1");
  job.sequence = 1;
  std::vector<Run> rows;
  for (int i = 0; i < runs; ++i) {
    Run& run = rows.emplace_back();
    run.id = RunId("r-" + std::to_string(i + 1));
    run.job = job.id;
    run.device = DeviceId("sim-" + std::to_string(i % kDevices));
    run.prepared = ExamplePreparation();
    run.state = RunState::kQueued;
  }
  for (int i = 0; i < kDevices; ++i) {
    DeviceRecord device;
    device.id = DeviceId("sim-" + std::to_string(i));
    Must(store->UpsertDevice(device));
  }
  Must(store->InsertJob(job, rows));
  Must(store->Begin());
  for (const Run& run : rows) Must(store->SetPrepared(run.id, *run.prepared));
  Must(store->Commit());

  const auto begin = std::chrono::steady_clock::now();
  // What a batch of the coordinator holds: the ends of the last grants and the next grants.
  for (int first = 0; first < runs + kDevices; first += kDevices) {
    Must(store->Begin());
    for (int i = first - kDevices; i >= 0 && i < first; ++i)
      Release(*store, rows[static_cast<std::size_t>(i)], record);
    for (int i = first; i < std::min(first + kDevices, runs); ++i) {
      Grant(*store, rows[static_cast<std::size_t>(i)], static_cast<LeaseId>(i + 1));
    }
    Must(store->Commit());
  }
  return runs / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace paddock::bench
