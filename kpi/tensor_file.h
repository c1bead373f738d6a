// The one file format for batches, labels and predictions: named tensors whose first dimension counts samples.
//
// Layout: the 8 bytes "PDKTNSR1", a little-endian u64 length of the header, the header as JSON
//   {"tensors":[{"name":"x","type":"int8","shape":[1000,490],"offset":4096,"bytes":490000}]}
// padded with spaces (the length counts them) so that the data begins at a multiple of 64, then each tensor's bytes at its offset (from the beginning
// of the file, a multiple of 64), little-endian. The same tensors always give the same bytes, so a digest names a content.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

// At least one tensor; all must have at least one dimension and the same first one, names of their own and as many bytes as
// the shape takes. Anything else, and kString, is INVALID_ARGUMENT.
Result<std::string> EncodeTensorFile(const std::vector<Tensor>& tensors);

struct NamedTensorView {
  std::string name;
  TensorView tensor;  // refers to the bytes given to DecodeTensorFile
};
// Foreign bytes: every offset, size and shape is checked; an error names what is wrong. The views are valid as long as
// `bytes`, whose start must be aligned to 8 (a memory map or a std::string is).
Result<std::vector<NamedTensorView>> DecodeTensorFile(std::string_view bytes);

}  // namespace paddock
