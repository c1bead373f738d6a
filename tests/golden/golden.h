// Expected results in files. With PADDOCK_ACCEPT_GOLDEN=1 a differing file is rewritten and the program ends with exit code 4,
// which ctest shows as skipped: a run that accepts must not look like one that passed.
#pragma once

#include <string>

#include "base/json.h"

namespace paddock {

// Compares `actual` with the JSON in `path`: numbers within a relative error of 1e-9, everything else exactly. The difference,
// or empty. In accept mode: writes `actual` and returns empty.
std::string DifferenceFromGolden(const std::string& path, const Json& actual);

}  // namespace paddock
