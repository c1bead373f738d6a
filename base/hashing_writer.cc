#include "base/hashing_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace paddock {
namespace {

constexpr std::uint64_t kThreadWorthBytes = 2 << 20;
constexpr std::size_t kMaxChunksBehind = 8;
constexpr std::size_t kRehashBytes = 1 << 20;
// The kernel is asked to start writing this often, so that little is left for the fsync at the end.
constexpr std::uint64_t kFlushBytes = 8 << 20;

}  // namespace

HashingWriter::HashingWriter(int fd, std::string path, std::uint64_t offset)
    : fd_(fd), path_(std::move(path)), bytes_(offset), flushed_bytes_(offset) {}

Result<std::unique_ptr<HashingWriter>> HashingWriter::Open(const std::string& path, std::uint64_t offset) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return ErrnoStatus(errno, "open " + path);
  std::unique_ptr<HashingWriter> writer(new HashingWriter(fd, path, offset));
  if (::ftruncate(fd, static_cast<off_t>(offset)) != 0) return ErrnoStatus(errno, "truncate " + path);
  if (::lseek(fd, 0, SEEK_END) < 0) return ErrnoStatus(errno, "seek in " + path);
  if (offset < kThreadWorthBytes) {
    PADDOCK_RETURN_IF_ERROR(writer->HashWritten(offset));
  } else {
    writer->StartThread(offset);
  }
  return writer;
}

HashingWriter::~HashingWriter() {
  StopThread(false);
  ::close(fd_);
}

void HashingWriter::StartThread(std::uint64_t unhashed_bytes) {
  thread_ = std::thread([this, unhashed_bytes] { HashChunks(unhashed_bytes); });
}

void HashingWriter::StopThread(bool when_done) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    (when_done ? complete_ : stop_) = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status HashingWriter::HashWritten(std::uint64_t end) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(kRehashBytes, end));
  for (std::uint64_t at = 0; at < end;) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return CancelledError("hashing of " + path_ + " was stopped");
    }
    const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), end - at);
    const ssize_t count = ::pread(fd_, buffer.data(), wanted, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "read " + path_);
    if (count == 0) return DataLossError(path_ + " became shorter while it was read");
    hash_.Update(std::span(buffer).first(static_cast<std::size_t>(count)));
    at += static_cast<std::uint64_t>(count);
  }
  return OkStatus();
}

void HashingWriter::HashChunks(std::uint64_t unhashed_bytes) {
  const Status resumed = HashWritten(unhashed_bytes);
  std::unique_lock lock(mutex_);
  hash_status_ = resumed;
  while (true) {
    changed_.wait(lock, [this] { return stop_ || complete_ || !chunks_.empty(); });
    if (stop_ || chunks_.empty()) return;
    const std::shared_ptr<const std::string> chunk = std::move(chunks_.front());
    chunks_.pop_front();
    lock.unlock();
    changed_.notify_all();
    if (resumed.ok()) hash_.Update(*chunk);
    lock.lock();
  }
}

Status HashingWriter::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "write " + path_);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    bytes_ += static_cast<std::uint64_t>(count);
  }
  if (bytes_ - flushed_bytes_ >= kFlushBytes) {
    // Only a hint: what it fails to start, the fsync does and reports.
    static_cast<void>(::sync_file_range(fd_, static_cast<off_t>(flushed_bytes_),
                                        static_cast<off_t>(bytes_ - flushed_bytes_), SYNC_FILE_RANGE_WRITE));
    flushed_bytes_ = bytes_;
  }
  return OkStatus();
}

Status HashingWriter::Append(std::string chunk) {
  if (!thread_.joinable() && bytes_ >= kThreadWorthBytes) StartThread(0);
  if (!thread_.joinable()) {
    hash_.Update(chunk);
    return Write(chunk);
  }
  const auto shared = std::make_shared<const std::string>(std::move(chunk));
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return chunks_.size() < kMaxChunksBehind; });
    chunks_.push_back(shared);
  }
  changed_.notify_all();
  return Write(*shared);
}

Result<Digest> HashingWriter::Finish() {
  if (::fsync(fd_) != 0) return ErrnoStatus(errno, "fsync " + path_);
  StopThread(true);
  if (!hash_status_.ok()) return hash_status_;
  return hash_.Finish();
}

}  // namespace paddock
