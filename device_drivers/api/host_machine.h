// What drivers that run models on the agent's own machine say of it.
#pragma once

#include <string>

#include "base/architecture.h"

namespace paddock {

std::string
HostProcessorName();  // "Intel(R) Xeon(R) ...", on ARM the board's name; "unknown processor" without either

}  // namespace paddock
