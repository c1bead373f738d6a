// Files, the way a store needs them: whole or not at all. Errors carry the path; a full disk is RESOURCE_EXHAUSTED.
// All functions are thread-safe as long as two callers do not write one path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace paddock {

Result<std::string> ReadFile(const std::string& path, std::uint64_t max_bytes = std::uint64_t{1} << 32);

// Temporary file in the same folder, write, fsync, rename, fsync of the folder. After an error the old content of `path`
// is untouched and no temporary file is left.
Status WriteFileAtomically(const std::string& path, std::string_view bytes);
// The same without both fsyncs, which cost milliseconds: survives the death of every process, but after power loss the file
// may be the old one, missing or damaged. For what a reader checks and can do without.
Status WriteFileUnsynced(const std::string& path, std::string_view bytes);

Status CreateDirectories(const std::string& path);
// fsync of a folder, so that a rename in it survives power loss.
Status SyncDirectory(const std::string& path);
// Removes a file; a file that is not there is fine.
Status RemoveFile(const std::string& path);
Result<std::uint64_t> FileSize(const std::string& path);

// A read-only memory map of a regular file; empty files give an empty view. The map lives as long as the object.
class MappedFile {
 public:
  static Result<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::string_view bytes() const { return {data_, size_}; }

 private:
  MappedFile(const char* data, std::size_t size) : data_(data), size_(size) {}
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

// An exclusive flock on `path` (created when missing) for the life of the object, so that two processes do not share one
// state folder. ALREADY_EXISTS names the path and says that another process holds it.
class FileLock {
 public:
  static Result<FileLock> Acquire(const std::string& path);
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace paddock
