// What one inference of a model takes (prepare/model_cost.h), found in a child process: the shape inference of libonnx trusts
// what it reads, and a crafted file may crash it.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "prepare/model_cost.h"

namespace paddock {

// The first argument that makes paddockd a child of this kind.
inline constexpr char kModelCostFlag[] = "--model-cost";

// The child's main: prints what it found of the file that the second argument names. Returns the exit code: 0 when an answer,
// also an error, was printed.
int ModelCostMain(const std::vector<std::string>& arguments);

// Starts the children, one at a time since each may take gigabytes. Thread-safe.
class ModelCostAnalysis {
 public:
  // `program` understands kModelCostFlag.
  explicit ModelCostAnalysis(std::string program = "/proc/self/exe") : program_(std::move(program)) {}

  // Blocks, for others' models too. The file's own error; ABORTED when the child died, DEADLINE_EXCEEDED after 15 s in all,
  // CANCELLED soon after `cancelled` answers true.
  Result<ModelCost> CostOf(const std::string& model_path, const std::function<bool()>& cancelled);

 private:
  const std::string program_;
  std::mutex one_at_a_time_;
};

}  // namespace paddock
