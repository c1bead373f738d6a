#include "server/workers/model_cost_child.h"

#include <chrono>
#include <cstdint>
#include <iostream>
#include <thread>

#include "base/strict_json.h"
#include "base/subprocess.h"

namespace paddock {
namespace {

constexpr auto kCostTimeout = std::chrono::seconds(15);  // a caller waits for it
constexpr auto kLookAgain = std::chrono::milliseconds(20);
constexpr std::uint64_t kCostMemoryLimitBytes = std::uint64_t{4} << 30;

Result<ModelCost> CostOfFile(const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(const ModelInfo model, ReadModelInfo(path));
  return ReadModelCost(path, model);
}

// {"code": 0, "message": "", "macs": 12, "activation_peak_bytes": 34}; what is not known is left out.
std::string EncodeCost(const Result<ModelCost>& cost) {
  Json json = {{"code", static_cast<int>(cost.status().code())}, {"message", cost.status().message()}};
  if (cost.ok() && cost->multiply_accumulates) json["macs"] = *cost->multiply_accumulates;
  if (cost.ok() && cost->activation_peak_bytes) json["activation_peak_bytes"] = *cost->activation_peak_bytes;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ModelCost> DecodeCost(const std::string& text) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "cost of a model"));
  int code = 0;
  std::string message;
  ModelCost cost;
  StrictObject root(json, "");
  root.Required("code", &code);
  root.Required("message", &message);
  root.Optional("macs", &cost.multiply_accumulates);
  root.Optional("activation_peak_bytes", &cost.activation_peak_bytes);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  if (code != 0) return Status(static_cast<StatusCode>(code), message);
  return cost;
}

}  // namespace

int ModelCostMain(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2) {
    std::cerr << "usage: " << kModelCostFlag << " MODEL\n";
    return 2;
  }
  std::cout << EncodeCost(CostOfFile(arguments[1])) << "\n";
  return 0;
}

Result<ModelCost> ModelCostAnalysis::CostOf(const std::string& model_path,
                                            const std::function<bool()>& cancelled) {
  const Deadline deadline = Deadline::After(kCostTimeout);
  std::unique_lock<std::mutex> alone(one_at_a_time_, std::defer_lock);
  while (!alone.try_lock()) {
    if (cancelled()) return CancelledError("nobody waits for the analysis any more");
    if (deadline.passed()) return DeadlineExceededError("other models are being analysed; ask again");
    std::this_thread::sleep_for(kLookAgain);
  }
  ProcessRequest request;
  request.argv = {program_, kModelCostFlag, model_path};
  request.environment = CleanEnvironment();
  request.memory_limit_bytes = kCostMemoryLimitBytes;
  PADDOCK_ASSIGN_OR_RETURN(const ProcessResult result, RunProcess(request, deadline, cancelled));
  if (result.cancelled) return CancelledError("nobody waits for the analysis any more");
  if (result.timed_out) {
    return DeadlineExceededError("the analysis took longer than " + std::to_string(kCostTimeout.count()) +
                                 " s");
  }
  if (!result.succeeded()) {
    return Status(StatusCode::kAborted, "the model crashed its analysis (" + result.Describe() + "; " +
                                            result.LastWords() + "); export it anew");
  }
  return DecodeCost(result.stdout_text);
}

}  // namespace paddock
