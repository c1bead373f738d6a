#include "device_drivers/tflite/tflite_library.h"

#include <catch2/catch.hpp>

#include "base/file.h"
#include "device_drivers/tflite/tflite_delegate.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/device_drivers/tiny_tflite.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

void KeepWords(void* words, const char* format, std::va_list) { *static_cast<std::string*>(words) += format; }

// Every declared function, and the structures that a delegate sees, with a model that has something to report.
TEST_CASE("the hand-declared interface is that of the real library", "[tflite]") {
  const auto library = TfliteOrSkip();
  if (!library) return;
  const tflite::Api& api = library->api();
  CHECK_THAT(library->Version(), Catch::Matchers::Matches("[0-9]+\\.[0-9]+\\.[0-9]+"));

  const TempDir folder;
  const std::string path = folder / "model.tflite";
  // The second ADD cannot take two of the first one's inputs and three numbers.
  const std::string bytes = TfliteBytes({{"x", 9, {1, 2}, Quantization{0.5, 3}},
                                         {"y", 9, {1, 2}, Quantization{1, -1}},
                                         {"z", 9, {1, 3}, Quantization{1, -1}}},
                                        {{0, {0, 0}, {1}}, {0, {0, 2}, {1}}}, {0, 2}, {1});
  REQUIRE(WriteFileAtomically(path, bytes).ok());
  const std::unique_ptr<tflite::Model, void (*)(tflite::Model*)> model(api.ModelCreateFromFile(path.c_str()),
                                                                       api.ModelDelete);
  REQUIRE(model);
  std::string words;
  const std::unique_ptr<tflite::InterpreterOptions, void (*)(tflite::InterpreterOptions*)> options(
      api.InterpreterOptionsCreate(), api.InterpreterOptionsDelete);
  api.InterpreterOptionsSetNumThreads(options.get(), 2);
  api.InterpreterOptionsSetErrorReporter(options.get(), KeepWords, &words);
  const std::unique_ptr<tflite::Interpreter, void (*)(tflite::Interpreter*)> owned(
      api.InterpreterCreate(model.get(), options.get()), api.InterpreterDelete);
  tflite::Interpreter* const interpreter = owned.get();
  REQUIRE(interpreter);
  CHECK(api.InterpreterGetInputTensorCount(interpreter) == 2);
  CHECK(api.InterpreterGetOutputTensorCount(interpreter) == 1);
  const int shape[] = {4, 2};
  REQUIRE(api.InterpreterResizeInputTensor(interpreter, 0, shape, 2) == tflite::kOk);
  CHECK(api.InterpreterAllocateTensors(interpreter) != tflite::kOk);
  CHECK_FALSE(words.empty());
  tflite::Tensor* const input = api.InterpreterGetInputTensor(interpreter, 0);
  CHECK(std::string(api.TensorName(input)) == "x");
  CHECK(api.TensorType(input) == 9);
  REQUIRE(api.TensorNumDims(input) == 2);
  CHECK(api.TensorDim(input, 0) == 4);
  CHECK(api.TensorByteSize(input) == 8);
  CHECK(api.TensorQuantizationParams(input).scale == 0.5F);
  CHECK(api.TensorQuantizationParams(input).zero_point == 3);
}

TEST_CASE("a TensorFlow Lite that is not there is named, with what to do about it", "[tflite]") {
  const auto library = TfliteLibrary::Open("/nowhere/libtensorflowlite_c.so");
  REQUIRE(library.status().code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(library.status().message(), Contains("/nowhere/libtensorflowlite_c.so") &&
                                             Contains("--option library=PATH") &&
                                             Contains("PADDOCK_TFLITE") && Contains("./dev demo"));
}

TEST_CASE("a library that is not TensorFlow Lite is refused by name", "[tflite]") {
  const auto library = TfliteLibrary::Open("libm.so.6");
  REQUIRE(library.status().code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(library.status().message(),
             Contains("libm.so.6 is not TensorFlow Lite") && Contains("TfLiteVersion"));
}

TEST_CASE("a delegate plug-in that is missing or is something else is refused by name", "[tflite]") {
  const auto missing = DelegatePlugin::Open("/nowhere/libedgetpu.so.1");
  CHECK(missing.status().code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(missing.status().message(),
             Contains("/nowhere/libedgetpu.so.1") && Contains("--option delegate=PATH"));

  const auto other = DelegatePlugin::Open("libm.so.6");
  CHECK(other.status().code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(other.status().message(),
             Contains("libm.so.6 is no delegate plug-in") && Contains("tflite_plugin_create_delegate"));

  const TempDir folder;
  const std::string text = folder / "text.so";
  REQUIRE(WriteFileAtomically(text, "not a library").ok());
  CHECK(DelegatePlugin::Open(text).status().code() == StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace paddock
