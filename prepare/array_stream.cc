#include "prepare/array_stream.h"

#include <fcntl.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace paddock {

// Fewer bytes than asked for, and 0, mean the end.
struct ArrayStream::Source {
  virtual ~Source() = default;
  virtual Result<std::uint64_t> Read(char* out, std::uint64_t size) = 0;
  std::uint64_t declared_bytes = 0;
};

namespace {

constexpr std::string_view kNextStep =
    "; the file is truncated or damaged, save it anew with numpy.save or numpy.savez";
constexpr std::string_view kSuffix = ".npy";
constexpr zip_int64_t kMaxMembers = 1000;

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
                                  std::to_string(kMaxMembers) +
                                  " are read; put the arrays of one job into one file");
    }
    for (zip_int64_t i = 0; i < count; ++i) {
      zip_stat_t stat;
      zip_stat_init(&stat);
      constexpr zip_uint64_t kNeeded =
          ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
      if (zip_stat_index(zip_.get(), static_cast<zip_uint64_t>(i), 0, &stat) != 0 ||
          (stat.valid & kNeeded) != kNeeded) {
        return Broken("its member " + std::to_string(i) + " cannot be listed");
      }
      const std::string_view name = stat.name;
      if (!name.ends_with(kSuffix)) continue;  // what else lies in the archive is no array
      const std::string text = "its member '" + std::string(name) + "' ";
      if (stat.encryption_method != ZIP_EM_NONE) {
        return InvalidArgumentError(text + "is encrypted; save it anew with numpy.savez");
      }
      if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
        return InvalidArgumentError(
            text + "uses zip compression method " + std::to_string(stat.comp_method) +
            ", and only store and deflate are read; save it anew with numpy.savez_compressed");
      }
      members_.push_back({.name = std::string(name.substr(0, name.size() - kSuffix.size())),
                          .index = static_cast<std::uint64_t>(i),
                          .bytes = stat.size});
    }
    return OkStatus();
  }

  std::unique_ptr<zip_t, ZipCloser> zip_;
};

class ZipSource final : public ArrayStream::Source {
 public:
  ZipSource(std::shared_ptr<ArchiveFile> archive, zip_file_t* file)
      : archive_(std::move(archive)), file_(file) {}

  Result<std::uint64_t> Read(char* out, std::uint64_t size) override {
    const zip_int64_t got = zip_fread(file_.get(), out, size);
    if (got >= 0) return static_cast<std::uint64_t>(got);
    return Broken(std::string("cannot be unpacked (") + zip_file_strerror(file_.get()) + ")");
  }

 private:
  std::shared_ptr<ArchiveFile> archive_;
  std::unique_ptr<zip_file_t, ZipMemberCloser> file_;
};

Result<ArrayStream> ZipArchive::OpenMember(const ArrayMember& member) {
  zip_file_t* file = zip_fopen_index(zip_.get(), member.index, 0);
  if (file == nullptr) return Broken(std::string("cannot be opened (") + zip_strerror(zip_.get()) + ")");
  auto source = std::make_unique<ZipSource>(shared_from_this(), file);
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
  std::array<char, 1 << 16> discarded;
  while (offset_ < target) {
    PADDOCK_RETURN_IF_ERROR(
        Read(discarded.data(), std::min<std::uint64_t>(discarded.size(), target - offset_)));
  }
  return OkStatus();
}

Status ArrayStream::ExpectEnd() {
  PADDOCK_RETURN_IF_ERROR(SkipTo(source_->declared_bytes));
  char extra = 0;
  PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t got, source_->Read(&extra, 1));
  return got == 0 ? OkStatus()
                  : Broken("goes on after the " + std::to_string(offset_) + " bytes that it declares");
}

Result<std::shared_ptr<ArchiveFile>> ArchiveFile::Open(const std::string& path, std::uint64_t file_bytes,
                                                       const std::string& npy_name) {
  auto plain = std::make_shared<PlainFile>(path, ArrayMember{.name = npy_name, .bytes = file_bytes});
  PADDOCK_ASSIGN_OR_RETURN(ArrayStream beginning, plain->OpenMember(plain->members().front()));
  std::array<char, 2> magic{};
  if (file_bytes < magic.size()) return Broken("neither an .npz nor an .npy");
  PADDOCK_RETURN_IF_ERROR(beginning.Read(magic.data(), magic.size()));
  if (magic[0] == 'P' && magic[1] == 'K') return ZipArchive::Open(path);
  if (magic[0] == '\x93' && magic[1] == 'N') return std::shared_ptr<ArchiveFile>(std::move(plain));
  return InvalidArgumentError(
      "neither an .npz nor an .npy (it begins with neither 'PK' nor \\x93NUMPY); save the arrays with "
      "numpy.savez");
}

}  // namespace paddock
