#include "server/store/results.h"

#include "base/strict_json.h"
#include "server/core/stored_json.h"

namespace paddock {

Result<Verdict> ParseVerdict(std::string_view name) {
  for (const Verdict verdict :
       {Verdict::kValid, Verdict::kDegraded, Verdict::kInconclusive, Verdict::kInvalid}) {
    if (VerdictName(verdict) == name) return verdict;
  }
  return InternalError("the store has the unknown verdict '" + std::string(name) + "'");
}

Result<BudgetOutcome> ParseBudgetOutcome(std::string_view name) {
  for (const BudgetOutcome outcome :
       {BudgetOutcome::kMet, BudgetOutcome::kMissed, BudgetOutcome::kUndecidable}) {
    if (BudgetOutcomeName(outcome) == name) return outcome;
  }
  return InternalError("the store has the unknown budget outcome '" + std::string(name) + "'");
}

std::string EncodeOptions(const std::map<std::string, std::string>& options) {
  return DumpStored(Json(options));
}

Result<std::map<std::string, std::string>> DecodeOptions(std::string_view json) {
  PADDOCK_ASSIGN_OR_RETURN(const Json object, ParseJson(json, "stored options", kStoredLimits));
  std::map<std::string, std::string> options;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) return InternalError("stored option '" + key + "' is not text");
    options.emplace(key, value.get<std::string>());
  }
  return options;
}

std::string EncodeFigures(const std::vector<double>& figures) {
  return figures.empty() ? "" : DumpStored(Json(figures));
}

Result<std::vector<double>> DecodeFigures(std::string_view json) {
  std::vector<double> figures;
  if (json.empty()) return figures;
  PADDOCK_ASSIGN_OR_RETURN(const Json array, ParseJson(json, "stored figures", kStoredLimits));
  if (!array.is_array()) return InternalError("stored figures are not an array");
  for (const Json& figure : array) {
    if (!figure.is_number()) return InternalError("a stored figure is not a number");
    figures.push_back(figure.get<double>());
  }
  return figures;
}

}  // namespace paddock
