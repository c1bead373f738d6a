// One kind of data file: what DataFile (prepare/data_file.h) reads through. A source knows its format; names, order, bounds
// and the file's name in errors are DataFile's. Errors of a source name the place in the file and the next step.
// One thread at a time. A new kind is one more Open function here and its line in DataFile::Open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kpi/data_spec.h"
#include "kpi/tensor.h"

namespace paddock {

// What the arrays of files without names are called.
inline constexpr const char* kSampleArray = "data";
inline constexpr const char* kLabelArray = "labels";

class DataSource {
 public:
  virtual ~DataSource() = default;

  // What a job may leave unnamed. A source may know more arrays than these.
  const std::vector<TensorInfo>& arrays() const { return arrays_; }
  virtual std::optional<TensorInfo> Find(std::string_view name) const;
  // Names that Find() knows besides arrays(), for suggestions, and how a message speaks of them; empty: none.
  virtual std::vector<std::string> MoreNames() const { return {}; }
  virtual std::string MoreNamesText() const { return {}; }

  // REQUIRES: `array` is what Find() gave, rows are in range and ascending, and `out` has room for them.
  virtual Status Read(const TensorInfo& array, std::span<const std::uint64_t> rows, std::byte* out) = 0;
  // What DataFile::Verify() and FinishReading() promise.
  virtual Status Verify(const TensorInfo& array) = 0;
  virtual Status FinishReading(const TensorInfo& /*array*/) { return OkStatus(); }

  // True when every row has a shape of its own; the array's is that of row 0 then, and Read() refuses another.
  virtual bool HasOwnShapes(const TensorInfo& /*array*/) const { return false; }
  // One row with its own shape, [1, ...]. REQUIRES: HasOwnShapes(array), row in range.
  virtual Result<Tensor> ReadOwnShape(const TensorInfo& array, std::uint64_t row);
  // What stands for one row in messages: "image 'cats/7.png'"; empty: its number says enough.
  virtual std::string RowText(std::uint64_t /*row*/) const { return {}; }

  // Of an array of class numbers that the file has as text: the text of each number. Empty: the file has numbers.
  virtual const std::vector<std::string>& ClassNames(const TensorInfo& array) const;
  // Of recordings.
  virtual std::optional<double> SampleRateHz(const TensorInfo& /*array*/) const { return std::nullopt; }

 protected:
  std::vector<TensorInfo> arrays_;
};

class ArchiveFile;
Result<std::unique_ptr<DataSource>> OpenNpzSource(std::shared_ptr<ArchiveFile> archive);
// A zip of images or of recordings; without any sample it has no arrays.
Result<std::unique_ptr<DataSource>> OpenArchiveSource(std::shared_ptr<ArchiveFile> archive);
// The one array of an .npy, called "data".
Result<std::unique_ptr<DataSource>> OpenNpySource(const std::string& path);
// Text, or text packed by gzip. `labels` names the columns that are no input; empty, or a name that is not
// there: every column is one.
Result<std::unique_ptr<DataSource>> OpenCsvSource(const std::string& path, const std::string& labels);
Result<std::unique_ptr<DataSource>> OpenRawSource(const std::string& path, const RawLayout& layout);

}  // namespace paddock
