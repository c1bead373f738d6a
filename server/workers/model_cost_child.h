// What one inference of a model takes (prepare/model_cost.h), found in a child process: the shape inference of libonnx trusts
// what it reads, and a crafted file may crash it.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "prepare/model_cost.h"

namespace paddock {

// The first argument that makes paddockd a child of this kind.
inline constexpr char kModelCostFlag[] = "--model-cost";

// The child's main: prints the figures of the file that the second argument names. Returns the exit code.
int ModelCostMain(const std::vector<std::string>& arguments);

// `program` understands kModelCostFlag. The file's own error; ABORTED when the child died, DEADLINE_EXCEEDED after a minute.
// Blocks; any thread.
Result<ModelCost> ModelCostInChild(const std::string& path, const std::string& program = "/proc/self/exe");

}  // namespace paddock
