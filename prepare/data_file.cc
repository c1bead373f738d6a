#include "prepare/data_file.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/strict_json.h"
#include "prepare/array_stream.h"
#include "prepare/npy.h"

namespace paddock {
namespace {

constexpr std::string_view kNpyArrayName = "data";

std::string FileText(const std::string& shown_name) { return "data file '" + shown_name + "'"; }

}  // namespace

struct DataFile::State {
  struct Array {
    ArrayInfo info;
    std::uint64_t row_bytes = 0;
    std::uint64_t data_bytes = 0;
    ArrayMember member;
    std::optional<ArrayStream> stream;  // where the last read stopped
  };

  std::string shown_name;
  std::shared_ptr<ArchiveFile> archive;
  std::vector<Array> arrays;
  std::vector<ArrayInfo> infos;

  std::string ArrayText(const Array& array) const {
    return FileText(shown_name) + ", array '" + array.info.name + "'";
  }
  Result<Array*> FindArray(std::string_view name);
  Status AddArray(const ArrayMember& member);
  // The array's stream at an offset that it has not passed.
  Result<ArrayStream*> StreamAt(Array& array, std::uint64_t offset);
};

Status DataFile::State::AddArray(const ArrayMember& member) {
  Array array;
  array.info.name = member.name;
  array.member = member;
  const std::string where = ArrayText(array);
  auto stream = archive->OpenMember(member);
  if (!stream.ok()) return stream.status().WithContext(where);

  std::string prefix(std::min<std::uint64_t>(kMaxNpyHeaderBytes, member.bytes), '\0');
  std::size_t have = std::min<std::size_t>(prefix.size(), 128);  // what NumPy aligns its header to
  Result<NpyHeader> header = InternalError("");
  // Headers are short: read little, and all that a header may take only when that is not enough.
  for (std::size_t done = 0;; have = prefix.size()) {
    if (Status status = stream->Read(prefix.data() + done, have - done); !status.ok())
      return status.WithContext(where);
    done = have;
    header = ParseNpyHeader(std::string_view(prefix).substr(0, have));
    if (header.ok() || have == prefix.size()) break;
  }
  if (!header.ok()) return header.status().WithContext(where);
  if (member.bytes - header->header_bytes != header->data_bytes) {
    return InvalidArgumentError(
        where + ": it holds " + std::to_string(member.bytes - header->header_bytes) +
        " bytes of elements, and its shape " + ShapeText(header->shape) + " of " +
        std::string(ElementTypeName(header->type)) + " takes " + std::to_string(header->data_bytes) +
        "; the file is truncated or damaged, save it anew with numpy.save or numpy.savez");
  }
  array.info.type = header->type;
  array.info.shape = header->shape;
  array.data_bytes = header->data_bytes;
  if (!header->shape.empty() && header->shape[0] > 0) {
    array.row_bytes = header->data_bytes / static_cast<std::uint64_t>(header->shape[0]);
  }
  array.member.header_bytes = header->header_bytes;
  infos.push_back(array.info);
  arrays.push_back(std::move(array));
  return OkStatus();
}

Result<DataFile::State::Array*> DataFile::State::FindArray(std::string_view name) {
  std::vector<std::string> names;
  for (Array& array : arrays) {
    if (array.info.name == name) return &array;
    names.push_back(array.info.name);
  }
  std::string message = FileText(shown_name) + " has no array '" + std::string(name) + "'; it holds:";
  for (const ArrayInfo& info : infos) message += " " + TensorText(info);
  if (const auto nearest = Nearest(name, names)) message += "; did you mean '" + *nearest + "'?";
  return NotFoundError(message);
}

Result<ArrayStream*> DataFile::State::StreamAt(Array& array, std::uint64_t offset) {
  const std::uint64_t wanted = array.member.header_bytes + offset;
  if (!array.stream || array.stream->offset() > wanted) {
    array.stream.reset();
    PADDOCK_ASSIGN_OR_RETURN(ArrayStream opened, archive->OpenMember(array.member));
    array.stream.emplace(std::move(opened));
  }
  PADDOCK_RETURN_IF_ERROR(array.stream->SkipTo(wanted));
  return &*array.stream;
}

Result<DataFile> DataFile::Open(const std::string& path, std::string shown_name) {
  auto state = std::make_unique<State>();
  if (shown_name.empty()) shown_name = path;
  state->shown_name = std::move(shown_name);
  const std::string where = FileText(state->shown_name);
  PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t bytes, FileSize(path));
  if (bytes == 0)
    return InvalidArgumentError(where + " is empty; save it anew with numpy.savez or numpy.save");

  auto archive = ArchiveFile::Open(path, bytes, std::string(kNpyArrayName));
  if (!archive.ok()) return archive.status().WithContext(where);
  state->archive = std::move(archive).value();
  std::set<std::string> names;
  for (const ArrayMember& member : state->archive->members()) {
    if (!names.insert(member.name).second) {
      return InvalidArgumentError(where + " has two arrays '" + member.name +
                                  "'; save it anew with numpy.savez");
    }
    PADDOCK_RETURN_IF_ERROR(state->AddArray(member));
  }
  if (state->arrays.empty())
    return InvalidArgumentError(where + " holds no array; save it anew with numpy.savez");
  return DataFile(std::move(state));
}

DataFile::DataFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
DataFile::DataFile(DataFile&&) noexcept = default;
DataFile& DataFile::operator=(DataFile&&) noexcept = default;
DataFile::~DataFile() = default;

const std::vector<ArrayInfo>& DataFile::arrays() const { return state_->infos; }
const std::string& DataFile::name() const { return state_->shown_name; }

Result<ArrayInfo> DataFile::Find(std::string_view name) const {
  PADDOCK_ASSIGN_OR_RETURN(const State::Array* array, state_->FindArray(name));
  return array->info;
}

Result<Tensor> DataFile::ReadRows(std::string_view name, std::span<const std::uint64_t> rows) {
  PADDOCK_ASSIGN_OR_RETURN(State::Array * array, state_->FindArray(name));
  const std::string where = state_->ArrayText(*array);
  if (array->info.shape.empty()) {
    return InvalidArgumentError(
        where + " is a single value without a sample dimension; save it with shape [samples, ...]");
  }
  const auto total = static_cast<std::uint64_t>(array->info.shape[0]);
  for (const std::uint64_t row : rows) {
    if (row < total) continue;
    return Status(StatusCode::kOutOfRange, where + " has " + std::to_string(total) + " rows; row " +
                                               std::to_string(row) + " does not exist");
  }
  if (array->row_bytes != 0 && rows.size() > kMaxReadBytes / array->row_bytes) {
    return InvalidArgumentError(where + ": " + std::to_string(rows.size()) + " rows of " +
                                std::to_string(array->row_bytes) + " bytes are more than " +
                                std::to_string(kMaxReadBytes) +
                                " at once; split the samples into smaller rows");
  }
  Tensor tensor{array->info, {}};
  tensor.info.shape[0] = static_cast<std::int64_t>(rows.size());
  tensor.bytes.resize(rows.size() * array->row_bytes);
  if (!std::is_sorted(rows.begin(), rows.end())) {
    std::vector<std::size_t> places(rows.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) { return rows[a] < rows[b]; });
    std::vector<std::uint64_t> ascending;
    for (const std::size_t place : places) ascending.push_back(rows[place]);
    PADDOCK_ASSIGN_OR_RETURN(const Tensor read, ReadRows(name, ascending));
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::copy_n(read.bytes.begin() + static_cast<std::ptrdiff_t>(i * array->row_bytes), array->row_bytes,
                  tensor.bytes.begin() + static_cast<std::ptrdiff_t>(places[i] * array->row_bytes));
    }
    return tensor;
  }
  for (std::size_t i = 0; i < rows.size();) {
    std::size_t run = 1;  // neighbours are read in one go
    while (i + run < rows.size() && rows[i + run] == rows[i] + run) ++run;
    auto stream = state_->StreamAt(*array, rows[i] * array->row_bytes);
    if (!stream.ok()) return stream.status().WithContext(where);
    const Status status = (*stream)->Read(reinterpret_cast<char*>(tensor.bytes.data()) + i * array->row_bytes,
                                          run * array->row_bytes);
    if (!status.ok()) {
      array->stream.reset();
      return status.WithContext(where);
    }
    i += run;
  }
  return tensor;
}

Status DataFile::Verify(std::string_view name) {
  auto array = state_->FindArray(name);
  if (!array.ok()) return array.status();
  const std::string where = state_->ArrayText(**array);
  if (!(*array)->stream) {
    auto stream = state_->StreamAt(**array, 0);
    if (!stream.ok()) return stream.status().WithContext(where);
  }
  const Status status = (*array)->stream->ExpectEnd();
  (*array)->stream.reset();
  return status.WithContext(where);
}

}  // namespace paddock
