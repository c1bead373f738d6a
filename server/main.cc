// paddockd: the coordinator.

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/sanitizer.h"
#include "base/version.h"
#include "server/config.h"
#include "server/farm_server.h"
#include "server/workers/model_cost_child.h"
#include "server/workers/prepare_step.h"

#if PADDOCK_UNDER_SANITIZER
// LeakSanitizer's: threads of ONNX Runtime, which preparation steps use, now and then leave a few bytes behind.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libonnxruntime"; }
#endif

namespace {

// Signals are taken by sigwait in main, never by a handler: gRPC's locks do not survive one. Blocked before any thread starts.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == paddock::kPrepareStepFlag) {
    return paddock::PrepareStepMain({argv + 1, argv + argc});
  }
  if (argc > 1 && std::string_view(argv[1]) == paddock::kModelCostFlag) {
    return paddock::ModelCostMain({argv + 1, argv + argc});
  }
  // gRPC would print lines of its own beside our messages; GRPC_VERBOSITY brings them back.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  const auto command_line = paddock::ParseServerCommandLine(argc, argv);
  if (command_line.exit_code) return *command_line.exit_code;
  const paddock::ServerConfig& config = command_line.config;

  const sigset_t signals = BlockStopSignals();
  spdlog::set_default_logger(spdlog::stderr_color_mt("paddockd"));
  spdlog::set_level(spdlog::level::from_str(config.log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);

  const auto server = paddock::FarmServer::Start(config);
  if (!server.ok()) {
    std::cerr << "paddockd: " << server.status().message() << "\n";
    return 1;
  }
  spdlog::info("paddockd {} listens on {} (HTTP {}), state in {}", paddock::kPaddockVersion, config.listen,
               config.http, config.state);
  int received = 0;
  sigwait(&signals, &received);
  spdlog::info("stopping on signal {}; what is queued or running goes on at the next start", received);
  return 0;
}
