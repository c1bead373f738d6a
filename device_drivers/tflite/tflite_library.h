// TensorFlow Lite, opened with dlopen. Thread-safe: nothing changes after Open(). The library stays mapped until the
// process ends, since its threads may outlive their owner.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "device_drivers/tflite/tflite_abi.h"

namespace paddock {

class TfliteLibrary {
 public:
  // `path` as dlopen takes it. Empty: the environment variable PADDOCK_TFLITE, else libtensorflowlite_c.so.
  // FAILED_PRECONDITION says what was tried, what was wrong with it, and what to do.
  static Result<std::shared_ptr<const TfliteLibrary>> Open(const std::string& path);

  const std::string& path() const { return path_; }
  std::string Version() const { return api_.Version(); }  // "2.9.0"
  bool HasXnnpack() const { return api_.XNNPackDelegateCreate != nullptr; }
  const tflite::Api& api() const { return api_; }

 private:
  TfliteLibrary(std::string path, const tflite::Api& api) : path_(std::move(path)), api_(api) {}

  std::string path_;
  tflite::Api api_;
};

}  // namespace paddock
