#include "prepare/passes/equalize.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

namespace paddock {
namespace {

// Weights of one node, seen from its outputs or from its inputs.
struct EqualizedLayer {
  int node = 0;
  std::vector<float> weights;
  Shape shape;
  std::vector<float> bias;
  std::string bias_name;  // empty: none
  bool is_depthwise = false;
};

struct EqualizedPair {
  std::size_t first = 0;  // into the layers
  std::size_t second = 0;
  std::size_t channels = 0;
};

class Equalizer {
 public:
  explicit Equalizer(OnnxGraph* graph) : graph_(graph), consumers_(graph->Consumers()) {}

  Result<std::vector<std::string>> Run() {
    PADDOCK_RETURN_IF_ERROR(FindLayers());
    for (std::size_t i = 0; i < layers_.size(); ++i) FindPair(i);
    double largest = 1;
    constexpr int kRounds = 20;
    constexpr double kSettled = 1.001;
    for (int round = 0; round < kRounds; ++round) {
      double change = 1;
      for (const EqualizedPair& pair : pairs_) change = std::max(change, Equalize(pair));
      largest = std::max(largest, change);
      if (change < kSettled) break;
    }
    for (const EqualizedLayer& layer : layers_) WriteBack(layer);
    char text[120];
    std::snprintf(text, sizeof text,
                  "%zu pairs of layers equalised; the largest factor of a channel was %.3g", pairs_.size(),
                  largest);
    lines_.insert(lines_.begin(), text);
    return lines_;
  }

 private:
  const onnx::NodeProto& Node(const EqualizedLayer& layer) const { return graph_->graph().node(layer.node); }
  bool IsReadOnce(const std::string& value) const {
    const auto found = consumers_.find(value);
    return found != consumers_.end() && found->second.size() == 1;
  }

  Status FindLayers() {
    for (int i = 0; i < graph_->graph().node_size(); ++i) {
      const onnx::NodeProto& node = graph_->graph().node(i);
      const bool is_gemm = node.op_type() == "Gemm";
      if (node.op_type() != "Conv" && (!is_gemm || IntAttribute(node, "transA", 0) != 0)) continue;
      const onnx::TensorProto* const weights = graph_->Initializer(node.input(1));
      if (weights == nullptr || weights->data_type() != onnx::TensorProto::FLOAT ||
          weights->dims_size() < 2 || !IsReadOnce(node.input(1))) {
        continue;
      }
      EqualizedLayer layer;
      layer.node = i;
      PADDOCK_ASSIGN_OR_RETURN(layer.weights, FiniteFloatsOf(*weights));
      layer.shape.assign(weights->dims().begin(), weights->dims().end());
      if (node.input_size() > 2 && !node.input(2).empty()) {
        const onnx::TensorProto* const bias = graph_->Initializer(node.input(2));
        if (bias == nullptr || !IsReadOnce(node.input(2))) continue;
        PADDOCK_ASSIGN_OR_RETURN(layer.bias, FiniteFloatsOf(*bias));
        layer.bias_name = node.input(2);
      }
      const std::int64_t group = IntAttribute(node, "group", 1);
      layer.is_depthwise = !is_gemm && group > 1 && group == layer.shape[0] && layer.shape[1] == 1;
      if (!is_gemm && group > 1 && !layer.is_depthwise) continue;
      layer_of_[i] = layers_.size();
      layers_.push_back(std::move(layer));
    }
    return OkStatus();
  }

  // Scaling a channel of its input scales that channel of its output.
  static bool KeepsScale(const std::string& type) {
    static const std::set<std::string> kTypes = {"Relu",        "LeakyRelu",         "MaxPool",
                                                 "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
                                                 "Identity",    "Flatten",           "Dropout"};
    return kTypes.contains(type);
  }

  void FindPair(std::size_t first) {
    std::string value = Node(layers_[first]).output(0);
    while (IsReadOnce(value) && !graph_->IsOutput(value)) {
      const int reader = consumers_.at(value)[0];
      const onnx::NodeProto& node = graph_->graph().node(reader);
      if (node.op_type() == "BatchNormalization") {
        lines_.push_back(
            NodeText(Node(layers_[first])).substr(0, 80) +
            " is left out: a BatchNormalization follows; fold it by `optimize level=basic` first");
      }
      const auto second = layer_of_.find(reader);
      if (second != layer_of_.end() && node.input(0) == value) return AddPair(first, second->second);
      if (!KeepsScale(node.op_type()) || node.output_size() != 1) return;
      if (node.op_type() == "Flatten" && IntAttribute(node, "axis", 1) != 1) return;
      value = node.output(0);
    }
  }

  std::size_t OutputsOf(const EqualizedLayer& layer) const {
    return static_cast<std::size_t>(layer.shape[IsColumns(layer) ? 1 : 0]);
  }
  // Gemm with weights [inputs, outputs].
  bool IsColumns(const EqualizedLayer& layer) const {
    return Node(layer).op_type() == "Gemm" && IntAttribute(Node(layer), "transB", 0) == 0;
  }
  std::size_t InputsOf(const EqualizedLayer& layer) const {
    if (layer.is_depthwise) return OutputsOf(layer);
    return static_cast<std::size_t>(layer.shape[IsColumns(layer) ? 0 : 1]);
  }

  void AddPair(std::size_t first, std::size_t second) {
    const std::size_t channels = OutputsOf(layers_[first]);
    const std::size_t inputs = InputsOf(layers_[second]);
    // A Flatten makes several inputs of each channel.
    if (channels == 0 || inputs % channels != 0) return;
    if (inputs != channels && Node(layers_[second]).op_type() != "Gemm") return;
    if (!layers_[first].bias.empty() && layers_[first].bias.size() != channels) return;
    pairs_.push_back({first, second, channels});
  }

  std::size_t OutputOf(const EqualizedLayer& layer, std::size_t element) const {
    const std::size_t inner = layer.weights.size() / static_cast<std::size_t>(layer.shape[0]);
    return IsColumns(layer) ? element % inner : element / inner;
  }
  std::size_t InputOf(const EqualizedLayer& layer, std::size_t element) const {
    if (layer.is_depthwise) return OutputOf(layer, element);
    const std::size_t inner = layer.weights.size() / static_cast<std::size_t>(layer.shape[0]);
    if (IsColumns(layer)) return element / inner;
    return element % inner / (inner / static_cast<std::size_t>(layer.shape[1]));
  }

  // The largest factor, or its reciprocal.
  double Equalize(const EqualizedPair& pair) {
    EqualizedLayer& first = layers_[pair.first];
    EqualizedLayer& second = layers_[pair.second];
    const std::size_t spread = InputsOf(second) / pair.channels;
    std::vector<double> above(pair.channels, 0);
    std::vector<double> below(pair.channels, 0);
    for (std::size_t i = 0; i < first.weights.size(); ++i) {
      double& range = above[OutputOf(first, i)];
      range = std::max(range, std::abs(static_cast<double>(first.weights[i])));
    }
    for (std::size_t i = 0; i < second.weights.size(); ++i) {
      double& range = below[InputOf(second, i) / spread];
      range = std::max(range, std::abs(static_cast<double>(second.weights[i])));
    }
    constexpr double kLargestFactor = 1e4;
    double change = 1;
    std::vector<float> factors(pair.channels, 1);
    for (std::size_t c = 0; c < pair.channels; ++c) {
      if (above[c] <= 0 || below[c] <= 0) continue;
      const double factor = std::clamp(std::sqrt(below[c] / above[c]), 1 / kLargestFactor, kLargestFactor);
      factors[c] = static_cast<float>(factor);
      change = std::max({change, factor, 1 / factor});
    }
    for (std::size_t i = 0; i < first.weights.size(); ++i) first.weights[i] *= factors[OutputOf(first, i)];
    for (std::size_t c = 0; c < first.bias.size(); ++c) first.bias[c] *= factors[c];
    for (std::size_t i = 0; i < second.weights.size(); ++i)
      second.weights[i] /= factors[InputOf(second, i) / spread];
    return change;
  }

  void WriteBack(const EqualizedLayer& layer) {
    const onnx::NodeProto& node = Node(layer);
    graph_->SetInitializer(MakeFloats(node.input(1), layer.shape, layer.weights));
    if (layer.bias.empty()) return;
    const onnx::TensorProto& bias = *graph_->Initializer(layer.bias_name);
    graph_->SetInitializer(MakeFloats(layer.bias_name, {bias.dims().begin(), bias.dims().end()}, layer.bias));
  }

  OnnxGraph* graph_;
  const std::map<std::string, std::vector<int>> consumers_;
  std::vector<EqualizedLayer> layers_;
  std::map<int, std::size_t> layer_of_;  // by node
  std::vector<EqualizedPair> pairs_;
  std::vector<std::string> lines_;
};

}  // namespace

Result<std::vector<std::string>> EqualizeLayers(OnnxGraph* graph) { return Equalizer(graph).Run(); }

Result<std::vector<std::string>> RunEqualize(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph graph, OnnxGraph::Read(request.in_path));
  PADDOCK_ASSIGN_OR_RETURN(std::vector<std::string> lines, EqualizeLayers(&graph));
  PADDOCK_RETURN_IF_ERROR(graph.Write(request.out_path));
  return lines;
}

}  // namespace paddock
