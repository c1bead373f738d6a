// Arrays of NumPy: an .npz (zip of .npy members, stored or deflated) or one bare .npy.
#include <algorithm>
#include <set>
#include <utility>

#include "prepare/array_stream.h"
#include "prepare/npy.h"
#include "prepare/sources/data_source.h"

namespace paddock {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr std::size_t kMaxArrays = 1000;
constexpr const char* kDamaged =
    "; the file is truncated or damaged, save it anew with numpy.save or numpy.savez";

class NpzSource final : public DataSource {
 public:
  explicit NpzSource(std::shared_ptr<ArchiveFile> archive) : archive_(std::move(archive)) {}

  // Reads the header of the member's array.
  Status Add(const ArrayMember& member, std::string name) {
    PADDOCK_ASSIGN_OR_RETURN(ArrayStream stream, archive_->OpenMember(member));
    std::string prefix(std::min<std::uint64_t>(kMaxNpyHeaderBytes, member.bytes), '\0');
    std::size_t have = std::min<std::size_t>(prefix.size(), 128);  // what NumPy aligns its header to
    Result<NpyHeader> header = InternalError("");
    // Headers are short: read little, and all that a header may take only when that is not enough.
    for (std::size_t done = 0;; have = prefix.size()) {
      PADDOCK_RETURN_IF_ERROR(stream.Read(prefix.data() + done, have - done));
      done = have;
      header = ParseNpyHeader(std::string_view(prefix).substr(0, have));
      if (header.ok() || have == prefix.size()) break;
    }
    if (!header.ok()) return header.status();
    if (member.bytes - header->header_bytes != header->data_bytes) {
      return InvalidArgumentError("it holds " + std::to_string(member.bytes - header->header_bytes) +
                                  " bytes of elements, and its shape " + ShapeText(header->shape) + " of " +
                                  std::string(ElementTypeName(header->type)) + " takes " +
                                  std::to_string(header->data_bytes) + kDamaged);
    }
    Array array{member, header->header_bytes, 0, std::nullopt};
    if (!header->shape.empty() && header->shape[0] > 0)
      array.row_bytes = header->data_bytes / static_cast<std::uint64_t>(header->shape[0]);
    members_.push_back(std::move(array));
    arrays_.push_back({std::move(name), header->type, header->shape});
    return OkStatus();
  }

  Status Read(const TensorInfo& info, std::span<const std::uint64_t> rows, std::byte* out) override {
    Array& array = ArrayOf(info);
    for (std::size_t i = 0; i < rows.size();) {
      std::size_t run = 1;  // neighbours are read in one go
      while (i + run < rows.size() && rows[i + run] == rows[i] + run) ++run;
      PADDOCK_ASSIGN_OR_RETURN(ArrayStream * stream, StreamAt(array, rows[i] * array.row_bytes));
      const Status status =
          stream->Read(reinterpret_cast<char*>(out) + i * array.row_bytes, run * array.row_bytes);
      if (!status.ok()) {
        array.stream.reset();
        return status;
      }
      i += run;
    }
    return OkStatus();
  }

  Status Verify(const TensorInfo& info) override {
    Array& array = ArrayOf(info);
    if (!array.stream) PADDOCK_RETURN_IF_ERROR(StreamAt(array, 0).status());
    const Status status = array.stream->ExpectEnd();
    array.stream.reset();
    return status;
  }
  Status FinishReading(const TensorInfo& info) override { return Verify(info); }

 private:
  struct Array {
    ArrayMember member;
    std::uint64_t header_bytes = 0;
    std::uint64_t row_bytes = 0;
    std::optional<ArrayStream> stream;  // where the last read stopped
  };

  Array& ArrayOf(const TensorInfo& info) {
    std::size_t i = 0;
    while (arrays_[i].name != info.name) ++i;
    return members_[i];
  }

  // The array's stream at an offset that it has not passed.
  Result<ArrayStream*> StreamAt(Array& array, std::uint64_t offset) {
    const std::uint64_t wanted = array.header_bytes + offset;
    if (!array.stream || array.stream->offset() > wanted) {
      array.stream.reset();
      PADDOCK_ASSIGN_OR_RETURN(ArrayStream opened, archive_->OpenMember(array.member));
      array.stream.emplace(std::move(opened));
    }
    PADDOCK_RETURN_IF_ERROR(array.stream->SkipTo(wanted));
    return &*array.stream;
  }

  std::shared_ptr<ArchiveFile> archive_;
  std::vector<Array> members_;  // as arrays()
};

}  // namespace

Result<std::unique_ptr<DataSource>> OpenNpzSource(std::shared_ptr<ArchiveFile> archive) {
  auto source = std::make_unique<NpzSource>(archive);
  std::set<std::string> names;
  for (const ArrayMember& member : archive->members()) {
    if (!member.name.ends_with(kSuffix)) continue;  // what else lies in the archive is no array
    std::string name = member.name.substr(0, member.name.size() - kSuffix.size());
    if (!names.insert(name).second)
      return InvalidArgumentError("has two arrays '" + name + "'; save it anew with numpy.savez");
    if (names.size() > kMaxArrays) {
      return InvalidArgumentError("holds more than " + std::to_string(kMaxArrays) +
                                  " arrays; put the arrays of one job into one file");
    }
    const Status status = source->Add(member, name);
    if (!status.ok()) return status.WithContext("array '" + name + "'");
  }
  return std::unique_ptr<DataSource>(std::move(source));
}

Result<std::unique_ptr<DataSource>> OpenNpySource(const std::string& path) {
  const std::string name(kSampleArray);
  PADDOCK_ASSIGN_OR_RETURN(auto archive, ArchiveFile::OpenPlain(path, name));
  auto source = std::make_unique<NpzSource>(archive);
  PADDOCK_RETURN_IF_ERROR(source->Add(archive->members().front(), name).WithContext("array '" + name + "'"));
  return std::unique_ptr<DataSource>(std::move(source));
}

}  // namespace paddock
