// Hostile bytes as a model: a description that can be written down, or an error.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "prepare/model_info.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("model.onnx", MFD_CLOEXEC);
  PADDOCK_CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "memory can be written");
  const auto model = paddock::ReadModelInfo("/proc/self/fd/" + std::to_string(fd), "fuzz.onnx");
  ::close(fd);
  if (model.ok()) {
    PADDOCK_CHECK(model->size_bytes == size, "the description is of this model");
    static_cast<void>(paddock::SampleShapes(*model));
  } else {
    PADDOCK_CHECK(!model.status().message().empty(), "an error says what is wrong");
  }
  return 0;
}
