// The gRPC endpoint: all services on one address, with the keepalive and message limits of proto/wire_limits.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace paddock {

class RpcServer {
 public:
  // The services must outlive the server. ALREADY_EXISTS names an address that is in use and the next step.
  static Result<std::unique_ptr<RpcServer>> Start(const std::string& address,
                                                  const std::vector<grpc::Service*>& services);
  ~RpcServer();

  // The port that was taken when the address said 0.
  int port() const { return port_; }
  // Lets calls under way end until a second has passed, then cancels them. Streams must have been finished before: an open
  // one would hold the shutdown up to that deadline.
  void Shutdown();

 private:
  RpcServer(std::unique_ptr<grpc::Server> server, int port);
  std::unique_ptr<grpc::Server> server_;
  int port_;
};

}  // namespace paddock
