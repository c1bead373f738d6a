// The bytes of a member of a zip archive, or of a plain file, read forwards. Internal to the data sources; the one place of
// prepare/ that knows libzip. One thread at a time; a stream keeps its archive open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace paddock {

struct ArrayMember {
  std::string name;
  std::uint64_t index = 0;         // in the archive
  std::uint64_t bytes = 0;         // declared, uncompressed
  std::uint64_t packed_bytes = 0;  // what they take in the archive
  std::uint32_t crc32 = 0;         // declared, of the uncompressed bytes
  int method = 0;                  // of compression, as libzip numbers them
  bool is_encrypted = false;
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
  // REQUIRES: target >= offset(). What is not compressed is not read, so that its checksum is not known afterwards.
  Status SkipTo(std::uint64_t target);
  // Reads what is left and checks that the declared size was right; the checksum too when nothing was skipped.
  Status ExpectEnd();

 private:
  Status ReadTo(std::uint64_t target);

  std::unique_ptr<Source> source_;
  std::uint64_t offset_ = 0;
};

class ArchiveFile : public std::enable_shared_from_this<ArchiveFile> {
 public:
  // The members of a zip archive, in its order, without folders.
  static Result<std::shared_ptr<ArchiveFile>> OpenZip(const std::string& path);
  // A plain file as the one member `member_name`.
  static Result<std::shared_ptr<ArchiveFile>> OpenPlain(const std::string& path,
                                                        const std::string& member_name);
  virtual ~ArchiveFile() = default;
  const std::vector<ArrayMember>& members() const { return members_; }
  // INVALID_ARGUMENT for what is encrypted or compressed otherwise than by deflate, and for a declared size that deflate
  // cannot make of the packed bytes.
  virtual Result<ArrayStream> OpenMember(const ArrayMember& member) = 0;

 protected:
  std::vector<ArrayMember> members_;
};

}  // namespace paddock
