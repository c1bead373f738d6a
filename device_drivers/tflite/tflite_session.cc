#include "device_drivers/tflite/tflite_session.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <utility>

#include "base/file.h"
#include "device_drivers/api/input_check.h"
#include "device_drivers/tflite/tflite_interpreter.h"

namespace paddock {
namespace {

using ModelHandle = std::unique_ptr<tflite::Model, void (*)(tflite::Model*)>;

// ElementType and TfLiteType.
constexpr std::array<std::pair<ElementType, int>, 13> kTfliteTypes = {{
    {ElementType::kFloat32, 1},
    {ElementType::kInt32, 2},
    {ElementType::kUint8, 3},
    {ElementType::kInt64, 4},
    {ElementType::kBool, 6},
    {ElementType::kInt16, 7},
    {ElementType::kInt8, 9},
    {ElementType::kFloat16, 10},
    {ElementType::kFloat64, 11},
    {ElementType::kUint64, 13},
    {ElementType::kUint32, 16},
    {ElementType::kUint16, 17},
    {ElementType::kBfloat16, 19},
}};

struct BoundQuery {
  TfliteInterpreter* interpreter = nullptr;
  std::vector<std::span<const std::byte>> inputs;
};

class TfliteSession final : public Session {
 public:
  TfliteSession(std::shared_ptr<const TfliteLibrary> library, const TfliteSettings& settings)
      : library_(std::move(library)),
        api_(library_->api()),
        settings_(settings),
        model_(nullptr, api_.ModelDelete) {}

  Status Load(const SessionRequest& request);

  const std::vector<TensorInfo>& Inputs() const override { return inputs_; }
  const std::vector<TensorInfo>& Outputs() const override { return outputs_; }
  std::map<std::string, std::string> EffectiveOptions() const override;
  Result<std::uint32_t> Bind(std::span<const TensorView> inputs) override;
  Status Invoke(std::uint32_t query) override;
  Result<std::vector<TensorView>> ReadOutputs() override;

 private:
  Result<TfliteInterpreter*> AddInterpreter(const std::vector<Shape>& input_shapes);
  Status ReadSignature(const tflite::Interpreter* interpreter, const SessionRequest& request);
  Result<TensorInfo> ReadTensor(const tflite::Tensor* tensor) const;

  const std::shared_ptr<const TfliteLibrary> library_;
  const tflite::Api& api_;
  const TfliteSettings settings_;
  ModelHandle model_;
  std::vector<TensorInfo> inputs_;
  std::vector<TensorInfo> outputs_;
  std::optional<DelegatedNodes> delegated_;
  std::vector<std::unique_ptr<TfliteInterpreter>> interpreters_;
  std::vector<BoundQuery> queries_;
  const TfliteInterpreter* last_ = nullptr;  // its outputs can be read
};

Status TfliteSession::Load(const SessionRequest& request) {
  PADDOCK_RETURN_IF_ERROR(FileSize(request.artifact_path).status());
  model_.reset(api_.ModelCreateFromFile(request.artifact_path.c_str()));
  if (model_ == nullptr) {
    return InvalidArgumentError("TensorFlow Lite " + library_->Version() + " does not take " +
                                request.artifact_path +
                                " for a model; check that it is a whole .tflite file");
  }
  const auto interpreter = AddInterpreter({});
  if (!interpreter.ok()) {
    return interpreter.status().WithContext("TensorFlow Lite " + library_->Version() + " cannot load " +
                                            request.artifact_path);
  }
  return ReadSignature((*interpreter)->get(), request);
}

Result<TfliteInterpreter*> TfliteSession::AddInterpreter(const std::vector<Shape>& input_shapes) {
  PADDOCK_ASSIGN_OR_RETURN(auto interpreter,
                           TfliteInterpreter::Make(*library_, model_.get(), settings_, input_shapes));
  delegated_ = interpreter->delegated();
  interpreters_.push_back(std::move(interpreter));
  return interpreters_.back().get();
}

Result<TensorInfo> TfliteSession::ReadTensor(const tflite::Tensor* tensor) const {
  const char* const name = api_.TensorName(tensor);
  TensorInfo info;
  info.name = name == nullptr ? "" : name;
  const int type = api_.TensorType(tensor);
  const auto* const known = std::find_if(kTfliteTypes.begin(), kTfliteTypes.end(),
                                         [&](const auto& row) { return row.second == type; });
  if (known == kTfliteTypes.end()) {
    return UnimplementedError("'" + info.name +
                              "' of the model has strings or another element type (number " +
                              std::to_string(type) + " of TensorFlow Lite) that cannot be measured");
  }
  info.type = known->first;
  info.shape = TfliteShape(api_, tensor);
  const tflite::QuantizationParams quantization = api_.TensorQuantizationParams(tensor);
  if (quantization.scale > 0) info.quantization = {quantization.scale, quantization.zero_point};
  return info;
}

// `stated` is what the coordinator read from the file; it alone tells which dimensions are open. Shapes of outputs follow
// from the inputs', whatever the file states.
Status CheckStated(const TensorInfo& stated, bool is_input, TensorInfo* found) {
  const TensorInfo in_model = *found;
  bool same = stated.name == found->name && stated.type == found->type;
  const bool same_rank = stated.shape.size() == found->shape.size();
  if (is_input) same = same && same_rank;
  for (std::size_t i = 0; same_rank && i < found->shape.size(); ++i) {
    if (stated.shape[i] < 0) {
      found->shape[i] = -1;
    } else if (is_input) {
      same = same && stated.shape[i] == found->shape[i];
    }
  }
  if (same) return OkStatus();
  return InvalidArgumentError("the job was prepared for " + TensorText(stated) +
                              ", but TensorFlow Lite finds " + TensorText(in_model) +
                              " in the model; submit the job again");
}

Status CheckStated(const std::vector<TensorInfo>& stated, bool are_inputs, std::vector<TensorInfo>* found) {
  if (stated.empty()) return OkStatus();
  if (stated.size() != found->size()) {
    return InvalidArgumentError("the job was prepared for a model with " + std::to_string(stated.size()) +
                                (are_inputs ? " inputs" : " outputs") + ", but TensorFlow Lite finds " +
                                std::to_string(found->size()) + "; submit the job again");
  }
  for (std::size_t i = 0; i < stated.size(); ++i) {
    PADDOCK_RETURN_IF_ERROR(CheckStated(stated[i], are_inputs, &(*found)[i]));
  }
  return OkStatus();
}

Status TfliteSession::ReadSignature(const tflite::Interpreter* interpreter, const SessionRequest& request) {
  for (std::int32_t i = 0; i < api_.InterpreterGetInputTensorCount(interpreter); ++i) {
    PADDOCK_ASSIGN_OR_RETURN(TensorInfo info, ReadTensor(api_.InterpreterGetInputTensor(interpreter, i)));
    inputs_.push_back(std::move(info));
  }
  for (std::int32_t i = 0; i < api_.InterpreterGetOutputTensorCount(interpreter); ++i) {
    PADDOCK_ASSIGN_OR_RETURN(TensorInfo info, ReadTensor(api_.InterpreterGetOutputTensor(interpreter, i)));
    outputs_.push_back(std::move(info));
  }
  PADDOCK_RETURN_IF_ERROR(CheckStated(request.inputs, true, &inputs_));
  return CheckStated(request.outputs, false, &outputs_);
}

std::map<std::string, std::string> TfliteSession::EffectiveOptions() const {
  std::map<std::string, std::string> options = settings_.AsText();
  if (settings_.execution_provider == "cpu") return options;
  std::string& text = options["delegated_nodes"];
  text = "unknown";
  if (delegated_) text = std::to_string(delegated_->taken) + " of " + std::to_string(delegated_->all);
  if (delegated_ && delegated_->all == 0) text = "none";
  return options;
}

Result<std::uint32_t> TfliteSession::Bind(std::span<const TensorView> inputs) {
  PADDOCK_RETURN_IF_ERROR(CheckInputs(inputs_, inputs));
  std::vector<Shape> shapes;
  BoundQuery query;
  for (const TensorView& input : inputs) {
    shapes.push_back(input.shape);
    query.inputs.push_back(input.bytes);
  }
  for (const auto& interpreter : interpreters_) {
    if (interpreter->input_shapes() == shapes) query.interpreter = interpreter.get();
  }
  if (query.interpreter == nullptr) {
    if (queries_.empty()) interpreters_.clear();  // the one of Load() may be large, and no query uses it
    const auto interpreter = AddInterpreter(shapes);
    if (!interpreter.ok()) {
      const TensorInfo first = {inputs_[0].name, inputs[0].type, inputs[0].shape};
      return interpreter.status().WithContext("the model cannot run with " + TensorText(first));
    }
    query.interpreter = *interpreter;
  }
  queries_.push_back(std::move(query));
  return static_cast<std::uint32_t>(queries_.size() - 1);
}

Status TfliteSession::Invoke(std::uint32_t query) try {
  last_ = nullptr;
  if (query >= queries_.size())
    return InvalidArgumentError("no query " + std::to_string(query) + " is bound");
  const BoundQuery& bound = queries_[query];
  tflite::Interpreter* const interpreter = bound.interpreter->get();
  tflite::Status status = tflite::kOk;
  for (std::size_t i = 0; i < bound.inputs.size() && status == tflite::kOk; ++i) {
    tflite::Tensor* const tensor = api_.InterpreterGetInputTensor(interpreter, static_cast<std::int32_t>(i));
    status = api_.TensorCopyFromBuffer(tensor, bound.inputs[i].data(), bound.inputs[i].size());
  }
  if (status == tflite::kOk) status = api_.InterpreterInvoke(interpreter);
  if (status == tflite::kOk) {
    last_ = bound.interpreter;
    return OkStatus();
  }
  const Status failure = bound.interpreter->ToStatus(status, "TensorFlow Lite cannot run the model");
  return settings_.execution_provider == "external" ? UnavailableError(failure.message()) : failure;
} catch (const std::bad_alloc&) {
  return TfliteInterpreter::OutOfMemory();
}

Result<std::vector<TensorView>> TfliteSession::ReadOutputs() {
  if (last_ == nullptr)
    return FailedPreconditionError("no query has run successfully, so there are no outputs");
  std::vector<TensorView> views;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const tflite::Tensor* const tensor =
        api_.InterpreterGetOutputTensor(last_->get(), static_cast<std::int32_t>(i));
    const auto* const data = static_cast<const std::byte*>(api_.TensorData(tensor));
    views.push_back({outputs_[i].type, TfliteShape(api_, tensor), {data, api_.TensorByteSize(tensor)}});
  }
  return views;
}

}  // namespace

Result<std::unique_ptr<Session>> OpenTfliteSession(std::shared_ptr<const TfliteLibrary> library,
                                                   const SessionRequest& request,
                                                   const TfliteSettings& settings) {
  auto session = std::make_unique<TfliteSession>(std::move(library), settings);
  PADDOCK_RETURN_IF_ERROR(session->Load(request));
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace paddock
