#include "prepare/passes/share_weights.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <utility>

#include "prepare/onnx_graph.h"

namespace paddock {
namespace {

constexpr std::uint64_t kLeastElements = 256;  // a smaller tensor saves next to nothing
constexpr int kMaxRounds = 300;
constexpr std::size_t kShownTensors = 5;

constexpr OptionDoc kShareWeightsOptions[] = {
    {"clusters", "distinct values in a weight tensor, 2 to 256 (16)"},
};

Result<std::size_t> ReadClusters(const std::map<std::string, std::string>& options) {
  OptionReader reader("step 'share-weights'", options);
  const std::uint64_t clusters = reader.Unsigned("clusters", 16, 2, 256);
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  return static_cast<std::size_t>(clusters);
}

// Lloyd's algorithm over sorted values: a cluster is what lies between the middles of neighbouring centres, taken before these
// move. A centre without values stays.
std::vector<double> Centres(const std::vector<float>& sorted, std::size_t clusters) {
  std::vector<double> sums(sorted.size() + 1, 0);
  for (std::size_t i = 0; i < sorted.size(); ++i) sums[i + 1] = sums[i] + static_cast<double>(sorted[i]);
  const double least = static_cast<double>(sorted.front());
  const double range = static_cast<double>(sorted.back()) - least;
  std::vector<double> centres(clusters);
  for (std::size_t c = 0; c < clusters; ++c) {
    centres[c] = clusters == 1 ? least + range / 2
                               : least + range * static_cast<double>(c) / static_cast<double>(clusters - 1);
  }
  bool has_moved = true;
  for (int round = 0; has_moved && round < kMaxRounds; ++round) {
    has_moved = false;
    std::size_t begin = 0;
    for (std::size_t c = 0; c < clusters; ++c) {
      const double middle = c + 1 < clusters ? (centres[c] + centres[c + 1]) / 2 : INFINITY;
      const auto end = static_cast<std::size_t>(
          std::upper_bound(sorted.begin() + static_cast<std::ptrdiff_t>(begin), sorted.end(), middle,
                           [](double value, float weight) { return value < static_cast<double>(weight); }) -
          sorted.begin());
      if (end > begin) {
        const double mean = (sums[end] - sums[begin]) / static_cast<double>(end - begin);
        has_moved = has_moved || mean != centres[c];
        centres[c] = mean;
      }
      begin = end;
    }
  }
  return centres;
}

bool IsShareable(const onnx::TensorProto* tensor) {
  if (tensor == nullptr || tensor->data_type() != onnx::TensorProto::FLOAT || tensor->dims_size() < 2)
    return false;
  const auto elements = ElementCount(Shape(tensor->dims().begin(), tensor->dims().end()));
  return elements && *elements >= kLeastElements;
}

// 10 log10(signal / noise); infinite where nothing changed.
double SignalToNoise(std::span<const float> before, std::span<const float> after) {
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto wanted = static_cast<double>(before[i]);
    signal += wanted * wanted;
    noise += std::pow(wanted - static_cast<double>(after[i]), 2);
  }
  return noise == 0 ? std::numeric_limits<double>::infinity() : 10 * std::log10(signal / noise);
}

}  // namespace

std::vector<float> SharedWeights(std::span<const float> weights, std::size_t clusters) {
  std::vector<float> sorted;
  for (const float weight : weights) {
    if (weight != 0) sorted.push_back(weight);
  }
  std::sort(sorted.begin(), sorted.end());
  const bool has_zeros = sorted.size() < weights.size();
  std::size_t distinct = has_zeros || sorted.empty() ? 1 : 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) distinct += i == 0 || sorted[i] != sorted[i - 1] ? 1 : 0;
  std::vector<float> shared(weights.begin(), weights.end());
  if (distinct <= clusters) return shared;
  const std::vector<double> centres = Centres(sorted, clusters - (has_zeros ? 1 : 0));
  for (float& weight : shared) {
    if (weight == 0) continue;
    const auto above = std::lower_bound(centres.begin(), centres.end(), static_cast<double>(weight));
    auto nearest = above == centres.end() ? above - 1 : above;
    if (above != centres.begin() && above != centres.end() &&
        static_cast<double>(weight) - *(above - 1) <= *above - static_cast<double>(weight)) {
      nearest = above - 1;
    }
    weight = static_cast<float>(*nearest);
  }
  return shared;
}

std::span<const OptionDoc> ShareWeightsOptions() { return kShareWeightsOptions; }

Status CheckShareWeightsOptions(const std::map<std::string, std::string>& options) {
  return ReadClusters(options).status();
}

Result<std::vector<std::string>> RunShareWeights(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t clusters, ReadClusters(request.options));
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph graph, OnnxGraph::Read(request.in_path));
  std::map<std::string, double> quality_db;  // by tensor
  std::uint64_t weights_shared = 0;
  for (const onnx::NodeProto& node : graph.graph().node()) {
    const std::string& type = node.op_type();
    if (type.find("QuantizeLinear") != std::string::npos) {
      return InvalidArgumentError(
          NodeText(node) + " shows that the model is quantised already; share weights in place of that");
    }
    if (type != "Conv" && type != "ConvTranspose" && type != "Gemm" && type != "MatMul") continue;
    for (const std::string& input : node.input()) {
      const onnx::TensorProto* const tensor = graph.Initializer(input);
      if (!IsShareable(tensor) || quality_db.contains(input)) continue;
      PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> weights, FiniteFloatsOf(*tensor));
      const Shape shape(tensor->dims().begin(), tensor->dims().end());
      const std::vector<float> shared = SharedWeights(weights, clusters);
      quality_db[input] = SignalToNoise(weights, shared);
      weights_shared += weights.size();
      graph.SetInitializer(MakeFloats(input, shape, shared));
    }
  }
  if (quality_db.empty()) {
    return InvalidArgumentError("there is no Conv, Gemm or MatMul with at least " +
                                std::to_string(kLeastElements) + " constant float32 weights");
  }
  PADDOCK_RETURN_IF_ERROR(graph.Write(request.out_path));

  std::vector<std::string> lines = {std::to_string(weights_shared) + " weights in " +
                                    std::to_string(quality_db.size()) + " tensors, each of at most " +
                                    std::to_string(clusters) + " values"};
  std::vector<std::pair<double, std::string>> worst;
  for (const auto& [name, db] : quality_db) worst.emplace_back(db, name);
  std::sort(worst.begin(), worst.end());
  worst.resize(std::min(worst.size(), kShownTensors));
  for (const auto& [db, name] : worst) {
    if (std::isinf(db)) continue;
    char text[32];
    std::snprintf(text, sizeof text, "%.1f dB", db);
    lines.push_back("weights '" + name.substr(0, 80) + "': signal to noise " + text);
  }
  return lines;
}

}  // namespace paddock
