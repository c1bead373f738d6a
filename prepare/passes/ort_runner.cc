#include "prepare/passes/ort_runner.h"

#include <utility>

#include "prepare/onnx_graph.h"

namespace paddock {

Result<OrtRunner> OrtRunner::Load(std::shared_ptr<const OrtLibrary> library, const onnx::ModelProto& model,
                                  GraphLevel level, std::vector<std::string> output_names) {
  std::string bytes;
  if (!model.SerializeToString(&bytes)) return InternalError("the model cannot be serialised");
  PADDOCK_ASSIGN_OR_RETURN(const OrtOptionsHandle options, library->CreateOptions(level));
  PADDOCK_RETURN_IF_ERROR(library->Call(ort::kSetIntraOpNumThreads, options.get(), 1));
  PADDOCK_ASSIGN_OR_RETURN(OrtSessionHandle session, library->CreateSessionFromBytes(bytes, options.get()));
  return OrtRunner(std::move(library), std::move(session), std::move(output_names));
}

Result<std::vector<FloatView>> OrtRunner::Run(const std::vector<NamedTensorView>& inputs) {
  ort::OrtMemoryInfo* memory = nullptr;
  PADDOCK_RETURN_IF_ERROR(
      library_->Call(ort::kCreateCpuMemoryInfo, ort::kDeviceAllocator, ort::kDefaultMemory, &memory));
  const auto owned_memory = library_->Own<ort::kReleaseMemoryInfo>(memory);
  std::vector<OrtValueHandle> owned_inputs;
  std::vector<const ort::OrtValue*> values;
  std::vector<const char*> input_names;
  for (const NamedTensorView& input : inputs) {
    ort::OrtValue* value = nullptr;
    // ONNX Runtime takes inputs as non-const and only reads them.
    auto* const data = const_cast<std::byte*>(input.tensor.bytes.data());
    PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kCreateTensorWithData, memory, static_cast<void*>(data),
                                           input.tensor.bytes.size(), input.tensor.shape.data(),
                                           input.tensor.shape.size(), OnnxTypeOf(input.tensor.type), &value));
    owned_inputs.push_back(library_->Own<ort::kReleaseValue>(value));
    values.push_back(value);
    input_names.push_back(input.name.c_str());
  }
  std::vector<const char*> output_names;
  for (const std::string& name : output_names_) output_names.push_back(name.c_str());
  outputs_.clear();
  std::vector<ort::OrtValue*> results(output_names.size(), nullptr);
  const Status run = library_->Call(
      ort::kRun, session_.get(), static_cast<const ort::OrtRunOptions*>(nullptr), input_names.data(),
      values.data(), values.size(), output_names.data(), output_names.size(), results.data());
  for (ort::OrtValue* result : results) outputs_.push_back(library_->Own<ort::kReleaseValue>(result));
  if (!run.ok()) {
    return Status(run.code(),
                  "the model cannot be run: " + run.message() + "; repair its export, or its shapes");
  }
  std::vector<FloatView> views;
  for (std::size_t i = 0; i < results.size(); ++i) {
    PADDOCK_ASSIGN_OR_RETURN(FloatView view, Read(results[i], output_names_[i]));
    views.push_back(std::move(view));
  }
  return views;
}

Result<FloatView> OrtRunner::Read(ort::OrtValue* value, const std::string& name) const {
  ort::OrtTensorInfo* info = nullptr;
  PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kGetTensorTypeAndShape, value, &info));
  const auto owned_info = library_->Own<ort::kReleaseTensorInfo>(info);
  int type = 0;
  PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kGetTensorElementType, info, &type));
  if (type != onnx::TensorProto::FLOAT) return InternalError("value '" + name + "' is not float32");
  std::size_t rank = 0;
  PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kGetDimensionsCount, info, &rank));
  FloatView view;
  view.shape.resize(rank);
  PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kGetDimensions, info, view.shape.data(), rank));
  void* data = nullptr;
  PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kGetTensorMutableData, value, &data));
  view.values = {static_cast<const float*>(data), ElementCount(view.shape).value_or(0)};
  return view;
}

onnx::ModelProto WithOutputs(const onnx::ModelProto& model, const std::vector<std::string>& values) {
  onnx::ModelProto result = model;
  result.mutable_graph()->clear_output();
  for (const std::string& value : values) {
    auto* const output = result.mutable_graph()->add_output();
    output->set_name(value);
    output->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  }
  return result;
}

}  // namespace paddock
