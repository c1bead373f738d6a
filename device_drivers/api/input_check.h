// What every Session::Bind() checks first.
#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

// One tensor per input, of its type and shape (an open dimension takes any size), with as many bytes as that
// makes. INVALID_ARGUMENT names the input, what it wants and what it is given.
Status CheckInputs(const std::vector<TensorInfo>& wanted, std::span<const TensorView> given);

}  // namespace paddock
