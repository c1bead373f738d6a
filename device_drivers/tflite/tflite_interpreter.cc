#include "device_drivers/tflite/tflite_interpreter.h"

#include <cstdio>
#include <new>
#include <string_view>
#include <utility>

namespace paddock {
namespace {

constexpr std::size_t kMaxWordsBytes = 2000;

// Keeps what TensorFlow Lite says of a mistake, which it would write to stderr.
void AppendWords(void* words, const char* format, std::va_list arguments) {
  char line[512];
  if (std::vsnprintf(line, sizeof(line), format, arguments) <= 0) return;
  std::string& text = *static_cast<std::string*>(words);
  if (text.size() < kMaxWordsBytes) text.append(text.empty() ? "" : "; ").append(line);
  while (!text.empty() && text.back() == '\n') text.pop_back();
}

// That this build lacks an operator of the model.
bool SpeaksOfOperator(std::string_view text) {
  for (const std::string_view words : {"Didn't find op", "unresolved custom op", "with newer model"}) {
    if (text.find(words) != text.npos) return true;
  }
  return false;
}

Status ModelError(const std::string& text) {
  return SpeaksOfOperator(text) ? UnimplementedError(text) : InvalidArgumentError(text);
}

}  // namespace

Shape TfliteShape(const tflite::Api& api, const tflite::Tensor* tensor) {
  Shape shape;
  for (std::int32_t i = 0; i < api.TensorNumDims(tensor); ++i) shape.push_back(api.TensorDim(tensor, i));
  return shape;
}

Result<std::unique_ptr<TfliteInterpreter>> TfliteInterpreter::Make(
    const TfliteLibrary& library, const tflite::Model* model, const TfliteSettings& settings,
    const std::vector<Shape>& input_shapes) try {
  std::unique_ptr<TfliteInterpreter> made(new TfliteInterpreter(library.api()));
  PADDOCK_RETURN_IF_ERROR(made->Prepare(library, model, settings, input_shapes));
  return made;
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

Status TfliteInterpreter::OutOfMemory() {
  return ResourceExhaustedError("out of memory on this device; a smaller model or batch needs less");
}

Status TfliteInterpreter::Prepare(const TfliteLibrary& library, const tflite::Model* model,
                                  const TfliteSettings& settings, const std::vector<Shape>& input_shapes) {
  const tflite::Api& api = library.api();
  PADDOCK_RETURN_IF_ERROR(Create(api, model, settings.threads));
  for (std::size_t i = 0; i < input_shapes.size(); ++i) {
    const std::vector<int> dimensions(input_shapes[i].begin(), input_shapes[i].end());
    const tflite::Status resized = api.InterpreterResizeInputTensor(
        get(), static_cast<std::int32_t>(i), dimensions.data(), static_cast<std::int32_t>(dimensions.size()));
    PADDOCK_RETURN_IF_ERROR(ToStatus(resized, "an input cannot be resized"));
  }
  // A delegate that knows no other shapes than the first forbids to resize afterwards.
  PADDOCK_RETURN_IF_ERROR(TakeDelegate(library, settings));
  PADDOCK_RETURN_IF_ERROR(ToStatus(api.InterpreterAllocateTensors(get()), "the model cannot be prepared"));
  for (std::int32_t i = 0; i < api.InterpreterGetInputTensorCount(get()); ++i) {
    input_shapes_.push_back(TfliteShape(api, api.InterpreterGetInputTensor(get(), i)));
  }
  return OkStatus();
}

Status TfliteInterpreter::Create(const tflite::Api& api, const tflite::Model* model, std::uint32_t threads) {
  const std::unique_ptr<tflite::InterpreterOptions, void (*)(tflite::InterpreterOptions*)> options(
      api.InterpreterOptionsCreate(), api.InterpreterOptionsDelete);
  api.InterpreterOptionsSetNumThreads(options.get(), static_cast<std::int32_t>(threads));
  api.InterpreterOptionsSetErrorReporter(options.get(), AppendWords, &words_);
  interpreter_.reset(api.InterpreterCreate(model, options.get()));
  return interpreter_ ? OkStatus() : ModelError(TakeWords());
}

Status TfliteInterpreter::TakeDelegate(const TfliteLibrary& library, const TfliteSettings& settings) {
  PADDOCK_ASSIGN_OR_RETURN(delegate_, MakeDelegate(library, settings));
  if (delegate_ == nullptr) return OkStatus();
  tflite::Status status = tflite::kOk;
  delegated_ = ApplyDelegate(library.api(), get(), delegate_.get(), &status);
  if (status == tflite::kOk) return OkStatus();
  if (status == tflite::kApplicationError && settings.execution_provider == "xnnpack") {
    // Shapes that depend on the data: XNNPACK takes nothing, and the model runs without it.
    delegated_ = DelegatedNodes{};
    words_.clear();
    return OkStatus();
  }
  // Before the delegate was asked, the library went through the model itself.
  if (!delegated_) return ToStatus(status, "the model cannot be prepared");
  return UnimplementedError("the delegate of execution provider '" + settings.execution_provider +
                            "' refuses the model: " + TakeWords());
}

Status TfliteInterpreter::ToStatus(tflite::Status status, const std::string& what) {
  if (status == tflite::kOk) return OkStatus();
  const std::string text = what + ": " + TakeWords();
  return status == tflite::kUnresolvedOps ? UnimplementedError(text) : ModelError(text);
}

std::string TfliteInterpreter::TakeWords() {
  std::string text = std::exchange(words_, "");
  return text.empty() ? "it does not say why" : text;
}

}  // namespace paddock
