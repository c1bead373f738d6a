#include "server/artifacts/artifact_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <vector>

namespace paddock {
namespace {

namespace fs = std::filesystem;

struct StoredFile {
  std::string path;
  std::string name;
  std::uint64_t bytes = 0;
  std::time_t used = 0;
};

// Regular files of a folder; those that vanish meanwhile are left out.
Result<std::vector<StoredFile>> ListFiles(const std::string& folder) {
  std::vector<StoredFile> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    struct stat info {};
    if (::stat(it->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    files.push_back({it->path().string(), it->path().filename().string(),
                     static_cast<std::uint64_t>(info.st_size), info.st_mtime});
  }
  if (error) return ErrnoStatus(error.value(), "list " + folder);
  return files;
}

Status Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return OkStatus();
  return ErrnoStatus(errno, "rename " + from + " to " + to);
}

Status SyncFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open " + path);
  const Status status = ::fsync(fd) == 0 ? OkStatus() : ErrnoStatus(errno, "fsync " + path);
  ::close(fd);
  return status;
}

}  // namespace

Result<std::unique_ptr<ArtifactStore>> ArtifactStore::Open(const std::string& root) {
  for (const char* folder : {"/blobs", "/partial", "/corrupt"})
    PADDOCK_RETURN_IF_ERROR(CreateDirectories(root + folder));
  // Only a file that is named by its digest alone can be gone on with.
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<StoredFile> files, ListFiles(root + "/partial"));
  for (const StoredFile& file : files) {
    if (!Digest::Parse(file.name).ok()) PADDOCK_RETURN_IF_ERROR(RemoveFile(file.path));
  }
  return std::unique_ptr<ArtifactStore>(new ArtifactStore(root));
}

Status ArtifactStore::MoveAside(const Digest& digest) {
  const std::string aside = root_ + "/corrupt/" + digest.hex() + "-" + std::to_string(std::time(nullptr)) +
                            "-" + std::to_string(next_name_++);
  PADDOCK_RETURN_IF_ERROR(Rename(BlobPath(digest), aside));
  return DataLossError("blob " + digest.ShortHex() + " has changed on disk; it was moved to " + aside +
                       ": check the disk, and submit again so that it is uploaded or prepared anew");
}

Status ArtifactStore::VerifyOnce(const Digest& digest, std::unique_lock<std::mutex>& lock) {
  verification_ended_.wait(lock, [&] { return !verifying_.contains(digest); });
  if (verified_.contains(digest)) return OkStatus();
  verifying_.insert(digest);
  lock.unlock();
  const Result<Digest> actual = HashFile(BlobPath(digest));
  lock.lock();
  verifying_.erase(digest);
  verification_ended_.notify_all();
  if (!actual.ok()) return actual.status();
  if (*actual != digest) return MoveAside(digest);
  verified_.insert(digest);
  return OkStatus();
}

Result<std::string> ArtifactStore::PathOf(const Digest& digest) {
  std::unique_lock lock(mutex_);
  PADDOCK_RETURN_IF_ERROR(VerifyOnce(digest, lock));
  std::string path = BlobPath(digest);
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) != 0) {
    const int error = errno;
    verified_.erase(digest);
    return ErrnoStatus(error, "blob " + path);
  }
  return path;
}

Result<MappedFile> ArtifactStore::Map(const Digest& digest) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string path, PathOf(digest));
  return MappedFile::Open(path);
}

void ArtifactStore::Distrust(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  verified_.erase(digest);
}

std::uint64_t ArtifactStore::HaveBytes(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  if (uploading_.contains(digest)) return 0;
  const Result<std::uint64_t> size = FileSize(PartialPath(digest));
  return size.ok() ? *size : 0;
}

Result<std::unique_ptr<Upload>> ArtifactStore::StartUpload(const Digest& digest, std::uint64_t size_bytes,
                                                           std::uint64_t offset) {
  const std::string what = "upload of " + digest.ShortHex();
  const std::lock_guard lock(mutex_);
  const bool resumable = !uploading_.contains(digest);
  const std::string path = PartialPath(digest) + (resumable ? "" : "-" + std::to_string(next_name_++));
  const Result<std::uint64_t> partial_bytes = FileSize(path);
  const std::uint64_t have_bytes = partial_bytes.ok() ? *partial_bytes : 0;
  if (have_bytes > size_bytes) {
    PADDOCK_RETURN_IF_ERROR(RemoveFile(path));
    return Status(StatusCode::kAborted, what + ": what was here is longer than " +
                                            std::to_string(size_bytes) +
                                            " bytes and was dropped; begin at offset 0");
  }
  // The beginning again is always possible: it drops what is here.
  if (offset != have_bytes && offset != 0) {
    return Status(StatusCode::kAborted, what + ": offset " + std::to_string(offset) +
                                            " is not where it stopped; go on at " +
                                            std::to_string(have_bytes));
  }
  PADDOCK_ASSIGN_OR_RETURN(std::unique_ptr<HashingWriter> writer, HashingWriter::Open(path, offset));
  if (resumable) uploading_.insert(digest);
  return std::unique_ptr<Upload>(new Upload(*this, digest, size_bytes, path, resumable, std::move(writer)));
}

void ArtifactStore::ReleasePartial(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  uploading_.erase(digest);
}

Status ArtifactStore::Install(const std::string& path, const Digest& digest) {
  {
    std::unique_lock lock(mutex_);
    verification_ended_.wait(lock, [&] { return !verifying_.contains(digest); });
    PADDOCK_RETURN_IF_ERROR(Rename(path, BlobPath(digest)));
    verified_.insert(digest);
  }
  return SyncDirectory(root_ + "/blobs");
}

Result<Digest> ArtifactStore::Put(std::string_view bytes) {
  const Digest digest = Sha256::Of(bytes);
  if (Has(digest)) return digest;
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    path = PartialPath(digest) + "-" + std::to_string(next_name_++);
  }
  PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(path, bytes));
  PADDOCK_RETURN_IF_ERROR(Install(path, digest));
  return digest;
}

Result<Digest> ArtifactStore::Adopt(const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(Digest digest, HashFile(path));
  PADDOCK_RETURN_IF_ERROR(SyncFile(path));
  PADDOCK_RETURN_IF_ERROR(Install(path, digest));
  return digest;
}

// Asked again under the mutex: PathOf() may have marked it as used since it was listed.
bool ArtifactStore::RemoveUnused(const std::string& path, std::chrono::seconds grace) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return false;
  return std::time(nullptr) - info.st_mtime > grace.count() && ::unlink(path.c_str()) == 0;
}

Status ArtifactStore::CollectPartials(std::chrono::seconds grace) {
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<StoredFile> files, ListFiles(root_ + "/partial"));
  for (const StoredFile& file : files) {
    const std::lock_guard lock(mutex_);
    const Result<Digest> digest = Digest::Parse(file.name.substr(0, file.name.find('-')));
    if (digest.ok() && uploading_.contains(*digest)) continue;
    static_cast<void>(RemoveUnused(file.path, grace));
  }
  return OkStatus();
}

Result<GarbageReport> ArtifactStore::GarbageCollect(const std::set<Digest>& keep, std::uint64_t max_bytes,
                                                    std::chrono::seconds grace) {
  PADDOCK_RETURN_IF_ERROR(CollectPartials(grace));
  PADDOCK_ASSIGN_OR_RETURN(std::vector<StoredFile> files, ListFiles(root_ + "/blobs"));
  std::sort(files.begin(), files.end(),
            [](const StoredFile& a, const StoredFile& b) { return a.used < b.used; });
  GarbageReport report;
  for (const StoredFile& file : files) report.kept_bytes += file.bytes;
  for (const StoredFile& file : files) {
    if (report.kept_bytes <= max_bytes) break;
    const Result<Digest> digest = Digest::Parse(file.name);
    if (!digest.ok() || keep.contains(*digest)) continue;
    const std::lock_guard lock(mutex_);
    if (verifying_.contains(*digest) || !RemoveUnused(file.path, grace)) continue;
    verified_.erase(*digest);
    ++report.removed_blobs;
    report.removed_bytes += file.bytes;
    report.kept_bytes -= file.bytes;
  }
  return report;
}

}  // namespace paddock
