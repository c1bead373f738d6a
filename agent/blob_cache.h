// Content-addressed files bounded by size: CACHE/<sha256>, and CACHE/<sha256>.part while one is on its way
// (removed a day after its last byte). The least recently
// used goes first; use is kept in the files' modification times and so survives a restart. A file that was
// here before this start is hashed at its first use: one that does not match is dropped and counts as
// missing. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/digest.h"
#include "base/hashing_writer.h"
#include "base/status.h"

namespace paddock::agent {

class BlobCache {
 public:
  static Result<std::unique_ptr<BlobCache>> Open(const std::string& directory, std::uint64_t limit_bytes);

  // Keeps a blob in the cache for as long as it lives; must not outlive the cache.
  class Pin {
   public:
    Pin(Pin&& other) noexcept
        : cache_(std::exchange(other.cache_, nullptr)), digest_(std::move(other.digest_)) {}
    Pin& operator=(Pin&&) = delete;
    ~Pin();
    std::string path() const { return cache_->PathOf(digest_); }

   private:
    friend class BlobCache;
    Pin(BlobCache* cache, Digest digest) : cache_(cache), digest_(std::move(digest)) {}
    BlobCache* cache_;
    Digest digest_;
  };

  // A verified blob, or empty when it must be fetched.
  Result<std::optional<Pin>> Find(const Digest& digest);

  // A blob on its way: what an earlier try left is kept and hashed anew, so that the transfer goes on at
  // offset().
  class Partial {
   public:
    Partial(const Partial&) = delete;
    std::uint64_t offset() const { return writer_->bytes(); }
    // The whole blob's size, before the first Append(): makes room for it. RESOURCE_EXHAUSTED when what is
    // pinned leaves none.
    Status ExpectSize(std::uint64_t size_bytes);
    Status Append(std::string chunk);
    // Verifies and publishes. DATA_LOSS: the bytes were not the digest's and are dropped. May be called once.
    Result<Pin> Commit();

   private:
    friend class BlobCache;
    Partial(BlobCache* cache, Digest digest, std::unique_ptr<HashingWriter> writer);
    BlobCache* cache_;
    Digest digest_;
    std::unique_ptr<HashingWriter> writer_;
  };
  Result<std::unique_ptr<Partial>> Receive(const Digest& digest);
  // Forgets what an earlier try left, so that the next one begins at 0.
  Status DropPartial(const Digest& digest);

  std::uint64_t used_bytes() const { return used_bytes_; }

 private:
  struct Entry {
    std::uint64_t size_bytes = 0;
    std::int64_t last_use = 0;  // ns since the epoch, made to grow
    bool verified = false;
    int pins = 0;
  };

  BlobCache(std::string directory, std::uint64_t limit_bytes)
      : directory_(std::move(directory)), limit_bytes_(limit_bytes) {}
  std::string PathOf(const Digest& digest) const { return directory_ + "/" + digest.hex(); }
  Status Load();
  void Touch(const Digest& digest, Entry& entry);
  Status MakeRoom(std::uint64_t size_bytes, const Digest& for_digest);
  Status Drop(const Digest& digest);

  const std::string directory_;
  const std::uint64_t limit_bytes_;
  std::map<Digest, Entry> entries_;
  std::uint64_t used_bytes_ = 0;
  std::int64_t last_use_ = 0;
};

}  // namespace paddock::agent
