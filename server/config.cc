#include "server/config.h"

#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "base/strict_json.h"
#include "base/version.h"

namespace paddock {
namespace {

constexpr int kUsageError = 2;
constexpr std::uint32_t kMostRetentionDays = 36'500;

bool IsLoopback(const std::string& address) {
  return address.starts_with("127.") || address.starts_with("localhost:") || address.starts_with("[::1]:") ||
         address.starts_with("unix:");
}

Status ReadConfigFile(const std::string& path, ServerConfig& config) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, 1 << 20));
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseYaml(text, path));
  StrictObject root(json, "");
  root.Optional("listen", &config.listen);
  root.Optional("http", &config.http);
  root.Optional("state", &config.state);
  root.Optional("insecure", &config.insecure);
  root.Optional("lease_ttl_s", &config.lease_ttl_s);
  root.Optional("max_attempts", &config.max_attempts);
  root.Optional("artifact_limit_bytes", &config.artifact_limit_bytes);
  root.Optional("raw_retention_days", &config.raw_retention_days);
  root.Optional("onnxruntime", &config.onnxruntime);
  root.Optional("converters", &config.converters);
  root.Optional("log_level", &config.log_level);
  return root.Finish().WithContext(path);
}

Status CheckAddress(const std::string& key, const std::string& address, bool insecure) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return InvalidArgumentError(key + ": '" + address + "' is not HOST:PORT");
  }
  if (!address.starts_with("unix:")) {
    const std::string port = address.substr(colon + 1);
    if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos ||
        std::stoi(port) > 65535) {
      return InvalidArgumentError(key + ": '" + port + "' is not a port (0 to 65535)");
    }
  }
  if (!IsLoopback(address) && !insecure) {
    return FailedPreconditionError(
        key + ": '" + address +
        "' can be reached from other machines and nothing on it is encrypted or "
        "authenticated; listen on 127.0.0.1, or add --insecure if you accept that");
  }
  return OkStatus();
}

}  // namespace

Status CheckServerConfig(const ServerConfig& config) {
  PADDOCK_RETURN_IF_ERROR(CheckAddress("listen", config.listen, config.insecure));
  if (config.http != "off") PADDOCK_RETURN_IF_ERROR(CheckAddress("http", config.http, config.insecure));
  if (config.state.empty()) return InvalidArgumentError("state: is missing; name a folder with --state DIR");
  if (!(config.lease_ttl_s >= 1 && config.lease_ttl_s <= 86'400)) {
    return InvalidArgumentError("lease_ttl_s: must be between 1 and 86400");
  }
  if (config.max_attempts == 0) return InvalidArgumentError("max_attempts: must be at least 1");
  if (config.raw_retention_days > kMostRetentionDays) {
    return InvalidArgumentError("raw_retention_days: must be at most " + std::to_string(kMostRetentionDays));
  }
  for (const char* level : {"debug", "info", "warn", "error"}) {
    if (config.log_level == level) return OkStatus();
  }
  return InvalidArgumentError("log_level: '" + config.log_level + "' is none of debug, info, warn, error");
}

std::string ServerConfigAsYaml(const ServerConfig& config) {
  const auto quoted = [](const std::string& text) { return Json(text).dump(); };
  return "listen: " + quoted(config.listen) + "\nhttp: " + quoted(config.http) +
         "\nstate: " + quoted(config.state) + "\ninsecure: " + (config.insecure ? "true" : "false") +
         "\nlease_ttl_s: " + Json(config.lease_ttl_s).dump() +
         "\nmax_attempts: " + std::to_string(config.max_attempts) +
         "\nartifact_limit_bytes: " + std::to_string(config.artifact_limit_bytes) +
         "\nraw_retention_days: " + std::to_string(config.raw_retention_days) +
         "\nonnxruntime: " + quoted(config.onnxruntime) + "\nconverters: " + quoted(config.converters) +
         "\nlog_level: " + quoted(config.log_level) + "\n";
}

ServerCommandLine ParseServerCommandLine(int argc, const char* const* argv) {
  ServerCommandLine out;
  ServerConfig& config = out.config;

  // The file is read first so that flags and environment, which CLI11 applies afterwards, stand above it.
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    std::string path;
    if (argument == "--config" && i + 1 < argc) path = argv[i + 1];
    if (argument.starts_with("--config=")) path = argument.substr(9);
    if (path.empty()) continue;
    if (const Status read = ReadConfigFile(path, config); !read.ok()) {
      std::cerr << "paddockd: " << read.message() << "\n";
      out.exit_code = kUsageError;
      return out;
    }
  }

  CLI::App app("Paddock's coordinator: takes jobs, prepares models and data, leases devices, keeps results.",
               "paddockd");
  app.footer("Example:\n  paddockd --listen 127.0.0.1:7700 --http 127.0.0.1:7701 --state /var/lib/paddock");
  std::string config_path;
  bool check = false;
  bool print = false;
  app.add_option("--config", config_path,
                 "strict YAML file with these names; flags and environment stand above it");
  app.add_option("--listen", config.listen, "HOST:PORT for clients and agents")
      ->envname("PADDOCK_LISTEN")
      ->capture_default_str();
  app.add_option("--http", config.http, "HOST:PORT for /healthz, or 'off'")
      ->envname("PADDOCK_HTTP")
      ->capture_default_str();
  app.add_option("--state", config.state, "folder for database and artifacts")->envname("PADDOCK_STATE");
  app.add_flag("--insecure", config.insecure, "allow addresses that other machines can reach, unencrypted");
  app.add_option("--lease-ttl-s", config.lease_ttl_s, "seconds after which a silent device loses its run")
      ->capture_default_str();
  app.add_option("--max-attempts", config.max_attempts, "leases a run gets before it counts as lost")
      ->capture_default_str();
  app.add_option("--artifact-limit-bytes", config.artifact_limit_bytes,
                 "size of the artifact store that clean-up keeps to")
      ->capture_default_str();
  app.add_option("--raw-retention-days", config.raw_retention_days,
                 "days after a run's end for which its large raw records are kept; KPIs and histograms stay")
      ->envname("PADDOCK_RAW_RETENTION_DAYS")
      ->capture_default_str();
  app.add_option("--onnxruntime", config.onnxruntime, "library for the preparation of models")
      ->envname("PADDOCK_ONNXRUNTIME");
  app.add_option("--converters", config.converters,
                 "strict YAML file that declares vendors' converters for the step `external`")
      ->envname("PADDOCK_CONVERTERS");
  app.add_option("--log-level", config.log_level, "debug, info, warn or error")
      ->envname("PADDOCK_LOG_LEVEL")
      ->capture_default_str();
  app.add_flag("--check-config", check, "check the configuration and exit");
  app.add_flag("--print-config", print, "print the configuration in force as YAML and exit");
  app.set_version_flag("--version", "paddockd " + std::string(kPaddockVersion));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    out.exit_code = app.exit(error) == 0 ? 0 : kUsageError;
    return out;
  }
  if (print) {
    std::cout << ServerConfigAsYaml(config);
    out.exit_code = 0;
    return out;
  }
  if (const Status status = CheckServerConfig(config); !status.ok()) {
    std::cerr << "paddockd: " << status.message() << "\n";
    out.exit_code = kUsageError;
  } else if (check) {
    std::cout << "the configuration is fine\n";
    out.exit_code = 0;
  }
  return out;
}

}  // namespace paddock
