// A zip archive of samples, one a member: images, or recordings. The samples are what the member `labels.csv` lists (columns
// `file` and `label`), in its order; without one, all images or recordings in the order of their names, each of the class that
// its folder is. Arrays: "data", and "labels" when there are any.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <set>
#include <utility>

#include "prepare/array_stream.h"
#include "prepare/sources/csv_reader.h"
#include "prepare/sources/data_source.h"
#include "prepare/sources/image_decode.h"
#include "prepare/sources/number_text.h"
#include "prepare/sources/wav_decode.h"

namespace paddock {
namespace {

constexpr std::string_view kLabelFile = "labels.csv";
constexpr std::uint64_t kMaxSampleBytes = 64 << 20;  // of one member
constexpr std::uint64_t kMaxLabelFileBytes = 512 << 20;

enum class SampleKind { kNone, kImage, kRecording };

// By the name's end; whether it is true shows when the sample is decoded.
SampleKind KindOf(const std::string& name) {
  if (name.starts_with('.') || name.find("/.") != std::string::npos || name.starts_with("__MACOSX/"))
    return SampleKind::kNone;  // leavings of file managers
  const std::size_t dot = name.rfind('.');
  std::string end = dot == std::string::npos ? "" : name.substr(dot);
  std::transform(end.begin(), end.end(), end.begin(), [](unsigned char c) { return std::tolower(c); });
  if (end == ".png" || end == ".jpg" || end == ".jpeg") return SampleKind::kImage;
  return end == ".wav" ? SampleKind::kRecording : SampleKind::kNone;
}

std::string FolderOf(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

// The text of a member.
class MemberText final : public TextInput {
 public:
  explicit MemberText(ArrayStream stream, std::uint64_t bytes) : stream_(std::move(stream)), left_(bytes) {}
  Result<std::size_t> Read(char* out, std::size_t size) override {
    const std::size_t wanted = std::min<std::uint64_t>(size, left_);
    PADDOCK_RETURN_IF_ERROR(stream_.Read(out, wanted));
    left_ -= wanted;
    if (wanted < size) PADDOCK_RETURN_IF_ERROR(stream_.ExpectEnd());
    return wanted;
  }
  Status Seek(std::uint64_t) override { return InternalError("a member is read forwards"); }

 private:
  ArrayStream stream_;
  std::uint64_t left_;
};

class ArchiveSource final : public DataSource {
 public:
  explicit ArchiveSource(std::shared_ptr<ArchiveFile> archive) : archive_(std::move(archive)) {}

  Status List();

  Status Read(const TensorInfo& array, std::span<const std::uint64_t> rows, std::byte* out) override;
  Status Verify(const TensorInfo& array) override;
  bool HasOwnShapes(const TensorInfo& array) const override { return array.name == kSampleArray; }
  Result<Tensor> ReadOwnShape(const TensorInfo& array, std::uint64_t row) override;
  std::string RowText(std::uint64_t row) const override {
    return (kind_ == SampleKind::kImage ? "image '" : "recording '") + MemberOf(row).name + "'";
  }
  const std::vector<std::string>& ClassNames(const TensorInfo& array) const override {
    return array.name == kLabelArray ? label_texts_.class_names() : DataSource::ClassNames(array);
  }
  std::optional<double> SampleRateHz(const TensorInfo& array) const override {
    return array.name == kSampleArray ? rate_hz_ : std::nullopt;
  }

 private:
  const ArrayMember& MemberOf(std::uint64_t row) const { return archive_->members()[samples_[row]]; }
  // Calls take(member, label) for each line of the label file.
  template <typename Take>
  Status ReadLabelFile(const ArrayMember& file, Take take);
  Status ListByLabelFile(const ArrayMember& file);
  Status ListByFolder();
  Result<Tensor> Decode(std::uint64_t row);

  std::shared_ptr<ArchiveFile> archive_;
  SampleKind kind_ = SampleKind::kNone;
  std::vector<std::uint32_t> by_name_;  // members that are samples, sorted by name
  std::vector<std::uint32_t> samples_;  // their members
  LabelTexts label_texts_;
  std::vector<std::byte> labels_;  // eight bytes each
  std::optional<double> rate_hz_;  // of the first recording, and so of all
};

Status ArchiveSource::List() {
  const std::vector<ArrayMember>& members = archive_->members();
  const ArrayMember* label_file = nullptr;
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    const std::string& name = members[i].name;
    if (name == kLabelFile || name.ends_with("/" + std::string(kLabelFile))) {
      if (label_file == nullptr || name.size() < label_file->name.size()) label_file = &members[i];
    }
    const SampleKind kind = KindOf(name);
    if (kind == SampleKind::kNone) continue;
    if (kind_ == SampleKind::kNone) kind_ = kind;
    if (kind != kind_)
      return InvalidArgumentError("holds images and recordings ('" + name + "'); make a data set of each");
    by_name_.push_back(i);
  }
  const auto name_of = [&](std::uint32_t member) -> const std::string& { return members[member].name; };
  std::sort(by_name_.begin(), by_name_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return name_of(a) < name_of(b); });
  for (std::size_t i = 1; i < by_name_.size(); ++i) {
    if (name_of(by_name_[i]) == name_of(by_name_[i - 1]))
      return InvalidArgumentError("has two members '" + name_of(by_name_[i]) + "'; pack it anew");
  }
  PADDOCK_RETURN_IF_ERROR(label_file != nullptr ? ListByLabelFile(*label_file) : ListByFolder());
  if (samples_.empty()) return OkStatus();
  const auto first = Decode(0);
  if (!first.ok()) return first.status().WithContext(RowText(0));
  arrays_.push_back({kSampleArray, first->info.type, first->info.shape});
  arrays_.back().shape[0] = static_cast<std::int64_t>(samples_.size());
  if (!labels_.empty())
    arrays_.push_back({kLabelArray, label_texts_.type(), {static_cast<std::int64_t>(samples_.size())}});
  return OkStatus();
}

template <typename Take>
Status ArchiveSource::ReadLabelFile(const ArrayMember& file, Take take) {
  if (file.bytes > kMaxLabelFileBytes) {
    return InvalidArgumentError("declares " + std::to_string(file.bytes) + " bytes, and at most " +
                                std::to_string(kMaxLabelFileBytes) + " are read; split the data set");
  }
  PADDOCK_ASSIGN_OR_RETURN(ArrayStream stream, archive_->OpenMember(file));
  PADDOCK_ASSIGN_OR_RETURN(CsvReader reader,
                           CsvReader::Open(std::make_unique<MemberText>(std::move(stream), file.bytes)));
  PADDOCK_ASSIGN_OR_RETURN(const bool has_header, reader.Next());
  const std::vector<std::string> names(reader.fields().begin(), reader.fields().end());
  const auto column = [&](const char* name) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  const std::size_t of_file = column("file");
  const std::size_t of_label = column("label");
  if (!has_header || std::max(of_file, of_label) >= names.size())
    return InvalidArgumentError("line 1 must name the columns file and label; add it");
  const std::string folder = FolderOf(file.name);
  for (;;) {
    PADDOCK_ASSIGN_OR_RETURN(const bool has_record, reader.Next());
    if (!has_record) return OkStatus();
    if (reader.fields().size() != names.size()) {
      return InvalidArgumentError(reader.LineText() + " has " + std::to_string(reader.fields().size()) +
                                  " fields, and line 1 names " + std::to_string(names.size()) +
                                  " columns; correct the line");
    }
    const std::string member = (folder.empty() ? "" : folder + "/") + std::string(reader.fields()[of_file]);
    PADDOCK_RETURN_IF_ERROR(take(member, reader.fields()[of_label]).WithContext(reader.LineText()));
  }
}

Status ArchiveSource::ListByLabelFile(const ArrayMember& file) {
  const std::vector<ArrayMember>& members = archive_->members();
  std::vector<bool> is_taken(members.size());
  const auto list = [&](const std::string& name, std::string_view label) -> Status {
    const auto found =
        std::lower_bound(by_name_.begin(), by_name_.end(), name,
                         [&](std::uint32_t a, const std::string& b) { return members[a].name < b; });
    if (found == by_name_.end() || members[*found].name != name) {
      return InvalidArgumentError(
          "the file '" + name.substr(0, 200) +
          "' is not there, or is no image (.png, .jpg) or recording (.wav); correct the line");
    }
    if (is_taken[*found])
      return InvalidArgumentError("the file '" + name + "' was listed before; take one line out");
    is_taken[*found] = true;
    samples_.push_back(*found);
    return label_texts_.Add(label);
  };
  PADDOCK_RETURN_IF_ERROR(ReadLabelFile(file, list).WithContext(file.name));
  if (samples_.empty())
    return InvalidArgumentError(file.name + ": lists no file; add a line for each sample");
  label_texts_.Finish();
  labels_.reserve(samples_.size() * sizeof(double));
  return ReadLabelFile(file, [&](const std::string&, std::string_view label) {
    labels_.resize(labels_.size() + sizeof(double));
    label_texts_.Write(label, labels_.data() + labels_.size() - sizeof(double));
    return OkStatus();
  });
}

Status ArchiveSource::ListByFolder() {
  const std::vector<ArrayMember>& members = archive_->members();
  samples_ = by_name_;
  std::set<std::string> folders;
  for (const std::uint32_t sample : samples_) folders.insert(FolderOf(members[sample].name));
  if (folders.size() < 2) return OkStatus();
  if (folders.contains("")) {
    return InvalidArgumentError(
        "'" + members[samples_.front()].name +
        "' and others lie beside folders of samples, so their classes are not known; put each into "
        "the folder of its class, or add labels.csv");
  }
  // A folder named 3 is a class like any other: numbers in names are not class numbers.
  labels_.resize(samples_.size() * sizeof(std::int64_t));
  const std::vector<std::string> sorted(folders.begin(), folders.end());
  label_texts_ = LabelTexts::OfClasses(sorted);
  for (std::size_t i = 0; i < samples_.size(); ++i)
    label_texts_.Write(FolderOf(members[samples_[i]].name), labels_.data() + i * sizeof(std::int64_t));
  return OkStatus();
}

Result<Tensor> ArchiveSource::Decode(std::uint64_t row) {
  const ArrayMember& member = MemberOf(row);
  if (member.bytes > kMaxSampleBytes) {
    return InvalidArgumentError("declares " + std::to_string(member.bytes) + " bytes, and at most " +
                                std::to_string(kMaxSampleBytes) + " are read of one sample; make it smaller");
  }
  PADDOCK_ASSIGN_OR_RETURN(ArrayStream stream, archive_->OpenMember(member));
  std::string bytes(member.bytes, '\0');
  PADDOCK_RETURN_IF_ERROR(stream.Read(bytes.data(), bytes.size()));
  PADDOCK_RETURN_IF_ERROR(stream.ExpectEnd());
  if (kind_ == SampleKind::kImage) return DecodeImage(bytes);
  PADDOCK_ASSIGN_OR_RETURN(Recording recording, DecodeWav(bytes));
  if (!rate_hz_) rate_hz_ = recording.rate_hz;
  if (*rate_hz_ != recording.rate_hz) {
    return InvalidArgumentError("has " + std::to_string(recording.rate_hz) + " samples a second, and " +
                                RowText(0) + " " + std::to_string(static_cast<std::uint64_t>(*rate_hz_)) +
                                "; convert all to one rate");
  }
  return std::move(recording.samples);
}

Result<Tensor> ArchiveSource::ReadOwnShape(const TensorInfo& array, std::uint64_t row) {
  auto sample = Decode(row);
  if (!sample.ok()) return sample.status().WithContext(RowText(row));
  sample->info.name = array.name;
  return sample;
}

Status ArchiveSource::Read(const TensorInfo& array, std::span<const std::uint64_t> rows, std::byte* out) {
  if (array.name == kLabelArray) {
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::memcpy(out + i * sizeof(double), labels_.data() + rows[i] * sizeof(double), sizeof(double));
    return OkStatus();
  }
  const Shape wanted(array.shape.begin() + 1, array.shape.end());
  for (const std::uint64_t row : rows) {
    PADDOCK_ASSIGN_OR_RETURN(const Tensor sample, ReadOwnShape(array, row));
    const Shape shape(sample.info.shape.begin() + 1, sample.info.shape.end());
    if (shape != wanted) {
      return InvalidArgumentError(RowText(row) + " has the shape " + ShapeText(shape) + ", and " +
                                  RowText(0) + " " + ShapeText(wanted) + "; make all of one size");
    }
    std::memcpy(out, sample.bytes.data(), sample.bytes.size());
    out += sample.bytes.size();
  }
  return OkStatus();
}

Status ArchiveSource::Verify(const TensorInfo& array) {
  if (array.name == kLabelArray) return OkStatus();
  for (std::uint64_t row = 0; row < samples_.size(); ++row)
    PADDOCK_RETURN_IF_ERROR(ReadOwnShape(array, row).status());
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<DataSource>> OpenArchiveSource(std::shared_ptr<ArchiveFile> archive) {
  auto source = std::make_unique<ArchiveSource>(std::move(archive));
  PADDOCK_RETURN_IF_ERROR(source->List());
  return std::unique_ptr<DataSource>(std::move(source));
}

}  // namespace paddock
