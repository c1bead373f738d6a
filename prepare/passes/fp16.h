// Step `fp16`: an ONNX model with float16 weights.
//
// compute=float32 (default): weights are stored as float16 and cast to float32 where they are used; activations stay float32.
// Runtimes fold the casts when they load the model: half the bytes, the speed of float32. Tensors of fewer than 64 elements
// stay, since a Cast takes more than they save.
// compute=float16: the whole graph works on float16, with casts at its inputs and outputs and around operators that have no
// float16 form.
// INVALID_ARGUMENT names a tensor with NaN, infinity, or values that float16 cannot hold (above 65504), and refuses a model
// that is quantised already.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "prepare/steps.h"

namespace paddock {

std::span<const OptionDoc> Fp16Options();
Status CheckFp16Options(const std::map<std::string, std::string>& options);
Result<std::vector<std::string>> RunFp16(const StepRequest& request);

// The nearest IEEE 754 binary16, ties to even; infinity for what is too large.
std::uint16_t HalfOf(float value);

}  // namespace paddock
