// A blob on its way in. Made by ArtifactStore::StartUpload; must not outlive the store. One thread at a time.
//
//   Append()... Finish()   the blob is in the store: on disk, synced, its SHA-256 checked
//   destroyed before       what has arrived stays as a partial blob (unless another upload of the same digest has it), and the
//                          next upload can go on behind it
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/digest.h"
#include "base/hashing_writer.h"
#include "base/status.h"

namespace paddock {

class ArtifactStore;

class Upload {
 public:
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // INVALID_ARGUMENT for more bytes than were announced. RESOURCE_EXHAUSTED (full disk) removes the partial blob.
  Status Append(std::string chunk);
  // ABORTED when bytes are missing: the partial blob is kept. DATA_LOSS when the digest is another one: it is removed.
  Status Finish();
  std::uint64_t bytes() const { return writer_->bytes(); }

 private:
  friend class ArtifactStore;
  Upload(ArtifactStore& store, Digest digest, std::uint64_t size_bytes, std::string path, bool resumable,
         std::unique_ptr<HashingWriter> writer);
  Status RemovedIfDiskFull(Status status);

  ArtifactStore& store_;
  const Digest digest_;
  const std::uint64_t size_bytes_;
  const std::string path_;
  const bool resumable_;  // false: another upload has the partial blob of this digest
  std::unique_ptr<HashingWriter> writer_;
};

}  // namespace paddock
