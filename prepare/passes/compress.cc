#include "prepare/passes/compress.h"

#include <cstdint>
#include <cstdio>

#include "base/file.h"
#include "base/packed_file.h"
#include "prepare/onnx_arrays.h"
#include "prepare/tflite/tflite_model.h"

namespace paddock {
namespace {

constexpr std::uint64_t kLeastArrayBytes = 512;  // smaller ones pack better together with the rest
constexpr double kWorthwhileShare = 0.95;

// "96,944"
std::string Grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

}  // namespace

Result<std::vector<std::string>> RunCompress(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(request.in_path));
  const std::string_view bytes = file.bytes();
  PADDOCK_ASSIGN_OR_RETURN(const std::string packed,
                           Pack(bytes, IsTflite(bytes) ? TfliteArrays(bytes, kLeastArrayBytes)
                                                       : OnnxArrays(bytes, kLeastArrayBytes)));
  const double share = static_cast<double>(packed.size()) / static_cast<double>(bytes.size());
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.1f %%", 100 * (1 - share));
  if (share >= kWorthwhileShare) {
    PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(request.out_path, bytes));
    return std::vector<std::string>{"stored and sent as it is: packed it would have " +
                                    Grouped(packed.size()) + " of " + Grouped(bytes.size()) + " bytes"};
  }
  PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(request.out_path, packed));
  return std::vector<std::string>{"stored and sent as " + Grouped(packed.size()) + " of " +
                                  Grouped(bytes.size()) + " bytes (" + percent + " saved)"};
}

}  // namespace paddock
