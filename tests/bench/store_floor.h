// The floor of the dispatch benchmark: the rows of grant, result and release in the bare store, a commit for every 50 runs
// (as many as there are agents), and nothing around it.
#pragma once

#include <string>

namespace paddock::bench {

// Runs per second over `runs` runs in a new database; `record` is the one measurement of each.
double BareStoreRunsPerSecond(int runs, const std::string& record);

}  // namespace paddock::bench
