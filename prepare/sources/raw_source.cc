// Records of one size behind a header: a label, if the layout has one, beside the elements of a sample. All little-endian.
#include <algorithm>
#include <cstring>
#include <utility>

#include "prepare/array_stream.h"
#include "prepare/sources/data_source.h"

namespace paddock {
namespace {

constexpr std::uint64_t kBlockBytes = 1 << 20;

class RawSource final : public DataSource {
 public:
  RawSource(std::shared_ptr<ArchiveFile> file, const RawLayout& layout, std::uint64_t sample_bytes)
      : file_(std::move(file)), layout_(layout) {
    const std::uint64_t label_bytes = layout.label_type ? ElementSize(*layout.label_type) : 0;
    record_bytes_ = sample_bytes + label_bytes;
    samples_ = {layout.label_after ? 0 : label_bytes, sample_bytes};
    labels_ = {layout.label_after ? sample_bytes : 0, label_bytes};
  }

  Status List() {
    const std::uint64_t bytes = file_->members().front().bytes;
    const std::uint64_t header = layout_.header_bytes;
    if (bytes < header || (bytes - header) % record_bytes_ != 0) {
      return InvalidArgumentError(
          "holds " + std::to_string(bytes) + " bytes, and a header of " + std::to_string(header) +
          " with records of " + std::to_string(record_bytes_) +
          " bytes does not come out even; correct data.raw, or the file is truncated");
    }
    const auto records = static_cast<std::int64_t>((bytes - header) / record_bytes_);
    Shape shape = {records};
    shape.insert(shape.end(), layout_.shape.begin(), layout_.shape.end());
    arrays_.push_back({kSampleArray, layout_.type, std::move(shape)});
    if (layout_.label_type) arrays_.push_back({kLabelArray, *layout_.label_type, {records}});
    return OkStatus();
  }

  Status Read(const TensorInfo& array, std::span<const std::uint64_t> rows, std::byte* out) override {
    const Field& field = array.name == kSampleArray ? samples_ : labels_;
    const std::uint64_t at_once = std::max<std::uint64_t>(1, kBlockBytes / record_bytes_);
    std::vector<char> block;
    for (std::size_t i = 0; i < rows.size();) {
      std::size_t run = 1;  // neighbours are read in one go
      while (run < at_once && i + run < rows.size() && rows[i + run] == rows[i] + run) ++run;
      block.resize(run * record_bytes_);
      PADDOCK_RETURN_IF_ERROR(ReadAt(layout_.header_bytes + rows[i] * record_bytes_, block));
      for (std::size_t k = 0; k < run; ++k, out += field.bytes)
        std::memcpy(out, block.data() + k * record_bytes_ + field.offset, field.bytes);
      i += run;
    }
    return OkStatus();
  }

  // Every byte is an element of some value.
  Status Verify(const TensorInfo&) override { return OkStatus(); }

 private:
  struct Field {
    std::uint64_t offset = 0;  // in the record
    std::uint64_t bytes = 0;
  };

  Status ReadAt(std::uint64_t offset, std::vector<char>& block) {
    if (!stream_ || stream_->offset() > offset) {
      stream_.reset();
      PADDOCK_ASSIGN_OR_RETURN(ArrayStream opened, file_->OpenMember(file_->members().front()));
      stream_.emplace(std::move(opened));
    }
    PADDOCK_RETURN_IF_ERROR(stream_->SkipTo(offset));
    return stream_->Read(block.data(), block.size());
  }

  std::shared_ptr<ArchiveFile> file_;
  RawLayout layout_;
  std::uint64_t record_bytes_ = 0;
  Field samples_;
  Field labels_;
  std::optional<ArrayStream> stream_;
};

}  // namespace

Result<std::unique_ptr<DataSource>> OpenRawSource(const std::string& path, const RawLayout& layout) {
  const std::uint64_t bytes = ElementCount(layout.shape).value_or(0) * ElementSize(layout.type);
  if (bytes == 0) {
    return InvalidArgumentError("data.raw: a sample of " + std::string(ElementTypeName(layout.type)) + " " +
                                ShapeText(layout.shape) +
                                " has no elements; give a numeric type and a shape without zeros");
  }
  if (layout.label_type && ElementSize(*layout.label_type) == 0)
    return InvalidArgumentError("data.raw.label_type: it must be a numeric type, such as uint8");
  PADDOCK_ASSIGN_OR_RETURN(auto file, ArchiveFile::OpenPlain(path, kSampleArray));
  auto source = std::make_unique<RawSource>(std::move(file), layout, bytes);
  PADDOCK_RETURN_IF_ERROR(source->List());
  return std::unique_ptr<DataSource>(std::move(source));
}

}  // namespace paddock
