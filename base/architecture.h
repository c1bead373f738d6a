// The kind of processor that this machine has.
#pragma once

#include <string>

namespace paddock {

std::string HostArchitecture();  // "x86_64", "arm64", ...

}  // namespace paddock
