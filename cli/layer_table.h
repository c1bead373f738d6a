// What each layer of a compiled network takes, as a table. Pure.
#pragma once

#include "cli/format.h"
#include "kpi/run_record.h"

namespace paddock {

// A line per layer and one for their sum; counts and shares only where the device counted its layers. `exact`: for programs,
// shares in full and no sum. REQUIRES: record.network.
Table LayerTable(const RepetitionRecord& record, bool exact);

}  // namespace paddock
