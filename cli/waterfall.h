// Where a run's time went.
#pragma once

#include <string>

#include "cli/document.h"

namespace paddock {

// [{"stage", "repetition", "seconds", "bytes", "energy_j"}, ...] in order; what is not known is null.
OrderedJson WaterfallDocument(const v1::RunResult& result);
// A bar per stage, of all its repetitions together; empty when nothing is known.
std::string WaterfallText(const v1::RunResult& result);

}  // namespace paddock
