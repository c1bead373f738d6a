#include "prepare/model_cost.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/file.h"
#include "prepare/onnx_graph.h"
#include "prepare/tflite/tflite_model.h"

namespace paddock {
namespace {

struct Value {
  std::optional<std::uint64_t> bytes;
  std::size_t born = 0;  // at which node
  std::size_t last_use = 0;
};

std::optional<std::uint64_t> SampleBytes(Shape shape, ElementType type) {
  if (!shape.empty() && shape[0] < 0) shape[0] = 1;
  const auto count = ElementCount(shape);
  if (!count) return std::nullopt;
  return *count * ElementSize(type);
}

// The largest sum of bytes over the values that are alive at one node.
std::optional<std::uint64_t> PeakBytes(const std::vector<Value>& values, std::size_t nodes) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 60;
  std::vector<std::int64_t> change(nodes + 1);
  std::uint64_t all_bytes = 0;
  for (const Value& value : values) {
    if (!value.bytes || (all_bytes += *value.bytes) > kMost) return std::nullopt;
    change[value.born] += static_cast<std::int64_t>(*value.bytes);
    if (value.last_use + 1 <= nodes) change[value.last_use + 1] -= static_cast<std::int64_t>(*value.bytes);
  }
  std::int64_t alive = 0;
  std::int64_t peak = 0;
  for (const std::int64_t step : change) peak = std::max(peak, alive += step);
  return static_cast<std::uint64_t>(peak);
}

ModelCost CostOf(const OnnxGraph& graph) {
  ModelCost cost;
  cost.multiply_accumulates = 0;
  const auto nodes = static_cast<std::size_t>(graph.graph().node_size());
  std::map<std::string, Value> values;
  std::set<std::string> constants;
  const auto value_of = [&](const std::string& name, std::size_t born) -> Value& {
    const auto [entry, is_new] = values.try_emplace(name);
    if (is_new) {
      const auto info = graph.Value(name);
      if (info) entry->second.bytes = SampleBytes(info->shape, info->type);
      entry->second.born = entry->second.last_use = born;
    }
    return entry->second;
  };
  for (const auto& input : graph.graph().input()) value_of(input.name(), 0);
  for (std::size_t i = 0; i < nodes; ++i) {
    const onnx::NodeProto& node = graph.graph().node(static_cast<int>(i));
    const auto work = MultiplyAccumulates(graph, node);
    if (!work) cost.multiply_accumulates.reset();
    if (cost.multiply_accumulates) *cost.multiply_accumulates += *work;
    const auto is_constant = [&](const std::string& name) {
      return name.empty() || graph.Initializer(name) != nullptr || constants.contains(name);
    };
    // What is made of weights alone, such as dequantised ones, counts as weights.
    if (std::all_of(node.input().begin(), node.input().end(), is_constant)) {
      constants.insert(node.output().begin(), node.output().end());
      continue;
    }
    for (const std::string& input : node.input()) {
      if (!is_constant(input)) value_of(input, i).last_use = i;
    }
    for (const std::string& output : node.output()) {
      if (!output.empty()) value_of(output, i);
    }
  }
  for (const auto& output : graph.graph().output()) {
    if (!constants.contains(output.name())) value_of(output.name(), 0).last_use = nodes;
  }
  std::vector<Value> list;
  for (const auto& [name, value] : values) list.push_back(value);
  cost.activation_peak_bytes = PeakBytes(list, nodes);
  return cost;
}

// Whether an operator computes products that nobody counts here, or may do so.
bool HidesProducts(const TfliteOperator& node) {
  if (node.op == TfliteOp::kCustom) return node.custom_name != "TFLite_Detection_PostProcess";
  const std::string name = TfliteOpName(node.op);
  const auto has = [&](const char* part) { return name.find(part) != name.npos; };
  return has("CONV") || has("MATMUL") || has("LSTM") || has("RNN") || has("SVDF") || has("operator");
}

std::optional<std::uint64_t> MultiplyAccumulates(const TfliteModel& model, const TfliteOperator& node) {
  const bool is_counted = node.op == TfliteOp::kConv2d || node.op == TfliteOp::kDepthwiseConv2d ||
                          node.op == TfliteOp::kFullyConnected;
  if (!is_counted) return HidesProducts(node) ? std::nullopt : std::optional<std::uint64_t>(0);
  if (node.inputs.size() < 2 || node.outputs.empty() || node.inputs[1] < 0) return 0;
  const Shape& weights = model.tensors[static_cast<std::size_t>(node.inputs[1])].shape;
  const auto out = ElementCount(model.tensors[static_cast<std::size_t>(node.outputs[0])].shape);
  const auto times = [&](const Shape& sums) -> std::optional<std::uint64_t> {
    const auto each = ElementCount(sums);
    return out && each ? std::optional(*out * *each) : std::nullopt;
  };
  switch (node.op) {
    case TfliteOp::kConv2d:
      return weights.size() == 4 ? times({weights[1], weights[2], weights[3]}) : std::nullopt;
    case TfliteOp::kDepthwiseConv2d:
      return weights.size() == 4 ? times({weights[1], weights[2]}) : std::nullopt;
    default:
      return weights.size() == 2 ? times({weights[1]}) : std::nullopt;
  }
}

ModelCost CostOf(const TfliteModel& model) {
  ModelCost cost;
  cost.multiply_accumulates = 0;
  const std::size_t nodes = model.operators.size();
  std::map<std::int32_t, Value> values;
  const auto value_of = [&](std::int32_t index, std::size_t born) -> Value& {
    const auto [entry, is_new] = values.try_emplace(index);
    if (is_new) {
      const TfliteTensor& tensor = model.tensors[static_cast<std::size_t>(index)];
      if (tensor.type) entry->second.bytes = SampleBytes(tensor.shape, *tensor.type);
      entry->second.born = entry->second.last_use = born;
    }
    return entry->second;
  };
  for (const std::int32_t input : model.inputs) value_of(input, 0);
  for (std::size_t i = 0; i < nodes; ++i) {
    const TfliteOperator& node = model.operators[i];
    const auto work = MultiplyAccumulates(model, node);
    if (!work) cost.multiply_accumulates.reset();
    if (cost.multiply_accumulates) *cost.multiply_accumulates += *work;
    for (const std::int32_t input : node.inputs) {
      if (input >= 0 && !model.IsConstant(input)) value_of(input, i).last_use = i;
    }
    for (const std::int32_t output : node.outputs) {
      if (output >= 0) value_of(output, i).last_use = i;
    }
  }
  for (const std::int32_t output : model.outputs) value_of(output, 0).last_use = nodes;
  std::vector<Value> list;
  for (const auto& [index, value] : values) list.push_back(value);
  cost.activation_peak_bytes = PeakBytes(list, nodes);
  return cost;
}

}  // namespace

Result<ModelCost> ReadModelCost(const std::string& path, const ModelInfo& model) {
  if (model.kind == "tflite") {
    PADDOCK_ASSIGN_OR_RETURN(const ModelBytes file, ModelBytes::Read(path));
    PADDOCK_ASSIGN_OR_RETURN(const TfliteModel tflite, ParseTflite(file.bytes()));
    return CostOf(tflite);
  }
  const auto graph = OnnxGraph::Read(path);
  if (!graph.ok()) return ModelCost();  // it can be run, though no step can change it
  return CostOf(*graph);
}

}  // namespace paddock
