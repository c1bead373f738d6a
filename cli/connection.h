// The way to a coordinator: one channel for calls and one for blobs, which would hold calls up. Used by one thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "paddock/v1/artifact.grpc.pb.h"
#include "paddock/v1/device.grpc.pb.h"
#include "paddock/v1/job.grpc.pb.h"
#include "paddock/v1/result.grpc.pb.h"

namespace paddock {

inline constexpr const char* kDefaultServer = "127.0.0.1:7700";

class Connection {
 public:
  explicit Connection(std::string address);

  const std::string& address() const { return address_; }
  v1::JobService::Stub& jobs() { return *jobs_; }
  v1::DeviceService::Stub& devices() { return *devices_; }
  v1::ResultService::Stub& results() { return *results_; }
  v1::ArtifactService::Stub& artifacts() { return *artifacts_; }

  // A call of at most half a minute. When the coordinator cannot be reached it is tried again for two seconds; then
  // UNAVAILABLE names the address and the next step.
  template <typename Stub, typename Request, typename Response>
  Status Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, Response* response) {
    return Retried([&](grpc::ClientContext& context) { return (stub.*method)(&context, request, response); });
  }
  // The status with a next step where the coordinator could not be reached.
  Status FromGrpc(const grpc::Status& status) const;

 private:
  Status Retried(const std::function<grpc::Status(grpc::ClientContext&)>& call) const;

  std::string address_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::DeviceService::Stub> devices_;
  std::unique_ptr<v1::ResultService::Stub> results_;
  std::unique_ptr<v1::ArtifactService::Stub> artifacts_;
};

// NOT_FOUND names the run.
Result<v1::RunResult> FetchResult(Connection& connection, const std::string& run_id);

}  // namespace paddock
