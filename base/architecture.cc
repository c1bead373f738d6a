#include "base/architecture.h"

#include <sys/utsname.h>

namespace paddock {

std::string HostArchitecture() {
  utsname system{};
  if (uname(&system) != 0) return "unknown";
  const std::string machine = system.machine;
  return machine == "aarch64" ? "arm64" : machine;
}

}  // namespace paddock
