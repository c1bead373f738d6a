#include "agent/link_grpc_blobs.h"

#include <algorithm>

#include "base/file.h"
#include "proto/wire_limits.h"

namespace paddock::agent {
namespace {

constexpr int kUploadAttempts = 3;
constexpr auto kMissingTimeout = std::chrono::seconds(10);
constexpr int kIdleTimeoutMs = 30'000;

std::shared_ptr<grpc::Channel> BlobChannel(const std::string& server) {
  grpc::ChannelArguments arguments;
  // Without it, gRPC would put this channel onto the session's connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kBlobLookaheadBytes);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kBlobFrameBytes);
  arguments.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, kIdleTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return OkStatus();
  return Status(static_cast<StatusCode>(status.error_code()), status.error_message());
}

// A context that CancelAll() knows while it lives.
class BlobClient::Call {
 public:
  explicit Call(BlobClient& client) : client_(client) {
    const std::lock_guard lock(client_.mutex_);
    client_.running_.insert(&context_);
  }
  Call(const Call&) = delete;
  ~Call() {
    const std::lock_guard lock(client_.mutex_);
    client_.running_.erase(&context_);
  }
  grpc::ClientContext* context() { return &context_; }

 private:
  BlobClient& client_;
  grpc::ClientContext context_;
};

BlobClient::BlobClient(const std::string& server)
    : stub_(v1::ArtifactService::NewStub(BlobChannel(server))) {}

void BlobClient::CancelAll() {
  const std::lock_guard lock(mutex_);
  for (grpc::ClientContext* context : running_) context->TryCancel();
}

Status BlobClient::Download(const Digest& digest, BlobCache::Partial& into, bool check_again,
                            const std::function<bool()>& cancelled) {
  Call call(*this);
  v1::DownloadRequest request;
  request.set_sha256(digest.hex());
  request.set_offset(into.offset());
  request.set_check_again(check_again);
  const auto reader = stub_->Download(call.context(), request);

  Status status;
  std::optional<std::uint64_t> size_bytes;
  v1::DownloadResponse response;
  while (status.ok() && reader->Read(&response)) {
    if (!size_bytes) {
      size_bytes = response.size_bytes();
      status = into.ExpectSize(*size_bytes);
    }
    if (status.ok()) status = into.Append(std::move(*response.mutable_data()));
    if (status.ok() && cancelled()) status = CancelledError("interrupted");
  }
  if (!status.ok()) {
    call.context()->TryCancel();
    (void)reader->Finish();
    return status;
  }
  status = FromGrpc(reader->Finish());
  if (status.code() == StatusCode::kCancelled) return UnavailableError("the transfer was cut off");
  if (status.ok() && into.offset() != size_bytes) return UnavailableError("the transfer ended early");
  return status;
}

Result<Digest> BlobClient::Upload(const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  Sha256 hash;
  hash.Update(file.bytes());
  const Digest digest = hash.Finish();
  Status status;
  for (int attempt = 0; attempt < kUploadAttempts; ++attempt) {
    bool complete = false;
    status = UploadOnce(digest, file.bytes(), &complete);
    if (complete) return digest;
    const StatusCode code = status.code();
    // What is there has changed meanwhile, or was damaged: ask again what is missing.
    if (code != StatusCode::kAborted && code != StatusCode::kDataLoss && code != StatusCode::kAlreadyExists)
      break;
  }
  if (status.code() == StatusCode::kCancelled) return UnavailableError("the transfer was cut off");
  return status.WithContext("uploading " + path);
}

Status BlobClient::UploadOnce(const Digest& digest, std::string_view bytes, bool* complete) {
  v1::MissingResponse missing;
  {
    Call call(*this);
    call.context()->set_deadline(std::chrono::system_clock::now() + kMissingTimeout);
    v1::MissingRequest request;
    request.add_sha256(digest.hex());
    const Status status = FromGrpc(stub_->Missing(call.context(), request, &missing));
    if (status.code() == StatusCode::kDeadlineExceeded)
      return UnavailableError("the coordinator did not answer in time");
    PADDOCK_RETURN_IF_ERROR(status);
  }
  if (missing.missing().empty()) {
    *complete = true;
    return OkStatus();
  }

  Call call(*this);
  v1::UploadResponse response;
  const auto writer = stub_->Upload(call.context(), &response);
  std::size_t offset = std::min<std::size_t>(missing.missing(0).have_bytes(), bytes.size());
  v1::UploadRequest request;
  request.set_sha256(digest.hex());
  request.set_size_bytes(bytes.size());
  request.set_offset(offset);
  bool first = true;
  while (first || offset < bytes.size()) {
    const std::size_t size = std::min(kChunkBytes, bytes.size() - offset);
    request.set_data(bytes.data() + offset, size);
    if (!writer->Write(request)) break;  // Finish() says why
    offset += size;
    if (std::exchange(first, false)) request.Clear();
  }
  writer->WritesDone();
  const Status status = FromGrpc(writer->Finish());
  *complete = status.ok();
  return status;
}

}  // namespace paddock::agent
