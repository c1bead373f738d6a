#include "device_drivers/simulated/fault_script.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/option_reader.h"

namespace paddock {
namespace {

struct ActionRule {
  std::string_view name;
  FaultAction action;
  std::string_view stages;                 // in which it means something
  std::optional<double> default_argument;  // absent: it takes none
  double max_argument;
};

constexpr std::string_view kWorkerStages = "loading, warm-up, measuring, predicting, reporting";
constexpr std::string_view kQueryStages = "warm-up, measuring, predicting";

constexpr ActionRule kRules[] = {
    {"slow", FaultAction::kSlow, "loading, warm-up, measuring, predicting", 10, 1e9},
    {"silent", FaultAction::kSilent, kWorkerStages, std::nullopt, 0},
    {"crash", FaultAction::kCrash, kWorkerStages, std::nullopt, 0},
    {"exit", FaultAction::kExit, kWorkerStages, 1, 255},
    {"error", FaultAction::kError, "loading, warm-up, measuring, predicting", std::nullopt, 0},
    {"wrong-output", FaultAction::kWrongOutput, kQueryStages, std::nullopt, 0},
    {"disconnect", FaultAction::kDisconnect,
     "transferring, loading, warm-up, measuring, predicting, reporting", 5, 86400},
};

bool ListHas(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const auto comma = list.find(", ");
    if (list.substr(0, comma) == name) return true;
    list = comma == list.npos ? std::string_view() : list.substr(comma + 2);
  }
  return false;
}

// Cuts `text` at the first `mark`: what follows it is returned, absent when there is none.
std::optional<std::string_view> CutAt(char mark, std::string_view& text) {
  const auto position = text.find(mark);
  if (position == text.npos) return std::nullopt;
  const std::string_view rest = text.substr(position + 1);
  text = text.substr(0, position);
  return rest;
}

Status BadFault(std::string_view text, const std::string& why) {
  return InvalidArgumentError("fault '" + std::string(text) + "': " + why +
                              "; a fault is ACTION@STAGE[#REPETITION][:ARGUMENT]");
}

Status ReadArgument(std::string_view text, const ActionRule& rule, std::string_view argument, Fault* fault) {
  if (!rule.default_argument) return BadFault(text, "'" + std::string(rule.name) + "' takes no argument");
  double value = 0;
  const bool in_range = ParseNumber(argument, &value) && value >= 0 && value <= rule.max_argument;
  const bool whole_enough = rule.action != FaultAction::kExit || std::floor(value) == value;
  if (!in_range || !whole_enough) {
    return BadFault(text, "the argument must be a number from 0 to " +
                              std::to_string(static_cast<std::int64_t>(rule.max_argument)));
  }
  fault->argument = value;
  return OkStatus();
}

Result<Fault> ParseFault(std::string_view text) {
  std::string_view action = text;
  const auto after_action = CutAt('@', action);
  if (!after_action) return BadFault(text, "it has no '@'");
  std::string_view stage = *after_action;
  const auto argument = CutAt(':', stage);
  const auto repetition = CutAt('#', stage);

  const auto* const rule = std::find_if(std::begin(kRules), std::end(kRules),
                                        [&](const ActionRule& row) { return row.name == action; });
  if (rule == std::end(kRules)) {
    std::string names;
    for (const ActionRule& row : kRules) names.append(names.empty() ? "" : ", ").append(row.name);
    return BadFault(text, "there is no action '" + std::string(action) + "', only: " + names);
  }
  if (!ListHas(rule->stages, stage)) {
    return BadFault(text, "'" + std::string(action) + "' has a meaning in: " + std::string(rule->stages));
  }
  Fault fault;
  fault.action = rule->action;
  fault.stage = stage;
  fault.argument = rule->default_argument.value_or(0);
  if (repetition) {
    std::uint64_t number = 0;
    if (rule->action == FaultAction::kDisconnect || !ParseUnsigned(*repetition, &number) ||
        number > std::numeric_limits<std::uint32_t>::max()) {
      return BadFault(text, "'#' is followed by the number of a repetition, and 'disconnect' knows none");
    }
    fault.repetition = static_cast<std::uint32_t>(number);
  }
  if (argument) PADDOCK_RETURN_IF_ERROR(ReadArgument(text, *rule, *argument, &fault));
  return fault;
}

}  // namespace

Result<FaultScript> FaultScript::Parse(std::string_view text) {
  FaultScript script;
  while (!text.empty()) {
    const auto rest = CutAt(';', text);
    PADDOCK_ASSIGN_OR_RETURN(Fault fault, ParseFault(text));
    script.faults_.push_back(std::move(fault));
    text = rest.value_or(std::string_view());
  }
  return script;
}

bool FaultScript::Has(FaultAction action) const {
  return std::any_of(faults_.begin(), faults_.end(),
                     [&](const Fault& fault) { return fault.action == action; });
}

std::vector<Fault> FaultScript::At(std::string_view stage, std::uint32_t repetition) const {
  std::vector<Fault> found;
  for (const Fault& fault : faults_) {
    if (fault.action == FaultAction::kDisconnect || fault.stage != stage) continue;
    if (fault.repetition.value_or(repetition) == repetition) found.push_back(fault);
  }
  return found;
}

std::map<std::string, double> FaultScript::LinkCutsS() const {
  std::map<std::string, double> cuts;
  for (const Fault& fault : faults_) {
    if (fault.action == FaultAction::kDisconnect) cuts[fault.stage] = fault.argument;
  }
  return cuts;
}

bool TakeFaultMarker(const std::string& marker_path) {
  if (marker_path.empty()) return true;
  const int marker = open(marker_path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  if (marker >= 0) close(marker);
  return marker >= 0;
}

}  // namespace paddock
