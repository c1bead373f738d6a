// The part of ONNX Runtime's C interface that Paddock calls, declared by hand so that no ONNX Runtime header
// is needed to build. The library exports OrtGetApiBase(); its GetApi(17) gives a table of functions to which
// newer versions only append, so a function is known by its index. The indices hold for every version from
// 1.17 on; a test checks them against the real library. Every function answers an OrtStatus* (null: fine)
// unless its slot says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

namespace paddock::ort {

inline constexpr std::uint32_t kApiVersion = 17;

// Opaque: only pointers to these exist.
struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtValue;
struct OrtAllocator;
struct OrtMemoryInfo;
struct OrtTypeInfo;
struct OrtTensorInfo;
struct OrtCudaOptions;
struct OrtTensorRtOptions;

using Function = void (*)();

struct OrtApiBase {
  const Function* (*GetApi)(std::uint32_t version);  // null when the library is older than `version`
  const char* (*GetVersionString)();
};

template <std::size_t kIndex, typename Signature>
struct Slot {};

// The table of functions: api(kCreateEnv, level, name, &env). A value; it refers to the library's own memory.
class Api {
 public:
  explicit Api(const Function* table) : table_(table) {}

  template <std::size_t kIndex, typename Return, typename... Parameters, typename... Arguments>
  Return operator()(Slot<kIndex, Return(Parameters...)>, Arguments... arguments) const {
    return reinterpret_cast<Return (*)(Parameters...)>(table_[kIndex])(arguments...);
  }

 private:
  const Function* table_;
};

using KeyValues = const char* const*;

inline constexpr Slot<1, int(const OrtStatus*)> kGetErrorCode;
inline constexpr Slot<2, const char*(const OrtStatus*)> kGetErrorMessage;
inline constexpr Slot<3, OrtStatus*(int severity, const char* log_id, OrtEnv**)> kCreateEnv;
inline constexpr Slot<6, OrtStatus*(const OrtEnv*)> kDisableTelemetryEvents;
inline constexpr Slot<7, OrtStatus*(const OrtEnv*, const char* path, const OrtSessionOptions*, OrtSession**)>
    kCreateSession;
inline constexpr Slot<8, OrtStatus*(const OrtEnv*, const void* model, std::size_t bytes,
                                    const OrtSessionOptions*, OrtSession**)>
    kCreateSessionFromArray;
inline constexpr Slot<9, OrtStatus*(OrtSession*, const OrtRunOptions*, const char* const* input_names,
                                    const OrtValue* const* inputs, std::size_t input_count,
                                    const char* const* output_names, std::size_t output_count,
                                    OrtValue** outputs)>
    kRun;
inline constexpr Slot<10, OrtStatus*(OrtSessionOptions**)> kCreateSessionOptions;
inline constexpr Slot<11, OrtStatus*(OrtSessionOptions*, const char* path)> kSetOptimizedModelFilePath;
inline constexpr Slot<18, OrtStatus*(OrtSessionOptions*)> kEnableCpuMemArena;
inline constexpr Slot<19, OrtStatus*(OrtSessionOptions*)> kDisableCpuMemArena;
inline constexpr Slot<23, OrtStatus*(OrtSessionOptions*, int level)> kSetGraphOptimizationLevel;
inline constexpr Slot<24, OrtStatus*(OrtSessionOptions*, int threads)> kSetIntraOpNumThreads;
inline constexpr Slot<25, OrtStatus*(OrtSessionOptions*, int threads)> kSetInterOpNumThreads;
inline constexpr Slot<30, OrtStatus*(const OrtSession*, std::size_t*)> kSessionGetInputCount;
inline constexpr Slot<31, OrtStatus*(const OrtSession*, std::size_t*)> kSessionGetOutputCount;
inline constexpr Slot<33, OrtStatus*(const OrtSession*, std::size_t, OrtTypeInfo**)> kSessionGetInputTypeInfo;
inline constexpr Slot<34, OrtStatus*(const OrtSession*, std::size_t, OrtTypeInfo**)>
    kSessionGetOutputTypeInfo;
inline constexpr Slot<36, OrtStatus*(const OrtSession*, std::size_t, OrtAllocator*, char**)>
    kSessionGetInputName;
inline constexpr Slot<37, OrtStatus*(const OrtSession*, std::size_t, OrtAllocator*, char**)>
    kSessionGetOutputName;
inline constexpr Slot<48, OrtStatus*(OrtAllocator*, const std::int64_t* shape, std::size_t rank, int type,
                                     OrtValue**)>
    kCreateTensor;
inline constexpr Slot<49, OrtStatus*(const OrtMemoryInfo*, void* data, std::size_t bytes,
                                     const std::int64_t* shape, std::size_t rank, int type, OrtValue**)>
    kCreateTensorWithData;
inline constexpr Slot<51, OrtStatus*(OrtValue*, void** data)> kGetTensorMutableData;
inline constexpr Slot<55, OrtStatus*(const OrtTypeInfo*, const OrtTensorInfo**)> kCastTypeInfoToTensorInfo;
inline constexpr Slot<56, OrtStatus*(const OrtTypeInfo*, int* kind)> kGetOnnxTypeFromTypeInfo;
inline constexpr Slot<60, OrtStatus*(const OrtTensorInfo*, int* type)> kGetTensorElementType;
inline constexpr Slot<61, OrtStatus*(const OrtTensorInfo*, std::size_t* rank)> kGetDimensionsCount;
inline constexpr Slot<62, OrtStatus*(const OrtTensorInfo*, std::int64_t* shape, std::size_t rank)>
    kGetDimensions;
inline constexpr Slot<63, OrtStatus*(const OrtTensorInfo*, const char** names, std::size_t rank)>
    kGetSymbolicDimensions;
inline constexpr Slot<65, OrtStatus*(const OrtValue*, OrtTensorInfo**)> kGetTensorTypeAndShape;
inline constexpr Slot<69, OrtStatus*(int allocator_type, int memory_type, OrtMemoryInfo**)>
    kCreateCpuMemoryInfo;
inline constexpr Slot<76, OrtStatus*(OrtAllocator*, void*)> kAllocatorFree;
inline constexpr Slot<78, OrtStatus*(OrtAllocator**)> kGetAllocatorWithDefaultOptions;  // never released
inline constexpr Slot<92, void(OrtEnv*)> kReleaseEnv;
inline constexpr Slot<93, void(OrtStatus*)> kReleaseStatus;
inline constexpr Slot<94, void(OrtMemoryInfo*)> kReleaseMemoryInfo;
inline constexpr Slot<95, void(OrtSession*)> kReleaseSession;
inline constexpr Slot<96, void(OrtValue*)> kReleaseValue;
inline constexpr Slot<98, void(OrtTypeInfo*)> kReleaseTypeInfo;
inline constexpr Slot<99, void(OrtTensorInfo*)> kReleaseTensorInfo;
inline constexpr Slot<100, void(OrtSessionOptions*)> kReleaseSessionOptions;
inline constexpr Slot<125, OrtStatus*(char*** names, int* count)> kGetAvailableProviders;
inline constexpr Slot<126, OrtStatus*(char** names, int count)> kReleaseAvailableProviders;
inline constexpr Slot<130, OrtStatus*(OrtSessionOptions*, const char* key, const char* value)>
    kAddSessionConfigEntry;

// Execution providers. All but these two are appended by name.
inline constexpr Slot<170, OrtStatus*(OrtSessionOptions*, const OrtTensorRtOptions*)> kAppendTensorRt;
inline constexpr Slot<171, OrtStatus*(OrtTensorRtOptions**)> kCreateTensorRtOptions;
inline constexpr Slot<172, OrtStatus*(OrtTensorRtOptions*, KeyValues keys, KeyValues values, std::size_t)>
    kUpdateTensorRtOptions;
inline constexpr Slot<174, void(OrtTensorRtOptions*)> kReleaseTensorRtOptions;
inline constexpr Slot<204, OrtStatus*(OrtSessionOptions*, const OrtCudaOptions*)> kAppendCuda;
inline constexpr Slot<205, OrtStatus*(OrtCudaOptions**)> kCreateCudaOptions;
inline constexpr Slot<206, OrtStatus*(OrtCudaOptions*, KeyValues keys, KeyValues values, std::size_t)>
    kUpdateCudaOptions;
inline constexpr Slot<208, void(OrtCudaOptions*)> kReleaseCudaOptions;
inline constexpr Slot<216, OrtStatus*(OrtSessionOptions*, const char* name, KeyValues keys, KeyValues values,
                                      std::size_t)>
    kAppendProvider;

inline constexpr int kSeverityError = 3;
inline constexpr int kTypeIsTensor = 1;     // GetOnnxTypeFromTypeInfo
inline constexpr int kDeviceAllocator = 0;  // OrtAllocatorType
inline constexpr int kDefaultMemory = 0;    // OrtMemType

enum ErrorCode : int {
  kFail = 1,
  kInvalidArgument = 2,
  kNoSuchFile = 3,
  kNoModel = 4,
  kEngineError = 5,
  kRuntimeException = 6,
  kInvalidProtobuf = 7,
  kModelLoaded = 8,
  kNotImplemented = 9,
  kInvalidGraph = 10,
  kProviderFail = 11,
};

}  // namespace paddock::ort
