#include "prepare/data_file.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/strict_json.h"
#include "prepare/array_stream.h"
#include "prepare/sources/data_source.h"

namespace paddock {
namespace {

std::string FileText(const std::string& shown_name) { return "data file '" + shown_name + "'"; }

Result<std::unique_ptr<DataSource>> OpenZipSource(const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(auto archive, ArchiveFile::OpenZip(path));
  const auto is_array = [](const ArrayMember& member) { return member.name.ends_with(".npy"); };
  if (std::any_of(archive->members().begin(), archive->members().end(), is_array))
    return OpenNpzSource(std::move(archive));
  return OpenArchiveSource(std::move(archive));
}

Result<std::unique_ptr<DataSource>> OpenSource(const std::string& path, const DataSpec& spec) {
  if (spec.raw) return OpenRawSource(path, *spec.raw);
  std::array<char, 4096> beginning{};
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), beginning.size());
  const std::string_view bytes(beginning.data(), static_cast<std::size_t>(file.gcount()));
  if (bytes.starts_with("PK")) return OpenZipSource(path);
  if (bytes.starts_with("\x93NUMPY")) return OpenNpySource(path);
  if (bytes.starts_with("\x1f\x8b") || bytes.find('\0') == std::string_view::npos) {
    auto source = OpenCsvSource(path, spec.labels);
    if (!source.ok()) return source.status().WithContext("as CSV");
    return source;
  }
  return InvalidArgumentError(
      "is none of the formats that are told by content (.npz, .npy, a zip of images or recordings, CSV); "
      "declare type and "
      "shape of its records under data.raw, or save the arrays with numpy.savez");
}

}  // namespace

struct DataFile::State {
  std::string shown_name;
  std::unique_ptr<DataSource> source;

  std::string ArrayText(std::string_view name) const {
    return FileText(shown_name) + ", array '" + std::string(name) + "'";
  }
};

Result<DataFile> DataFile::Open(const std::string& path, std::string shown_name, const DataSpec& spec) {
  auto state = std::make_unique<State>();
  if (shown_name.empty()) shown_name = path;
  state->shown_name = std::move(shown_name);
  const std::string where = FileText(state->shown_name);
  PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t bytes, FileSize(path));
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return InvalidArgumentError(where +
                                " is a folder; pack what lies in it as a .zip, as `paddock run` does");
  if (bytes == 0)
    return InvalidArgumentError(where +
                                " is empty; save it anew, for example with numpy.savez or numpy.save");
  auto source = OpenSource(path, spec);
  if (!source.ok()) return source.status().WithContext(where);
  state->source = std::move(source).value();
  if (state->source->arrays().empty())
    return InvalidArgumentError(
        where +
        " holds no array (.npy), no image (.png, .jpg) and no recording (.wav); save it anew, "
        "for example with numpy.savez");
  return DataFile(std::move(state));
}

DataFile::DataFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
DataFile::DataFile(DataFile&&) noexcept = default;
DataFile& DataFile::operator=(DataFile&&) noexcept = default;
DataFile::~DataFile() = default;

const std::vector<ArrayInfo>& DataFile::arrays() const { return state_->source->arrays(); }
const std::string& DataFile::name() const { return state_->shown_name; }
const std::vector<std::string>& DataFile::ClassNames(const ArrayInfo& array) const {
  return state_->source->ClassNames(array);
}

Result<ArrayInfo> DataFile::Find(std::string_view name) const {
  if (auto found = state_->source->Find(name)) return *std::move(found);
  std::string message = FileText(state_->shown_name) + " has no array '" + std::string(name) + "'; it holds:";
  std::vector<std::string> names = state_->source->MoreNames();
  for (const ArrayInfo& info : arrays()) {
    message += " " + TensorText(info);
    names.push_back(info.name);
  }
  if (const std::string more = state_->source->MoreNamesText(); !more.empty()) message += "; " + more;
  if (const auto nearest = Nearest(name, names)) message += "; did you mean '" + *nearest + "'?";
  return NotFoundError(message);
}

Result<Tensor> DataFile::ReadRows(std::string_view name, std::span<const std::uint64_t> rows) {
  PADDOCK_ASSIGN_OR_RETURN(const ArrayInfo array, Find(name));
  const std::string where = state_->ArrayText(name);
  if (array.shape.empty()) {
    return InvalidArgumentError(
        where + " is a single value without a sample dimension; save it with shape [samples, ...]");
  }
  const auto total = static_cast<std::uint64_t>(array.shape[0]);
  for (const std::uint64_t row : rows) {
    if (row < total) continue;
    return Status(StatusCode::kOutOfRange, where + " has " + std::to_string(total) + " rows; row " +
                                               std::to_string(row) + " does not exist");
  }
  const Shape row_shape(array.shape.begin() + 1, array.shape.end());
  const std::uint64_t row_bytes = ElementCount(row_shape).value_or(0) * ElementSize(array.type);
  if (row_bytes != 0 && rows.size() > kMaxReadBytes / row_bytes) {
    return InvalidArgumentError(where + ": " + std::to_string(rows.size()) + " rows of " +
                                std::to_string(row_bytes) + " bytes are more than " +
                                std::to_string(kMaxReadBytes) +
                                " at once; split the samples into smaller rows");
  }
  Tensor tensor{array, {}};
  tensor.info.shape[0] = static_cast<std::int64_t>(rows.size());
  tensor.bytes.resize(rows.size() * row_bytes);
  if (std::is_sorted(rows.begin(), rows.end())) {
    PADDOCK_RETURN_IF_ERROR(state_->source->Read(array, rows, tensor.bytes.data()).WithContext(where));
    return tensor;
  }
  std::vector<std::size_t> places(rows.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) { return rows[a] < rows[b]; });
  std::vector<std::uint64_t> ascending;
  for (const std::size_t place : places) ascending.push_back(rows[place]);
  PADDOCK_ASSIGN_OR_RETURN(const Tensor read, ReadRows(name, ascending));
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::copy_n(read.bytes.begin() + static_cast<std::ptrdiff_t>(i * row_bytes), row_bytes,
                tensor.bytes.begin() + static_cast<std::ptrdiff_t>(places[i] * row_bytes));
  }
  return tensor;
}

Status DataFile::Verify(std::string_view name) {
  PADDOCK_ASSIGN_OR_RETURN(const ArrayInfo array, Find(name));
  return state_->source->Verify(array).WithContext(state_->ArrayText(name));
}

Status DataFile::FinishReading(std::string_view name) {
  PADDOCK_ASSIGN_OR_RETURN(const ArrayInfo array, Find(name));
  return state_->source->FinishReading(array).WithContext(state_->ArrayText(name));
}

bool DataFile::HasOwnShapes(const ArrayInfo& array) const { return state_->source->HasOwnShapes(array); }

Result<Tensor> DataFile::ReadOwnShape(const ArrayInfo& array, std::uint64_t row) {
  auto read = state_->source->ReadOwnShape(array, row);
  if (!read.ok()) return read.status().WithContext(FileText(state_->shown_name));
  return read;
}

std::string DataFile::RowText(std::uint64_t row) const {
  return FileText(state_->shown_name) + ", " + state_->source->RowText(row);
}

std::optional<double> DataFile::SampleRateHz(const ArrayInfo& array) const {
  return state_->source->SampleRateHz(array);
}

}  // namespace paddock
