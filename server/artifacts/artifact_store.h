// The coordinator's blobs on disk, named by their SHA-256.
//
//   ROOT/blobs/DIGEST            complete: put there by rename after fsync
//   ROOT/partial/DIGEST          an upload that was interrupted or runs; DIGEST-N: a second one at the same time
//   ROOT/corrupt/DIGEST-N        what failed its check, kept for a look
//
// A blob is trusted after it was hashed by this object: while it came in, or at its first use after a start. All functions
// are thread-safe. One process at a time has ROOT (base/file.h FileLock is the caller's).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/file.h"
#include "base/status.h"
#include "server/artifacts/upload.h"

namespace paddock {

struct GarbageReport {
  std::uint64_t removed_blobs = 0;
  std::uint64_t removed_bytes = 0;
  std::uint64_t kept_bytes = 0;
};

class ArtifactStore {
 public:
  // Creates missing folders and removes what a killed process left and nobody can use.
  static Result<std::unique_ptr<ArtifactStore>> Open(const std::string& root);
  const std::string& root() const { return root_; }

  // True when the blob is here with the right content. The first use after a start reads all of it.
  bool Has(const Digest& digest) { return PathOf(digest).ok(); }
  // A read-only file, marked as used now. NOT_FOUND; DATA_LOSS when its content is wrong: it is moved to corrupt/ and not
  // there any more for the next caller. A caller that opens the file within the grace age of GarbageCollect keeps it.
  Result<std::string> PathOf(const Digest& digest);
  Result<MappedFile> Map(const Digest& digest);
  // The next use reads all of it again: somebody received it damaged.
  void Distrust(const Digest& digest);

  // Bytes that an upload need not send again: those of a partial blob that no other upload is writing.
  std::uint64_t HaveBytes(const Digest& digest);
  // `offset` is HaveBytes(), or 0 to begin again; for another one ABORTED names where to go on.
  Result<std::unique_ptr<Upload>> StartUpload(const Digest& digest, std::uint64_t size_bytes,
                                              std::uint64_t offset);

  // Durable on return. On error nothing is left.
  Result<Digest> Put(std::string_view bytes);
  // Takes a finished file of the same file system: moved on success, untouched on error.
  Result<Digest> Adopt(const std::string& path);

  // Removes blobs, least recently used first, until the rest has at most `max_bytes`; never one in `keep` nor one used
  // within the last `grace`. Partial blobs older than `grace` that no upload writes go in any case.
  Result<GarbageReport> GarbageCollect(const std::set<Digest>& keep, std::uint64_t max_bytes,
                                       std::chrono::seconds grace);

 private:
  friend class Upload;
  explicit ArtifactStore(std::string root) : root_(std::move(root)) {}
  std::string BlobPath(const Digest& digest) const { return root_ + "/blobs/" + digest.hex(); }
  std::string PartialPath(const Digest& digest) const { return root_ + "/partial/" + digest.hex(); }
  // `path` is complete, synced and has this digest.
  Status Install(const std::string& path, const Digest& digest);
  void ReleasePartial(const Digest& digest);
  Status VerifyOnce(const Digest& digest, std::unique_lock<std::mutex>& lock);
  Status MoveAside(const Digest& digest);
  bool RemoveUnused(const std::string& path, std::chrono::seconds grace);
  Status CollectPartials(std::chrono::seconds grace);

  const std::string root_;
  std::mutex mutex_;
  std::condition_variable verification_ended_;
  std::set<Digest> verified_;   // guarded by mutex_, as are the following
  std::set<Digest> verifying_;  // being hashed without the mutex; not to be replaced or removed meanwhile
  std::set<Digest> uploading_;  // their partial blob belongs to an Upload
  std::uint64_t next_name_ = 0;
};

}  // namespace paddock
