#include "device_drivers/host-c/network_library.h"

#include <dlfcn.h>

#include <utility>

namespace paddock {

Result<std::unique_ptr<NetworkLibrary>> NetworkLibrary::Open(const std::string& path) {
  // A path without a slash would be looked for among the system's libraries.
  const std::string file = path.find('/') == path.npos ? "./" + path : path;
  void* const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return InvalidArgumentError("the compiled network cannot be loaded: " + std::string(dlerror()));
  std::unique_ptr<NetworkLibrary> library(new NetworkLibrary(handle));
  PADDOCK_RETURN_IF_ERROR(library->FindNames(path));
  return library;
}

NetworkLibrary::~NetworkLibrary() { dlclose(handle_); }

Status NetworkLibrary::FindNames(const std::string& path) {
  std::string missing;
  const auto find = [&](const char* name) {
    void* const found = dlsym(handle_, name);
    if (found == nullptr && missing.empty()) missing = name;
    return found;
  };
  const auto* const input_count = static_cast<const std::uint32_t*>(find("network_input_count"));
  const auto* const output_count = static_cast<const std::uint32_t*>(find("network_output_count"));
  const auto* const layer_count = static_cast<const std::uint32_t*>(find("network_layer_count"));
  const auto* const inputs = static_cast<const GeneratedTensor*>(find("network_inputs"));
  const auto* const outputs = static_cast<const GeneratedTensor*>(find("network_outputs"));
  run_ = reinterpret_cast<void (*)()>(find("network_run"));
  run_with_hook_ = reinterpret_cast<void (*)(void (*)(std::uint32_t))>(find("network_run_with_hook"));
  if (!missing.empty())
    return InvalidArgumentError(path + " is no compiled network: it lacks " + missing +
                                "; submit the job again");
  inputs_ = {inputs, *input_count};
  outputs_ = {outputs, *output_count};
  layer_count_ = *layer_count;
  return OkStatus();
}

}  // namespace paddock
