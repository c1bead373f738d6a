// Hostile bytes as a TensorFlow Lite model: a model that can be described and written again, or an error.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "prepare/model_info.h"
#include "prepare/tflite/tflite_info.h"
#include "prepare/tflite/tflite_model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::make_unique<char[]>(size + 1);  // aligned, as a file that is mapped
  std::memcpy(bytes.get(), data, size);
  if (size >= 8) std::memcpy(bytes.get() + 4, "TFL3", 4);
  const std::string_view view(bytes.get(), size);
  paddock::ModelInfo info;
  if (const auto status = paddock::DescribeTflite(view, &info); status.ok()) {
    static_cast<void>(paddock::SampleShapes(info));
  } else {
    PADDOCK_CHECK(!status.message().empty(), "an error says what is wrong");
  }
  const auto model = paddock::ParseTflite(view);
  if (!model.ok()) return 0;
  if (const auto written = paddock::SerializeTflite(*model); written.ok())
    PADDOCK_CHECK(paddock::ParseTflite(*written).ok(), "what was written can be read");
  return 0;
}
