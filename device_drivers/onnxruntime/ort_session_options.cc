#include "device_drivers/onnxruntime/ort_session_options.h"

#include <strings.h>

#include <string_view>
#include <vector>

namespace paddock {
namespace {

constexpr std::uint32_t kMaxThreads = 1024;

// The spelling that ONNX Runtime knows of a provider that it appends by name.
std::string ProviderName(const std::string& name) {
  for (const char* const known : {"CoreML", "DML", "MIGraphX", "NvTensorRtRtx", "OpenVINO", "QNN", "SNPE",
                                  "VitisAI", "WebGPU", "XNNPACK"}) {
    if (strcasecmp(known, name.c_str()) == 0) return known;
  }
  return name;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

struct KeyValueArrays {
  explicit KeyValueArrays(const std::map<std::string, std::string>& options) {
    for (const auto& [key, value] : options) {
      keys.push_back(key.c_str());
      values.push_back(value.c_str());
    }
  }
  std::vector<const char*> keys;
  std::vector<const char*> values;
};

// CUDA and TensorRT: options are an object that is made, filled and appended.
template <auto kReleaseSlot, typename Options>
Status AppendWithOptions(const OrtLibrary& library, ort::OrtSessionOptions* session,
                         const KeyValueArrays& options, auto create_slot, auto update_slot,
                         auto append_slot) {
  Options* provider = nullptr;
  PADDOCK_RETURN_IF_ERROR(library.Call(create_slot, &provider));
  const auto owned = library.Own<kReleaseSlot>(provider);
  PADDOCK_RETURN_IF_ERROR(
      library.Call(update_slot, provider, options.keys.data(), options.values.data(), options.keys.size()));
  return library.Call(append_slot, session, provider);
}

Status AppendProvider(const OrtLibrary& library, ort::OrtSessionOptions* session,
                      const OrtSettings& settings) {
  const std::string& name = settings.execution_provider;
  const KeyValueArrays options(settings.provider_options);
  if (name == "cuda") {
    return AppendWithOptions<ort::kReleaseCudaOptions, ort::OrtCudaOptions>(
        library, session, options, ort::kCreateCudaOptions, ort::kUpdateCudaOptions, ort::kAppendCuda);
  }
  if (name == "tensorrt") {
    return AppendWithOptions<ort::kReleaseTensorRtOptions, ort::OrtTensorRtOptions>(
        library, session, options, ort::kCreateTensorRtOptions, ort::kUpdateTensorRtOptions,
        ort::kAppendTensorRt);
  }
  return library.Call(ort::kAppendProvider, session, ProviderName(name).c_str(), options.keys.data(),
                      options.values.data(), options.keys.size());
}

}  // namespace

OrtSettings OrtSettings::With(const RuntimeOptions& options) const {
  OrtSettings merged = *this;
  merged.threads = options.threads.value_or(threads);
  merged.graph_level = options.graph_level.value_or(graph_level);
  merged.spinning = options.spinning.value_or(spinning);
  merged.memory_arena = options.memory_arena.value_or(memory_arena);
  merged.execution_provider = options.execution_provider.value_or(execution_provider);
  if (merged.execution_provider != execution_provider) merged.provider_options.clear();
  for (const auto& [key, value] : options.provider_options) merged.provider_options[key] = value;
  return merged;
}

std::map<std::string, std::string> OrtSettings::AsText() const {
  std::map<std::string, std::string> text = {
      {"threads", std::to_string(threads)},       {"graph_level", graph_level},
      {"spinning", spinning ? "true" : "false"},  {"memory_arena", memory_arena ? "true" : "false"},
      {"execution_provider", execution_provider},
  };
  for (const auto& [key, value] : provider_options) text["provider." + key] = value;
  return text;
}

OrtSettings ReadOrtSettings(OptionReader& reader) {
  OrtSettings settings;
  settings.threads = static_cast<std::uint32_t>(reader.Unsigned("threads", settings.threads, 1, kMaxThreads));
  settings.graph_level =
      reader.Choice("graph_level", settings.graph_level, {"disabled", "basic", "extended", "all"});
  settings.spinning = reader.Flag("spinning", settings.spinning);
  settings.memory_arena = reader.Flag("memory_arena", settings.memory_arena);
  settings.execution_provider = reader.Text("execution_provider", settings.execution_provider);
  settings.provider_options = reader.WithPrefix("provider.");
  return settings;
}

Result<OrtOptionsHandle> MakeSessionOptions(const OrtLibrary& library, const OrtSettings& settings) {
  if (settings.threads < 1 || settings.threads > kMaxThreads) {
    return InvalidArgumentError("threads is " + std::to_string(settings.threads) + "; it must be 1 to " +
                                std::to_string(kMaxThreads));
  }
  PADDOCK_ASSIGN_OR_RETURN(const GraphLevel level, ParseGraphLevel(settings.graph_level));
  PADDOCK_ASSIGN_OR_RETURN(OrtOptionsHandle options, library.CreateOptions(level));
  const char* const spinning = settings.spinning ? "1" : "0";
  PADDOCK_RETURN_IF_ERROR(
      library.Call(ort::kSetIntraOpNumThreads, options.get(), static_cast<int>(settings.threads)));
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kSetInterOpNumThreads, options.get(), 1));
  PADDOCK_RETURN_IF_ERROR(
      library.Call(ort::kAddSessionConfigEntry, options.get(), "session.intra_op.allow_spinning", spinning));
  PADDOCK_RETURN_IF_ERROR(
      library.Call(ort::kAddSessionConfigEntry, options.get(), "session.inter_op.allow_spinning", spinning));
  PADDOCK_RETURN_IF_ERROR(settings.memory_arena ? library.Call(ort::kEnableCpuMemArena, options.get())
                                                : library.Call(ort::kDisableCpuMemArena, options.get()));

  if (settings.execution_provider == "cpu") {
    if (settings.provider_options.empty()) return options;
    return InvalidArgumentError("execution provider 'cpu' has no options, but provider." +
                                settings.provider_options.begin()->first + " is given");
  }
  const Status appended = AppendProvider(library, options.get(), settings);
  if (!appended.ok()) {
    return UnimplementedError("execution provider '" + settings.execution_provider +
                              "' cannot be used by ONNX Runtime " + library.version() + " (" +
                              library.path() + "): " + appended.message() +
                              "; this build has: " + Joined(library.AvailableProviders()));
  }
  return options;
}

}  // namespace paddock
