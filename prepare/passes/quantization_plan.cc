#include "prepare/passes/quantization_plan.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace paddock {
namespace {

constexpr std::int64_t kMostClasses = 128;

bool IsOneOf(const std::string& type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool HasFloatElements(const OnnxGraph& graph, const std::string& value) {
  const auto info = graph.Value(value);
  return info && info->type == ElementType::kFloat32;
}

class Planner {
 public:
  Planner(const OnnxGraph& graph, const QuantizationChoice& choice)
      : graph_(graph), choice_(choice), consumers_(graph.Consumers()), producers_(graph.Producers()) {
    plan_.roles.assign(static_cast<std::size_t>(graph.graph().node_size()), NodeRole::kFloat);
  }

  Result<QuantizationPlan> Make() {
    PADDOCK_RETURN_IF_ERROR(CheckChoice());
    for (int i = 0; i < graph_.graph().node_size(); ++i) {
      PADDOCK_ASSIGN_OR_RETURN(const NodeRole role, RoleOf(i));
      if (Role(i) == NodeRole::kFloat) Role(i) = role;
      if (role == NodeRole::kWeighted || role == NodeRole::kComputing) FuseActivation(i);
    }
    ReleaseEntries();
    for (int i = 0; i < graph_.graph().node_size(); ++i) CollectTensors(i);
    for (const auto& [tensor, number] : group_of_) plan_.group[tensor] = Find(number);
    return std::move(plan_);
  }

 private:
  const onnx::NodeProto& Node(int index) const { return graph_.graph().node(index); }
  NodeRole& Role(int index) { return plan_.roles[static_cast<std::size_t>(index)]; }

  Status CheckChoice() const {
    for (const std::string& name : choice_.excluded_nodes) {
      if (std::none_of(graph_.graph().node().begin(), graph_.graph().node().end(),
                       [&](const auto& node) { return NodeKey(node) == name; })) {
        return InvalidArgumentError("exclude names the node '" + name +
                                    "', which the optimised model does not have; `paddock model inspect` and "
                                    "the report of `optimize level=basic` show its nodes");
      }
    }
    for (const std::string& type : choice_.excluded_types) {
      if (std::none_of(graph_.graph().node().begin(), graph_.graph().node().end(),
                       [&](const auto& node) { return node.op_type() == type; })) {
        return InvalidArgumentError("exclude_types names the operator '" + type +
                                    "', which the optimised model does not have");
      }
    }
    return OkStatus();
  }

  // An activation that can be quantised: computed or given, of type float32.
  bool IsActivation(const std::string& value) const {
    return !value.empty() && graph_.Initializer(value) == nullptr && HasFloatElements(graph_, value);
  }

  // Made by a node that computes with eight bits, or given to the model.
  bool ComesQuantised(const std::string& value) {
    if (graph_.IsInput(value)) return true;
    const auto producer = producers_.find(value);
    return producer != producers_.end() && Role(producer->second) != NodeRole::kFloat;
  }

  Result<NodeRole> RoleOf(int index) {
    const onnx::NodeProto& node = Node(index);
    const std::string& type = node.op_type();
    if (Role(index) != NodeRole::kFloat) return Role(index);
    if (!IsStandard(node.domain())) return NodeRole::kFloat;
    if (choice_.excluded_nodes.contains(NodeKey(node)) || choice_.excluded_types.contains(type))
      return NodeRole::kFloat;
    if (node.input_size() == 0 || node.output_size() == 0) return NodeRole::kFloat;
    for (const std::string& output : node.output()) {
      if (!HasFloatElements(graph_, output)) return NodeRole::kFloat;
    }
    if (IsOneOf(type, {"Conv", "Gemm", "MatMul"})) return RoleOfProduct(node);
    if (IsOneOf(type, {"Add", "Mul", "Sub"})) return RoleOfArithmetic(node);
    if (!IsActivation(node.input(0))) return NodeRole::kFloat;
    if (IsOneOf(type, {"AveragePool", "GlobalAveragePool", "ReduceMean", "LeakyRelu", "HardSwish"}) ||
        BoundsOf(graph_, node)) {
      return ComesQuantised(node.input(0)) ? NodeRole::kComputing : NodeRole::kFloat;
    }
    if (IsOneOf(type, {"Softmax", "Sigmoid", "Tanh"})) return RoleOfFixed(node);
    return RoleOfMoving(node);
  }

  Result<NodeRole> RoleOfProduct(const onnx::NodeProto& node) {
    if (!IsActivation(node.input(0)) || node.input_size() < 2) return NodeRole::kFloat;
    const onnx::TensorProto* const weights = graph_.Initializer(node.input(1));
    if (weights == nullptr) {
      const bool is_product = node.op_type() == "MatMul" && IsActivation(node.input(1));
      return is_product && (ComesQuantised(node.input(0)) || ComesQuantised(node.input(1)))
                 ? NodeRole::kComputing
                 : NodeRole::kFloat;
    }
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> values, FiniteFloatsOf(*weights));
    const bool has_fit_shape =
        node.op_type() == "Conv" ? weights->dims_size() >= 3 : weights->dims_size() == 2;
    if (values.empty() || !has_fit_shape || weights->data_type() != onnx::TensorProto::FLOAT ||
        IntAttribute(node, "transA", 0) != 0) {
      return NodeRole::kFloat;
    }
    if (node.input_size() < 3 || node.input(2).empty()) return NodeRole::kWeighted;
    const onnx::TensorProto* const bias = graph_.Initializer(node.input(2));
    if (bias == nullptr) return NodeRole::kFloat;
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> bias_values, FiniteFloatsOf(*bias));
    const bool by_column = node.op_type() == "Gemm" && IntAttribute(node, "transB", 0) == 0;
    return static_cast<std::int64_t>(bias_values.size()) == weights->dims(by_column ? 1 : 0)
               ? NodeRole::kWeighted
               : NodeRole::kFloat;
  }

  Result<NodeRole> RoleOfArithmetic(const onnx::NodeProto& node) {
    bool has_activation = false;
    for (const std::string& input : node.input()) {
      if (const onnx::TensorProto* constant = graph_.Initializer(input)) {
        PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> values, FiniteFloatsOf(*constant));
        if (values.empty()) return NodeRole::kFloat;
      } else {
        has_activation = has_activation || (IsActivation(input) && ComesQuantised(input));
      }
    }
    return has_activation ? NodeRole::kComputing : NodeRole::kFloat;
  }

  NodeRole RoleOfFixed(const onnx::NodeProto& node) {
    if (!ComesQuantised(node.input(0))) return NodeRole::kFloat;
    if (node.op_type() == "Softmax") {
      const auto info = graph_.Value(node.input(0));
      const std::int64_t axis = IntAttribute(node, "axis", -1);
      const auto rank = static_cast<std::int64_t>(info->shape.size());
      const std::int64_t at = axis < 0 ? axis + rank : axis;
      if (at < 0 || at >= rank) return NodeRole::kFloat;
      const std::int64_t classes = info->shape[static_cast<std::size_t>(at)];
      if (classes < 0 || classes > kMostClasses) return NodeRole::kFloat;
    }
    // A scale of 1/256 from 0, or of 1/128 around 0.
    const bool is_tanh = node.op_type() == "Tanh";
    plan_.fixed[node.output(0)] = is_tanh ? Range{-1, 127.0 / 128} : Range{0, 255.0 / 256};
    return NodeRole::kComputing;
  }

  NodeRole RoleOfMoving(const onnx::NodeProto& node) {
    const std::string& type = node.op_type();
    if (type == "Concat") {
      for (const std::string& input : node.input()) {
        if (!IsActivation(input) || !ComesQuantised(input)) return NodeRole::kFloat;
      }
      return NodeRole::kMoving;
    }
    const bool is_nearest = type == "Resize" && TextAttribute(node, "mode", "nearest") == "nearest";
    const bool pads_zero = type == "Pad" && TextAttribute(node, "mode", "constant") == "constant" &&
                           (node.input_size() < 3 || node.input(2).empty() || IsZero(node.input(2)));
    if (!is_nearest && !pads_zero &&
        !IsOneOf(type, {"MaxPool", "GlobalMaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze",
                        "Slice", "Split", "Identity", "Gather", "DepthToSpace", "SpaceToDepth"})) {
      return NodeRole::kFloat;
    }
    return ComesQuantised(node.input(0)) ? NodeRole::kMoving : NodeRole::kFloat;
  }

  bool IsZero(const std::string& name) const {
    const onnx::TensorProto* const tensor = graph_.Initializer(name);
    if (tensor == nullptr) return false;
    const auto values = FiniteFloatsOf(*tensor);
    return values.ok() && std::all_of(values->begin(), values->end(), [](float value) { return value == 0; });
  }

  void FuseActivation(int index) {
    const onnx::NodeProto& node = Node(index);
    if (plan_.fixed.contains(node.output(0)) || BoundsOf(graph_, node) || graph_.IsOutput(node.output(0)))
      return;
    const auto readers = consumers_.find(node.output(0));
    if (readers == consumers_.end() || readers->second.size() != 1) return;
    const int reader = readers->second[0];
    const auto bounds = BoundsOf(graph_, Node(reader));
    if (!bounds || bounds->min > 0 || bounds->max < 0 || Node(reader).input(0) != node.output(0)) return;
    if (choice_.excluded_nodes.contains(NodeKey(Node(reader))) ||
        choice_.excluded_types.contains(Node(reader).op_type())) {
      return;
    }
    Role(reader) = NodeRole::kFusedActivation;
  }

  // What moves a model's input about and leads to nothing that computes with eight bits stays float.
  void ReleaseEntries() {
    const std::vector<bool> follows_weights = FollowsWeights();
    for (int i = graph_.graph().node_size() - 1; i >= 0; --i) {
      if (Role(i) != NodeRole::kMoving && Role(i) != NodeRole::kComputing) continue;
      bool leads_on = false;
      for (const std::string& output : Node(i).output()) {
        const auto readers = consumers_.find(output);
        if (readers == consumers_.end()) continue;
        for (const int reader : readers->second) leads_on = leads_on || Role(reader) != NodeRole::kFloat;
      }
      if (!leads_on && !follows_weights[static_cast<std::size_t>(i)]) Role(i) = NodeRole::kFloat;
    }
  }

  // Per node: it is a weighted one, or follows one by nodes that compute with eight bits.
  std::vector<bool> FollowsWeights() {
    std::vector<bool> follows(plan_.roles.size());
    for (int i = 0; i < graph_.graph().node_size(); ++i) {
      bool one = Role(i) == NodeRole::kWeighted;
      for (const std::string& input : Node(i).input()) {
        const auto producer = producers_.find(input);
        one = one || (producer != producers_.end() && Role(producer->second) != NodeRole::kFloat &&
                      follows[static_cast<std::size_t>(producer->second)]);
      }
      follows[static_cast<std::size_t>(i)] = one;
    }
    return follows;
  }

  void AddTensor(const std::string& tensor) {
    if (!IsActivation(tensor)) return;
    if (!group_of_.emplace(tensor, static_cast<int>(parents_.size())).second) return;
    parents_.push_back(static_cast<int>(parents_.size()));
    plan_.tensors.push_back(tensor);
  }

  void CollectTensors(int index) {
    const onnx::NodeProto& node = Node(index);
    const NodeRole role = Role(index);
    if (role == NodeRole::kFloat) return;
    if (role != NodeRole::kFusedActivation) {
      for (const std::string& input : node.input()) AddTensor(input);
    }
    if (ResultOf(graph_, plan_, index) != node.output(0)) return;
    for (const std::string& output : node.output()) AddTensor(output);
    if (role != NodeRole::kMoving) return;
    for (const auto* const values : {&node.input(), &node.output()}) {
      for (const std::string& value : *values) {
        if (group_of_.contains(value)) Join(group_of_[value], group_of_[node.output(0)]);
      }
    }
  }

  int Find(int number) const {
    while (parents_[static_cast<std::size_t>(number)] != number)
      number = parents_[static_cast<std::size_t>(number)];
    return number;
  }
  void Join(int a, int b) { parents_[static_cast<std::size_t>(Find(a))] = Find(b); }

  const OnnxGraph& graph_;
  const QuantizationChoice& choice_;
  const std::map<std::string, std::vector<int>> consumers_;
  const std::map<std::string, int> producers_;
  QuantizationPlan plan_;
  std::map<std::string, int> group_of_;
  std::vector<int> parents_;
};

}  // namespace

Result<QuantizationPlan> PlanQuantization(const OnnxGraph& graph, const QuantizationChoice& choice) {
  return Planner(graph, choice).Make();
}

std::string ResultOf(const OnnxGraph& graph, const QuantizationPlan& plan, int node) {
  const std::string& output = graph.graph().node(node).output(0);
  for (int i = node + 1; i < graph.graph().node_size(); ++i) {
    const onnx::NodeProto& reader = graph.graph().node(i);
    if (plan.roles[static_cast<std::size_t>(i)] == NodeRole::kFusedActivation && reader.input(0) == output)
      return reader.output(0);
  }
  return output;
}

std::optional<Range> BoundsOf(const OnnxGraph& graph, const onnx::NodeProto& node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (node.op_type() == "Relu") return Range{0, kInfinity};
  if (node.op_type() != "Clip") return std::nullopt;
  Range bounds{-kInfinity, kInfinity};
  for (int i = 1; i < node.input_size() && i <= 2; ++i) {
    if (node.input(i).empty()) continue;
    const onnx::TensorProto* const bound = graph.Initializer(node.input(i));
    const auto values = bound == nullptr ? Result<std::vector<float>>(InvalidArgumentError("not constant"))
                                         : FiniteFloatsOf(*bound);
    if (!values.ok() || values->size() != 1) return std::nullopt;
    (i == 1 ? bounds.min : bounds.max) = static_cast<double>(values->front());
  }
  return bounds;
}

std::string NodeKey(const onnx::NodeProto& node) {
  return !node.name().empty() || node.output_size() == 0 ? node.name() : node.output(0);
}

}  // namespace paddock
