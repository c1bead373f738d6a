// The bytes of one .npy: a member of a zip archive or a plain file, read forwards. Internal to data_file.cc; the one place
// that knows libzip. One thread at a time; a stream keeps its archive open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace paddock {

struct ArrayMember {
  std::string name;                // without ".npy"
  std::uint64_t index = 0;         // in the archive
  std::uint64_t bytes = 0;         // declared, uncompressed, header included
  std::uint64_t header_bytes = 0;  // set by who parses the header
};

class ArrayStream {
 public:
  struct Source;
  explicit ArrayStream(std::unique_ptr<Source> source);
  ArrayStream(ArrayStream&&) noexcept;
  ArrayStream& operator=(ArrayStream&&) noexcept;
  ~ArrayStream();

  std::uint64_t offset() const { return offset_; }
  // Exactly `size` bytes; an early end, a broken stream and a wrong checksum are INVALID_ARGUMENT.
  Status Read(char* out, std::uint64_t size);
  // REQUIRES: target >= offset().
  Status SkipTo(std::uint64_t target);
  // Reads what is left and checks that the declared size was right; the checksum is checked on the way.
  Status ExpectEnd();

 private:
  std::unique_ptr<Source> source_;
  std::uint64_t offset_ = 0;
};

// Knows by content whether the file is a zip archive or a bare .npy (one member, named by `npy_name`).
class ArchiveFile : public std::enable_shared_from_this<ArchiveFile> {
 public:
  static Result<std::shared_ptr<ArchiveFile>> Open(const std::string& path, std::uint64_t file_bytes,
                                                   const std::string& npy_name);
  virtual ~ArchiveFile() = default;
  const std::vector<ArrayMember>& members() const { return members_; }
  virtual Result<ArrayStream> OpenMember(const ArrayMember& member) = 0;

 protected:
  std::vector<ArrayMember> members_;
};

}  // namespace paddock
