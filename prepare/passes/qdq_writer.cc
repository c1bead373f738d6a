#include "prepare/passes/qdq_writer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace paddock {
namespace {

class QdqWriter {
 public:
  QdqWriter(const OnnxGraph& source, const QuantizationPlan& plan, const QdqSettings& settings)
      : source_(source), plan_(plan), settings_(settings), result_(source.Clone()) {}

  Result<OnnxGraph> Write() {
    for (const auto& input : source_.graph().input()) {
      if (plan_.group.contains(input.name()))
        values_[input.name()] = Quantised(input.name(), input.name(), "");
    }
    for (int i = 0; i < source_.graph().node_size(); ++i) {
      const onnx::NodeProto& node = source_.graph().node(i);
      const NodeRole role = plan_.roles[static_cast<std::size_t>(i)];
      onnx::NodeProto changed = node;
      for (int k = 0; k < node.input_size(); ++k) {
        const auto renamed = values_.find(node.input(k));
        if (renamed != values_.end()) changed.set_input(k, renamed->second);
        if (role == NodeRole::kComputing && result_.Initializer(node.input(k)) != nullptr &&
            source_.Value(node.input(k))->type == ElementType::kFloat32 && IsOperand(node, k)) {
          changed.set_input(k, QuantisedConstant(node.input(k)));
        }
      }
      if (role == NodeRole::kWeighted) PADDOCK_RETURN_IF_ERROR(QuantiseWeights(node, &changed));
      std::vector<std::pair<std::string, std::string>> quantised;  // raw value, value of the source
      for (std::string& output : *changed.mutable_output()) {
        if (!plan_.group.contains(output)) continue;
        quantised.emplace_back(result_.NewName(output), output);
        output = quantised.back().first;
      }
      nodes_.push_back(std::move(changed));
      for (const auto& pair : quantised) {
        const std::string wanted = source_.IsOutput(pair.second) ? pair.second : "";
        values_[pair.second] = Quantised(pair.second, pair.first, wanted);
      }
    }
    return Finish();
  }

  Result<ProbedGraph> WriteProbes() {
    std::vector<LayerProbe> layers;
    for (int i = 0; i < source_.graph().node_size(); ++i) {
      const onnx::NodeProto& node = source_.graph().node(i);
      nodes_.push_back(node);
      if (plan_.roles[static_cast<std::size_t>(i)] != NodeRole::kWeighted) continue;
      onnx::NodeProto probe = node;
      const std::string& input = node.input(0);
      if (!values_.contains(input)) values_[input] = Quantised(input, input, "");
      probe.set_input(0, values_[input]);
      PADDOCK_RETURN_IF_ERROR(QuantiseWeights(node, &probe));
      probe.set_name(result_.NewName("probe"));
      probe.set_output(0, result_.NewName("probe"));
      layers.push_back({NodeKey(node), node.output(0), probe.output(0)});
      nodes_.push_back(std::move(probe));
    }
    result_.graph().clear_value_info();
    result_.SetNodes(std::move(nodes_));
    return ProbedGraph{std::move(result_), std::move(layers)};
  }

 private:
  // Bounds of a Clip and axes are no operands.
  static bool IsOperand(const onnx::NodeProto& node, int input) {
    return input < 2 && (node.op_type() == "Add" || node.op_type() == "Mul" || node.op_type() == "Sub");
  }

  std::string Scalar(float value) {
    const auto [entry, is_new] = scales_.emplace(std::bit_cast<std::uint32_t>(value), "");
    if (is_new) {
      entry->second = result_.NewName("s");
      result_.SetInitializer(MakeFloats(entry->second, {}, {value}));
    }
    return entry->second;
  }
  std::string ActivationZeroPoint(const Int8Parameters& parameters) {
    const std::int64_t value = parameters.zero_point + kUint8Shift;
    std::string& name = zero_points_[value];
    if (name.empty()) {
      name = result_.NewName("z");
      result_.SetInitializer(MakeIntegers(name, ElementType::kUint8, {}, {value}));
    }
    return name;
  }
  // A scalar, or `count` of them.
  std::string WeightZeroPoint(std::int64_t count) {
    std::string& name = weight_zero_points_[count];
    if (name.empty()) {
      name = result_.NewName("z");
      const Shape shape = count == 0 ? Shape{} : Shape{count};
      const auto size = static_cast<std::size_t>(std::max<std::int64_t>(count, 1));
      result_.SetInitializer(
          MakeIntegers(name, ElementType::kInt8, shape, std::vector<std::int64_t>(size, 0)));
    }
    return name;
  }

  // The dequantised value of `raw`, with the parameters of `tensor`'s group.
  std::string Quantised(const std::string& tensor, const std::string& raw, const std::string& wanted_name) {
    const Int8Parameters& parameters = settings_.groups.at(plan_.group.at(tensor));
    const std::string scale = Scalar(parameters.scale);
    const std::string zero_point = ActivationZeroPoint(parameters);
    const std::string integers = result_.NewName("q");
    const std::string value = wanted_name.empty() ? result_.NewName("d") : wanted_name;
    nodes_.push_back(MakeNode("QuantizeLinear", "", {raw, scale, zero_point}, {integers}));
    nodes_.push_back(MakeNode("DequantizeLinear", "", {integers, scale, zero_point}, {value}));
    return value;
  }

  std::string QuantisedConstant(const std::string& name) {
    const auto known = constants_.find(name);
    if (known != constants_.end()) return known->second;
    const onnx::TensorProto& tensor = *source_.Initializer(name);
    const std::vector<float> values = FiniteFloatsOf(tensor).value();
    const auto [min, max] = std::minmax_element(values.begin(), values.end());
    const Int8Parameters parameters = ParametersOf({static_cast<double>(*min), static_cast<double>(*max)});
    std::vector<std::int64_t> integers;
    for (const float value : values) {
      const double exact = FakeQuantized(static_cast<double>(value), parameters);
      integers.push_back(std::llround(exact / static_cast<double>(parameters.scale)) + parameters.zero_point +
                         kUint8Shift);
    }
    const std::string integer_name = result_.NewName("c");
    result_.SetInitializer(MakeIntegers(integer_name, ElementType::kUint8,
                                        {tensor.dims().begin(), tensor.dims().end()}, integers));
    const std::string value = result_.NewName("d");
    nodes_.push_back(MakeNode("DequantizeLinear", "",
                              {integer_name, Scalar(parameters.scale), ActivationZeroPoint(parameters)},
                              {value}));
    constants_[name] = value;
    return value;
  }

  // An initializer of integers behind a DequantizeLinear with one scale, or one per index of `axis`.
  std::string Dequantised(onnx::TensorProto integers, const std::vector<float>& scales, std::int64_t axis) {
    const bool has_axis = settings_.per_channel;
    std::vector<std::string> inputs = {integers.name(), ""};
    if (has_axis) {
      inputs[1] = result_.NewName("s");
      result_.SetInitializer(MakeFloats(inputs[1], {static_cast<std::int64_t>(scales.size())}, scales));
    } else {
      inputs[1] = Scalar(scales[0]);
    }
    if (integers.data_type() == onnx::TensorProto::INT8)
      inputs.push_back(WeightZeroPoint(has_axis ? static_cast<std::int64_t>(scales.size()) : 0));
    onnx::NodeProto node = MakeNode("DequantizeLinear", "", inputs, {result_.NewName("d")});
    if (has_axis) SetIntAttribute(&node, "axis", axis);
    result_.SetInitializer(std::move(integers));
    nodes_.push_back(node);
    return node.output(0);
  }

  Status QuantiseWeights(const onnx::NodeProto& node, onnx::NodeProto* changed) {
    PADDOCK_ASSIGN_OR_RETURN(WeightedLayer layer, ReadWeightedLayer(source_, node));
    if (const auto shift = settings_.bias_shift.find(NodeKey(node));
        shift != settings_.bias_shift.end() && node.op_type() != "MatMul") {
      layer.bias.resize(static_cast<std::size_t>(layer.channels()), 0);
      for (std::size_t c = 0; c < layer.bias.size(); ++c) layer.bias[c] += shift->second[c];
    }
    const Int8Parameters& input = settings_.groups.at(plan_.group.at(node.input(0)));
    const QuantizedWeights quantised = QuantizeWeights(layer, input.scale, settings_.per_channel);
    changed->set_input(
        1, Dequantised(MakeIntegers(result_.NewName("w"), ElementType::kInt8, layer.shape, quantised.weights),
                       quantised.scales, layer.axis));
    if (!quantised.bias.empty()) {
      while (changed->input_size() < 3) changed->add_input();
      changed->set_input(
          2, Dequantised(MakeIntegers(result_.NewName("b"), ElementType::kInt32,
                                      {static_cast<std::int64_t>(quantised.bias.size())}, quantised.bias),
                         quantised.bias_scales, 0));
    }
    for (int a = changed->attribute_size() - 1; a >= 0; --a) {
      const std::string& name = changed->attribute(a).name();
      if (node.op_type() == "Gemm" && (name == "alpha" || name == "beta"))
        changed->mutable_attribute()->DeleteSubrange(a, 1);
    }
    return OkStatus();
  }

  Result<OnnxGraph> Finish() {
    result_.graph().clear_value_info();
    result_.SetNodes(std::move(nodes_));
    result_.RemoveUnused();
    return std::move(result_);
  }

  const OnnxGraph& source_;
  const QuantizationPlan& plan_;
  const QdqSettings& settings_;
  OnnxGraph result_;
  std::vector<onnx::NodeProto> nodes_;
  std::map<std::string, std::string> values_;  // of the source to what stands for them
  std::map<std::uint32_t, std::string> scales_;
  std::map<std::int64_t, std::string> zero_points_;
  std::map<std::int64_t, std::string> weight_zero_points_;  // by their number
  std::map<std::string, std::string> constants_;
};

}  // namespace

Result<OnnxGraph> WriteQdq(const OnnxGraph& source, const QuantizationPlan& plan,
                           const QdqSettings& settings) {
  return QdqWriter(source, plan, settings).Write();
}

Result<ProbedGraph> WriteLayerProbes(const OnnxGraph& source, const QuantizationPlan& plan,
                                     const QdqSettings& settings) {
  return QdqWriter(source, plan, settings).WriteProbes();
}

void ShortenNames(OnnxGraph* graph) {
  constexpr std::size_t kLongestNodeName = 40;
  onnx::GraphProto& proto = graph->graph();
  std::set<std::string> kept;
  for (const auto* const values : {&proto.input(), &proto.output()}) {
    for (const auto& value : *values) kept.insert(value.name());
  }
  std::map<std::string, std::string> renamed;
  std::uint64_t number = 0;
  const auto rename = [&](std::string* name) {
    if (name->empty() || kept.contains(*name)) return;
    std::string& known = renamed[*name];
    while (known.empty()) {
      std::string candidate;
      for (std::uint64_t rest = number++; candidate.empty() || rest > 0; rest /= 26)
        candidate += static_cast<char>('a' + rest % 26);
      if (!kept.contains(candidate)) known = candidate;
    }
    *name = known;
  };
  std::vector<onnx::NodeProto> nodes(proto.node().begin(), proto.node().end());
  for (onnx::NodeProto& node : nodes) {
    node.clear_doc_string();
    if (node.name().size() > kLongestNodeName || node.name().empty()) node.clear_name();
    for (std::string& name : *node.mutable_input()) rename(&name);
    for (std::string& name : *node.mutable_output()) rename(&name);
  }
  for (auto& tensor : *proto.mutable_initializer()) {
    rename(tensor.mutable_name());
    tensor.clear_doc_string();
  }
  proto.clear_value_info();
  proto.clear_doc_string();
  graph->SetNodes(std::move(nodes));
}

}  // namespace paddock
