#include "prepare/passes/fp16.h"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "prepare/onnx_graph.h"
#include "prepare/passes/qdq_writer.h"

namespace paddock {
namespace {

constexpr OptionDoc kFp16Options[] = {
    {"compute", "float32 (default): only weights are float16; float16: activations too"}};
constexpr std::uint16_t kHalfInfinity = 0x7c00;

Result<bool> ComputesInHalf(const std::map<std::string, std::string>& options) {
  OptionReader reader("step 'fp16'", options);
  const std::string compute = reader.Choice("compute", "float32", {"float32", "float16"});
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  return compute == "float16";
}

Result<onnx::TensorProto> HalfTensor(const onnx::TensorProto& tensor) {
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> values, FiniteFloatsOf(tensor));
  Tensor half{{tensor.name(), ElementType::kFloat16, Shape(tensor.dims().begin(), tensor.dims().end())}, {}};
  half.bytes.reserve(2 * values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = HalfOf(values[i]);
    if ((bits & kHalfInfinity) == kHalfInfinity) {
      return InvalidArgumentError(
          "tensor '" + tensor.name().substr(0, 200) + "' holds " + std::to_string(values[i]) + " at index " +
          std::to_string(i) + ", and float16 ends at 65504; scale the layer, or keep the model in float32");
    }
    half.bytes.push_back(static_cast<std::byte>(bits & 0xff));
    half.bytes.push_back(static_cast<std::byte>(bits >> 8));
  }
  return MakeTensorProto(half);
}

onnx::NodeProto CastNode(const std::string& from, const std::string& to, std::int32_t type) {
  onnx::NodeProto node = MakeNode("Cast", "", {from}, {to});
  SetIntAttribute(&node, "to", type);
  return node;
}

Result<std::vector<std::string>> StoreHalfWeights(OnnxGraph* graph) {
  constexpr std::uint64_t kFewElements = 64;
  std::uint64_t tensors = 0;
  std::uint64_t elements = 0;
  std::vector<onnx::NodeProto> nodes;
  std::vector<onnx::TensorProto> halves;
  std::set<std::string> converted;
  for (const onnx::TensorProto& tensor : graph->graph().initializer()) {
    const std::uint64_t count = ElementCount({tensor.dims().begin(), tensor.dims().end()}).value_or(0);
    if (tensor.data_type() != onnx::TensorProto::FLOAT || count < kFewElements ||
        graph->IsOutput(tensor.name()))
      continue;
    PADDOCK_ASSIGN_OR_RETURN(onnx::TensorProto half, HalfTensor(tensor));
    half.set_name(graph->NewName("h"));
    nodes.push_back(CastNode(half.name(), tensor.name(), onnx::TensorProto::FLOAT));
    halves.push_back(std::move(half));
    converted.insert(tensor.name());
    ++tensors;
    elements += count;
  }
  if (tensors == 0) {
    return InvalidArgumentError("the model has no float32 tensor of 64 elements or more to store as float16");
  }
  auto& initializers = *graph->graph().mutable_initializer();
  initializers.erase(
      std::remove_if(initializers.begin(), initializers.end(),
                     [&](const onnx::TensorProto& tensor) { return converted.contains(tensor.name()); }),
      initializers.end());
  for (onnx::TensorProto& half : halves) *graph->graph().add_initializer() = std::move(half);
  nodes.insert(nodes.end(), graph->graph().node().begin(), graph->graph().node().end());
  graph->SetNodes(std::move(nodes));
  return std::vector<std::string>{std::to_string(tensors) + " tensors with " + std::to_string(elements) +
                                  " parameters are stored as float16"};
}

// Inputs that are float32 in the operator's own definition.
bool StaysFloat(const onnx::NodeProto& node, int input) {
  return (node.op_type() == "Resize" || node.op_type() == "Upsample") && input > 0;
}

bool HasHalfForm(const onnx::NodeProto& node) {
  static const std::set<std::string> kFloatOnly = {"NonMaxSuppression", "RandomNormal", "RandomUniform",
                                                   "Multinomial",       "EyeLike",      "ConstantOfShape",
                                                   "MelWeightMatrix"};
  return IsStandard(node.domain()) && !kFloatOnly.contains(node.op_type());
}

class HalfWriter {
 public:
  explicit HalfWriter(OnnxGraph* graph) : graph_(graph) {}

  Result<std::vector<std::string>> Write() {
    PADDOCK_RETURN_IF_ERROR(ChangeInitializers());
    for (const auto& input : graph_->graph().input()) {
      if (IsFloat(input.name())) halves_[input.name()] = Cast(input.name(), "", onnx::TensorProto::FLOAT16);
    }
    for (const onnx::NodeProto& node : graph_->graph().node()) PADDOCK_RETURN_IF_ERROR(AddNode(node));
    const auto casts = static_cast<std::size_t>(std::count_if(
        nodes_.begin(), nodes_.end(), [](const auto& node) { return node.op_type() == "Cast"; }));
    graph_->graph().clear_value_info();
    graph_->SetNodes(std::move(nodes_));
    graph_->RemoveUnused();
    return std::vector<std::string>{"all floating tensors are float16, with " + std::to_string(casts) +
                                    " casts"};
  }

 private:
  bool IsFloat(const std::string& value) const {
    const auto info = graph_->Value(value);
    return info && info->type == ElementType::kFloat32;
  }

  std::string Cast(const std::string& from, const std::string& to, std::int32_t type) {
    const std::string name = to.empty() ? graph_->NewName("h") : to;
    nodes_.push_back(CastNode(from, name, type));
    return name;
  }

  Status ChangeInitializers() {
    std::vector<onnx::TensorProto> halves;
    for (const onnx::TensorProto& tensor : graph_->graph().initializer()) {
      if (tensor.data_type() != onnx::TensorProto::FLOAT) continue;
      PADDOCK_ASSIGN_OR_RETURN(onnx::TensorProto half, HalfTensor(tensor));
      half.set_name(graph_->NewName("h"));
      halves_[tensor.name()] = half.name();
      halves.push_back(std::move(half));
    }
    for (onnx::TensorProto& half : halves) graph_->SetInitializer(std::move(half));
    return OkStatus();
  }

  Status AddNode(const onnx::NodeProto& node) {
    onnx::NodeProto changed = node;
    const bool is_half = HasHalfForm(node);
    for (int i = 0; i < node.input_size(); ++i) {
      const auto half = halves_.find(node.input(i));
      if (half == halves_.end()) continue;
      if (is_half && !StaysFloat(node, i)) {
        changed.set_input(i, half->second);
      } else if (graph_->Initializer(node.input(i)) == nullptr && !graph_->IsInput(node.input(i))) {
        changed.set_input(i, Cast(half->second, "", onnx::TensorProto::FLOAT));
      }
    }
    if (node.op_type() == "Cast" && IntAttribute(node, "to", 0) == onnx::TensorProto::FLOAT)
      SetIntAttribute(&changed, "to", onnx::TensorProto::FLOAT16);
    std::vector<std::pair<std::string, std::string>> casts;  // float32 value, float16 value
    for (std::string& output : *changed.mutable_output()) {
      if (output.empty()) continue;
      if (!graph_->Value(output)) {
        return InvalidArgumentError(
            "the type of what " + NodeText(node) +
            " gives out is not known; use compute=float32, or export the model with shapes");
      }
      if (!IsFloat(output)) continue;
      const std::string half = graph_->NewName("h");
      halves_[output] = half;
      if (!is_half) {
        casts.emplace_back(output, half);
      } else {
        if (graph_->IsOutput(output)) outputs_.emplace_back(half, output);
        output = half;
      }
    }
    nodes_.push_back(std::move(changed));
    for (const auto& [value, half] : casts) Cast(value, half, onnx::TensorProto::FLOAT16);
    for (const auto& [half, output] : outputs_) Cast(half, output, onnx::TensorProto::FLOAT);
    outputs_.clear();
    return OkStatus();
  }

  OnnxGraph* graph_;
  std::vector<onnx::NodeProto> nodes_;
  std::map<std::string, std::string> halves_;  // float32 value of the source to its float16 form
  std::vector<std::pair<std::string, std::string>> outputs_;
};

}  // namespace

std::uint16_t HalfOf(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint32_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000U) {
    half = 0x7e00;  // NaN
  } else if (magnitude >= 0x477ff000U) {
    half = kHalfInfinity;  // from 65520 on
  } else if (magnitude >= 0x38800000U) {
    // Normal: the exponent's bias changes by 112; half of what is cut off, and the last kept bit, decide.
    half = (magnitude - 0x38000000U + 0xfffU + ((magnitude >> 13) & 1U)) >> 13;
  } else if (magnitude >= 0x33000000U) {
    const std::uint32_t shift = 126U - (magnitude >> 23);
    const std::uint32_t mantissa = (magnitude & 0x7fffffU) | 0x800000U;
    const std::uint32_t kept = mantissa >> shift;
    const std::uint32_t rest = mantissa & ((1U << shift) - 1U);
    const std::uint32_t middle = 1U << (shift - 1U);
    half = kept + (rest > middle || (rest == middle && (kept & 1U) != 0) ? 1U : 0U);
  }
  return static_cast<std::uint16_t>(sign | half);
}

std::span<const OptionDoc> Fp16Options() { return kFp16Options; }

Status CheckFp16Options(const std::map<std::string, std::string>& options) {
  return ComputesInHalf(options).status();
}

Result<std::vector<std::string>> RunFp16(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const bool computes_in_half, ComputesInHalf(request.options));
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph graph, OnnxGraph::Read(request.in_path));
  for (const onnx::NodeProto& node : graph.graph().node()) {
    if (node.op_type().find("QuantizeLinear") == std::string::npos) continue;
    return InvalidArgumentError(NodeText(node) +
                                " shows that the model is quantised already; give the float32 model");
  }
  constexpr std::int64_t kNeededOpset = 9;
  if (graph.opset() < kNeededOpset) PADDOCK_RETURN_IF_ERROR(graph.ConvertOpset(13));
  auto lines = computes_in_half ? HalfWriter(&graph).Write() : StoreHalfWeights(&graph);
  if (!lines.ok()) return lines.status();
  ShortenNames(&graph);
  PADDOCK_RETURN_IF_ERROR(graph.Write(request.out_path));
  return lines;
}

}  // namespace paddock
