#include <csignal>
#include <cstdlib>

#include "base/sanitizer.h"
#include "cli/command_line.h"
#include "cli/follow.h"

#if PADDOCK_UNDER_SANITIZER
// LeakSanitizer's: threads of ONNX Runtime, which preparation steps use, now and then leave a few bytes behind.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libonnxruntime"; }
#endif

int main(int argc, char** argv) {
  // gRPC would print lines of its own beside our messages; GRPC_VERBOSITY brings them back.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  struct sigaction action {};
  action.sa_handler = paddock::HandleInterrupt;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  return paddock::RunCommandLine(argc, argv);
}
