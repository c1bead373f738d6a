// One case of the ONNX conformance data: a folder with model.onnx and data sets of inputs and the outputs
// they must give.
#pragma once

#include <string>

#include "device_drivers/api/driver.h"

namespace paddock {

// OK: every output of every data set agrees, floats within |a - b| <= 1e-7 + 1e-3 |b|. Otherwise what failed:
// "open: ...", "bind: ...", "invoke: ..." or "mismatch: ...", or "data: ..." when the case holds what is no
// tensor.
Status RunOnnxCase(DeviceDriver& driver, const std::string& folder);

}  // namespace paddock
