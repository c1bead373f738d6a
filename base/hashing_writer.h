// Writes a file and hashes it on the way. Large files are hashed by a thread of their own, a chunk behind the writer, and
// the disk starts on them before the end: either, left to the end or to the writing thread, would halve the rate. One thread at a time; destroying it stops the hashing and leaves the
// file as far as it was written.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/digest.h"
#include "base/status.h"

namespace paddock {

class HashingWriter {
 public:
  // Goes on after the first `offset` bytes of `path`, which are hashed anew; what lies behind them is cut off. Creates a
  // missing file.
  static Result<std::unique_ptr<HashingWriter>> Open(const std::string& path, std::uint64_t offset);
  ~HashingWriter();
  HashingWriter(const HashingWriter&) = delete;
  HashingWriter& operator=(const HashingWriter&) = delete;

  // Blocks while the hashing is more than a few chunks behind. After an error only destruction makes sense.
  Status Append(std::string chunk);
  // Hash of the whole file, once its bytes are on the disk (fsync).
  Result<Digest> Finish();

  std::uint64_t bytes() const { return bytes_; }

 private:
  HashingWriter(int fd, std::string path, std::uint64_t offset);
  Status HashWritten(std::uint64_t end);
  // The thread hashes so many bytes of the file first, then what Append() gives it.
  void StartThread(std::uint64_t unhashed_bytes);
  void HashChunks(std::uint64_t unhashed_bytes);
  Status Write(std::string_view bytes);
  void StopThread(bool when_done);

  const int fd_;
  const std::string path_;
  std::uint64_t bytes_;
  std::uint64_t flushed_bytes_;
  Sha256 hash_;  // the thread's while it runs

  std::thread thread_;  // not started while the file is small
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const std::string>> chunks_;  // guarded by mutex_, as are the following
  bool stop_ = false;                                      // now
  bool complete_ = false;                                  // when chunks_ is empty
  Status hash_status_;
};

}  // namespace paddock
