// What ReadModelInfo() says of a TensorFlow Lite model. Internal to prepare/.
#pragma once

#include <string_view>

#include "base/status.h"
#include "prepare/model_info.h"

namespace paddock {

// Fills `info`; errors as of ParseTflite(), besides inputs and outputs whose names or types cannot be used.
Status DescribeTflite(std::string_view bytes, ModelInfo* info);

}  // namespace paddock
