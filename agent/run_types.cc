#include "agent/run_types.h"

namespace paddock::agent {

std::string_view FailureClassName(FailureClass failure_class) {
  switch (failure_class) {
    case FailureClass::kJob:
      return "job";
    case FailureClass::kDevice:
      return "device";
    case FailureClass::kFarm:
      return "farm";
  }
  return "farm";
}

Result<FailureClass> ParseFailureClass(std::string_view name) {
  for (const auto candidate : {FailureClass::kJob, FailureClass::kDevice, FailureClass::kFarm}) {
    if (FailureClassName(candidate) == name) return candidate;
  }
  return InvalidArgumentError("\"" + std::string(name) +
                              "\" is no failure class; they are job, device, farm");
}

Failure FailureOfDriver(const Status& status, std::string_view stage) {
  Failure failure{.stage = std::string(stage), .message = status.ToString()};
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kUnimplemented:
    case StatusCode::kResourceExhausted:
      failure.failure_class = FailureClass::kJob;
      break;
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
      failure.failure_class = FailureClass::kDevice;
      failure.retry = true;
      break;
    default:
      failure.failure_class = FailureClass::kFarm;
  }
  return failure;
}

Failure FailureOfFarm(const Status& status, std::string_view stage) {
  return {.failure_class = FailureClass::kFarm, .stage = std::string(stage), .message = status.ToString()};
}

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kCancelled:
      return "cancelled";
  }
  return "failed";
}

Result<Outcome> ParseOutcome(std::string_view name) {
  for (const auto candidate : {Outcome::kDone, Outcome::kFailed, Outcome::kCancelled}) {
    if (OutcomeName(candidate) == name) return candidate;
  }
  return InvalidArgumentError("\"" + std::string(name) +
                              "\" is no outcome; they are done, failed, cancelled");
}

}  // namespace paddock::agent
