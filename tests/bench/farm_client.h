// What a benchmark asks of a coordinator: to take the demo's model and data, and jobs over them.
#pragma once

#include <memory>
#include <string>

#include "base/digest.h"
#include "paddock/v1/artifact.grpc.pb.h"
#include "paddock/v1/device.grpc.pb.h"
#include "paddock/v1/job.grpc.pb.h"

namespace paddock::bench {

// Ends the program when a call fails.
class FarmClient {
 public:
  // Uploads the demo's files.
  explicit FarmClient(const std::string& address);

  // A job of one repetition that is over as soon as it can be, on the devices that `selector` matches.
  v1::SubmitJobRequest ShortJob(const std::string& selector) const;
  std::string Submit(const v1::SubmitJobRequest& request);
  v1::JobStatus Job(const std::string& job);
  void WaitUntilDone(const std::string& job);
  v1::ServerInfo Info();
  void WaitForDevices(std::uint32_t online);
  void WaitForQueuedRuns(std::uint32_t runs);

 private:
  std::string Upload(const std::string& path);

  std::unique_ptr<v1::ArtifactService::Stub> artifacts_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::string model_;
  std::string data_;
};

}  // namespace paddock::bench
