// Status and Result<T>: how every function of Paddock that can fail says so.
//
// A Status is OK, or a code with a message that names the thing, the place and the next step. The codes are gRPC's
// canonical ones, so that crossing the wire loses nothing. An OK status is one null pointer and costs nothing to return;
// it is used inside the measured window. Exceptions stay inside the .cc that wraps a throwing library.
// Thread-safe as a value: copies are independent.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace paddock {

enum class StatusCode : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,  // the caller must change the request
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,   // disk, memory or quota
  kFailedPrecondition = 9,  // the state must change first
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,  // this driver or build cannot
  kInternal = 13,       // our bug
  kUnavailable = 14,    // try again; the only code that is retried
  kDataLoss = 15,       // a digest did not match
  kUnauthenticated = 16,
};

// "INVALID_ARGUMENT" and the like; "UNKNOWN" for a number that is none of the above.
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message);

  bool ok() const { return state_ == nullptr; }
  StatusCode code() const { return state_ ? state_->code : StatusCode::kOk; }
  const std::string& message() const;
  // "NOT_FOUND: no such file"; "OK" when ok().
  std::string ToString() const;
  // The same code with "context: " before the message; OK stays OK.
  Status WithContext(std::string_view context) const;

 private:
  struct State {
    StatusCode code;
    std::string message;
  };
  std::shared_ptr<const State> state_;
};

inline Status OkStatus() { return {}; }
Status CancelledError(std::string message);
Status InvalidArgumentError(std::string message);
Status DeadlineExceededError(std::string message);
Status NotFoundError(std::string message);
Status AlreadyExistsError(std::string message);
Status PermissionDeniedError(std::string message);
Status ResourceExhaustedError(std::string message);
Status FailedPreconditionError(std::string message);
Status UnimplementedError(std::string message);
Status InternalError(std::string message);
Status UnavailableError(std::string message);
Status DataLossError(std::string message);

// The status for an errno value: ENOENT is NOT_FOUND, ENOSPC and EDQUOT RESOURCE_EXHAUSTED, EACCES PERMISSION_DENIED ...
// The message is "what: strerror".
Status ErrnoStatus(int error_number, std::string_view what);

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, std::string_view message);

// A T or a non-OK Status. Using the value of a failed result aborts the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` and `return status;` are the point.
  Result(T value) : value_(std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {}

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return Checked(); }
  const T& value() const& { return const_cast<Result*>(this)->Checked(); }
  T&& value() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return Checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(Checked()); }

 private:
  T& Checked() {
    if (!value_) CheckFailed(__FILE__, __LINE__, "ok()", status_.message());
    return *value_;
  }

  std::optional<T> value_;
  Status status_;
};

}  // namespace paddock

// Programming errors only: prints and aborts, in every build.
#define PADDOCK_CHECK(condition, message)                                              \
  do {                                                                                 \
    if (!(condition)) ::paddock::CheckFailed(__FILE__, __LINE__, #condition, message); \
  } while (false)

#define PADDOCK_RETURN_IF_ERROR(expression)                                                 \
  do {                                                                                      \
    if (auto paddock_status_ = (expression); !paddock_status_.ok()) return paddock_status_; \
  } while (false)

#define PADDOCK_CONCAT_INNER_(a, b) a##b
#define PADDOCK_CONCAT_(a, b) PADDOCK_CONCAT_INNER_(a, b)
#define PADDOCK_ASSIGN_OR_RETURN(declaration, expression) \
  PADDOCK_ASSIGN_OR_RETURN_IMPL_(PADDOCK_CONCAT_(paddock_result_, __LINE__), declaration, expression)
#define PADDOCK_ASSIGN_OR_RETURN_IMPL_(result, declaration, expression) \
  auto result = (expression);                                           \
  if (!result.ok()) return result.status();                             \
  declaration = std::move(result).value()
