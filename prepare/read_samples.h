// Samples of a data file as the model wants them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "kpi/tensor.h"
#include "prepare/data_file.h"
#include "prepare/data_plan.h"

namespace paddock {

// One tensor per input of the model, preprocessed, under the input's name; its first dimension counts `rows`. INVALID_ARGUMENT
// names a sample that is unlike the others.
Result<std::vector<Tensor>> ReadSamples(DataFile& file, const DataPlan& plan,
                                        std::span<const std::uint64_t> rows);

}  // namespace paddock
