#include "device_drivers/onnxruntime/ort_session.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "device_drivers/api/input_check.h"

namespace paddock {
namespace {

using SymbolicShape =
    std::vector<std::string>;  // the model's names of open dimensions; empty where it gives none

// ElementType and ONNXTensorElementDataType, which is also TensorProto.DataType of ONNX.
constexpr std::array<std::pair<ElementType, int>, 13> kElementTypes = {{
    {ElementType::kFloat32, 1},
    {ElementType::kUint8, 2},
    {ElementType::kInt8, 3},
    {ElementType::kUint16, 4},
    {ElementType::kInt16, 5},
    {ElementType::kInt32, 6},
    {ElementType::kInt64, 7},
    {ElementType::kBool, 9},
    {ElementType::kFloat16, 10},
    {ElementType::kFloat64, 11},
    {ElementType::kUint32, 12},
    {ElementType::kUint64, 13},
    {ElementType::kBfloat16, 16},
}};

int OrtTypeOf(ElementType type) {
  const auto* const found = std::find_if(kElementTypes.begin(), kElementTypes.end(),
                                         [&](const auto& row) { return row.first == type; });
  return found == kElementTypes.end() ? 0 : found->second;
}

std::optional<ElementType> ElementTypeOf(int ort_type) {
  const auto* const found = std::find_if(kElementTypes.begin(), kElementTypes.end(),
                                         [&](const auto& row) { return row.second == ort_type; });
  if (found == kElementTypes.end()) return std::nullopt;
  return found->first;
}

struct Port {
  TensorInfo info;
  SymbolicShape symbols;
};

Result<Shape> ReadShape(const OrtLibrary& library, const ort::OrtTensorInfo* info) {
  std::size_t rank = 0;
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kGetDimensionsCount, info, &rank));
  Shape shape(rank);
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kGetDimensions, info, shape.data(), rank));
  return shape;
}

Result<Port> ReadPort(const OrtLibrary& library, const ort::OrtSession* session, std::size_t index,
                      auto name_slot, auto type_slot) {
  ort::OrtAllocator* allocator = nullptr;
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kGetAllocatorWithDefaultOptions, &allocator));
  char* name = nullptr;
  PADDOCK_RETURN_IF_ERROR(library.Call(name_slot, session, index, allocator, &name));
  Port port;
  port.info.name = name;
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kAllocatorFree, allocator, name));

  ort::OrtTypeInfo* type = nullptr;
  PADDOCK_RETURN_IF_ERROR(library.Call(type_slot, session, index, &type));
  const auto owned = library.Own<ort::kReleaseTypeInfo>(type);
  int kind = 0;
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kGetOnnxTypeFromTypeInfo, type, &kind));
  if (kind != ort::kTypeIsTensor) {
    return UnimplementedError("'" + port.info.name +
                              "' of the model is not a tensor; only tensors can be measured");
  }
  const ort::OrtTensorInfo* tensor = nullptr;
  int element_type = 0;
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kCastTypeInfoToTensorInfo, type, &tensor));
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kGetTensorElementType, tensor, &element_type));
  const std::optional<ElementType> known = ElementTypeOf(element_type);
  if (!known) {
    return UnimplementedError("'" + port.info.name +
                              "' of the model has strings or another element type (number " +
                              std::to_string(element_type) + " of ONNX) that cannot be measured");
  }
  port.info.type = *known;
  PADDOCK_ASSIGN_OR_RETURN(port.info.shape, ReadShape(library, tensor));
  std::vector<const char*> symbols(port.info.shape.size());
  PADDOCK_RETURN_IF_ERROR(library.Call(ort::kGetSymbolicDimensions, tensor, symbols.data(), symbols.size()));
  port.symbols.assign(symbols.begin(), symbols.end());
  return port;
}

// Output tensors for one list of output shapes.
struct OutputSet {
  std::vector<std::optional<Shape>> shapes;  // empty: not known before the run
  std::vector<OrtValueHandle> tensors;       // null where the shape is not known
  bool proven =
      false;  // a run has written into them; before that, the model's word on its shapes may still be wrong
};

struct Query {
  std::vector<OrtValueHandle> owned_inputs;
  std::vector<const ort::OrtValue*> inputs;
  OutputSet* outputs = nullptr;
};

class OrtModelSession final : public Session {
 public:
  OrtModelSession(std::shared_ptr<const OrtLibrary> library, const OrtSettings& settings)
      : library_(std::move(library)), settings_(settings) {}
  ~OrtModelSession() override { ReleaseRuntimeOutputs(); }

  Status Load(const std::string& model_path);

  const std::vector<TensorInfo>& Inputs() const override { return inputs_; }
  const std::vector<TensorInfo>& Outputs() const override { return outputs_; }
  std::map<std::string, std::string> EffectiveOptions() const override { return settings_.AsText(); }
  Result<std::uint32_t> Bind(std::span<const TensorView> inputs) override;
  Status Invoke(std::uint32_t query) override;
  Result<std::vector<TensorView>> ReadOutputs() override;

 private:
  Result<OrtValueHandle> WrapInput(const TensorView& tensor) const;
  Result<OutputSet*> OutputsFor(std::span<const TensorView> inputs);
  Status Run(const Query& query);
  // Fills the results with the set's tensors; whatever ONNX Runtime made for the run before is released.
  void PrepareResults(const OutputSet& set);
  void ReleaseRuntimeOutputs();

  const std::shared_ptr<const OrtLibrary> library_;
  const OrtSettings settings_;
  OrtHandle<ort::OrtMemoryInfo, ort::kReleaseMemoryInfo> memory_;
  OrtSessionHandle session_;
  std::vector<TensorInfo> inputs_;
  std::vector<TensorInfo> outputs_;
  std::vector<SymbolicShape> input_symbols_;
  std::vector<SymbolicShape> output_symbols_;
  std::vector<const char*> input_names_;
  std::vector<const char*> output_names_;

  std::vector<std::unique_ptr<OutputSet>> output_sets_;
  std::vector<Query> queries_;
  const OutputSet* last_ = nullptr;  // the set of the last successful run
  std::vector<ort::OrtValue*>
      results_;  // of the last run; the set's tensors, and ours to release where it has none
  const OutputSet* results_set_ = nullptr;
};

Status OrtModelSession::Load(const std::string& model_path) {
  PADDOCK_ASSIGN_OR_RETURN(const OrtOptionsHandle options, MakeSessionOptions(*library_, settings_));
  PADDOCK_ASSIGN_OR_RETURN(session_, library_->CreateSession(model_path, options.get()));
  ort::OrtMemoryInfo* memory = nullptr;
  PADDOCK_RETURN_IF_ERROR(
      library_->Call(ort::kCreateCpuMemoryInfo, ort::kDeviceAllocator, ort::kDefaultMemory, &memory));
  memory_ = library_->Own<ort::kReleaseMemoryInfo>(memory);

  std::size_t input_count = 0;
  std::size_t output_count = 0;
  PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kSessionGetInputCount, session_.get(), &input_count));
  PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kSessionGetOutputCount, session_.get(), &output_count));
  for (std::size_t i = 0; i < input_count; ++i) {
    PADDOCK_ASSIGN_OR_RETURN(Port port, ReadPort(*library_, session_.get(), i, ort::kSessionGetInputName,
                                                 ort::kSessionGetInputTypeInfo));
    inputs_.push_back(std::move(port.info));
    input_symbols_.push_back(std::move(port.symbols));
  }
  for (std::size_t i = 0; i < output_count; ++i) {
    PADDOCK_ASSIGN_OR_RETURN(Port port, ReadPort(*library_, session_.get(), i, ort::kSessionGetOutputName,
                                                 ort::kSessionGetOutputTypeInfo));
    outputs_.push_back(std::move(port.info));
    output_symbols_.push_back(std::move(port.symbols));
  }
  for (const TensorInfo& input : inputs_) input_names_.push_back(input.name.c_str());
  for (const TensorInfo& output : outputs_) output_names_.push_back(output.name.c_str());
  results_.resize(outputs_.size());
  return OkStatus();
}

Result<OrtValueHandle> OrtModelSession::WrapInput(const TensorView& tensor) const {
  static std::byte nothing;  // ONNX Runtime refuses a null address even for a tensor without elements
  void* const data = tensor.bytes.empty() ? &nothing : const_cast<std::byte*>(tensor.bytes.data());
  ort::OrtValue* value = nullptr;
  PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kCreateTensorWithData, memory_.get(), data, tensor.bytes.size(),
                                         tensor.shape.data(), tensor.shape.size(), OrtTypeOf(tensor.type),
                                         &value));
  return library_->Own<ort::kReleaseValue>(value);
}

Result<std::uint32_t> OrtModelSession::Bind(std::span<const TensorView> inputs) {
  PADDOCK_RETURN_IF_ERROR(CheckInputs(inputs_, inputs));
  Query query;
  for (const TensorView& input : inputs) {
    PADDOCK_ASSIGN_OR_RETURN(OrtValueHandle value, WrapInput(input));
    query.inputs.push_back(value.get());
    query.owned_inputs.push_back(std::move(value));
  }
  PADDOCK_ASSIGN_OR_RETURN(query.outputs, OutputsFor(inputs));
  queries_.push_back(std::move(query));
  return static_cast<std::uint32_t>(queries_.size() - 1);
}

Result<OutputSet*> OrtModelSession::OutputsFor(std::span<const TensorView> inputs) {
  std::map<std::string, std::int64_t> sizes;  // of the model's named open dimensions
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (std::size_t d = 0; d < inputs_[i].shape.size(); ++d) {
      if (!input_symbols_[i][d].empty()) sizes.emplace(input_symbols_[i][d], inputs[i].shape[d]);
    }
  }
  std::vector<std::optional<Shape>> shapes;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Shape shape = outputs_[i].shape;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const auto size = sizes.find(output_symbols_[i][d]);
      if (shape[d] < 0 && size != sizes.end()) shape[d] = size->second;
    }
    const bool known = ElementCount(shape).has_value();
    shapes.push_back(known ? std::optional(std::move(shape)) : std::nullopt);
  }
  for (const auto& set : output_sets_) {
    if (set->shapes == shapes) return set.get();
  }

  ort::OrtAllocator* allocator = nullptr;
  PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kGetAllocatorWithDefaultOptions, &allocator));
  auto set = std::make_unique<OutputSet>();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    ort::OrtValue* value = nullptr;
    if (shapes[i]) {
      PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kCreateTensor, allocator, shapes[i]->data(),
                                             shapes[i]->size(), OrtTypeOf(outputs_[i].type), &value));
    }
    set->tensors.push_back(library_->Own<ort::kReleaseValue>(value));
  }
  set->shapes = std::move(shapes);
  output_sets_.push_back(std::move(set));
  return output_sets_.back().get();
}

Status OrtModelSession::Invoke(std::uint32_t query) {
  if (query >= queries_.size())
    return InvalidArgumentError("no query " + std::to_string(query) + " is bound");
  const Query& bound = queries_[query];
  last_ = nullptr;
  Status status = Run(bound);
  if (!status.ok() && !bound.outputs->proven) {
    // Either the run is at fault, or the output shapes that the model states: without our tensors only the
    // first can be.
    ReleaseRuntimeOutputs();
    for (OrtValueHandle& tensor : bound.outputs->tensors) tensor.reset();
    status = Run(bound);
  }
  if (!status.ok()) return status;
  bound.outputs->proven = true;
  last_ = bound.outputs;
  return status;
}

Status OrtModelSession::Run(const Query& query) {
  PrepareResults(*query.outputs);
  return library_->Call(ort::kRun, session_.get(), nullptr, input_names_.data(), query.inputs.data(),
                        query.inputs.size(), output_names_.data(), output_names_.size(), results_.data());
}

Result<std::vector<TensorView>> OrtModelSession::ReadOutputs() {
  if (last_ == nullptr)
    return FailedPreconditionError("no query has run successfully, so there are no outputs");
  std::vector<TensorView> views;
  for (std::size_t i = 0; i < results_.size(); ++i) {
    ort::OrtTensorInfo* info = nullptr;
    PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kGetTensorTypeAndShape, results_[i], &info));
    const auto owned = library_->Own<ort::kReleaseTensorInfo>(info);
    TensorView view;
    view.type = outputs_[i].type;
    PADDOCK_ASSIGN_OR_RETURN(view.shape, ReadShape(*library_, info));
    void* data = nullptr;
    PADDOCK_RETURN_IF_ERROR(library_->Call(ort::kGetTensorMutableData, results_[i], &data));
    const std::uint64_t bytes = ElementCount(view.shape).value_or(0) * ElementSize(view.type);
    view.bytes = {static_cast<const std::byte*>(data), bytes};
    views.push_back(std::move(view));
  }
  return views;
}

void OrtModelSession::PrepareResults(const OutputSet& set) {
  ReleaseRuntimeOutputs();
  for (std::size_t i = 0; i < results_.size(); ++i) results_[i] = set.tensors[i].get();
  results_set_ = &set;
}

void OrtModelSession::ReleaseRuntimeOutputs() {
  if (results_set_ == nullptr) return;
  for (std::size_t i = 0; i < results_.size(); ++i) {
    if (results_[i] != nullptr && results_[i] != results_set_->tensors[i].get()) {
      library_->api()(ort::kReleaseValue, results_[i]);
    }
    results_[i] = nullptr;
  }
  results_set_ = nullptr;
}

}  // namespace

Result<std::unique_ptr<Session>> OpenOrtSession(std::shared_ptr<const OrtLibrary> library,
                                                const std::string& model_path, const OrtSettings& settings) {
  auto session = std::make_unique<OrtModelSession>(std::move(library), settings);
  PADDOCK_RETURN_IF_ERROR(session->Load(model_path));
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace paddock
