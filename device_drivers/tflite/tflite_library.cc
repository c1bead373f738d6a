#include "device_drivers/tflite/tflite_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string_view>
#include <utility>

namespace paddock {
namespace {

constexpr std::string_view kLibraryNextStep =
    "; name libtensorflowlite_c.so (TensorFlow 2.9 or newer) with the agent's `--option library=PATH` or in "
    "PADDOCK_TFLITE; `./dev demo` fetches one";

std::string LibraryName(const std::string& path) {
  if (!path.empty()) return path;
  const char* const from_environment = std::getenv("PADDOCK_TFLITE");
  return from_environment && *from_environment ? from_environment : "libtensorflowlite_c.so";
}

// Finds functions by their names and remembers the first that is not there.
class FunctionFinder {
 public:
  explicit FunctionFinder(void* library) : library_(library) {}

  template <typename Function>
  void Find(const char* name, Function* out) {
    FindIfThere(name, out);
    if (*out == nullptr && missing_.empty()) missing_ = name;
  }
  template <typename Function>
  void FindIfThere(const char* name, Function* out) {
    *out = reinterpret_cast<Function>(dlsym(library_, name));
  }
  const std::string& missing() const { return missing_; }

 private:
  void* library_;
  std::string missing_;
};

// The name of the first function that the library lacks; empty: it has all.
std::string FindFunctions(void* library, tflite::Api* api) {
  FunctionFinder finder(library);
  finder.Find("TfLiteVersion", &api->Version);
  finder.Find("TfLiteModelCreateFromFile", &api->ModelCreateFromFile);
  finder.Find("TfLiteModelDelete", &api->ModelDelete);
  finder.Find("TfLiteInterpreterOptionsCreate", &api->InterpreterOptionsCreate);
  finder.Find("TfLiteInterpreterOptionsDelete", &api->InterpreterOptionsDelete);
  finder.Find("TfLiteInterpreterOptionsSetNumThreads", &api->InterpreterOptionsSetNumThreads);
  finder.Find("TfLiteInterpreterOptionsSetErrorReporter", &api->InterpreterOptionsSetErrorReporter);
  finder.Find("TfLiteInterpreterCreate", &api->InterpreterCreate);
  finder.Find("TfLiteInterpreterDelete", &api->InterpreterDelete);
  finder.Find("TfLiteInterpreterModifyGraphWithDelegate", &api->InterpreterModifyGraphWithDelegate);
  finder.Find("TfLiteInterpreterResizeInputTensor", &api->InterpreterResizeInputTensor);
  finder.Find("TfLiteInterpreterAllocateTensors", &api->InterpreterAllocateTensors);
  finder.Find("TfLiteInterpreterInvoke", &api->InterpreterInvoke);
  finder.Find("TfLiteInterpreterGetInputTensorCount", &api->InterpreterGetInputTensorCount);
  finder.Find("TfLiteInterpreterGetInputTensor", &api->InterpreterGetInputTensor);
  finder.Find("TfLiteInterpreterGetOutputTensorCount", &api->InterpreterGetOutputTensorCount);
  finder.Find("TfLiteInterpreterGetOutputTensor", &api->InterpreterGetOutputTensor);
  finder.Find("TfLiteTensorType", &api->TensorType);
  finder.Find("TfLiteTensorNumDims", &api->TensorNumDims);
  finder.Find("TfLiteTensorDim", &api->TensorDim);
  finder.Find("TfLiteTensorByteSize", &api->TensorByteSize);
  finder.Find("TfLiteTensorData", &api->TensorData);
  finder.Find("TfLiteTensorName", &api->TensorName);
  finder.Find("TfLiteTensorQuantizationParams", &api->TensorQuantizationParams);
  finder.Find("TfLiteTensorCopyFromBuffer", &api->TensorCopyFromBuffer);
  finder.FindIfThere("TfLiteXNNPackDelegateCreate", &api->XNNPackDelegateCreate);
  finder.FindIfThere("TfLiteXNNPackDelegateDelete", &api->XNNPackDelegateDelete);
  if (api->XNNPackDelegateDelete == nullptr) api->XNNPackDelegateCreate = nullptr;
  return finder.missing();
}

}  // namespace

Result<std::shared_ptr<const TfliteLibrary>> TfliteLibrary::Open(const std::string& path) {
  std::string name = LibraryName(path);
  void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    return FailedPreconditionError("TensorFlow Lite cannot be opened: " + std::string(dlerror()) +
                                   std::string(kLibraryNextStep));
  }
  tflite::Api api{};
  if (const std::string missing = FindFunctions(handle, &api); !missing.empty()) {
    return FailedPreconditionError(name + " is not TensorFlow Lite's C library: it has no function " +
                                   missing + std::string(kLibraryNextStep));
  }
  return std::shared_ptr<const TfliteLibrary>(new TfliteLibrary(std::move(name), api));
}

}  // namespace paddock
