// What paddockd is started with: flags over environment over the file (--config, strict YAML with the same names) over the
// defaults below, which are the documentation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"

namespace paddock {

struct ServerConfig {
  std::string listen = "127.0.0.1:7700";  // gRPC
  std::string http = "127.0.0.1:7701";    // /healthz; "off": none
  std::string state;                      // folder for database and artifacts; made when missing
  bool insecure = false;                  // allow an address that is not loopback, without encryption
  double lease_ttl_s = 30;                // a device that is not heard of for longer loses its run
  std::uint32_t max_attempts = 3;         // leases per run
  std::uint64_t artifact_limit_bytes = std::uint64_t{20}
                                       << 30;  // garbage collection keeps below it what nothing pins
  std::uint32_t raw_retention_days = 90;  // large raw records of a run are kept for so long after its end
  std::string onnxruntime;                // library for preparation; empty: the system's
  std::string converters;                 // file of vendors' converters (prepare/converters.h); empty: none
  std::string log_level = "info";         // debug, info, warn, error
};

// REQUIRES: values as parsed. INVALID_ARGUMENT names the key and what would fit; FAILED_PRECONDITION for an address that is
// not loopback without `insecure`.
Status CheckServerConfig(const ServerConfig& config);
std::string ServerConfigAsYaml(const ServerConfig& config);

// What main should do: run with a config, or exit at once with a code because --help, --version, --check-config or
// --print-config was answered or the command line was wrong (both already printed).
struct ServerCommandLine {
  ServerConfig config;
  std::optional<int> exit_code;
};
ServerCommandLine ParseServerCommandLine(int argc, const char* const* argv);

}  // namespace paddock
