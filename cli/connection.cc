#include "cli/connection.h"

#include <chrono>
#include <thread>

#include "proto/wire_limits.h"

namespace paddock {
namespace {

constexpr std::chrono::seconds kCallLimit{30};
constexpr std::chrono::seconds kRetryFor{2};
constexpr int kConnectLimitMs = 5'000;
constexpr int kAnswerLimitBytes = 256 << 20;  // the results of a large job come in one answer

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, bool blobs) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kAnswerLimitBytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // In spite of its name the time that a connection may take to come about; a busy machine needs more than a moment.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectLimitMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Channels with the same arguments share a connection; blobs get one of their own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (blobs) {
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kBlobLookaheadBytes);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kBlobFrameBytes);
  }
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Connection::Connection(std::string address) : address_(std::move(address)) {
  const auto calls = MakeChannel(address_, false);
  jobs_ = v1::JobService::NewStub(calls);
  devices_ = v1::DeviceService::NewStub(calls);
  results_ = v1::ResultService::NewStub(calls);
  artifacts_ = v1::ArtifactService::NewStub(MakeChannel(address_, true));
}

Status Connection::FromGrpc(const grpc::Status& status) const {
  if (status.ok()) return OkStatus();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return UnavailableError("cannot reach the coordinator at " + address_ + " (" + status.error_message() +
                            "); is paddockd running? `./dev up` starts a farm here, --server HOST:PORT or "
                            "PADDOCK_SERVER names another one");
  }
  return {static_cast<StatusCode>(status.error_code()), status.error_message()};
}

Status Connection::Retried(const std::function<grpc::Status(grpc::ClientContext&)>& call) const {
  const auto give_up = std::chrono::steady_clock::now() + kRetryFor;
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallLimit);
    const grpc::Status status = call(context);
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE || std::chrono::steady_clock::now() >= give_up) {
      return FromGrpc(status);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

Result<v1::RunResult> FetchResult(Connection& connection, const std::string& run_id) {
  v1::GetResultRequest request;
  request.set_run_id(run_id);
  v1::RunResult result;
  PADDOCK_RETURN_IF_ERROR(
      connection.Call(connection.results(), &v1::ResultService::Stub::GetResult, request, &result));
  return result;
}

}  // namespace paddock
