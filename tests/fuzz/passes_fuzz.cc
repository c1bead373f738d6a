// Hostile models through the steps that change an ONNX graph by our own code alone: a model that can be read again, or an error.
// The first byte chooses the step, the rest is the model.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

#include "base/file.h"
#include "prepare/model_info.h"
#include "prepare/steps.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string place = "/dev/shm/passes_fuzz." + std::to_string(::getpid());
  static constexpr const char* kSteps[] = {
      "prune ratio=0.3",          "prune kind=2:4", "prune kind=channels", "equalize",
      "share-weights clusters=4", "fp16",           "import-encodings"};
  if (size == 0) return 0;
  const int fd = ::memfd_create("model", MFD_CLOEXEC);
  PADDOCK_CHECK(fd >= 0 && ::write(fd, data + 1, size - 1) == static_cast<ssize_t>(size - 1),
                "memory can be written");
  paddock::StepRequest request;
  request.in_path = "/proc/self/fd/" + std::to_string(fd);
  request.out_path = place;
  request.encodings_path = place + ".encodings";
  PADDOCK_CHECK(paddock::WriteFileUnsynced(
                    request.encodings_path,
                    R"({"activation_encodings": {}, "param_encodings": {"w": [{"bitwidth": 8, "scale": 0.1,
                        "offset": -128, "is_symmetric": "True"}], "b": [{"bitwidth": 32, "scale": 0.1,
                        "offset": -2147483648, "is_symmetric": "True"}]}})")
                    .ok(),
                "the encodings can be written");
  const auto report = paddock::RunStep(kSteps[data[0] % std::size(kSteps)], request);
  PADDOCK_CHECK(report.ok() || !report.status().message().empty(), "an error says what is wrong");
  PADDOCK_CHECK(report.ok() || report.status().code() != paddock::StatusCode::kInternal,
                "what a step makes can be read again");
  static_cast<void>(paddock::RemoveFile(place));
  static_cast<void>(paddock::RemoveFile(request.encodings_path));
  ::close(fd);
  return 0;
}
