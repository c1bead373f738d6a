#include "prepare/array_stream.h"

#include <fcntl.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/file.h"

namespace paddock {

// Fewer bytes than asked for, and 0, mean the end.
struct ArrayStream::Source {
  virtual ~Source() = default;
  virtual Result<std::uint64_t> Read(char* out, std::uint64_t size) = 0;
  // False when what lies between must be read.
  virtual bool Seek(std::uint64_t) { return false; }
  std::uint64_t declared_bytes = 0;
};

namespace {

constexpr std::string_view kNextStep = "; the file is truncated or damaged, save it anew";
constexpr zip_int64_t kMaxMembers = 1'000'000;
constexpr std::uint64_t kDeflateRatio = 1040;  // above what deflate can reach, 1032
constexpr std::uint64_t kSeekBytes = 1 << 16;  // a shorter way is read, as the system reads it anyway

Status Broken(const std::string& what) { return InvalidArgumentError(what + std::string(kNextStep)); }

struct ZipCloser {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct ZipMemberCloser {
  void operator()(zip_file_t* member) const { zip_fclose(member); }
};

class ZipArchive final : public ArchiveFile {
 public:
  static Result<std::shared_ptr<ArchiveFile>> Open(const std::string& path) {
    int code = 0;
    auto archive = std::make_shared<ZipArchive>();
    archive->zip_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
    if (!archive->zip_) {
      zip_error_t error;
      zip_error_init_with_code(&error, code);
      const std::string text = zip_error_strerror(&error);
      zip_error_fini(&error);
      return Broken("not a readable zip archive (" + text + ")");
    }
    PADDOCK_RETURN_IF_ERROR(archive->ListMembers());
    return std::shared_ptr<ArchiveFile>(std::move(archive));
  }

  Result<ArrayStream> OpenMember(const ArrayMember& member) override;
  zip_t* zip() { return zip_.get(); }

 private:
  Status ListMembers() {
    const zip_int64_t count = zip_get_num_entries(zip_.get(), 0);
    if (count > kMaxMembers) {
      return InvalidArgumentError("it has " + std::to_string(count) + " members and at most " +
                                  std::to_string(kMaxMembers) + " are read; split the data set");
    }
    for (zip_int64_t i = 0; i < count; ++i) {
      zip_stat_t stat;
      zip_stat_init(&stat);
      constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                       ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD | ZIP_STAT_CRC;
      if (zip_stat_index(zip_.get(), static_cast<zip_uint64_t>(i), 0, &stat) != 0 ||
          (stat.valid & kNeeded) != kNeeded) {
        return Broken("its member " + std::to_string(i) + " cannot be listed");
      }
      const std::string_view name = stat.name;
      if (name.ends_with('/')) continue;
      members_.push_back({.name = std::string(name),
                          .index = static_cast<std::uint64_t>(i),
                          .bytes = stat.size,
                          .packed_bytes = stat.comp_size,
                          .crc32 = stat.crc,
                          .method = stat.comp_method,
                          .is_encrypted = stat.encryption_method != ZIP_EM_NONE});
    }
    return OkStatus();
  }

  std::unique_ptr<zip_t, ZipCloser> zip_;
};

using ZipMember = std::unique_ptr<zip_file_t, ZipMemberCloser>;

Result<std::uint64_t> ReadZip(zip_file_t* file, char* out, std::uint64_t size) {
  const zip_int64_t got = zip_fread(file, out, size);
  if (got >= 0) return static_cast<std::uint64_t>(got);
  return Broken(std::string("cannot be unpacked (") + zip_file_strerror(file) + ")");
}

class StoredSource final : public ArrayStream::Source {
 public:
  StoredSource(std::shared_ptr<ArchiveFile> archive, ZipMember file)
      : archive_(std::move(archive)), file_(std::move(file)) {}

  Result<std::uint64_t> Read(char* out, std::uint64_t size) override {
    return ReadZip(file_.get(), out, size);
  }
  bool Seek(std::uint64_t target) override {
    return zip_fseek(file_.get(), static_cast<zip_int64_t>(target), SEEK_SET) == 0;
  }

 private:
  std::shared_ptr<ArchiveFile> archive_;
  ZipMember file_;
};

// ISA-L unpacks and sums more than twice as fast as zlib, which libzip would do it with.
class DeflatedSource final : public ArrayStream::Source {
 public:
  // `file` is opened as it is packed.
  DeflatedSource(std::shared_ptr<ArchiveFile> archive, ZipMember file, std::uint32_t crc32)
      : archive_(std::move(archive)), file_(std::move(file)), crc32_(crc32) {
    isal_inflate_init(&state_);
  }

  Result<std::uint64_t> Read(char* out, std::uint64_t size) override {
    constexpr std::uint64_t kMostAtOnce = 1 << 30;  // ISA-L counts in 32 bits
    size = std::min(size, kMostAtOnce);
    state_.next_out = reinterpret_cast<std::uint8_t*>(out);
    state_.avail_out = static_cast<std::uint32_t>(size);
    while (state_.avail_out > 0 && state_.block_state != ISAL_BLOCK_FINISH) {
      if (state_.avail_in == 0) {
        PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t got,
                                 ReadZip(file_.get(), packed_.data(), packed_.size()));
        state_.next_in = reinterpret_cast<std::uint8_t*>(packed_.data());
        state_.avail_in = static_cast<std::uint32_t>(got);
        is_at_end_ = got == 0;
      }
      const std::uint32_t room = state_.avail_out;
      if (const int code = isal_inflate(&state_); code < 0)
        return Broken("cannot be unpacked (error " + std::to_string(code) + " of the deflate stream)");
      if (is_at_end_ && state_.avail_out == room && state_.block_state != ISAL_BLOCK_FINISH)
        return Broken("cannot be unpacked (its deflate stream has no end)");
    }
    size -= state_.avail_out;
    seen_crc32_ = crc32_gzip_refl(seen_crc32_, reinterpret_cast<const std::uint8_t*>(out), size);
    if (state_.block_state == ISAL_BLOCK_FINISH && size == 0 && seen_crc32_ != crc32_)
      return Broken("cannot be unpacked (wrong checksum)");
    return size;
  }

 private:
  std::shared_ptr<ArchiveFile> archive_;
  ZipMember file_;
  const std::uint32_t crc32_;
  std::uint32_t seen_crc32_ = 0;
  bool is_at_end_ = false;
  inflate_state state_{};
  std::array<char, 1 << 16> packed_{};
};

Result<ArrayStream> ZipArchive::OpenMember(const ArrayMember& member) {
  if (member.is_encrypted) return InvalidArgumentError("is encrypted; save it anew without a password");
  if (member.method != ZIP_CM_STORE && member.method != ZIP_CM_DEFLATE) {
    return InvalidArgumentError("uses zip compression method " + std::to_string(member.method) +
                                ", and only store and deflate are read; save it anew with one of them");
  }
  if (member.bytes / kDeflateRatio > member.packed_bytes) {
    return Broken("declares " + std::to_string(member.bytes) + " bytes, which cannot come out of the " +
                  std::to_string(member.packed_bytes) + " that it takes in the archive");
  }
  const bool is_stored = member.method == ZIP_CM_STORE;
  ZipMember file(zip_fopen_index(zip_.get(), member.index, is_stored ? 0 : ZIP_FL_COMPRESSED));
  if (!file) return Broken(std::string("cannot be opened (") + zip_strerror(zip_.get()) + ")");
  std::unique_ptr<ArrayStream::Source> source;
  if (is_stored) {
    source = std::make_unique<StoredSource>(shared_from_this(), std::move(file));
  } else {
    source = std::make_unique<DeflatedSource>(shared_from_this(), std::move(file), member.crc32);
  }
  source->declared_bytes = member.bytes;
  return ArrayStream(std::move(source));
}

class PlainSource final : public ArrayStream::Source {
 public:
  explicit PlainSource(int fd) : fd_(fd) {}
  PlainSource(const PlainSource&) = delete;
  PlainSource& operator=(const PlainSource&) = delete;
  ~PlainSource() override { ::close(fd_); }

  Result<std::uint64_t> Read(char* out, std::uint64_t size) override {
    for (;;) {
      const ssize_t got = ::read(fd_, out, size);
      if (got >= 0) return static_cast<std::uint64_t>(got);
      if (errno != EINTR) return ErrnoStatus(errno, "cannot be read");
    }
  }
  bool Seek(std::uint64_t target) override { return ::lseek(fd_, static_cast<off_t>(target), SEEK_SET) >= 0; }

 private:
  int fd_;
};

class PlainFile final : public ArchiveFile {
 public:
  PlainFile(std::string path, ArrayMember member) : path_(std::move(path)) {
    members_.push_back(std::move(member));
  }

  Result<ArrayStream> OpenMember(const ArrayMember& member) override {
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ErrnoStatus(errno, "cannot open " + path_);
    auto source = std::make_unique<PlainSource>(fd);
    source->declared_bytes = member.bytes;
    return ArrayStream(std::move(source));
  }

 private:
  std::string path_;
};

}  // namespace

ArrayStream::ArrayStream(std::unique_ptr<Source> source) : source_(std::move(source)) {}
ArrayStream::ArrayStream(ArrayStream&&) noexcept = default;
ArrayStream& ArrayStream::operator=(ArrayStream&&) noexcept = default;
ArrayStream::~ArrayStream() = default;

Status ArrayStream::Read(char* out, std::uint64_t size) {
  while (size > 0) {
    PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t got, source_->Read(out, size));
    if (got == 0) return Broken("ends after " + std::to_string(offset_) + " bytes");
    offset_ += got;
    out += got;
    size -= got;
  }
  return OkStatus();
}

Status ArrayStream::SkipTo(std::uint64_t target) {
  const bool is_within = target <= source_->declared_bytes;
  if (is_within && target - offset_ > kSeekBytes && source_->Seek(target)) offset_ = target;
  return ReadTo(target);
}

Status ArrayStream::ReadTo(std::uint64_t target) {
  std::array<char, 1 << 16> discarded;
  while (offset_ < target) {
    PADDOCK_RETURN_IF_ERROR(
        Read(discarded.data(), std::min<std::uint64_t>(discarded.size(), target - offset_)));
  }
  return OkStatus();
}

Status ArrayStream::ExpectEnd() {
  PADDOCK_RETURN_IF_ERROR(ReadTo(source_->declared_bytes));
  char extra = 0;
  PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t got, source_->Read(&extra, 1));
  return got == 0 ? OkStatus()
                  : Broken("goes on after the " + std::to_string(offset_) + " bytes that it declares");
}

Result<std::shared_ptr<ArchiveFile>> ArchiveFile::OpenZip(const std::string& path) {
  return ZipArchive::Open(path);
}

Result<std::shared_ptr<ArchiveFile>> ArchiveFile::OpenPlain(const std::string& path,
                                                            const std::string& member_name) {
  PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t bytes, FileSize(path));
  return std::shared_ptr<ArchiveFile>(std::make_shared<PlainFile>(
      path,
      ArrayMember{
          .name = member_name, .index = 0, .bytes = bytes, .packed_bytes = bytes, .crc32 = 0, .method = 0}));
}

}  // namespace paddock
