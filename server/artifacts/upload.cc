#include "server/artifacts/upload.h"

#include <utility>

#include "base/file.h"
#include "server/artifacts/artifact_store.h"

namespace paddock {

Upload::Upload(ArtifactStore& store, Digest digest, std::uint64_t size_bytes, std::string path,
               bool resumable, std::unique_ptr<HashingWriter> writer)
    : store_(store),
      digest_(std::move(digest)),
      size_bytes_(size_bytes),
      path_(std::move(path)),
      resumable_(resumable),
      writer_(std::move(writer)) {}

Upload::~Upload() {
  writer_.reset();
  // A file that stays behind is found by the next garbage collection.
  if (!resumable_) static_cast<void>(RemoveFile(path_));
  if (resumable_) store_.ReleasePartial(digest_);
}

Status Upload::RemovedIfDiskFull(Status status) {
  if (status.code() != StatusCode::kResourceExhausted) return status;
  static_cast<void>(RemoveFile(path_));
  return Status(status.code(),
                status.message() + "; free space on the disk of " + store_.root() + " and upload again");
}

Status Upload::Append(std::string chunk) {
  if (chunk.size() > size_bytes_ - bytes()) {
    return InvalidArgumentError("upload of " + digest_.ShortHex() + ": more than the announced " +
                                std::to_string(size_bytes_) + " bytes were sent");
  }
  return RemovedIfDiskFull(writer_->Append(std::move(chunk)));
}

Status Upload::Finish() {
  if (bytes() != size_bytes_) {
    return Status(StatusCode::kAborted, "upload of " + digest_.ShortHex() + " ended at " +
                                            std::to_string(bytes()) + " of " + std::to_string(size_bytes_) +
                                            " bytes; go on from there");
  }
  const Result<Digest> actual = writer_->Finish();
  if (!actual.ok()) return RemovedIfDiskFull(actual.status());
  if (*actual != digest_) {
    PADDOCK_RETURN_IF_ERROR(RemoveFile(path_));
    return DataLossError("upload of " + digest_.ShortHex() + ": the bytes that arrived have the SHA-256 " +
                         actual->ShortHex() + "; send them again");
  }
  return RemovedIfDiskFull(store_.Install(path_, digest_));
}

}  // namespace paddock
