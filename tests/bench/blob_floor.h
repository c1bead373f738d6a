// The floor of bench_blobs: what a stream of blobs costs with gRPC alone. The messages, chunk size and channel settings are
// the farm's; the receiver hashes in a thread of its own, writes (the kernel starts to flush every 8 MiB), and syncs the file.
// No content addressing, no resuming, no rename, nothing else.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace paddock::bench {

class BlobFloor {
 public:
  // Serves downloads of `blob`, whose bytes must outlive the object; uploads go to a file in `folder`.
  BlobFloor(std::string_view blob, std::string folder);
  ~BlobFloor();

  // Seconds for the whole blob, from the first call until it is on disk and its digest is known; aborts when the digest is
  // another one than `expected`.
  double Upload(const Digest& expected);
  double Download(const Digest& expected);

 private:
  class Service;
  std::string_view blob_;
  std::string folder_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace paddock::bench
