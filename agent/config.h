// How an agent is set up: flags over environment over file over defaults. The file is strict YAML with the
// names below.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "device_drivers/api/driver.h"

namespace paddock::agent {

struct AgentConfig {
  std::string server = "127.0.0.1:7700";      // PADDOCK_SERVER
  std::string id;                             // PADDOCK_AGENT_ID; letters, digits, . _ -
  std::string driver;                         // PADDOCK_AGENT_DRIVER; a family of the registry
  std::map<std::string, std::string> labels;  // over the driver's own
  DriverOptions options;                      // the driver's
  std::string meter;                          // what measures the device's power; empty: nothing does
  DriverOptions meter_options;
  std::string cpus;  // PADDOCK_AGENT_CPUS; "2-3": workers run on exactly these; empty: they choose
  std::vector<std::string> shares;  // resources that a measurement feels and other devices use too
  std::string golden;  // "every N runs" or "around each run" (kpi/golden.h); empty: no golden runs
  std::string state;   // PADDOCK_AGENT_STATE; a folder of this agent alone
  std::uint64_t cache_bytes = std::uint64_t{4} << 30;
  std::uint64_t worker_memory_limit_bytes = 0;  // 0: none
  std::string log_level = "info";               // PADDOCK_AGENT_LOG_LEVEL; debug, info, warn, error
};

enum class CommandKind { kRun, kCheckConfig, kPrintConfig, kPrintAndExit, kDiscover };
struct Command {
  CommandKind kind = CommandKind::kRun;
  AgentConfig config;
  std::string text;      // of kPrintAndExit: help or version
  bool as_json = false;  // of kDiscover
};

using GetEnv = std::function<std::optional<std::string>(const std::string& name)>;

// `arguments` without the program's name. The configuration is complete and checked, except for
// kPrintAndExit and kDiscover. INVALID_ARGUMENT names the flag, variable or key.
Result<Command> ParseCommandLine(const std::vector<std::string>& arguments, const GetEnv& get_env);

// As a file that reads back to the same configuration.
std::string ConfigAsYaml(const AgentConfig& config);

}  // namespace paddock::agent
