// The element loops of preprocess.cc. The same bytes on every machine: IEEE arithmetic without contraction.
#pragma once

#include "kpi/data_spec.h"
#include "kpi/tensor.h"

namespace paddock {

// REQUIRES: the step was checked against `tensor.info`, and `result` is what that check gave.
Tensor ApplyStep(const PreprocessStep& step, Tensor tensor, TensorInfo result);

}  // namespace paddock
