// The link over gRPC: one bidirectional stream that the agent dials, greets on, and dials again with jittered
// exponential back-off when it ends. Threads: a reader, which also dials, and while a session stands a
// writer, which alone writes.
//
// What is queued is bounded: the newest progress, and the one report that is being delivered.
#pragma once

#include <memory>
#include <string>

#include "agent/link.h"

namespace paddock::agent {

class GrpcLink final : public Link {
 public:
  explicit GrpcLink(const std::string& server);
  ~GrpcLink() override;

  // `client` must outlive Stop().
  void Start(LinkClient& client);
  // Says goodbye (waits for the answer at most a second), ends transfers and deliveries with UNAVAILABLE,
  // joins.
  void Stop();

  Status Download(const Digest& digest, BlobCache::Partial& into, bool check_again,
                  const std::function<bool()>& cancelled) override;
  void SendProgress(const Progress& progress) override;
  Status DeliverReport(const Report& report) override;
  void CutFor(std::chrono::nanoseconds duration) override;
  void Regreet() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paddock::agent
