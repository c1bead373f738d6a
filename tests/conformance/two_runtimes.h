// One network as an ONNX and as a TensorFlow Lite model, run on equal random samples by both runtimes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device_drivers/registry.h"

namespace paddock {

// A model opened by a driver. Aborts on errors of the runtime.
class RuntimeModel {
 public:
  // Absent, with the reason in `*why`, when the runtime's library is not installed.
  static std::optional<RuntimeModel> Open(const std::string& driver, const DriverOptions& options,
                                          const std::string& path, std::string* why);
  const std::vector<TensorInfo>& inputs() const { return session_->Inputs(); }
  const std::vector<TensorInfo>& outputs() const { return session_->Outputs(); }
  // One sample: the bytes of each input; answers those of each output, with their shapes.
  std::vector<Tensor> Run(const std::vector<Tensor>& inputs);

 private:
  std::unique_ptr<DeviceDriver> driver_;
  std::unique_ptr<Session> session_;
};

struct RuntimeAgreement {
  double largest_difference = 0;  // of float outputs
  std::map<std::int64_t, std::int64_t>
      by_steps;  // of int8 outputs: elements by their distance in quantisation steps
  std::int64_t samples = 0;
  std::int64_t same_top1 = 0;

  std::int64_t Elements() const;
  std::int64_t BeyondOneStep() const;
  std::string Text() const;
};

// Real inputs are uniform in [-1, 1], quantised ones over all integers. Rank-4 tensors whose shapes differ are NCHW in ONNX and NHWC
// in TensorFlow Lite.
RuntimeAgreement Compare(RuntimeModel& onnx, RuntimeModel& tflite, int samples);

}  // namespace paddock
