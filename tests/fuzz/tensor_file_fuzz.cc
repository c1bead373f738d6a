// Hostile bytes as a tensor file: an error, or views that lie within the bytes and encode to them again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "kpi/tensor_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto views = paddock::DecodeTensorFile(bytes);
  if (!views.ok()) {
    PADDOCK_CHECK(!views.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  std::vector<paddock::Tensor> tensors;
  for (const auto& [name, view] : *views) {
    const std::size_t elements = view.bytes.size() / paddock::ElementSize(view.type);
    PADDOCK_CHECK(paddock::ElementCount(view.shape) == elements, "the bytes fit the shape");
    if (elements > 0) static_cast<void>(paddock::ElementAsDouble(view, elements - 1));
    tensors.push_back({{name, view.type, view.shape}, {view.bytes.begin(), view.bytes.end()}});
  }
  PADDOCK_CHECK(paddock::EncodeTensorFile(tensors).ok(), "what was read can be written");
  return 0;
}
