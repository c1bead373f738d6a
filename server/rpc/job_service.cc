#include "server/rpc/job_service.h"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "base/version.h"
#include "proto/wire_limits.h"
#include "server/rpc/convert.h"
#include "server/rpc/core_call.h"
#include "server/rpc/job_check.h"
#include "server/rpc/status.h"

namespace paddock {
namespace {

constexpr std::chrono::milliseconds kWatchInterval{100};
constexpr std::chrono::milliseconds kWatchPatience{1000};
constexpr std::uint32_t kDefaultListLimit = 50;

Status UnknownJob(const std::string& id) {
  return NotFoundError("no job '" + id + "'; `paddock job list` shows the latest");
}

}  // namespace

Status JobService::CheckFiles(JobSpec* spec) {
  PADDOCK_RETURN_IF_ERROR(CheckJobFiles(parts_.artifacts, parts_.tools, spec));
  if (!spec->reference_run.empty() && !parts_.reader.GetResult(RunId(spec->reference_run)).ok()) {
    return InvalidArgumentError("reference_run: no run '" + spec->reference_run +
                                "'; `paddock result list` shows them");
  }
  return OkStatus();
}

grpc::Status JobService::SubmitJob(grpc::ServerContext*, const v1::SubmitJobRequest* request,
                                   v1::SubmitJobResponse* response) {
  auto spec = JobSpecFromProto(request->spec(), {request->files().begin(), request->files().end()});
  if (!spec.ok()) return ToGrpc(spec.status());
  if (const Status files = CheckFiles(&*spec); !files.ok()) return ToGrpc(files);
  return Submit(*std::move(spec), request->idempotency_key(), response);
}

Result<JobSpec> JobService::RerunSpec(const RunId& run) {
  const auto stored = parts_.reader.GetResult(run);
  if (!stored.ok()) return stored.status();
  const std::string cannot = "run " + run.str() + " cannot be repeated: ";
  if (stored->run.state != RunState::kDone || !stored->evaluation) {
    return FailedPreconditionError(cannot + "it is " + std::string(RunStateName(stored->run.state)) +
                                   ", and only a run that is done has figures to compare with");
  }
  JobSpec spec = stored->spec;
  if (stored->run.variant >= spec.variants.size()) return InternalError(cannot + "its variant is not stored");
  spec.variants = {spec.variants[stored->run.variant]};
  spec.selectors = {"id=" + stored->run.device.str()};
  spec.name = "rerun of " + run.str();
  spec.budgets.clear();
  spec.rerun_of = run.str();
  if (std::exchange(spec.golden, false)) spec.priority = 0;
  const Variant& variant = spec.variants[0];
  std::vector<std::tuple<const char*, std::string, Digest>> files = {
      {"its model", spec.model_path, spec.model}, {"its data", spec.data_path, spec.data}};
  if (!variant.model.empty()) files.emplace_back("its variant's model", variant.model_path, variant.model);
  if (!variant.encodings.empty())
    files.emplace_back("its encodings", variant.encodings_path, variant.encodings);
  if (!spec.calibration.data.empty() && NeedsCalibration(variant.steps))
    files.emplace_back("its calibration data", spec.calibration.path, spec.calibration.data);
  for (const auto& [what, path, digest] : files) {
    if (parts_.artifacts.Has(digest)) continue;
    return FailedPreconditionError(
        cannot + what + " (" + path + ", sha256 " + digest.hex() +
        ") is not in the artifact store any more; submit the job again with that file");
  }
  return spec;
}

grpc::Status JobService::RerunRun(grpc::ServerContext*, const v1::RerunRequest* request,
                                  v1::SubmitJobResponse* response) {
  auto spec = RerunSpec(RunId(request->run_id()));
  if (!spec.ok()) return ToGrpc(spec.status());
  if (const Status files = CheckFiles(&*spec); !files.ok()) return ToGrpc(files);
  return Submit(*std::move(spec), request->idempotency_key(), response);
}

grpc::Status JobService::Submit(JobSpec spec, const std::string& idempotency_key,
                                v1::SubmitJobResponse* response) {
  const auto answer = AwaitCore<Result<SubmitAnswer>>(parts_.core, [&](auto reply) {
    parts_.coordinator.Submit(std::move(spec), idempotency_key, std::move(reply));
  });
  if (!answer.ok()) return ToGrpc(answer.status());
  response->set_job_id(answer->job.str());
  for (const RunId& run : answer->runs) response->add_run_ids(run.str());
  for (const auto& skipped : answer->skipped) {
    v1::SubmitJobResponse::Skipped& out = *response->add_skipped();
    out.set_device(skipped.device.str());
    out.set_variant(skipped.variant);
    out.set_reason(skipped.reason);
  }
  spdlog::info("job {} submitted: {} runs", answer->job.str(), answer->runs.size());
  return grpc::Status::OK;
}

Result<v1::JobStatus> JobService::StatusOf(const JobId& job) {
  const auto live = AwaitCore<Result<JobView>>(
      parts_.core, [&](auto reply) { parts_.coordinator.ShowJob(job, std::move(reply)); });
  if (live.ok()) return JobStatusToProto(live->job, live->runs, live->drivers);
  const auto stored = parts_.reader.GetJob(job);
  if (!stored.ok()) {
    return stored.status().code() == StatusCode::kNotFound ? UnknownJob(job.str()) : stored.status();
  }
  return StoredJobToProto(*stored);
}

grpc::Status JobService::GetJob(grpc::ServerContext*, const v1::GetJobRequest* request,
                                v1::JobStatus* response) {
  auto status = StatusOf(JobId(request->job_id()));
  if (!status.ok()) return ToGrpc(status.status());
  *response = *std::move(status);
  return grpc::Status::OK;
}

grpc::Status JobService::ListJobs(grpc::ServerContext*, const v1::ListJobsRequest* request,
                                  v1::ListJobsResponse* response) {
  const auto jobs = parts_.reader.ListJobs(request->limit() == 0 ? kDefaultListLimit : request->limit(),
                                           request->with_golden());
  if (!jobs.ok()) return ToGrpc(jobs.status());
  for (const StoredJob& job : *jobs) *response->add_jobs() = StoredJobToProto(job);
  return grpc::Status::OK;
}

grpc::Status JobService::CancelJob(grpc::ServerContext*, const v1::CancelJobRequest* request,
                                   v1::CancelJobResponse*) {
  const JobId job(request->job_id());
  const Status status =
      AwaitCore<Status>(parts_.core, [&](auto reply) { parts_.coordinator.Cancel(job, std::move(reply)); });
  if (status.code() == StatusCode::kNotFound) {
    const auto stored = parts_.reader.GetJob(job);
    if (!stored.ok()) return ToGrpc(UnknownJob(request->job_id()));
    return ToGrpc(FailedPreconditionError(
        "job " + job.str() + " has ended already: " + std::string(JobStateName(stored->job.state))));
  }
  return ToGrpc(status);
}

grpc::Status JobService::WatchJob(grpc::ServerContext* context, const v1::WatchJobRequest* request,
                                  grpc::ServerWriter<v1::JobStatus>* writer) {
  const JobId job(request->job_id());
  JobWatch::Subscription subscription(parts_.watch, job);
  while (!context->IsCancelled()) {
    const auto status = StatusOf(job);
    if (!status.ok()) return ToGrpc(status.status());
    if (!writer->Write(*status) || status->state() != "running") return grpc::Status::OK;
    std::this_thread::sleep_for(kWatchInterval);
    while (!subscription.WaitForChange(kWatchPatience)) {
      if (parts_.watch.stopped())
        return ToGrpc(UnavailableError("the coordinator stops; the job goes on when it is back"));
      if (context->IsCancelled()) return grpc::Status::CANCELLED;
    }
  }
  return grpc::Status::CANCELLED;
}

grpc::Status JobService::GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                                       v1::ServerInfo* response) {
  const auto counts =
      AskCore<Coordinator::Counts>(parts_.core, [this] { return parts_.coordinator.Count(); });
  response->set_version(std::string(kPaddockVersion));
  response->set_protocol_version(kProtocolVersion);
  response->set_state_directory(parts_.state_directory);
  std::error_code error;
  const auto space = std::filesystem::space(parts_.state_directory, error);
  if (!error) response->set_free_disk_bytes(space.available);
  response->set_devices_known(counts.devices_known);
  response->set_devices_online(counts.devices_online);
  response->set_runs_queued(counts.runs_queued);
  response->set_runs_running(counts.runs_running);
  return grpc::Status::OK;
}

}  // namespace paddock
