// The coordinator put together: store, artifacts, core, workers, gRPC and HTTP. Owns every thread of paddockd besides main's.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "server/config.h"

namespace paddock {

class FarmServer {
 public:
  // FAILED_PRECONDITION: a newer paddockd wrote the state. ALREADY_EXISTS: another one uses the state folder or the port.
  static Result<std::unique_ptr<FarmServer>> Start(const ServerConfig& config);
  // In this order: no new work, sessions end (agents go on and come back), calls under way end, workers stop, what is queued
  // for the core is carried out and committed, the store closes.
  ~FarmServer();

  int rpc_port() const;
  // 0 when there is none.
  int http_port() const;

 private:
  struct Parts;
  explicit FarmServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace paddock
