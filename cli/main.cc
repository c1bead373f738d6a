#include <csignal>

#include "cli/command_line.h"
#include "cli/follow.h"

int main(int argc, char** argv) {
  struct sigaction action {};
  action.sa_handler = paddock::HandleInterrupt;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  return paddock::RunCommandLine(argc, argv);
}
