#include "device_drivers/api/host_machine.h"

#include <fstream>
#include <string>

namespace paddock {

// "model name" of x86; ARM kernels say the board's name in the device tree instead.
std::string HostProcessorName() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("model name")) continue;
    const auto value = line.find_first_not_of(" \t:", line.find(':'));
    if (value != std::string::npos) return line.substr(value);
  }
  std::ifstream device_tree("/proc/device-tree/model");
  std::string name;
  std::getline(device_tree, name, '\0');
  return name.empty() ? "unknown processor" : name;
}

}  // namespace paddock
