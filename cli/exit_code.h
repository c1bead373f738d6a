// The exit codes of `paddock`: a contract with scripts.
#pragma once

#include "base/status.h"

namespace paddock {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitBudget = 3,
  kExitNotAllowed = 4,
  kExitNotFound = 5,
  kExitJobFailed = 6,   // the model or the data is at fault
  kExitFarmFailed = 7,  // farm or device
  kExitTimedOut = 8,
  kExitNoValidVerdict = 9,
  kExitInterrupted = 130,
};

inline int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return kExitOk;
    case StatusCode::kInvalidArgument:
      return kExitUsage;
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnauthenticated:
      return kExitNotAllowed;
    case StatusCode::kNotFound:
      return kExitNotFound;
    case StatusCode::kDeadlineExceeded:
      return kExitTimedOut;
    case StatusCode::kUnavailable:
      return kExitFarmFailed;
    default:
      return kExitFailed;
  }
}

// A local file that cannot be read is for the caller to mend: INVALID_ARGUMENT, whatever the reason.
inline Status LocalFileError(const Status& status) { return InvalidArgumentError(status.message()); }

}  // namespace paddock
