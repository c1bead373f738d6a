// JobService: checks what can be checked without a board, then asks the core. Synchronous handlers that may read files and
// wait for the core; thread-safe.
#pragma once

#include <string>

#include "base/task_queue.h"
#include "paddock/v1/job.grpc.pb.h"
#include "prepare/steps.h"
#include "server/artifacts/artifact_store.h"
#include "server/core/coordinator.h"
#include "server/rpc/job_watch.h"
#include "server/store/store_reader.h"

namespace paddock {

class JobService final : public v1::JobService::Service {
 public:
  struct Parts {
    TaskQueue& core;
    Coordinator& coordinator;
    ArtifactStore& artifacts;
    StoreReader& reader;
    JobWatch& watch;
    StepTools tools;
    std::string state_directory;
  };
  explicit JobService(Parts parts) : parts_(std::move(parts)) {}

  grpc::Status SubmitJob(grpc::ServerContext*, const v1::SubmitJobRequest*, v1::SubmitJobResponse*) override;
  grpc::Status RerunRun(grpc::ServerContext*, const v1::RerunRequest*, v1::SubmitJobResponse*) override;
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest*, v1::JobStatus*) override;
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest*, v1::ListJobsResponse*) override;
  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest*, v1::CancelJobResponse*) override;
  grpc::Status WatchJob(grpc::ServerContext*, const v1::WatchJobRequest*,
                        grpc::ServerWriter<v1::JobStatus>*) override;
  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*, v1::ServerInfo*) override;

 private:
  // Also says what kind of artifact each variant makes.
  Status CheckFiles(JobSpec* spec);
  grpc::Status Submit(JobSpec spec, const std::string& idempotency_key, v1::SubmitJobResponse* response);
  // The job that repeats a run.
  Result<JobSpec> RerunSpec(const RunId& run);
  // The live job from the core, or an ended one from the store.
  Result<v1::JobStatus> StatusOf(const JobId& job);

  Parts parts_;
};

}  // namespace paddock
