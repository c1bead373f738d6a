#include "agent/blob_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "base/file.h"

namespace paddock::agent {
namespace {

constexpr std::string_view kPartEnding = ".part";
constexpr std::int64_t kPartLifeNs = std::int64_t{24} * 3600 * 1'000'000'000;

std::int64_t WallNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Result<std::unique_ptr<BlobCache>> BlobCache::Open(const std::string& directory, std::uint64_t limit_bytes) {
  PADDOCK_RETURN_IF_ERROR(CreateDirectories(directory));
  std::unique_ptr<BlobCache> cache(new BlobCache(directory, limit_bytes));
  PADDOCK_RETURN_IF_ERROR(cache->Load());
  return cache;
}

Status BlobCache::Load() {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory_, error);
  if (error) return ErrnoStatus(error.value(), "cannot list " + directory_);
  for (const auto& entry : entries) {
    struct stat info {};
    if (::stat(entry.path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    const std::int64_t last_use = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    if (entry.path().extension() == kPartEnding && last_use < WallNs() - kPartLifeNs) {
      PADDOCK_RETURN_IF_ERROR(RemoveFile(entry.path().string()));
    }
    const auto digest = Digest::Parse(entry.path().filename().string());
    if (!digest.ok()) continue;
    Entry& known = entries_[*digest];
    known.size_bytes = static_cast<std::uint64_t>(info.st_size);
    known.last_use = last_use;
    last_use_ = std::max(last_use_, known.last_use);
    used_bytes_ += known.size_bytes;
  }
  return MakeRoom(0, Digest());
}

void BlobCache::Touch(const Digest& digest, Entry& entry) {
  last_use_ = std::max(last_use_ + 1, WallNs());
  entry.last_use = last_use_;
  const timespec when{.tv_sec = last_use_ / 1'000'000'000, .tv_nsec = last_use_ % 1'000'000'000};
  const timespec times[2] = {when, when};
  // A time that cannot be set costs only the order after a restart.
  (void)::utimensat(AT_FDCWD, PathOf(digest).c_str(), times, 0);
}

Status BlobCache::Drop(const Digest& digest) {
  PADDOCK_RETURN_IF_ERROR(RemoveFile(PathOf(digest)));
  const auto found = entries_.find(digest);
  used_bytes_ -= found->second.size_bytes;
  entries_.erase(found);
  return OkStatus();
}

Status BlobCache::MakeRoom(std::uint64_t size_bytes, const Digest& for_digest) {
  while (used_bytes_ + size_bytes > limit_bytes_) {
    auto oldest = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->second.pins == 0 &&
          (oldest == entries_.end() || entry->second.last_use < oldest->second.last_use))
        oldest = entry;
    }
    if (oldest == entries_.end()) {
      return ResourceExhaustedError(
          "no room for blob " + for_digest.ShortHex() + " of " + std::to_string(size_bytes) +
          " bytes in the agent's cache " + directory_ + ": " + std::to_string(used_bytes_) + " of " +
          std::to_string(limit_bytes_) + " bytes are in use by this run; raise cache_bytes");
    }
    PADDOCK_RETURN_IF_ERROR(Drop(oldest->first));
  }
  return OkStatus();
}

Result<std::optional<BlobCache::Pin>> BlobCache::Find(const Digest& digest) {
  const auto found = entries_.find(digest);
  if (found == entries_.end()) return std::optional<Pin>();
  Entry& entry = found->second;
  if (!entry.verified) {
    const auto actual = HashFile(PathOf(digest));
    if (!actual.ok() || *actual != digest) {
      PADDOCK_RETURN_IF_ERROR(Drop(digest));
      return std::optional<Pin>();
    }
    entry.verified = true;
  }
  Touch(digest, entry);
  ++entry.pins;
  return std::optional<Pin>(Pin(this, digest));
}

BlobCache::Pin::~Pin() {
  if (cache_ != nullptr) --cache_->entries_[digest_].pins;
}

Result<std::unique_ptr<BlobCache::Partial>> BlobCache::Receive(const Digest& digest) {
  const std::string path = PathOf(digest) + std::string(kPartEnding);
  const auto kept_bytes = FileSize(path);  // none: nothing of it is here yet
  PADDOCK_ASSIGN_OR_RETURN(auto writer, HashingWriter::Open(path, kept_bytes.ok() ? *kept_bytes : 0));
  return std::unique_ptr<Partial>(new Partial(this, digest, std::move(writer)));
}

Status BlobCache::DropPartial(const Digest& digest) {
  return RemoveFile(PathOf(digest) + std::string(kPartEnding));
}

BlobCache::Partial::Partial(BlobCache* cache, Digest digest, std::unique_ptr<HashingWriter> writer)
    : cache_(cache), digest_(std::move(digest)), writer_(std::move(writer)) {}

Status BlobCache::Partial::ExpectSize(std::uint64_t size_bytes) {
  return cache_->MakeRoom(size_bytes, digest_);
}

Status BlobCache::Partial::Append(std::string chunk) { return writer_->Append(std::move(chunk)); }

Result<BlobCache::Pin> BlobCache::Partial::Commit() {
  const std::string final_path = cache_->PathOf(digest_);
  const std::string part_path = final_path + std::string(kPartEnding);
  PADDOCK_ASSIGN_OR_RETURN(const Digest actual, writer_->Finish());
  if (actual != digest_) {
    PADDOCK_RETURN_IF_ERROR(RemoveFile(part_path));
    return DataLossError("blob " + digest_.ShortHex() + " arrived with the SHA-256 " + actual.ShortHex() +
                         "; dropped");
  }
  if (::rename(part_path.c_str(), final_path.c_str()) != 0)
    return ErrnoStatus(errno, "cannot rename " + part_path);
  PADDOCK_RETURN_IF_ERROR(SyncDirectory(cache_->directory_));
  Entry& entry = cache_->entries_[digest_];
  cache_->used_bytes_ += offset() - entry.size_bytes;
  entry.size_bytes = offset();
  entry.verified = true;
  cache_->Touch(digest_, entry);
  ++entry.pins;
  return Pin(cache_, digest_);
}

}  // namespace paddock::agent
