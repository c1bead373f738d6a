#include "tests/bench/bare_onnxruntime.h"

#include <dlfcn.h>
#include <time.h>

#include <cstdlib>

#include "base/file.h"
#include "device_drivers/onnxruntime/ort_abi.h"
#include "kpi/tensor_file.h"

namespace paddock::bench {
namespace {

constexpr std::size_t kReserve = std::size_t{1} << 22;

std::int64_t NowNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

Result<std::vector<double>> RunBareLoop(const BareRequest& request) {
  const char* const from_environment = std::getenv("PADDOCK_ONNXRUNTIME");
  std::string path = request.library_path;
  if (path.empty()) path = from_environment != nullptr ? from_environment : "libonnxruntime.so.1";
  void* const library = ::dlopen(path.c_str(), RTLD_NOW);
  if (library == nullptr) return NotFoundError("cannot load " + path + ": " + ::dlerror());
  using GetBase = const ort::OrtApiBase* (*)();
  const auto get_base = reinterpret_cast<GetBase>(::dlsym(library, "OrtGetApiBase"));
  const ort::Api api(get_base()->GetApi(ort::kApiVersion));
  const auto check = [&](ort::OrtStatus* status) {
    return status == nullptr ? OkStatus() : InternalError(api(ort::kGetErrorMessage, status));
  };

  ort::OrtEnv* env = nullptr;
  ort::OrtSessionOptions* options = nullptr;
  ort::OrtSession* session = nullptr;
  PADDOCK_RETURN_IF_ERROR(check(api(ort::kCreateEnv, ort::kSeverityError, "bare", &env)));
  PADDOCK_RETURN_IF_ERROR(check(api(ort::kCreateSessionOptions, &options)));
  PADDOCK_RETURN_IF_ERROR(check(api(ort::kSetGraphOptimizationLevel, options, 99)));
  PADDOCK_RETURN_IF_ERROR(check(api(ort::kSetIntraOpNumThreads, options, 1)));
  PADDOCK_RETURN_IF_ERROR(check(api(ort::kSetInterOpNumThreads, options, 1)));
  PADDOCK_RETURN_IF_ERROR(
      check(api(ort::kAddSessionConfigEntry, options, "session.intra_op.allow_spinning", "0")));
  PADDOCK_RETURN_IF_ERROR(
      check(api(ort::kAddSessionConfigEntry, options, "session.inter_op.allow_spinning", "0")));
  PADDOCK_RETURN_IF_ERROR(
      check(api(ort::kCreateSession, env, request.model_path.c_str(), options, &session)));

  PADDOCK_ASSIGN_OR_RETURN(const MappedFile batch, MappedFile::Open(request.batch_path));
  PADDOCK_ASSIGN_OR_RETURN(const auto tensors, DecodeTensorFile(batch.bytes()));
  const auto bytes = tensors.at(0).tensor.bytes;
  const auto samples = static_cast<std::size_t>(tensors.at(0).tensor.shape.at(0));
  const std::size_t sample_bytes = bytes.size() / samples;
  ort::OrtMemoryInfo* memory = nullptr;
  ort::OrtAllocator* allocator = nullptr;
  PADDOCK_RETURN_IF_ERROR(
      check(api(ort::kCreateCpuMemoryInfo, ort::kDeviceAllocator, ort::kDefaultMemory, &memory)));
  PADDOCK_RETURN_IF_ERROR(check(api(ort::kGetAllocatorWithDefaultOptions, &allocator)));
  std::vector<ort::OrtValue*> inputs(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    void* const data = const_cast<std::byte*>(bytes.data() + i * sample_bytes);
    PADDOCK_RETURN_IF_ERROR(
        check(api(ort::kCreateTensorWithData, memory, data, sample_bytes, request.input.shape.data(),
                  request.input.shape.size(), request.input.ort_type, &inputs[i])));
  }
  ort::OrtValue* output = nullptr;
  PADDOCK_RETURN_IF_ERROR(check(api(ort::kCreateTensor, allocator, request.output.shape.data(),
                                    request.output.shape.size(), request.output.ort_type, &output)));

  const char* const input_name = request.input.name.c_str();
  const char* const output_name = request.output.name.c_str();
  std::vector<double> latencies_ns;
  latencies_ns.reserve(kReserve);
  std::size_t sample = 0;
  for (const double seconds : {request.warmup_s, request.window_s}) {
    latencies_ns.clear();
    const std::int64_t until = NowNs() + static_cast<std::int64_t>(seconds * 1e9);
    for (std::int64_t end = 0; end < until;) {
      const ort::OrtValue* const input = inputs[sample];
      const std::int64_t begin = NowNs();
      ort::OrtStatus* const status = api(ort::kRun, session, nullptr, &input_name, &input, std::size_t{1},
                                         &output_name, std::size_t{1}, &output);
      end = NowNs();
      PADDOCK_RETURN_IF_ERROR(check(status));
      latencies_ns.push_back(static_cast<double>(end - begin));
      if (++sample == samples) sample = 0;
    }
  }
  return latencies_ns;  // what was loaded stays until the process ends
}

}  // namespace paddock::bench
