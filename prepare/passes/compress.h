// Step `compress`: the model packed without loss for the store and for the way to the device (base/packed_file.h); the agent
// unpacks it on arrival, and the runtime is given the model as it was. It is the last step. A model that would keep 95 % of its
// bytes or more stays as it is, and the report says so.
#pragma once

#include <string>
#include <vector>

#include "prepare/steps.h"

namespace paddock {

Result<std::vector<std::string>> RunCompress(const StepRequest& request);

}  // namespace paddock
