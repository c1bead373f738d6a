// paddock-agent: one per device. Shutdown: SIGTERM and SIGINT are blocked before the first thread starts and
// waited for here.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/energy_measurement.h"
#include "agent/link_grpc.h"
#include "agent/processor_placement.h"
#include "base/file.h"
#include "base/subprocess.h"
#include "base/version.h"
#include "boards/discovery.h"
#include "device_drivers/registry.h"

namespace paddock::agent {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

std::optional<std::string> Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

int Fail(const Status& status, int exit_code) {
  std::fprintf(stderr, "paddock-agent: %s\n", status.message().c_str());
  return exit_code;
}

// Beside this program, unless PADDOCK_WORKER names another.
std::string WorkerPath() {
  if (const auto named = Environment("PADDOCK_WORKER")) return *named;
  std::error_code ignored;
  return (std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "paddock-worker").string();
}

std::vector<std::string> WorkerEnvironment() {
  std::vector<std::string> environment = CleanEnvironment();
  // Where drivers look for their libraries unless an option says so.
  for (const std::string name : {"PADDOCK_ONNXRUNTIME", "PADDOCK_TFLITE"})
    if (const auto library = Environment(name)) environment.push_back(name + "=" + *library);
  return environment;
}

int RunAgent(const AgentConfig& config) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("paddock-agent"));
  spdlog::set_level(spdlog::level::from_str(config.log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const std::string state = std::filesystem::absolute(config.state).string();
  if (const Status status = CreateDirectories(state); !status.ok()) return Fail(status, kFailed);
  const auto lock = FileLock::Acquire(state + "/lock");
  if (!lock.ok()) return Fail(lock.status(), kFailed);
  std::vector<std::string> dropped;
  auto spool = Spool::Open(state, &dropped);
  if (!spool.ok()) return Fail(spool.status(), kFailed);
  for (const std::string& what : dropped) spdlog::warn("unreadable, removed: {}", what);
  auto cache = BlobCache::Open(state + "/cache", config.cache_bytes);
  if (!cache.ok()) return Fail(cache.status(), kFailed);
  const auto entry = FindDriver(config.driver);
  if (!entry.ok()) return Fail(entry.status(), kUsage);
  const std::string worker = WorkerPath();
  if (!FileSize(worker).ok()) {
    return Fail(NotFoundError("no worker at " + worker +
                              "; install paddock-worker beside paddock-agent or set PADDOCK_WORKER"),
                kFailed);
  }

  std::vector<std::uint32_t> cpus;
  if (!config.cpus.empty()) {
    auto named = CpusByName(config.cpus, MachineFiles(""));
    if (!named.ok()) return Fail(named.status(), kUsage);
    cpus = std::move(named).value();
  }

  if (!config.meter.empty()) {
    const Status status = CheckMeter(config.meter, config.meter_options);
    if (!status.ok()) return Fail(status, status.code() == StatusCode::kInvalidArgument ? kUsage : kFailed);
  }

  AgentSettings settings{.device = DeviceId(config.id),
                         .labels = config.labels,
                         .shares = config.shares,
                         .golden = config.golden,
                         .runner = {.worker_path = worker,
                                    .worker_environment = WorkerEnvironment(),
                                    .driver = config.driver,
                                    .options = config.options,
                                    .meter = config.meter,
                                    .meter_options = config.meter_options,
                                    .cpus = std::move(cpus),
                                    .worker_memory_limit_bytes = config.worker_memory_limit_bytes}};
  spdlog::info("paddock-agent {}: device {}, driver {}, coordinator {}, state {}", kPaddockVersion, config.id,
               config.driver, config.server, state);
  GrpcLink link(config.server);
  Agent agent(std::move(settings), **entry, std::move(spool).value(), std::move(cache).value());
  agent.Start(link);
  link.Start(agent);

  int received = 0;
  ::sigwait(&signals, &received);
  spdlog::info("signal {}: stopping", received);
  link.Stop();
  agent.Stop();
  return 0;
}

int Main(const std::vector<std::string>& arguments) {
  const auto command = ParseCommandLine(arguments, Environment);
  if (!command.ok()) return Fail(command.status(), kUsage);
  switch (command->kind) {
    case CommandKind::kPrintAndExit:
      std::fputs(command->text.c_str(), stdout);
      return 0;
    case CommandKind::kCheckConfig:
      std::puts("ok");
      return 0;
    case CommandKind::kPrintConfig:
      std::fputs(ConfigAsYaml(command->config).c_str(), stdout);
      return 0;
    case CommandKind::kDiscover: {
      const auto found = Discover("");
      std::fputs((command->as_json ? DiscoveryJson(found) : DiscoveryText(found)).c_str(), stdout);
      return 0;
    }
    case CommandKind::kRun:
      break;
  }
  return RunAgent(command->config);
}

}  // namespace
}  // namespace paddock::agent

int main(int argc, char** argv) {
  // gRPC would print lines of its own beside our messages; GRPC_VERBOSITY brings them back.
  ::setenv("GRPC_VERBOSITY", "NONE", 0);
  return paddock::agent::Main(std::vector<std::string>(argv + 1, argv + argc));
}
