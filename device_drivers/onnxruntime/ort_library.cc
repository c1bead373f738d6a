#include "device_drivers/onnxruntime/ort_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <utility>

// LeakSanitizer's, in builds that have it.
extern "C" {
__attribute__((weak)) void __lsan_disable();
__attribute__((weak)) void __lsan_enable();
}

namespace paddock {
namespace {

constexpr std::string_view kNextStep =
    "; name libonnxruntime.so.1 (version 1.17 or newer) with the agent's `--option library=PATH`, with "
    "paddockd's `--onnxruntime PATH` or in PADDOCK_ONNXRUNTIME; `./dev demo` fetches one";

std::vector<std::string> Candidates(const std::string& path) {
  if (!path.empty()) return {path};
  if (const char* const from_environment = std::getenv("PADDOCK_ONNXRUNTIME");
      from_environment && *from_environment) {
    return {from_environment};
  }
  return {"libonnxruntime.so.1", "libonnxruntime.so"};
}

bool SpeaksOfMemory(std::string_view text) {
  for (const std::string_view words :
       {"bad_alloc", "bad allocation", "Failed to allocate memory", "out of memory"}) {
    if (text.find(words) != text.npos) return true;
  }
  return false;
}

// ONNX Runtime reports most of what is wrong with a model as FAIL or RUNTIME_EXCEPTION: the model or its data
// is to blame.
StatusCode CodeOf(int code, std::string_view text) {
  if (SpeaksOfMemory(text)) return StatusCode::kResourceExhausted;
  switch (code) {
    case ort::kFail:
    case ort::kInvalidArgument:
    case ort::kNoModel:
    case ort::kRuntimeException:
    case ort::kInvalidProtobuf:
    case ort::kInvalidGraph:
      return StatusCode::kInvalidArgument;
    case ort::kNoSuchFile:
      return StatusCode::kNotFound;
    case ort::kNotImplemented:
      return StatusCode::kUnimplemented;
    case ort::kEngineError:
    case ort::kProviderFail:
      return StatusCode::kUnavailable;
    default:
      return StatusCode::kInternal;
  }
}

}  // namespace

Result<GraphLevel> ParseGraphLevel(std::string_view name) {
  if (name == "disabled") return GraphLevel::kDisabled;
  if (name == "basic") return GraphLevel::kBasic;
  if (name == "extended") return GraphLevel::kExtended;
  if (name == "all") return GraphLevel::kAll;
  return InvalidArgumentError("graph_level is '" + std::string(name) +
                              "'; it must be one of: disabled, basic, extended, all");
}

Result<std::shared_ptr<const OrtLibrary>> OrtLibrary::Open(const std::string& path) {
  std::string failures;
  void* handle = nullptr;
  std::string opened;
  for (const std::string& candidate : Candidates(path)) {
    opened = candidate;
    handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle != nullptr) break;
    failures.append(failures.empty() ? "" : "; ").append(dlerror());
  }
  if (handle == nullptr) {
    return FailedPreconditionError("ONNX Runtime cannot be opened: " + failures + std::string(kNextStep));
  }

  using GetApiBase = const ort::OrtApiBase* (*)();
  const auto get_api_base = reinterpret_cast<GetApiBase>(dlsym(handle, "OrtGetApiBase"));
  if (get_api_base == nullptr) {
    return FailedPreconditionError(opened + " is not ONNX Runtime: it has no function OrtGetApiBase" +
                                   std::string(kNextStep));
  }
  const ort::OrtApiBase* const base = get_api_base();
  const ort::Function* const table = base->GetApi(ort::kApiVersion);
  if (table == nullptr) {
    return FailedPreconditionError(opened + " is ONNX Runtime " + base->GetVersionString() +
                                   ", which is too old" + std::string(kNextStep));
  }

  const std::shared_ptr<OrtLibrary> library(
      new OrtLibrary(opened, base->GetVersionString(), ort::Api(table)));
  PADDOCK_RETURN_IF_ERROR(library->CreateEnvironment());
  PADDOCK_RETURN_IF_ERROR(library->Call(ort::kDisableTelemetryEvents, library->env_));
  return std::shared_ptr<const OrtLibrary>(library);
}

// ONNX Runtime 1.30 loses a few bytes here, once in a process; all that it loses elsewhere is our doing.
Status OrtLibrary::CreateEnvironment() {
  if (__lsan_disable != nullptr) __lsan_disable();
  const Status status = Call(ort::kCreateEnv, ort::kSeverityError, "paddock", &env_);
  if (__lsan_enable != nullptr) __lsan_enable();
  return status;
}

OrtLibrary::~OrtLibrary() {
  if (env_ != nullptr) api_(ort::kReleaseEnv, env_);
}

std::vector<std::string> OrtLibrary::AvailableProviders() const {
  char** names = nullptr;
  int count = 0;
  if (!Call(ort::kGetAvailableProviders, &names, &count).ok()) return {};
  const std::vector<std::string> providers(names, names + count);
  static_cast<void>(Call(ort::kReleaseAvailableProviders, names, count));
  return providers;
}

Result<OrtOptionsHandle> OrtLibrary::CreateOptions(GraphLevel level) const {
  ort::OrtSessionOptions* options = nullptr;
  PADDOCK_RETURN_IF_ERROR(Call(ort::kCreateSessionOptions, &options));
  OrtOptionsHandle owned = Own<ort::kReleaseSessionOptions>(options);
  PADDOCK_RETURN_IF_ERROR(Call(ort::kSetGraphOptimizationLevel, options, static_cast<int>(level)));
  return owned;
}

Result<OrtSessionHandle> OrtLibrary::CreateSession(const std::string& model_path,
                                                   const ort::OrtSessionOptions* options) const {
  ort::OrtSession* session = nullptr;
  const Status created = Call(ort::kCreateSession, env_, model_path.c_str(), options, &session);
  if (!created.ok()) return created.WithContext("ONNX Runtime " + version_ + " cannot load " + model_path);
  return Own<ort::kReleaseSession>(session);
}

Result<OrtSessionHandle> OrtLibrary::CreateSessionFromBytes(std::string_view model,
                                                            const ort::OrtSessionOptions* options) const {
  ort::OrtSession* session = nullptr;
  const Status created = Call(ort::kCreateSessionFromArray, env_, static_cast<const void*>(model.data()),
                              model.size(), options, &session);
  if (!created.ok()) return created.WithContext("ONNX Runtime " + version_ + " cannot load the model");
  return Own<ort::kReleaseSession>(session);
}

Status OrtLibrary::ToStatus(ort::OrtStatus* status) const {
  const std::string text = api_(ort::kGetErrorMessage, status);
  const StatusCode code = CodeOf(api_(ort::kGetErrorCode, status), text);
  api_(ort::kReleaseStatus, status);
  return {code, text};
}

Status WriteOptimizedModel(const OrtLibrary& library, const std::string& input_path,
                           const std::string& output_path, GraphLevel level) {
  if (level == GraphLevel::kAll) {
    return InvalidArgumentError(
        "graph_level 'all' ties the model to this CPU; write it with 'extended' at most");
  }
  PADDOCK_ASSIGN_OR_RETURN(const OrtOptionsHandle options, library.CreateOptions(level));
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kSetIntraOpNumThreads, options.get(), 1));
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kSetOptimizedModelFilePath, options.get(), output_path.c_str()));
  const Status status = library.CreateSession(input_path, options.get()).status();
  if (status.ok()) return status;
  return {status.code(),
          status.message() + "; export the model anew, with operators and an opset of this version"};
}

}  // namespace paddock
