#include "server/store/results.h"

#include "server/core/stored_json.h"

namespace paddock {

Result<Verdict> ParseVerdict(std::string_view name) {
  for (const Verdict verdict :
       {Verdict::kValid, Verdict::kDegraded, Verdict::kInconclusive, Verdict::kInvalid}) {
    if (VerdictName(verdict) == name) return verdict;
  }
  return InternalError("the store has the unknown verdict '" + std::string(name) + "'");
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

}  // namespace paddock
