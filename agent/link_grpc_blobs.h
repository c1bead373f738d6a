// Blobs over a channel of their own beside the session, so that a large one does not delay heartbeats. Any
// thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include <grpcpp/grpcpp.h>

#include "agent/blob_cache.h"
#include "base/digest.h"
#include "base/status.h"
#include "paddock/v1/artifact.grpc.pb.h"

namespace paddock::agent {

Status FromGrpc(const grpc::Status& status);

class BlobClient {
 public:
  explicit BlobClient(const std::string& server);

  // As BlobTransfer::Download().
  Status Download(const Digest& digest, BlobCache::Partial& into, bool check_again,
                  const std::function<bool()>& cancelled);
  // Sends what the coordinator lacks of the file and returns its digest. UNAVAILABLE: again later.
  Result<Digest> Upload(const std::string& path);

  // Ends the calls that run with CANCELLED, which their callers see as UNAVAILABLE.
  void CancelAll();

 private:
  class Call;
  Status UploadOnce(const Digest& digest, std::string_view bytes, bool* complete);

  std::unique_ptr<v1::ArtifactService::Stub> stub_;
  std::mutex mutex_;
  std::set<grpc::ClientContext*> running_;
};

}  // namespace paddock::agent
