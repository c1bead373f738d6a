#include "server/core/farm.h"

#include <array>
#include <utility>

namespace paddock {
namespace {

constexpr std::array<std::pair<RunState, std::string_view>, 8> kRunStates = {{
    {RunState::kPreparing, "preparing"},
    {RunState::kQueued, "queued"},
    {RunState::kRunning, "running"},
    {RunState::kEvaluating, "evaluating"},
    {RunState::kDone, "done"},
    {RunState::kFailed, "failed"},
    {RunState::kCancelled, "cancelled"},
    {RunState::kLost, "lost"},
}};

constexpr std::array<std::pair<JobState, std::string_view>, 4> kJobStates = {{
    {JobState::kRunning, "running"},
    {JobState::kDone, "done"},
    {JobState::kFailed, "failed"},
    {JobState::kCancelled, "cancelled"},
}};

constexpr std::array<std::pair<FailureClass, std::string_view>, 3> kFailureClasses = {{
    {FailureClass::kJob, "job"},
    {FailureClass::kDevice, "device"},
    {FailureClass::kFarm, "farm"},
}};

template <typename Table, typename Value>
std::string_view NameIn(const Table& table, Value value) {
  for (const auto& [known, name] : table) {
    if (known == value) return name;
  }
  return "unknown";
}

template <typename Value, std::size_t size>
Result<Value> ParseIn(const std::array<std::pair<Value, std::string_view>, size>& table,
                      std::string_view what, std::string_view text) {
  std::string known;
  for (const auto& [value, name] : table) {
    if (name == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return InvalidArgumentError("\"" + std::string(text.substr(0, 40)) + "\" is no " + std::string(what) +
                              "; known are " + known);
}

}  // namespace

std::string_view RunStateName(RunState state) { return NameIn(kRunStates, state); }
Result<RunState> ParseRunState(std::string_view name) { return ParseIn(kRunStates, "run state", name); }

bool IsTerminal(RunState state) {
  switch (state) {
    case RunState::kPreparing:
    case RunState::kQueued:
    case RunState::kRunning:
    case RunState::kEvaluating:
      return false;
    case RunState::kDone:
    case RunState::kFailed:
    case RunState::kCancelled:
    case RunState::kLost:
      break;
  }
  return true;
}

std::string_view JobStateName(JobState state) { return NameIn(kJobStates, state); }
Result<JobState> ParseJobState(std::string_view name) { return ParseIn(kJobStates, "job state", name); }

std::string_view FailureClassName(FailureClass failure_class) {
  return NameIn(kFailureClasses, failure_class);
}
Result<FailureClass> ParseFailureClass(std::string_view name) {
  return ParseIn(kFailureClasses, "failure class", name);
}

}  // namespace paddock
