// A data file of a job: the named arrays of an .npz (zip of .npy members, stored or deflated) or the one array of an .npy,
// which is called "data".
//
// Open() reads the directory and each array's header, no elements. ReadRows() streams: memory is the selected rows and one
// small buffer, whatever the size of the array. Rows in ascending order over several calls cost one pass over a deflated
// member; going back starts it anew. Foreign bytes: declared sizes and shapes must agree before anything is allocated.
// Errors name the file, the array and the next step. One thread at a time; the file must not change while it is open.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

using ArrayInfo = TensorInfo;

// ReadRows() refuses to make a larger tensor in one call: INVALID_ARGUMENT.
inline constexpr std::uint64_t kMaxReadBytes = std::uint64_t{1} << 30;

class DataFile {
 public:
  // NOT_FOUND and PERMISSION_DENIED of the path; INVALID_ARGUMENT for anything else that is wrong with the file. The kind is
  // told by content, not by the file's name. `shown_name` is what errors call the file (a blob's path means nothing to a user);
  // empty: the path.
  static Result<DataFile> Open(const std::string& path, std::string shown_name = {});
  DataFile(DataFile&&) noexcept;
  DataFile& operator=(DataFile&&) noexcept;
  ~DataFile();

  const std::vector<ArrayInfo>& arrays() const;
  // NOT_FOUND lists the arrays that exist, with the nearest name first.
  Result<ArrayInfo> Find(std::string_view name) const;
  const std::string& name() const;

  // The rows of the first dimension, in the order asked for; read in ascending order, so that a call is one pass at the most. OUT_OF_RANGE for a row beyond the end.
  Result<Tensor> ReadRows(std::string_view name, std::span<const std::uint64_t> rows);

  // Reads on to the end of the array, so that a checksum or a length that is wrong there is found too.
  Status Verify(std::string_view name);

 private:
  struct State;
  explicit DataFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace paddock
