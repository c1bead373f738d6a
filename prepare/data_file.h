// A data file of a job as named arrays, told by its content: an .npz or .npy, CSV (also packed by gzip), a zip
// archive of images or recordings, or what DataSpec::raw declares. docs/data.md says what the arrays of each are called.
//
// Open() reads the directory and each array's header, no elements; of CSV, which has none, it reads every line once.
// ReadRows() streams: memory is the selected rows and one small buffer, whatever the size of the array. Rows in ascending
// order over several calls cost one pass over a packed file or member; going back starts it anew. What is not packed is read
// only where the rows are. Foreign bytes: declared sizes and shapes must agree before anything is allocated.
// Errors name the file, the array and the next step. One thread at a time; the file must not change while it is open.
#pragma once

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

using ArrayInfo = TensorInfo;

// ReadRows() refuses to make a larger tensor in one call: INVALID_ARGUMENT.
inline constexpr std::uint64_t kMaxReadBytes = std::uint64_t{1} << 30;

class DataFile {
 public:
  // NOT_FOUND and PERMISSION_DENIED of the path; INVALID_ARGUMENT for anything else that is wrong with the file. The kind is
  // told by content, not by the file's name. `shown_name` is what errors call the file (a blob's path means nothing to a user);
  // empty: the path. Of `spec` only what says how to read the file counts: raw, labels.
  static Result<DataFile> Open(const std::string& path, std::string shown_name = {},
                               const DataSpec& spec = {});
  DataFile(DataFile&&) noexcept;
  DataFile& operator=(DataFile&&) noexcept;
  ~DataFile();

  // Those that a job may leave unnamed; Find() may know more, such as the columns of a CSV file.
  const std::vector<ArrayInfo>& arrays() const;
  // NOT_FOUND lists the arrays that exist, with the nearest name first.
  Result<ArrayInfo> Find(std::string_view name) const;
  const std::string& name() const;

  // The rows of the first dimension, in the order asked for; read in ascending order, so that a call is one pass at the most. OUT_OF_RANGE for a row beyond the end.
  Result<Tensor> ReadRows(std::string_view name, std::span<const std::uint64_t> rows);

  // Reads on to the end of the array, so that a checksum, a length or a text that is wrong there is found too. After rows
  // were passed over in what is not packed, the checksum is not known.
  Status Verify(std::string_view name);
  // After the last ReadRows(): what Verify() would find without parsing rows that nobody asked for.
  Status FinishReading(std::string_view name);

  // Images and recordings have sizes of their own. Such an array has the shape of its first row, and ReadRows() refuses rows of
  // another; ReadOwnShape() gives any row as it is, [1, ...]. REQUIRES: HasOwnShapes(array), row in range.
  bool HasOwnShapes(const ArrayInfo& array) const;
  Result<Tensor> ReadOwnShape(const ArrayInfo& array, std::uint64_t row);
  // "data file 'cats.zip', image 'a.png'"
  std::string RowText(std::uint64_t row) const;
  // Of recordings: samples a second, the same in all of them.
  std::optional<double> SampleRateHz(const ArrayInfo& array) const;

  // Of an array of class numbers that the file has as text: the text of each number. Empty: the file has numbers.
  const std::vector<std::string>& ClassNames(const ArrayInfo& array) const;

 private:
  struct State;
  explicit DataFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace paddock
