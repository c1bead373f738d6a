// A generated network that was compiled to a shared object, opened at run time. The names and the structure are those of the
// generated code's header (network.h of the firmware); a test checks them against a network that is really compiled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"

namespace paddock {

struct GeneratedTensor {
  const char* name;
  std::int32_t type;  // 0 float32, 1 int8, 2 uint8
  std::uint32_t bytes;
  void* data;
  float scale;
  std::int32_t zero_point;
};

// One at a time in a process: its state is static. Destroying it closes the object.
class NetworkLibrary {
 public:
  // INVALID_ARGUMENT when it cannot be loaded or lacks a name.
  static Result<std::unique_ptr<NetworkLibrary>> Open(const std::string& path);
  NetworkLibrary(const NetworkLibrary&) = delete;
  NetworkLibrary& operator=(const NetworkLibrary&) = delete;
  ~NetworkLibrary();

  std::span<const GeneratedTensor> inputs() const { return inputs_; }
  std::span<const GeneratedTensor> outputs() const { return outputs_; }
  std::uint32_t layer_count() const { return layer_count_; }
  void Run() const { run_(); }
  // `hook` is called before each layer, and once with layer_count() after the last.
  void RunWithHook(void (*hook)(std::uint32_t layer)) const { run_with_hook_(hook); }

 private:
  explicit NetworkLibrary(void* handle) : handle_(handle) {}
  Status FindNames(const std::string& path);

  void* const handle_;
  std::span<const GeneratedTensor> inputs_;
  std::span<const GeneratedTensor> outputs_;
  std::uint32_t layer_count_ = 0;
  void (*run_)() = nullptr;
  void (*run_with_hook_)(void (*)(std::uint32_t)) = nullptr;
};

}  // namespace paddock
