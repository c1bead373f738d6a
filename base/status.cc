#include "base/status.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace paddock {

std::string_view StatusCodeName(StatusCode code) {
  static constexpr std::array<std::string_view, 17> kNames = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : "UNKNOWN";
}

Status::Status(StatusCode code, std::string message) {
  if (code != StatusCode::kOk) state_ = std::make_shared<const State>(State{code, std::move(message)});
}

const std::string& Status::message() const {
  static const auto* const kEmpty = new std::string;
  return state_ ? state_->message : *kEmpty;
}

std::string Status::ToString() const {
  if (ok()) return "OK";
  return std::string(StatusCodeName(code())) + ": " + message();
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return Status(code(), std::string(context) + ": " + message());
}

Status CancelledError(std::string message) { return Status(StatusCode::kCancelled, std::move(message)); }
Status InvalidArgumentError(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}
Status DeadlineExceededError(std::string message) {
  return Status(StatusCode::kDeadlineExceeded, std::move(message));
}
Status NotFoundError(std::string message) { return Status(StatusCode::kNotFound, std::move(message)); }
Status AlreadyExistsError(std::string message) {
  return Status(StatusCode::kAlreadyExists, std::move(message));
}
Status PermissionDeniedError(std::string message) {
  return Status(StatusCode::kPermissionDenied, std::move(message));
}
Status ResourceExhaustedError(std::string message) {
  return Status(StatusCode::kResourceExhausted, std::move(message));
}
Status FailedPreconditionError(std::string message) {
  return Status(StatusCode::kFailedPrecondition, std::move(message));
}
Status UnimplementedError(std::string message) {
  return Status(StatusCode::kUnimplemented, std::move(message));
}
Status InternalError(std::string message) { return Status(StatusCode::kInternal, std::move(message)); }
Status UnavailableError(std::string message) { return Status(StatusCode::kUnavailable, std::move(message)); }
Status DataLossError(std::string message) { return Status(StatusCode::kDataLoss, std::move(message)); }

Status ErrnoStatus(int error_number, std::string_view what) {
  const auto code = [error_number] {
    switch (error_number) {
      case ENOENT:
      case ENODEV:
      case ENXIO:
        return StatusCode::kNotFound;
      case EEXIST:
        return StatusCode::kAlreadyExists;
      case EACCES:
      case EPERM:
      case EROFS:
        return StatusCode::kPermissionDenied;
      case ENOSPC:
      case EDQUOT:
      case ENOMEM:
      case EMFILE:
      case ENFILE:
      case EFBIG:
        return StatusCode::kResourceExhausted;
      case EINVAL:
      case ENAMETOOLONG:
      case ELOOP:
        return StatusCode::kInvalidArgument;
      case ENOTDIR:
      case EISDIR:
      case ENOTEMPTY:
      case ETXTBSY:
      case ENOEXEC:
        return StatusCode::kFailedPrecondition;
      case EAGAIN:
      case EBUSY:
      case EINTR:
      case ECONNREFUSED:
      case ECONNRESET:
      case EPIPE:
        return StatusCode::kUnavailable;
      case ETIMEDOUT:
        return StatusCode::kDeadlineExceeded;
      case ECANCELED:
        return StatusCode::kCancelled;
      case ENOSYS:
      case EOPNOTSUPP:
        return StatusCode::kUnimplemented;
      default:
        return StatusCode::kInternal;
    }
  }();
  return Status(code, std::string(what) + ": " + std::generic_category().message(error_number));
}

void CheckFailed(const char* file, int line, const char* condition, std::string_view message) {
  std::fprintf(stderr, "%s:%d: check failed: %s: %.*s\n", file, line, condition,
               static_cast<int>(message.size()), message.data());
  std::abort();
}

}  // namespace paddock
