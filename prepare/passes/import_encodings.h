// Step `import-encodings`: AIMET's `.encodings` (aimet_encodings.h) written into its ONNX model as QuantizeLinear and
// DequantizeLinear, with AIMET's own numbers. The tensors are tied by name.
//
// - Activations have eight bits: uint8, whatever the sign in the file (qdq_writer.h says why). What only moves elements keeps
//   the scale of its input where the file names no other. Strictly symmetric ones (255 integers) have one integer more below.
// - Constants of at most eight bits become int8 tensors. A bias becomes int32 where its scale is that of input times weight.
//   Other constants are rounded to the file's numbers and stay float32.
// - What the file does not name, or calls float, stays as it is.
//
// INVALID_ARGUMENT: a name that the model lacks, an activation of another width, a number of channels that is not the
// tensor's, a model that is quantised already. Opsets below 13 become 13.
#pragma once

#include <string>
#include <vector>

#include "prepare/steps.h"

namespace paddock {

Result<std::vector<std::string>> RunImportEncodings(const StepRequest& request);

}  // namespace paddock
