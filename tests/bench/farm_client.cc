#include "tests/bench/farm_client.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <thread>

#include "base/file.h"
#include "tests/bench/report.h"

namespace paddock::bench {
namespace {

constexpr std::chrono::seconds kPatience{120};
constexpr std::chrono::milliseconds kPoll{5};

void Check(const grpc::Status& status) {
  if (!status.ok()) GiveUp(status.error_message());
}

void WaitUntil(const std::string& what, const std::function<bool()>& reached) {
  for (const auto until = std::chrono::steady_clock::now() + kPatience; !reached();) {
    if (std::chrono::steady_clock::now() > until) GiveUp("waited in vain for " + what);
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

FarmClient::FarmClient(const std::string& address) {
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  artifacts_ = v1::ArtifactService::NewStub(channel);
  jobs_ = v1::JobService::NewStub(channel);
  model_ = Upload(PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx");
  data_ = Upload(PADDOCK_SOURCE_DIR "/deploy/demo/digits.npz");
}

std::string FarmClient::Upload(const std::string& path) {
  const std::string content = Must(ReadFile(path));
  v1::UploadRequest request;
  request.set_sha256(Sha256::Of(content).hex());
  request.set_size_bytes(content.size());
  request.set_data(content);
  grpc::ClientContext context;
  v1::UploadResponse response;
  const auto writer = artifacts_->Upload(&context, &response);
  writer->Write(request);
  writer->WritesDone();
  Check(writer->Finish());
  return request.sha256();
}

v1::SubmitJobRequest FarmClient::ShortJob(const std::string& selector) const {
  v1::SubmitJobRequest request;
  v1::JobSpec& spec = *request.mutable_spec();
  spec.set_name("benchmark");
  spec.set_model("digits.onnx");
  spec.mutable_data()->set_file("digits.npz");
  spec.mutable_data()->mutable_inputs()->insert({"image", "x"});
  spec.mutable_data()->set_labels("y");
  spec.mutable_data()->set_samples(10);
  spec.mutable_data()->add_preprocess()->mutable_cast()->set_to("float32");
  spec.add_on(selector);
  v1::Scenario& scenario = *spec.mutable_scenario();
  scenario.set_kind("single-stream");
  scenario.set_min_duration_s(0.001);
  scenario.set_median_precision(0);
  scenario.set_tail_precision(0);
  scenario.set_min_inferences(10);
  scenario.mutable_warmup()->set_min_inferences(1);
  scenario.mutable_warmup()->set_min_s(0);
  spec.set_repetitions(1);
  (*request.mutable_files())["digits.onnx"] = model_;
  (*request.mutable_files())["digits.npz"] = data_;
  return request;
}

std::string FarmClient::Submit(const v1::SubmitJobRequest& request) {
  grpc::ClientContext context;
  v1::SubmitJobResponse response;
  Check(jobs_->SubmitJob(&context, request, &response));
  return response.job_id();
}

v1::JobStatus FarmClient::Job(const std::string& job) {
  grpc::ClientContext context;
  v1::GetJobRequest request;
  request.set_job_id(job);
  v1::JobStatus status;
  Check(jobs_->GetJob(&context, request, &status));
  return status;
}

void FarmClient::WaitUntilDone(const std::string& job) {
  WaitUntil("the end of job " + job, [&] { return Job(job).state() != "running"; });
  const v1::JobStatus status = Job(job);
  if (status.state() != "done") {
    GiveUp("job " + job + " ended " + status.state() + ": " + status.runs(0).failure().message());
  }
}

v1::ServerInfo FarmClient::Info() {
  grpc::ClientContext context;
  v1::ServerInfo info;
  Check(jobs_->GetServerInfo(&context, v1::GetServerInfoRequest(), &info));
  return info;
}

void FarmClient::WaitForDevices(std::uint32_t online) {
  WaitUntil("the devices", [&] { return Info().devices_online() >= online; });
}

void FarmClient::WaitForQueuedRuns(std::uint32_t runs) {
  WaitUntil("the runs to be queued", [&] { return Info().runs_queued() >= runs; });
}

}  // namespace paddock::bench
