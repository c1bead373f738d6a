// Delegates: what takes nodes of a model over from TensorFlow Lite's own kernels. XNNPACK is part of the library; others are
// plug-ins, shared libraries that export `tflite_plugin_create_delegate` (the Edge TPU's, for one).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "device_drivers/tflite/tflite_library.h"

namespace paddock {

// Must outlive the interpreters that it is applied to.
using DelegateHandle = std::unique_ptr<tflite::Delegate, std::function<void(tflite::Delegate*)>>;

// UNIMPLEMENTED: the library was built without XNNPACK, or XNNPACK does not know this processor.
Result<DelegateHandle> MakeXnnpackDelegate(const TfliteLibrary& library, std::uint32_t threads);

// A plug-in, mapped until the process ends.
class DelegatePlugin {
 public:
  // `path` as dlopen takes it. FAILED_PRECONDITION: there is no such library, or it is no plug-in.
  static Result<std::shared_ptr<const DelegatePlugin>> Open(const std::string& path);

  // UNAVAILABLE with the plug-in's own words: it does not start, because of its device or of the options.
  Result<DelegateHandle> Create(const std::map<std::string, std::string>& options) const;

 private:
  DelegatePlugin(std::string path, tflite::PluginCreate create, tflite::PluginDestroy destroy)
      : path_(std::move(path)), create_(create), destroy_(destroy) {}

  std::string path_;
  tflite::PluginCreate create_;
  tflite::PluginDestroy destroy_;
};

struct DelegatedNodes {
  std::uint64_t taken = 0;
  std::uint64_t all = 0;  // of the model
};

// Lets the delegate take what it can, and counts that; empty where the delegate does not let itself be watched.
// `*status` is TensorFlow Lite's answer.
std::optional<DelegatedNodes> ApplyDelegate(const tflite::Api& api, tflite::Interpreter* interpreter,
                                            tflite::Delegate* delegate, tflite::Status* status);

}  // namespace paddock
