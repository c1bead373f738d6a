#include "prepare/passes/prune_channels.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "prepare/passes/prune.h"

namespace paddock {
namespace {

// What must be done to one tensor when channels go: keep, of `axis`, the places of the channels that stay.
struct Slice {
  std::string tensor;
  std::size_t axis = 0;
  // A place on the axis belongs to channel place / spread % channels.
  std::size_t spread = 1;
};

// All that follows from taking channels out of one convolution.
struct Removal {
  std::vector<Slice> slices;
  std::vector<int> depthwise;  // nodes whose group shrinks
  std::vector<int> reshapes;   // nodes whose target shrinks
};

std::string Shown(const onnx::NodeProto& node) { return NodeText(node).substr(0, 80); }

class ChannelPruner {
 public:
  ChannelPruner(double ratio, OnnxGraph* graph)
      : ratio_(ratio), graph_(graph), consumers_(graph->Consumers()) {}

  Result<std::vector<std::string>> Run() {
    std::uint64_t removed = 0;
    std::uint64_t pruned = 0;
    for (int i = 0; i < graph_->graph().node_size(); ++i) {
      const onnx::NodeProto node = graph_->graph().node(i);
      if (node.op_type() != "Conv" || IntAttribute(node, "group", 1) != 1) continue;
      const auto weights = graph_->Value(node.input(1));
      channels_ = weights && !weights->shape.empty()
                      ? static_cast<std::size_t>(std::max<std::int64_t>(weights->shape[0], 0))
                      : 0;
      Removal removal;
      std::string obstacle = channels_ == 0 ? "there are none" : AddConvolution(node, &removal);
      if (obstacle.empty()) obstacle = Follow(node.output(0), {}, &removal);
      if (!obstacle.empty()) {
        lines_.push_back(Shown(node) + " keeps its channels: " + obstacle);
        continue;
      }
      PADDOCK_ASSIGN_OR_RETURN(const std::vector<bool> stays, ChooseChannels(node));
      const auto kept = static_cast<std::size_t>(std::count(stays.begin(), stays.end(), true));
      if (kept == channels_) continue;
      PADDOCK_RETURN_IF_ERROR(Apply(removal, stays, kept));
      removed += channels_ - kept;
      ++pruned;
    }
    if (pruned == 0) {
      std::string reasons;
      for (const std::string& line : lines_) reasons += "; " + line;
      return InvalidArgumentError("no convolution can lose channels" + reasons.substr(0, 500));
    }
    lines_.insert(lines_.begin(), std::to_string(removed) + " channels of " + std::to_string(pruned) +
                                      " convolutions removed");
    PADDOCK_RETURN_IF_ERROR(graph_->InferShapes());
    return std::move(lines_);
  }

 private:
  // How the channels lie in a value.
  struct Layout {
    bool is_last = false;  // after a Transpose to channels-last
    bool is_flat = false;  // [batch, everything]
  };

  // A constant of its own, with `places` along the axis.
  bool CanSlice(const std::string& tensor, std::size_t axis, std::size_t places) const {
    const onnx::TensorProto* const initializer = graph_->Initializer(tensor);
    if (initializer == nullptr || initializer->data_type() != onnx::TensorProto::FLOAT) return false;
    const Shape shape(initializer->dims().begin(), initializer->dims().end());
    return consumers_.at(tensor).size() == 1 && axis < shape.size() &&
           shape[axis] == static_cast<std::int64_t>(places) && ElementCount(shape).value_or(0) > 0;
  }

  // Why not, or empty.
  std::string AddConvolution(const onnx::NodeProto& node, Removal* removal) const {
    for (int input = 1; input < node.input_size(); ++input) {
      if (node.input(input).empty()) continue;
      if (!CanSlice(node.input(input), 0, channels_)) return "its weights are not constants of its own";
      removal->slices.push_back({node.input(input), 0, 1});
    }
    return "";
  }

  std::string Follow(const std::string& value, Layout layout, Removal* removal) const {
    if (graph_->IsOutput(value)) return "they are an output of the model";
    const auto readers = consumers_.find(value);
    if (readers == consumers_.end()) return "";
    for (const int reader : readers->second) {
      const std::string obstacle = FollowInto(reader, value, layout, removal);
      if (!obstacle.empty()) return obstacle;
    }
    return "";
  }

  std::string FollowInto(int reader, const std::string& value, Layout layout, Removal* removal) const {
    static const std::set<std::string> kTransparent = {"Relu", "Clip",      "LeakyRelu", "Sigmoid",
                                                       "Tanh", "HardSwish", "Identity",  "HardSigmoid",
                                                       "Elu",  "Dropout"};
    static const std::set<std::string> kPooling = {"MaxPool", "AveragePool", "GlobalAveragePool",
                                                   "GlobalMaxPool"};
    const onnx::NodeProto& node = graph_->graph().node(reader);
    const std::string& type = node.op_type();
    const std::string meets = "they meet " + Shown(node);
    if (node.input(0) != value || std::count(node.input().begin(), node.input().end(), value) != 1)
      return meets;
    const bool is_plain = !layout.is_last && !layout.is_flat;
    if (type == "Conv" && is_plain) return FollowConvolution(reader, removal);
    if ((type == "Gemm" || type == "MatMul") && layout.is_flat) return FollowProduct(node, layout, removal);
    if (type == "BatchNormalization" && is_plain) {
      for (int input = 1; input < node.input_size(); ++input) {
        if (!CanSlice(node.input(input), 0, channels_)) return meets;
        removal->slices.push_back({node.input(input), 0, 1});
      }
      return Follow(node.output(0), layout, removal);
    }
    const bool is_transparent = kTransparent.contains(type) || (is_plain && kPooling.contains(type));
    if (is_transparent && node.output_size() == 1) return Follow(node.output(0), layout, removal);
    if (type == "Flatten" && IntAttribute(node, "axis", 1) == 1)
      return Follow(node.output(0), {layout.is_last, true}, removal);
    if (type == "Transpose" && is_plain &&
        IntsAttribute(node, "perm") == std::vector<std::int64_t>{0, 2, 3, 1})
      return Follow(node.output(0), {true, false}, removal);
    if (type == "Reshape" && CanReshape(node, layout)) {
      removal->reshapes.push_back(reader);
      return Follow(node.output(0), {layout.is_last, true}, removal);
    }
    return meets;
  }

  std::string FollowConvolution(int reader, Removal* removal) const {
    const onnx::NodeProto& node = graph_->graph().node(reader);
    const std::int64_t group = IntAttribute(node, "group", 1);
    if (group == 1) {
      if (!CanSlice(node.input(1), 1, channels_))
        return "the weights of " + Shown(node) + " are not constants of its own";
      removal->slices.push_back({node.input(1), 1, 1});
      return "";
    }
    const auto weights = graph_->Value(node.input(1));
    if (!weights || weights->shape.size() < 2 || group != weights->shape[0] || weights->shape[1] != 1)
      return "they meet the groups of " + Shown(node);
    const std::string obstacle = AddConvolution(node, removal);
    if (!obstacle.empty()) return obstacle;
    removal->depthwise.push_back(reader);
    return Follow(node.output(0), {}, removal);
  }

  std::string FollowProduct(const onnx::NodeProto& node, Layout layout, Removal* removal) const {
    const auto weights = graph_->Value(node.input(1));
    if (!weights || weights->shape.size() != 2 || IntAttribute(node, "transA", 0) != 0)
      return "they meet " + Shown(node);
    const std::size_t axis = IntAttribute(node, "transB", 0) != 0 ? 1 : 0;
    const auto inputs = static_cast<std::size_t>(std::max<std::int64_t>(weights->shape[axis], 0));
    if (!CanSlice(node.input(1), axis, inputs) || inputs % channels_ != 0) return "they meet " + Shown(node);
    removal->slices.push_back({node.input(1), axis, layout.is_last ? 1 : inputs / channels_});
    return "";
  }

  // To [batch, everything], by a constant.
  bool CanReshape(const onnx::NodeProto& node, Layout layout) const {
    if (layout.is_flat || node.input_size() < 2) return false;
    const auto target = graph_->Initializer(node.input(1));
    if (target == nullptr || target->dims_size() != 1 || target->dims(0) != 2) return false;
    const auto sizes = IntegersOf(*target);
    const auto output = graph_->Value(node.output(0));
    const auto input = graph_->Value(node.input(0));
    if (!sizes.ok() || !output || !input || output->shape.size() != 2 || input->shape.empty()) return false;
    // The batch must stay what it is.
    const std::int64_t batch = input->shape[0];
    if ((*sizes)[0] == 0 || (batch > 0 && (*sizes)[0] == batch)) return (*sizes)[1] != 0;
    const auto others = ElementCount(Shape(input->shape.begin() + 1, input->shape.end()));
    return (*sizes)[0] == -1 && others && (*sizes)[1] == static_cast<std::int64_t>(*others);
  }

  Result<std::vector<bool>> ChooseChannels(const onnx::NodeProto& node) const {
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> weights,
                             FiniteFloatsOf(*graph_->Initializer(node.input(1))));
    std::vector<double> sums(channels_, 0);
    for (std::size_t i = 0; i < weights.size(); ++i)
      sums[i / (weights.size() / channels_)] += std::abs(static_cast<double>(weights[i]));
    const auto count = static_cast<std::size_t>(ratio_ * static_cast<double>(channels_));
    std::vector<bool> stays(channels_, true);
    for (const std::size_t channel : LeastMagnitudes(sums, std::min(count, channels_ - 1)))
      stays[channel] = false;
    return stays;
  }

  Status Apply(const Removal& removal, const std::vector<bool>& stays, std::size_t kept) {
    for (const Slice& slice : removal.slices) PADDOCK_RETURN_IF_ERROR(Cut(slice, stays));
    for (const int index : removal.depthwise)
      SetIntAttribute(graph_->graph().mutable_node(index), "group", static_cast<std::int64_t>(kept));
    for (const int index : removal.reshapes) {
      onnx::NodeProto* const node = graph_->graph().mutable_node(index);
      PADDOCK_ASSIGN_OR_RETURN(std::vector<std::int64_t> sizes,
                               IntegersOf(*graph_->Initializer(node->input(1))));
      if (sizes[1] <= 0) continue;
      sizes[1] = sizes[1] / static_cast<std::int64_t>(channels_) * static_cast<std::int64_t>(kept);
      node->set_input(1, graph_->NewName("shape"));
      graph_->SetInitializer(MakeIntegers(node->input(1), ElementType::kInt64, {2}, sizes));
    }
    return OkStatus();
  }

  Status Cut(const Slice& slice, const std::vector<bool>& stays) {
    const onnx::TensorProto& tensor = *graph_->Initializer(slice.tensor);
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> values, FiniteFloatsOf(tensor));
    Shape shape(tensor.dims().begin(), tensor.dims().end());
    std::size_t inner = 1;
    for (std::size_t d = slice.axis + 1; d < shape.size(); ++d) inner *= static_cast<std::size_t>(shape[d]);
    const auto length = static_cast<std::size_t>(shape[slice.axis]);
    std::vector<float> left;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t place = i / inner % length;
      if (stays[place / slice.spread % channels_]) left.push_back(values[i]);
    }
    shape[slice.axis] = static_cast<std::int64_t>(left.size() * length / values.size());
    graph_->SetInitializer(MakeFloats(slice.tensor, shape, left));
    return OkStatus();
  }

  const double ratio_;
  OnnxGraph* graph_;
  const std::map<std::string, std::vector<int>> consumers_;
  std::size_t channels_ = 0;  // of the convolution at hand
  std::vector<std::string> lines_;
};

}  // namespace

Result<std::vector<std::string>> PruneChannels(double ratio, OnnxGraph* graph) {
  return ChannelPruner(ratio, graph).Run();
}

}  // namespace paddock
