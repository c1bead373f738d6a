#include "base/file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <system_error>

namespace paddock {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

Status WriteAll(int fd, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, what);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return OkStatus();
}

// A new file beside `path`, with the permissions that the umask leaves; its name goes to *name.
int CreateTemporary(const std::string& path, std::string* name) {
  static std::atomic<std::uint64_t> counter{0};
  while (true) {
    *name = path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
    const int fd = ::open(name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
}

// Temporary file, write, rename. After an error the old content is untouched and no temporary file is left.
Status ReplaceFile(const std::string& path, std::string_view bytes, bool synced) {
  const std::string what = "cannot write " + path;
  std::string temporary;
  FileDescriptor file(CreateTemporary(path, &temporary));
  if (file.get() < 0) return ErrnoStatus(errno, what);
  Status status = WriteAll(file.get(), bytes, what);
  if (status.ok() && synced && ::fsync(file.get()) != 0) status = ErrnoStatus(errno, what);
  if (::close(file.release()) != 0 && status.ok()) status = ErrnoStatus(errno, what);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) status = ErrnoStatus(errno, what);
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, std::uint64_t max_bytes) {
  const std::string what = "cannot read " + path;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return ErrnoStatus(errno, what);
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return ErrnoStatus(errno, what);
  if (S_ISDIR(info.st_mode)) return ErrnoStatus(EISDIR, what);

  // The size is a hint only: files of /sys and /proc say 0 or a page, and a file may grow meanwhile.
  const auto size_hint = static_cast<std::uint64_t>(std::max<off_t>(info.st_size, 0));
  std::string bytes;
  std::size_t used = 0;
  bytes.resize(static_cast<std::size_t>(std::min(size_hint, max_bytes)) + 1);
  while (true) {
    const ssize_t count = ::read(file.get(), bytes.data() + used, bytes.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, what);
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
    if (used > max_bytes) {
      return InvalidArgumentError(what + ": larger than the " + std::to_string(max_bytes) + " bytes allowed");
    }
    if (used == bytes.size()) bytes.resize(std::max<std::size_t>(used * 2, 4096));
  }
  bytes.resize(used);
  return bytes;
}

Status WriteFileAtomically(const std::string& path, std::string_view bytes) {
  const std::string what = "cannot write " + path;
  const FileDescriptor folder(::open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return ErrnoStatus(errno, what);
  PADDOCK_RETURN_IF_ERROR(ReplaceFile(path, bytes, true));
  if (::fsync(folder.get()) != 0) return ErrnoStatus(errno, what);
  return OkStatus();
}

Status WriteFileUnsynced(const std::string& path, std::string_view bytes) {
  return ReplaceFile(path, bytes, false);
}

Status CreateDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return ErrnoStatus(error.value(), "cannot create the folder " + path);
  return OkStatus();
}

Status SyncDirectory(const std::string& path) {
  const std::string what = "cannot sync the folder " + path;
  const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return ErrnoStatus(errno, what);
  return OkStatus();
}

Status RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, "cannot remove " + path);
  return OkStatus();
}

Result<std::uint64_t> FileSize(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, "cannot read the size of " + path);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<MappedFile> MappedFile::Open(const std::string& path) {
  const std::string what = "cannot map " + path;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return ErrnoStatus(errno, what);
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return ErrnoStatus(errno, what);
  if (!S_ISREG(info.st_mode)) return FailedPreconditionError(what + ": not a regular file");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return MappedFile(nullptr, 0);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return ErrnoStatus(errno, what);
  return MappedFile(static_cast<const char*>(data), size);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

Result<FileLock> FileLock::Acquire(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) return ErrnoStatus(errno, "cannot open the lock " + path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return AlreadyExistsError(path +
                                " is locked: another process uses this folder; stop it or choose another");
    }
    return ErrnoStatus(errno, "cannot lock " + path);
  }
  return FileLock(file.release());
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace paddock
