#include "cli/blob_upload.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/file.h"
#include "cli/exit_code.h"
#include "proto/wire_limits.h"

namespace paddock {
namespace {

constexpr int kTriesWithoutProgress = 5;

struct Sent {
  Status status;
  std::uint64_t bytes = 0;
};

Sent SendFrom(Connection& connection, const Digest& digest, std::string_view bytes, std::uint64_t offset,
              const std::function<void(std::uint64_t)>& progress) {
  grpc::ClientContext context;
  v1::UploadResponse response;
  const auto writer = connection.artifacts().Upload(&context, &response);
  v1::UploadRequest request;
  request.set_sha256(digest.hex());
  request.set_size_bytes(bytes.size());
  request.set_offset(offset);
  std::uint64_t position = offset;
  do {
    const std::size_t size = std::min<std::uint64_t>(kChunkBytes, bytes.size() - position);
    request.set_data(bytes.data() + position, size);
    if (!writer->Write(request)) break;
    position += size;
    progress(position);
    request.clear_sha256();
  } while (position < bytes.size());
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  return {connection.FromGrpc(status), position - offset};
}

Status SendBlob(Connection& connection, const Digest& digest, std::string_view bytes,
                const std::function<void(std::uint64_t)>& progress, std::uint64_t* sent) {
  std::uint64_t furthest = 0;
  for (int idle_tries = 0; idle_tries < kTriesWithoutProgress;) {
    v1::MissingRequest request;
    request.add_sha256(digest.hex());
    v1::MissingResponse missing;
    PADDOCK_RETURN_IF_ERROR(
        connection.Call(connection.artifacts(), &v1::ArtifactService::Stub::Missing, request, &missing));
    if (missing.missing().empty()) return OkStatus();
    const std::uint64_t offset = std::min<std::uint64_t>(missing.missing(0).have_bytes(), bytes.size());
    const Sent result = SendFrom(connection, digest, bytes, offset, progress);
    *sent += result.bytes;
    const StatusCode code = result.status.code();
    if (code != StatusCode::kUnavailable && code != StatusCode::kAborted) return result.status;
    idle_tries = offset > furthest ? 0 : idle_tries + 1;
    furthest = std::max(furthest, offset);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return UnavailableError("the upload of " + digest.ShortHex() + " broke off " +
                          std::to_string(kTriesWithoutProgress) +
                          " times without progress; start it again and it goes on where it stopped");
}

}  // namespace

Result<UploadSummary> UploadFiles(Connection& connection, const std::map<std::string, std::string>& files,
                                  const UploadProgress& progress) {
  UploadSummary summary;
  v1::MissingRequest request;
  for (const auto& [name, path] : files) {
    auto digest = HashFile(path);
    if (!digest.ok()) {
      return LocalFileError(
          Status(digest.status().code(),
                 digest.status().message() + "; check the path, which in a job file is relative to it"));
    }
    request.add_sha256(digest->hex());
    summary.digests.emplace(name, *std::move(digest));
  }
  v1::MissingResponse response;
  PADDOCK_RETURN_IF_ERROR(
      connection.Call(connection.artifacts(), &v1::ArtifactService::Stub::Missing, request, &response));
  for (const auto& [name, path] : files) {
    const Digest& digest = summary.digests.at(name);
    const auto file = MappedFile::Open(path);
    if (!file.ok()) return LocalFileError(file.status());
    const std::string_view bytes = file->bytes();
    summary.total_bytes += bytes.size();
    const bool missing = std::any_of(response.missing().begin(), response.missing().end(),
                                     [&](const auto& entry) { return entry.sha256() == digest.hex(); });
    if (!missing) continue;
    const Status sent = SendBlob(
        connection, digest, bytes,
        [&, &file_name = name](std::uint64_t done) { progress(file_name, done, bytes.size()); },
        &summary.sent_bytes);
    if (!sent.ok()) return sent.WithContext(path);
  }
  return summary;
}

}  // namespace paddock
