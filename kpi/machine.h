// Who a machine is and how it was set when it measured, in words: "kernel" -> "6.1.0-25-amd64". For people, and to tell two
// measurements apart. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kpi/environment.h"

namespace paddock {

// Without what a machine does not have. What differs between the environments (of a run's repetitions) is joined:
// "performance; powersave".
std::map<std::string, std::string> DescribeMachine(
    const std::vector<const RepetitionEnvironment*>& environments);

}  // namespace paddock
