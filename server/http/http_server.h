// A small HTTP/1.1 server for what monitoring asks: GET and HEAD of a few paths, on a thread and an io_context of its own.
// Connections that say nothing for 30 s are closed; request headers are bounded by 8 KiB, bodies are refused.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"

namespace paddock {

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class HttpServer {
 public:
  // `handler` gets the path without its query, on the server's thread; it may wait for the core.
  // ALREADY_EXISTS names an address that is in use; INVALID_ARGUMENT one that is not HOST:PORT.
  static Result<std::unique_ptr<HttpServer>> Start(
      const std::string& address, std::function<HttpResponse(const std::string& path)> handler);
  // Closes all connections and joins.
  ~HttpServer();
  int port() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace paddock
