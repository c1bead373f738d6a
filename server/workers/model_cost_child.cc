#include "server/workers/model_cost_child.h"

#include <chrono>
#include <iostream>

#include "base/strict_json.h"
#include "base/subprocess.h"

namespace paddock {
namespace {

constexpr auto kCostTimeout = std::chrono::minutes(1);
constexpr std::uint64_t kCostMemoryLimitBytes = std::uint64_t{4} << 30;

Result<ModelCost> CostOfPath(const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(const ModelInfo model, ReadModelInfo(path));
  return ReadModelCost(path, model);
}

}  // namespace

int ModelCostMain(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2) {
    std::cerr << "usage: " << kModelCostFlag << " MODEL\n";
    return 2;
  }
  const auto cost = CostOfPath(arguments[1]);
  if (!cost.ok()) {
    std::cerr << cost.status().message() << "\n";
    return 1;
  }
  Json json = Json::object();
  if (cost->multiply_accumulates) json["macs"] = *cost->multiply_accumulates;
  if (cost->activation_peak_bytes) json["activation_peak_bytes"] = *cost->activation_peak_bytes;
  std::cout << json.dump() << "\n";
  return 0;
}

Result<ModelCost> ModelCostInChild(const std::string& path, const std::string& program) {
  ProcessRequest request;
  request.argv = {program, kModelCostFlag, path};
  request.environment = CleanEnvironment();
  request.memory_limit_bytes = kCostMemoryLimitBytes;
  PADDOCK_ASSIGN_OR_RETURN(const ProcessResult result, RunProcess(request, Deadline::After(kCostTimeout)));
  if (result.timed_out) return DeadlineExceededError("the analysis took longer than a minute");
  if (result.signal != 0) {
    return Status(StatusCode::kAborted,
                  "the model crashed its analysis (" + result.Describe() + "); export it anew");
  }
  if (!result.succeeded()) return InvalidArgumentError(result.stderr_text);
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(result.stdout_text, "cost of a model"));
  ModelCost cost;
  StrictObject root(json, "");
  root.Optional("macs", &cost.multiply_accumulates);
  root.Optional("activation_peak_bytes", &cost.activation_peak_bytes);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  return cost;
}

}  // namespace paddock
