// ONNX Runtime, opened with dlopen: one loaded library and its environment, and the owners of what it hands
// out. Used by the driver and by prepare/ (graph optimiser). Thread-safe: ONNX Runtime's environment and
// session creation are. The library stays mapped until the process ends, since its threads and thread-local
// objects may outlive their owner.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "device_drivers/onnxruntime/ort_abi.h"

namespace paddock {

template <auto kReleaseSlot>
struct OrtReleaser {
  const ort::Api* api = nullptr;
  void operator()(auto* object) const { (*api)(kReleaseSlot, object); }
};
// Releases its object through the library that made it, which must outlive it.
template <typename T, auto kReleaseSlot>
using OrtHandle = std::unique_ptr<T, OrtReleaser<kReleaseSlot>>;
using OrtSessionHandle = OrtHandle<ort::OrtSession, ort::kReleaseSession>;
using OrtOptionsHandle = OrtHandle<ort::OrtSessionOptions, ort::kReleaseSessionOptions>;
using OrtValueHandle = OrtHandle<ort::OrtValue, ort::kReleaseValue>;

enum class GraphLevel : int { kDisabled = 0, kBasic = 1, kExtended = 2, kAll = 99 };
// "disabled", "basic", "extended", "all".
Result<GraphLevel> ParseGraphLevel(std::string_view name);

class OrtLibrary {
 public:
  // `path` as dlopen takes it. Empty: the environment variable PADDOCK_ONNXRUNTIME, else libonnxruntime.so.1,
  // else libonnxruntime.so. FAILED_PRECONDITION says what was tried, what was wrong with it, and what to do.
  static Result<std::shared_ptr<const OrtLibrary>> Open(const std::string& path);
  ~OrtLibrary();
  OrtLibrary(const OrtLibrary&) = delete;
  OrtLibrary& operator=(const OrtLibrary&) = delete;

  const std::string& path() const { return path_; }
  const std::string& version() const { return version_; }  // "1.30.0"
  // "CPUExecutionProvider" and the like: what this build has, not what this machine can run.
  std::vector<std::string> AvailableProviders() const;

  const ort::Api& api() const { return api_; }
  // Calls a function of the table that answers an OrtStatus*. How ONNX Runtime's codes are read: see ToStatus
  // in the .cc.
  template <typename SlotType, typename... Arguments>
  Status Call(SlotType slot, Arguments... arguments) const {
    ort::OrtStatus* const status = api_(slot, arguments...);
    return status == nullptr ? Status() : ToStatus(status);
  }
  template <auto kReleaseSlot, typename T>
  OrtHandle<T, kReleaseSlot> Own(T* object) const {
    return OrtHandle<T, kReleaseSlot>(object, {&api_});
  }

  Result<OrtOptionsHandle> CreateOptions(GraphLevel level) const;
  Result<OrtSessionHandle> CreateSession(const std::string& model_path,
                                         const ort::OrtSessionOptions* options) const;
  // The same for a model in memory, which may go once the session is there.
  Result<OrtSessionHandle> CreateSessionFromBytes(std::string_view model,
                                                  const ort::OrtSessionOptions* options) const;

 private:
  OrtLibrary(std::string path, std::string version, ort::Api api)
      : path_(std::move(path)), version_(std::move(version)), api_(api) {}
  Status CreateEnvironment();
  Status ToStatus(ort::OrtStatus* status) const;

  std::string path_;
  std::string version_;
  ort::Api api_;
  ort::OrtEnv* env_ = nullptr;
};

// Loads `input_path`, optimises its graph and writes it to `output_path` (not atomically). At most kExtended:
// what kAll writes only runs on the kind of CPU that wrote it, and is INVALID_ARGUMENT.
Status WriteOptimizedModel(const OrtLibrary& library, const std::string& input_path,
                           const std::string& output_path, GraphLevel level);

}  // namespace paddock
