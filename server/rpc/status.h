// Status to and from gRPC's: the codes have the same numbers, so this is a cast.
#pragma once

#include <grpcpp/support/status.h>

#include "base/status.h"

namespace paddock {

inline grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), status.message()};
}

}  // namespace paddock
