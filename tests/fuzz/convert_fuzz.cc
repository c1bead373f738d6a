// Hostile models through the conversions between ONNX and TensorFlow Lite: a model of the other format, or an error. Whatever
// can be read can also be packed.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "prepare/model_info.h"
#include "prepare/passes/compress.h"
#include "prepare/tflite/convert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string out_path = "/dev/shm/convert_fuzz." + std::to_string(::getpid());
  const int fd = ::memfd_create("model", MFD_CLOEXEC);
  PADDOCK_CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "memory can be written");
  paddock::StepRequest request;
  request.in_path = "/proc/self/fd/" + std::to_string(fd);
  request.out_path = out_path;
  const auto model = paddock::ReadModelInfo(request.in_path);
  if (model.ok()) {
    const auto notes = model->kind == "onnx" ? paddock::RunToTflite(request) : paddock::RunToOnnx(request);
    if (notes.ok()) {
      PADDOCK_CHECK(paddock::ReadModelInfo(out_path).ok(), "what was written can be read");
    } else {
      PADDOCK_CHECK(!notes.status().message().empty(), "an error says what is wrong");
    }
    const bool is_packed = model->packed_bytes.has_value();
    PADDOCK_CHECK(is_packed || paddock::RunCompress(request).ok(), "what can be read can be packed");
    PADDOCK_CHECK(is_packed || paddock::ReadModelInfo(out_path).ok(), "what was packed can be read");
  }
  ::close(fd);
  return 0;
}
