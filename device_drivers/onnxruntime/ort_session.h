// One model loaded by ONNX Runtime. Inputs are the caller's bytes, wrapped once in Bind(). Outputs whose
// shape follows from the model and the query's inputs are written into tensors made in Bind() and shared by
// the queries with the same output shapes; the others are made by ONNX Runtime in Invoke() and released by
// the next one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device_drivers/api/driver.h"
#include "device_drivers/onnxruntime/ort_session_options.h"

namespace paddock {

// INVALID_ARGUMENT: ONNX Runtime cannot load the model. UNIMPLEMENTED: it has an input or output that is no
// tensor, or a tensor of strings or of an element type that Paddock does not have.
Result<std::unique_ptr<Session>> OpenOrtSession(std::shared_ptr<const OrtLibrary> library,
                                                const std::string& model_path, const OrtSettings& settings);

}  // namespace paddock
