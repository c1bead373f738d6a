#include "agent/config.h"

#include <algorithm>
#include <cctype>

#include <CLI/CLI.hpp>
#include <yaml-cpp/yaml.h>

#include "agent/processor_placement.h"
#include "base/file.h"
#include "base/strict_json.h"
#include "base/version.h"
#include "device_drivers/meters_registry.h"
#include "device_drivers/registry.h"
#include "kpi/golden.h"

namespace paddock::agent {
namespace {

Status ReadConfigFile(const std::string& path, AgentConfig* config) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, 1 << 20));
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseYaml(text, path));
  StrictObject root(json, "");
  root.Optional("server", &config->server);
  root.Optional("id", &config->id);
  root.Optional("driver", &config->driver);
  root.Optional("labels", &config->labels);
  root.Optional("options", &config->options);
  root.Optional("meter", &config->meter);
  root.Optional("meter_options", &config->meter_options);
  root.Optional("cpus", &config->cpus);
  root.Optional("shares", &config->shares);
  root.Optional("golden", &config->golden);
  root.Optional("state", &config->state);
  root.Optional("cache_bytes", &config->cache_bytes);
  root.Optional("worker_memory_limit_bytes", &config->worker_memory_limit_bytes);
  root.Optional("log_level", &config->log_level);
  return root.Finish().WithContext(path);
}

Status ReadPairs(const std::string& flag, const std::vector<std::string>& pairs,
                 std::map<std::string, std::string>* out) {
  for (const std::string& pair : pairs) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgumentError(flag + " \"" + pair + "\" must read KEY=VALUE");
    }
    (*out)[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return OkStatus();
}

std::string DriverNames() {
  std::string names;
  for (const DriverEntry& entry : AllDrivers()) names.append(names.empty() ? "" : ", ").append(entry.name);
  return names;
}

std::string MeterNames() {
  std::string names;
  for (const MeterEntry& entry : AllMeters()) names.append(names.empty() ? "" : ", ").append(entry.name);
  return names;
}

bool IsDeviceId(const std::string& id) {
  return !id.empty() && id.size() <= 64 && id[0] != '.' &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

Status CheckConfig(const AgentConfig& config) {
  if (config.id.empty()) return InvalidArgumentError("no device id; set it with --id");
  if (!config.meter.empty()) PADDOCK_RETURN_IF_ERROR(FindMeter(config.meter).status());
  if (!IsDeviceId(config.id)) {
    return InvalidArgumentError(
        "the device id \"" + config.id +
        "\" must have 1 to 64 letters, digits, '.', '_' or '-' and not begin with '.'; set it with --id");
  }
  if (config.driver.empty()) return InvalidArgumentError("no driver; name one with --driver");
  PADDOCK_RETURN_IF_ERROR(FindDriver(config.driver).status().WithContext("--driver"));
  if (!config.cpus.empty())
    PADDOCK_RETURN_IF_ERROR(CpusByName(config.cpus, MachineFiles("")).status().WithContext("--cpus"));
  if (!config.golden.empty())
    PADDOCK_RETURN_IF_ERROR(ParseGoldenPolicy(config.golden).status().WithContext("golden"));
  if (config.state.empty()) return InvalidArgumentError("no state folder; name one with --state");
  const auto colon = config.server.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == config.server.size()) {
    return InvalidArgumentError("the server \"" + config.server +
                                "\" must read HOST:PORT; set it with --server");
  }
  const std::vector<std::string> levels = {"debug", "info", "warn", "error"};
  if (std::find(levels.begin(), levels.end(), config.log_level) == levels.end()) {
    return InvalidArgumentError("the log level \"" + config.log_level +
                                "\" is none of debug, info, warn, error");
  }
  return OkStatus();
}

}  // namespace

Result<Command> ParseCommandLine(const std::vector<std::string>& arguments, const GetEnv& get_env) {
  CLI::App app("Runs a coordinator's benchmarks on one device.", "paddock-agent");
  std::optional<std::string> server, id, driver, meter, cpus, state, file, log_level;
  std::vector<std::string> labels, options, meter_options, shares;
  bool version = false, check = false, print = false;
  app.add_option("--server", server, "HOST:PORT of the coordinator (default 127.0.0.1:7700)");
  app.add_option("--id", id, "the device's id on the farm");
  app.add_option("--driver", driver, "how the device runs models: " + DriverNames());
  app.add_option("--label", labels, "KEY=VALUE, for selectors; may be repeated")->allow_extra_args(false);
  app.add_option("--option", options, "KEY=VALUE, for the driver; may be repeated")->allow_extra_args(false);
  app.add_option("--meter", meter, "what measures the device's power: " + MeterNames());
  app.add_option("--meter-option", meter_options, "KEY=VALUE, for the meter; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--cpus", cpus, "CPUs that measure, such as 2-3 (default: chosen for each run)");
  app.add_option("--share", shares,
                 "what other devices use too, such as host-cpu: they take turns; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--state", state, "folder for the cache and for results that are not delivered yet");
  app.add_option("--config", file,
                 "YAML file; --print-config shows its names; flags and environment go above it");
  app.add_option("--log-level", log_level, "debug, info, warn or error");
  app.add_flag("--version", version, "print the version");
  app.add_flag("--check-config", check, "check the configuration and exit");
  app.add_flag("--print-config", print, "print the complete configuration as YAML and exit");
  bool as_json = false;
  CLI::App& discover =
      *app.add_subcommand("discover",
                          "list the probes and serial ports of this machine, with an agent's "
                          "configuration for each, and exit");
  discover.add_flag("--json", as_json, "the same as JSON");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return Command{.kind = CommandKind::kPrintAndExit,
                   .config = {},
                   .text = discover.parsed() ? discover.help() : app.help()};
  } catch (const CLI::ParseError& error) {
    return InvalidArgumentError(std::string(error.what()) + "; see paddock-agent --help");
  }
  if (version) {
    return Command{.kind = CommandKind::kPrintAndExit,
                   .config = {},
                   .text = "paddock-agent " + std::string(kPaddockVersion) + "\n"};
  }
  if (discover.parsed()) {
    Command command;
    command.kind = CommandKind::kDiscover;
    command.as_json = as_json;
    return command;
  }

  Command command;
  AgentConfig& config = command.config;
  if (!file) file = get_env("PADDOCK_AGENT_CONFIG");
  if (file) PADDOCK_RETURN_IF_ERROR(ReadConfigFile(*file, &config));

  const auto overlay = [&](const std::optional<std::string>& flag, const char* variable, std::string* out) {
    if (const auto value = get_env(variable)) *out = *value;
    if (flag) *out = *flag;
  };
  overlay(server, "PADDOCK_SERVER", &config.server);
  overlay(id, "PADDOCK_AGENT_ID", &config.id);
  overlay(driver, "PADDOCK_AGENT_DRIVER", &config.driver);
  overlay(meter, "PADDOCK_AGENT_METER", &config.meter);
  overlay(cpus, "PADDOCK_AGENT_CPUS", &config.cpus);
  overlay(state, "PADDOCK_AGENT_STATE", &config.state);
  overlay(log_level, "PADDOCK_AGENT_LOG_LEVEL", &config.log_level);
  PADDOCK_RETURN_IF_ERROR(ReadPairs("--label", labels, &config.labels));
  PADDOCK_RETURN_IF_ERROR(ReadPairs("--option", options, &config.options));
  PADDOCK_RETURN_IF_ERROR(ReadPairs("--meter-option", meter_options, &config.meter_options));
  if (!shares.empty()) config.shares = shares;
  PADDOCK_RETURN_IF_ERROR(CheckConfig(config));
  if (check) command.kind = CommandKind::kCheckConfig;
  if (print) command.kind = CommandKind::kPrintConfig;
  return command;
}

std::string ConfigAsYaml(const AgentConfig& config) {
  YAML::Emitter out;
  out.SetStringFormat(YAML::DoubleQuoted);
  const auto key = [&out](const char* name) -> YAML::Emitter& {
    return out << YAML::Key << YAML::Auto << name << YAML::Value;
  };
  out << YAML::BeginMap;
  key("server") << config.server;
  key("id") << config.id;
  key("driver") << config.driver;
  key("labels") << config.labels;
  key("options") << config.options;
  key("meter") << config.meter;
  key("meter_options") << config.meter_options;
  key("cpus") << config.cpus;
  key("shares") << config.shares;
  key("golden") << config.golden;
  key("state") << config.state;
  key("cache_bytes") << config.cache_bytes;
  key("worker_memory_limit_bytes") << config.worker_memory_limit_bytes;
  key("log_level") << config.log_level;
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace paddock::agent
