// Runs an ONNX model in memory with ONNX Runtime, for steps that must see what a graph computes: one thread on the CPU, so that
// equal inputs give equal values. One thread at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

#include "device_drivers/onnxruntime/ort_library.h"
#include "kpi/tensor_file.h"

namespace paddock {

struct FloatView {
  Shape shape;
  std::span<const float> values;
};

class OrtRunner {
 public:
  // `output_names` are values of type float32 that the model gives out. INVALID_ARGUMENT: ONNX Runtime cannot load it.
  static Result<OrtRunner> Load(std::shared_ptr<const OrtLibrary> library, const onnx::ModelProto& model,
                                GraphLevel level, std::vector<std::string> output_names);

  // One view per output name, valid until the next call.
  Result<std::vector<FloatView>> Run(const std::vector<NamedTensorView>& inputs);

 private:
  OrtRunner(std::shared_ptr<const OrtLibrary> library, OrtSessionHandle session,
            std::vector<std::string> output_names)
      : library_(std::move(library)), session_(std::move(session)), output_names_(std::move(output_names)) {}
  Result<FloatView> Read(ort::OrtValue* value, const std::string& name) const;

  std::shared_ptr<const OrtLibrary> library_;
  OrtSessionHandle session_;
  std::vector<std::string> output_names_;
  std::vector<OrtValueHandle> outputs_;
};

// `model` with its outputs replaced by the given values, all float32.
onnx::ModelProto WithOutputs(const onnx::ModelProto& model, const std::vector<std::string>& values);

}  // namespace paddock
