#include "prepare/passes/prune.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <set>

#include "prepare/onnx_graph.h"
#include "prepare/passes/prune_channels.h"

namespace paddock {
namespace {

constexpr OptionDoc kPruneOptions[] = {
    {"kind", "magnitude (default): single weights; 2:4: two of each four; channels: whole channels"},
    {"ratio", "the share that goes, up to 0.95 (0.5); not with kind=2:4"},
};

struct PruneSettings {
  std::string kind;
  double ratio = 0.5;
};

Result<PruneSettings> ReadPruneSettings(const std::map<std::string, std::string>& options) {
  OptionReader reader("step 'prune'", options);
  PruneSettings settings;
  settings.kind = reader.Choice("kind", "magnitude", {"magnitude", "2:4", "channels"});
  settings.ratio = reader.Number("ratio", 0.5, 0.01, 0.95);
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  if (settings.kind == "2:4" && reader.Has("ratio"))
    return InvalidArgumentError("step 'prune': kind=2:4 always takes half; leave ratio out");
  return settings;
}

// The weights of a node and their dimension of input channels; null for other nodes.
const onnx::TensorProto* PrunedWeights(const OnnxGraph& graph, const onnx::NodeProto& node,
                                       std::size_t* axis) {
  const std::string& type = node.op_type();
  if ((type != "Conv" && type != "Gemm" && type != "MatMul") || node.input_size() < 2) return nullptr;
  const onnx::TensorProto* const weights = graph.Initializer(node.input(1));
  if (weights == nullptr || weights->data_type() != onnx::TensorProto::FLOAT || weights->dims_size() < 2)
    return nullptr;
  const auto rank = static_cast<std::size_t>(weights->dims_size());
  const bool has_outputs_first = type == "Conv" || (type == "Gemm" && IntAttribute(node, "transB", 0) != 0);
  *axis = has_outputs_first ? 1 : rank - 2;
  return weights;
}

void ZeroLeast(std::vector<float>* weights, double ratio) {
  std::vector<double> magnitudes;
  magnitudes.reserve(weights->size());
  for (const float weight : *weights) magnitudes.push_back(std::abs(static_cast<double>(weight)));
  const auto count = static_cast<std::size_t>(ratio * static_cast<double>(weights->size()));
  for (const std::size_t index : LeastMagnitudes(magnitudes, count)) (*weights)[index] = 0;
}

// Groups that are not whole stay.
void ZeroTwoOfFour(std::vector<float>* weights, const Shape& shape, std::size_t axis) {
  std::size_t inner = 1;
  for (std::size_t d = axis + 1; d < shape.size(); ++d) inner *= static_cast<std::size_t>(shape[d]);
  const auto length = static_cast<std::size_t>(shape[axis]);
  for (std::size_t begin = 0; begin < weights->size(); begin += length * inner) {
    for (std::size_t channel = 0; channel + 4 <= length; channel += 4) {
      for (std::size_t i = 0; i < inner; ++i) {
        const auto at = [&](std::size_t k) { return begin + (channel + k) * inner + i; };
        double magnitudes[4];
        for (std::size_t k = 0; k < 4; ++k) magnitudes[k] = std::abs(static_cast<double>((*weights)[at(k)]));
        for (const std::size_t k : LeastMagnitudes(magnitudes, 2)) (*weights)[at(k)] = 0;
      }
    }
  }
}

Result<std::vector<std::string>> ZeroWeights(const PruneSettings& settings, OnnxGraph* graph) {
  std::set<std::string> done;
  std::uint64_t all = 0;
  std::uint64_t zeros_before = 0;
  std::uint64_t zeros_after = 0;
  std::vector<std::string> lines;
  for (const onnx::NodeProto& node : graph->graph().node()) {
    std::size_t axis = 0;
    const onnx::TensorProto* const tensor = PrunedWeights(*graph, node, &axis);
    if (tensor == nullptr || !done.insert(tensor->name()).second) continue;
    PADDOCK_ASSIGN_OR_RETURN(std::vector<float> weights, FiniteFloatsOf(*tensor));
    const Shape shape(tensor->dims().begin(), tensor->dims().end());
    all += weights.size();
    zeros_before += static_cast<std::uint64_t>(std::count(weights.begin(), weights.end(), 0.0F));
    if (settings.kind == "magnitude") {
      ZeroLeast(&weights, settings.ratio);
    } else if (shape[axis] >= 4) {
      ZeroTwoOfFour(&weights, shape, axis);
    } else {
      lines.push_back(NodeText(node).substr(0, 80) + " stays: it has " + std::to_string(shape[axis]) +
                      " input channels for a weight");
    }
    zeros_after += static_cast<std::uint64_t>(std::count(weights.begin(), weights.end(), 0.0F));
    graph->SetInitializer(MakeFloats(tensor->name(), shape, weights));
  }
  if (all == 0)
    return InvalidArgumentError("there is no Conv, Gemm or MatMul with constant float32 weights to prune");
  char text[120];
  std::snprintf(text, sizeof text, "zeros %llu -> %llu of %llu weights (%.1f %%)",
                static_cast<unsigned long long>(zeros_before), static_cast<unsigned long long>(zeros_after),
                static_cast<unsigned long long>(all),
                100 * static_cast<double>(zeros_after) / static_cast<double>(all));
  lines.insert(lines.begin(), text);
  return lines;
}

}  // namespace

std::vector<std::size_t> LeastMagnitudes(std::span<const double> magnitudes, std::size_t count) {
  std::vector<std::size_t> order(magnitudes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
  std::partial_sort(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
    return magnitudes[a] != magnitudes[b] ? magnitudes[a] < magnitudes[b] : a < b;
  });
  return {order.begin(), end};
}

std::span<const OptionDoc> PruneOptions() { return kPruneOptions; }

Status CheckPruneOptions(const std::map<std::string, std::string>& options) {
  return ReadPruneSettings(options).status();
}

Result<std::vector<std::string>> RunPrune(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const PruneSettings settings, ReadPruneSettings(request.options));
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph graph, OnnxGraph::Read(request.in_path));
  for (const onnx::NodeProto& node : graph.graph().node()) {
    if (node.op_type().find("QuantizeLinear") == std::string::npos) continue;
    return InvalidArgumentError(NodeText(node) + " shows that the model is quantised already; prune first");
  }
  auto lines =
      settings.kind == "channels" ? PruneChannels(settings.ratio, &graph) : ZeroWeights(settings, &graph);
  if (!lines.ok()) return lines.status();
  PADDOCK_RETURN_IF_ERROR(graph.Write(request.out_path));
  return lines;
}

}  // namespace paddock
