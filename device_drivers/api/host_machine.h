// What drivers that run models on the agent's own machine say of it.
#pragma once

#include <string>

namespace paddock {

std::string HostArchitecture();  // "x86_64", "arm64", ...
std::string
HostProcessorName();  // "Intel(R) Xeon(R) ...", on ARM the board's name; "unknown processor" without either

}  // namespace paddock
