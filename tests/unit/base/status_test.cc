#include "base/status.h"

#include <cerrno>

#include <catch2/catch.hpp>

namespace paddock {
namespace {

Result<int> Half(int number) {
  if (number % 2 != 0) return InvalidArgumentError("odd");
  return number / 2;
}

Result<int> Quarter(int number) {
  PADDOCK_ASSIGN_OR_RETURN(const int half, Half(number));
  PADDOCK_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

}  // namespace

TEST_CASE("a status without a code is OK and has no message", "[base][status]") {
  CHECK(OkStatus().ok());
  CHECK(OkStatus().message().empty());
  CHECK(OkStatus().ToString() == "OK");
  CHECK(Status(StatusCode::kOk, "ignored").ok());
}

TEST_CASE("context goes before the message and keeps the code", "[base][status]") {
  const Status status = NotFoundError("no such file").WithContext("reading a");
  CHECK(status.code() == StatusCode::kNotFound);
  CHECK(status.ToString() == "NOT_FOUND: reading a: no such file");
  CHECK(OkStatus().WithContext("reading a").ok());
}

TEST_CASE("status codes have gRPC's names and numbers", "[base][status]") {
  CHECK(StatusCodeName(StatusCode::kUnauthenticated) == "UNAUTHENTICATED");
  CHECK(StatusCodeName(StatusCode::kDataLoss) == "DATA_LOSS");
  CHECK(static_cast<int>(StatusCode::kUnavailable) == 14);
  CHECK(StatusCodeName(static_cast<StatusCode>(99)) == "UNKNOWN");
  CHECK(StatusCodeName(static_cast<StatusCode>(-1)) == "UNKNOWN");
}

TEST_CASE("an errno becomes the code that tells the caller what to do", "[base][status]") {
  CHECK(ErrnoStatus(ENOENT, "x").code() == StatusCode::kNotFound);
  CHECK(ErrnoStatus(ENOSPC, "x").code() == StatusCode::kResourceExhausted);
  CHECK(ErrnoStatus(EDQUOT, "x").code() == StatusCode::kResourceExhausted);
  CHECK(ErrnoStatus(EACCES, "x").code() == StatusCode::kPermissionDenied);
  CHECK(ErrnoStatus(EIO, "x").code() == StatusCode::kInternal);
  CHECK(ErrnoStatus(ENOENT, "cannot read a").message() == "cannot read a: No such file or directory");
}

TEST_CASE("a failure leaves a function that assigns or returns", "[base][status]") {
  CHECK(Quarter(8).value() == 2);
  CHECK(Quarter(6).status().message() == "odd");
}

}  // namespace paddock
