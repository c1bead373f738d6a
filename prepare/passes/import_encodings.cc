#include "prepare/passes/import_encodings.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "prepare/onnx_graph.h"
#include "prepare/passes/aimet_encodings.h"
#include "prepare/passes/qdq_writer.h"

namespace paddock {
namespace {

// "'a', 'b', 'c' and 5 more"
std::string FirstNames(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  return names.size() > kShown ? text + " and " + std::to_string(names.size() - kShown) + " more" : text;
}

std::string Counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

bool HasWeightsAndBias(const onnx::NodeProto& node) {
  return node.op_type() == "Conv" || node.op_type() == "ConvTranspose" || node.op_type() == "Gemm";
}

// Each element of the output is one of the input.
bool MovesElements(const onnx::NodeProto& node) {
  static const std::set<std::string> kTypes{"MaxPool",   "GlobalMaxPool", "Reshape",      "Flatten",
                                            "Transpose", "Squeeze",       "Unsqueeze",    "Slice",
                                            "Split",     "Identity",      "DepthToSpace", "SpaceToDepth"};
  return kTypes.contains(node.op_type());
}

class EncodingsImport {
 public:
  EncodingsImport(OnnxGraph* graph, const std::vector<TensorEncoding>& encodings)
      : graph_(*graph), consumers_(graph->Consumers()), encodings_(encodings) {
    for (const TensorEncoding& encoding : encodings) named_[encoding.tensor] = &encoding;
  }

  Result<std::vector<std::string>> Run() {
    PADDOCK_RETURN_IF_ERROR(Sort());
    SpreadActivations();
    for (const TensorEncoding& encoding : encodings_) {
      if (!encoding.is_float && graph_.Initializer(encoding.tensor) != nullptr)
        PADDOCK_RETURN_IF_ERROR(ImportConstant(encoding));
    }
    const std::vector<onnx::NodeProto> old(graph_.graph().node().begin(), graph_.graph().node().end());
    for (const auto& input : graph_.graph().input()) {
      if (activations_.contains(input.name())) AddActivation(input.name(), input.name(), "");
    }
    for (onnx::NodeProto node : old) {
      for (std::string& input : *node.mutable_input()) {
        if (const auto renamed = values_.find(input); renamed != values_.end()) input = renamed->second;
      }
      std::vector<std::pair<std::string, std::string>>
          outputs;  // as the node makes it, as the model calls it
      for (std::string& output : *node.mutable_output()) {
        if (!activations_.contains(output)) continue;
        outputs.emplace_back(graph_.NewName(output), output);
        output = outputs.back().first;
      }
      nodes_.push_back(std::move(node));
      for (const auto& [raw, name] : outputs) AddActivation(name, raw, graph_.IsOutput(name) ? name : "");
    }
    graph_.graph().clear_value_info();
    graph_.SetNodes(std::move(nodes_));
    graph_.RemoveUnused();
    return Report();
  }

 private:
  // Which names are activations, and whether all of them can be imported.
  Status Sort() {
    const auto producers = graph_.Producers();
    std::vector<std::string> unknown;
    std::vector<std::string> wide;
    for (const TensorEncoding& encoding : encodings_) {
      const std::string& name = encoding.tensor;
      const bool is_constant = graph_.Initializer(name) != nullptr;
      if (!is_constant && !graph_.IsInput(name) && !producers.contains(name)) {
        unknown.push_back(name);
        continue;
      }
      if (encoding.is_float) {
        floats_.push_back(name);
        continue;
      }
      const auto value = graph_.Value(name);
      if (value && value->type != ElementType::kFloat32) {
        return InvalidArgumentError("tensor '" + name +
                                    "' is not float32 in the model, and the encodings quantise it; "
                                    "export both files together");
      }
      if (is_constant) continue;
      if (encoding.scales.size() > 1)
        return InvalidArgumentError("activation '" + name +
                                    "' has one scale for each channel; export it with one for the tensor");
      if (encoding.bits != 8) wide.push_back(name);
      activations_[name] = &encoding;
    }
    if (!unknown.empty()) {
      return InvalidArgumentError(
          "the model lacks " + FirstNames(unknown) + " of the " + Counted(encodings_.size(), "tensor") +
          " that the encodings name; take the .onnx and the .encodings of one export, and let "
          "import-encodings be the first step");
    }
    if (!wide.empty()) {
      return InvalidArgumentError(
          "activations with " + std::to_string(named_.at(wide[0])->bits) +
          " bits, and only 8 can be imported: " + FirstNames(wide) +
          "; export them from AIMET with 8 bits, or take them out of the file to leave them float32");
    }
    return OkStatus();
  }

  void SpreadActivations() {
    for (const onnx::NodeProto& node : graph_.graph().node()) {
      if (!MovesElements(node)) continue;
      const auto input = activations_.find(node.input(0));
      if (input == activations_.end()) continue;
      for (int i = 0; i < (node.op_type() == "Split" ? node.output_size() : 1); ++i) {
        if (!node.output(i).empty() && !named_.contains(node.output(i)))
          activations_.emplace(node.output(i), input->second);
      }
    }
  }

  void AddActivation(const std::string& name, const std::string& raw, const std::string& wanted_name) {
    const TensorEncoding& encoding = *activations_.at(name);
    const std::string scale = AddFloats(name + ".scale", {}, encoding.scales);
    const std::string zero_point =
        AddIntegers(name + ".zero_point", ElementType::kUint8, {}, {encoding.zero_points[0] + kUint8Shift});
    const std::string integers = graph_.NewName(name + ".uint8");
    values_[name] = wanted_name.empty() ? graph_.NewName(name + ".dequantised") : wanted_name;
    nodes_.push_back(MakeNode("QuantizeLinear", "", {raw, scale, zero_point}, {integers}));
    nodes_.push_back(MakeNode("DequantizeLinear", "", {integers, scale, zero_point}, {values_[name]}));
  }

  // The dimension that the scales of a constant are for, from the node that reads it.
  Result<std::size_t> AxisOf(const TensorEncoding& encoding, const Shape& shape) const {
    const auto rank = static_cast<std::int64_t>(shape.size());
    std::int64_t axis = 0;
    const auto readers = consumers_.find(encoding.tensor);
    if (encoding.axis) {
      axis = *encoding.axis < 0 ? *encoding.axis + rank : *encoding.axis;
    } else if (readers != consumers_.end()) {
      const onnx::NodeProto& node = graph_.graph().node(readers->second.front());
      const bool is_weight = node.input_size() > 1 && node.input(1) == encoding.tensor;
      if (is_weight && node.op_type() == "ConvTranspose") axis = 1;
      if (is_weight && node.op_type() == "MatMul") axis = rank - 1;
      if (is_weight && node.op_type() == "Gemm" && IntAttribute(node, "transB", 0) == 0) axis = 1;
    }
    if (axis < 0 || axis >= rank ||
        shape[static_cast<std::size_t>(axis)] != static_cast<std::int64_t>(encoding.scales.size())) {
      return InvalidArgumentError("tensor '" + encoding.tensor + "' of shape " + ShapeText(shape) + " has " +
                                  Counted(encoding.scales.size(), "scale") + " for its dimension " +
                                  std::to_string(axis) + "; export both files together");
    }
    return static_cast<std::size_t>(axis);
  }

  Status ImportConstant(const TensorEncoding& encoding) {
    const std::string& name = encoding.tensor;
    const onnx::TensorProto& tensor = *graph_.Initializer(name);
    const Shape shape(tensor.dims().begin(), tensor.dims().end());
    PADDOCK_ASSIGN_OR_RETURN(std::vector<float> values, FiniteFloatsOf(tensor));
    const bool has_channels = encoding.scales.size() > 1;
    std::size_t axis = 0;
    if (has_channels) {
      PADDOCK_ASSIGN_OR_RETURN(axis, AxisOf(encoding, shape));
    }
    std::size_t inner = 1;
    for (std::size_t d = axis + 1; d < shape.size(); ++d) inner *= static_cast<std::size_t>(shape[d]);
    std::vector<std::int64_t> integers;
    integers.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t channel = has_channels ? i / inner % encoding.scales.size() : 0;
      const auto low = static_cast<double>(encoding.low);
      const auto high = static_cast<double>(encoding.high);
      const double steps = std::nearbyint(static_cast<double>(values[i] / encoding.scales[channel]));
      const double integer =
          std::clamp(steps + static_cast<double>(encoding.zero_points[channel]), low, high);
      integers.push_back(static_cast<std::int64_t>(integer));
      values[i] = static_cast<float>(integer - static_cast<double>(encoding.zero_points[channel])) *
                  encoding.scales[channel];
    }
    const auto& zeros = encoding.zero_points;
    const bool one_zero =
        std::adjacent_find(zeros.begin(), zeros.end(), std::not_equal_to<>()) == zeros.end();
    const bool is_bias = IsBias(name);
    const bool is_int32 =
        is_bias && encoding.bits == 32 && zeros[0] == 0 && one_zero && HasProductScale(encoding);
    if (!is_int32 && (is_bias || encoding.bits > 8 || !one_zero)) {
      graph_.SetInitializer(MakeFloats(name, shape, values));
      rounded_.push_back(name);
      return OkStatus();
    }
    const ElementType type = is_int32 ? ElementType::kInt32 : ElementType::kInt8;
    const Shape scale_shape =
        has_channels ? Shape{static_cast<std::int64_t>(encoding.scales.size())} : Shape{};
    std::vector<std::string> inputs = {
        AddIntegers(name + (is_int32 ? ".int32" : ".int8"), type, shape, integers),
        AddFloats(name + ".scale", scale_shape, encoding.scales)};
    if (!is_int32) inputs.push_back(AddIntegers(name + ".zero_point", type, scale_shape, zeros));
    values_[name] = graph_.NewName(name + ".dequantised");
    nodes_.push_back(MakeNode("DequantizeLinear", "", inputs, {values_[name]}));
    if (has_channels) SetIntAttribute(&nodes_.back(), "axis", static_cast<std::int64_t>(axis));
    ++(is_int32 ? biases_ : has_channels ? per_channel_ : per_tensor_);
    return OkStatus();
  }

  bool IsBias(const std::string& name) const {
    const auto readers = consumers_.find(name);
    return readers != consumers_.end() &&
           std::any_of(readers->second.begin(), readers->second.end(), [&](int reader) {
             const onnx::NodeProto& node = graph_.graph().node(reader);
             return HasWeightsAndBias(node) && node.input_size() > 2 && node.input(2) == name;
           });
  }
  // Kernels add an int32 bias to their sums as it is, so its scale must be theirs.
  bool HasProductScale(const TensorEncoding& bias) const {
    for (const int reader : consumers_.at(bias.tensor)) {
      const onnx::NodeProto& node = graph_.graph().node(reader);
      if (!HasWeightsAndBias(node)) return false;
      const auto input = activations_.find(node.input(0));
      const auto weights = named_.find(node.input(1));
      if (input == activations_.end() || weights == named_.end()) return false;
      const std::vector<float>& scales = weights->second->scales;
      if (scales.size() != bias.scales.size()) return false;
      for (std::size_t c = 0; c < bias.scales.size(); ++c) {
        const float product = input->second->scales[0] * scales[c];
        constexpr float kTolerance = 1e-5F;
        if (!(std::abs(bias.scales[c] - product) <= kTolerance * product)) return false;
      }
    }
    return true;
  }

  std::string AddFloats(const std::string& name, const Shape& shape, const std::vector<float>& values) {
    std::string free_name = graph_.NewName(name);
    graph_.SetInitializer(MakeFloats(free_name, shape, values));
    return free_name;
  }
  std::string AddIntegers(const std::string& name, ElementType type, const Shape& shape,
                          const std::vector<std::int64_t>& values) {
    std::string free_name = graph_.NewName(name);
    graph_.SetInitializer(MakeIntegers(free_name, type, shape, values));
    return free_name;
  }

  std::vector<std::string> Report() const {
    std::vector<std::string> lines = {Counted(activations_.size(), "activation") + " as uint8"};
    if (per_channel_ > 0)
      lines.push_back(Counted(per_channel_, "constant") + " as int8, a scale per channel");
    if (per_tensor_ > 0) lines.push_back(Counted(per_tensor_, "constant") + " as int8, one scale");
    if (biases_ > 0) lines.push_back(Counted(biases_, "bias tensor") + " as int32");
    if (!rounded_.empty())
      lines.push_back("rounded as the encodings say and left float32: " + FirstNames(rounded_));
    if (!floats_.empty())
      lines.push_back("floating point in the encodings, left as they are: " + FirstNames(floats_));
    return lines;
  }

  OnnxGraph& graph_;
  const std::map<std::string, std::vector<int>> consumers_;
  const std::vector<TensorEncoding>& encodings_;
  std::map<std::string, const TensorEncoding*> named_;
  std::map<std::string, const TensorEncoding*> activations_;
  std::map<std::string, std::string> values_;  // of the model to what stands for them
  std::vector<onnx::NodeProto> nodes_;
  std::size_t per_channel_ = 0;
  std::size_t per_tensor_ = 0;
  std::size_t biases_ = 0;
  std::vector<std::string> rounded_;
  std::vector<std::string> floats_;
};

}  // namespace

Result<std::vector<std::string>> RunImportEncodings(const StepRequest& request) {
  constexpr std::int64_t kFirstWithAxis = 13;
  const std::string shown_name = std::filesystem::path(request.encodings_path).filename().string();
  PADDOCK_ASSIGN_OR_RETURN(const auto encodings, ReadAimetEncodings(request.encodings_path, shown_name));
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph graph, OnnxGraph::Read(request.in_path));
  for (const onnx::NodeProto& node : graph.graph().node()) {
    if (node.op_type().find("QuantizeLinear") != std::string::npos) {
      return InvalidArgumentError(NodeText(node) +
                                  ": the model is quantised already; run it as it is, or take the float "
                                  "model that AIMET wrote beside the encodings");
    }
  }
  if (graph.opset() < kFirstWithAxis) PADDOCK_RETURN_IF_ERROR(graph.ConvertOpset(kFirstWithAxis));
  PADDOCK_ASSIGN_OR_RETURN(std::vector<std::string> lines, EncodingsImport(&graph, encodings).Run());
  PADDOCK_RETURN_IF_ERROR(graph.Write(request.out_path));
  return lines;
}

}  // namespace paddock
