// An interpreter of TensorFlow Lite that is ready to run a model, for inputs of certain shapes. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "device_drivers/tflite/tflite_delegate.h"
#include "device_drivers/tflite/tflite_library.h"
#include "device_drivers/tflite/tflite_settings.h"
#include "kpi/tensor.h"

namespace paddock {

class TfliteInterpreter {
 public:
  // Without shapes: those of the model, which must outlive it. INVALID_ARGUMENT: the model does not work, or not with these
  // shapes. UNIMPLEMENTED: it has an operator that this build lacks, or the delegate refuses it. RESOURCE_EXHAUSTED: memory.
  // Otherwise as MakeDelegate().
  static Result<std::unique_ptr<TfliteInterpreter>> Make(const TfliteLibrary& library,
                                                         const tflite::Model* model,
                                                         const TfliteSettings& settings,
                                                         const std::vector<Shape>& input_shapes);

  tflite::Interpreter* get() const { return interpreter_.get(); }
  const std::vector<Shape>& input_shapes() const { return input_shapes_; }
  // What the delegate took; all == 0: the model is not for it. Empty without a delegate, and where it cannot be known.
  const std::optional<DelegatedNodes>& delegated() const { return delegated_; }

  // TensorFlow Lite throws std::bad_alloc.
  static Status OutOfMemory();
  // With what TensorFlow Lite said since the last call.
  Status ToStatus(tflite::Status status, const std::string& what);

 private:
  explicit TfliteInterpreter(const tflite::Api& api) : interpreter_(nullptr, api.InterpreterDelete) {}
  Status Prepare(const TfliteLibrary& library, const tflite::Model* model, const TfliteSettings& settings,
                 const std::vector<Shape>& input_shapes);
  Status Create(const tflite::Api& api, const tflite::Model* model, std::uint32_t threads);
  Status TakeDelegate(const TfliteLibrary& library, const TfliteSettings& settings);
  std::string TakeWords();

  // Destroyed from the last to the first.
  std::vector<Shape> input_shapes_;
  std::string words_;
  std::optional<DelegatedNodes> delegated_;
  DelegateHandle delegate_;
  std::unique_ptr<tflite::Interpreter, void (*)(tflite::Interpreter*)> interpreter_;
};

Shape TfliteShape(const tflite::Api& api, const tflite::Tensor* tensor);

}  // namespace paddock
