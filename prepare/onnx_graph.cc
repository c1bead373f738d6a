#include "prepare/onnx_graph.h"

#include <onnx/defs/schema.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/file.h"
#include "prepare/model_info.h"
#include "prepare/onnx_normal_form.h"

namespace paddock {
namespace {

TensorInfo InfoOf(const onnx::ValueInfoProto& value, ElementType type) {
  TensorInfo info{value.name(), type, {}};
  for (const auto& dimension : value.type().tensor_type().shape().dim())
    info.shape.push_back(dimension.has_dim_value() ? dimension.dim_value() : -1);
  return info;
}

std::optional<TensorInfo> KnownInfo(const onnx::ValueInfoProto& value) {
  const auto& tensor = value.type().tensor_type();
  const auto type = ElementTypeOf(tensor.elem_type());
  if (!type || !tensor.has_shape()) return std::nullopt;
  return InfoOf(value, *type);
}

Status CheckFlat(const onnx::ModelProto& model) {
  if (model.functions_size() > 0) {
    return InvalidArgumentError("the model has functions of its own ('" + model.functions(0).name() +
                                "'), which no step can change; export it with its functions inlined");
  }
  for (const onnx::NodeProto& node : model.graph().node()) {
    for (const auto& attribute : node.attribute()) {
      if (!attribute.has_g() && attribute.graphs_size() == 0) continue;
      return InvalidArgumentError(NodeText(node) +
                                  " holds a graph of its own (control flow), which no step can change; "
                                  "export the model without it, or use the variant 'as-is'");
    }
  }
  return OkStatus();
}

// The check of libonnx leaves out foreign domains, and passes go by the name of an operator.
Status CheckForeignNodes(const onnx::ModelProto& model, std::int64_t opset) {
  for (const onnx::NodeProto& node : model.graph().node()) {
    if (IsStandard(node.domain())) continue;
    const onnx::OpSchema* const schema =
        onnx::OpSchemaRegistry::Schema(node.op_type(), static_cast<int>(opset), "");
    if (schema == nullptr ||
        (node.input_size() >= schema->min_input() && node.output_size() >= schema->min_output())) {
      continue;
    }
    return InvalidArgumentError(NodeText(node) + " of the domain '" + node.domain() +
                                "' has fewer inputs or outputs than ONNX's operator of that name; rename it");
  }
  return OkStatus();
}

// What libonnx's shape inference believes without looking: it divides by strides, and reads weights' second dimension.
Status CheckWindow(const OnnxGraph& graph, const onnx::NodeProto& node) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  for (const auto& attribute : node.attribute()) {
    const std::string& name = attribute.name();
    const bool is_pads = name == "pads";
    if (name != "strides" && name != "dilations" && name != "kernel_shape" && !is_pads) continue;
    for (const std::int64_t one : attribute.ints()) {
      if (one >= (is_pads ? -kMost : 1) && one < kMost) continue;
      return InvalidArgumentError(NodeText(node) + ": its " + name + " hold " + std::to_string(one) +
                                  "; export the model anew");
    }
  }
  const int weights_at = node.op_type() == "QLinearConv" ? 3 : 1;
  const bool is_convolution = node.op_type().find("Conv") != std::string::npos;
  if (!is_convolution || node.input_size() <= weights_at) return OkStatus();
  const auto weights = graph.Value(node.input(weights_at));
  if (weights && weights->shape.size() < 3) {
    return InvalidArgumentError(
        NodeText(node) + ": its weights have the shape " + ShapeText(weights->shape) +
        ", and those of a convolution have 3 dimensions or more; export the model anew");
  }
  if (!weights && IntsAttribute(node, "kernel_shape").empty()) {
    return InvalidArgumentError(
        NodeText(node) + ": its weights are computed, and it has no kernel_shape; export the model anew");
  }
  return OkStatus();
}

// With auto_pad, libonnx takes the stride off a size again and again: one of 2^62 would take years.
Status CheckCountedSizes(const OnnxGraph& graph) {
  constexpr std::int64_t kMost = std::int64_t{1} << 24;
  const auto& nodes = graph.graph().node();
  const bool counts = std::any_of(nodes.begin(), nodes.end(), [](const onnx::NodeProto& node) {
    return TextAttribute(node, "auto_pad", "").starts_with("SAME");
  });
  if (!counts) return OkStatus();
  const auto refused = [](const std::string& what, std::int64_t size) {
    return InvalidArgumentError(
        what + " has a size of " + std::to_string(size) +
        " in a model with auto_pad, where sizes are below 2^24; export the model anew");
  };
  for (const auto& input : graph.graph().input()) {
    for (const auto& dimension : input.type().tensor_type().shape().dim()) {
      if (dimension.dim_value() >= kMost)
        return refused("input '" + input.name() + "'", dimension.dim_value());
    }
  }
  for (const onnx::NodeProto& node : nodes) {
    for (const std::int64_t one : IntsAttribute(node, "pads")) {
      if (one >= kMost) return refused(NodeText(node), one);
    }
    for (const std::string& input : node.input()) {
      const onnx::TensorProto* const list = graph.Initializer(input);
      const bool makes_sizes = node.op_type() == "Reshape" || node.op_type() == "Expand" ||
                               node.op_type() == "Pad" || node.op_type() == "Tile" ||
                               node.op_type() == "ConstantOfShape";
      if (!makes_sizes || list == nullptr || list->data_type() != onnx::TensorProto::INT64) continue;
      PADDOCK_ASSIGN_OR_RETURN(const std::vector<std::int64_t> sizes, IntegersOf(*list));
      for (const std::int64_t one : sizes) {
        if (one >= kMost) return refused(NodeText(node), one);
      }
    }
  }
  return OkStatus();
}

// Where a convolution does not say its kernel's shape, libonnx reads as many sizes as its input has dimensions, of weights that
// may have fewer.
void SayKernelShapes(OnnxGraph* graph) {
  const std::map<std::string, int> producers = graph->Producers();
  for (onnx::NodeProto& node : *graph->graph().mutable_node()) {
    if (node.op_type() != "Conv" || node.input_size() < 2) continue;
    const onnx::TensorProto* weights = graph->Initializer(node.input(1));
    if (const auto maker = producers.find(node.input(1)); maker != producers.end()) {
      const onnx::NodeProto& dequantize = graph->graph().node(maker->second);
      if (dequantize.op_type() == "DequantizeLinear") weights = graph->Initializer(dequantize.input(0));
    }
    if (weights == nullptr || weights->dims_size() < 3 || !IntsAttribute(node, "kernel_shape").empty())
      continue;
    SetIntsAttribute(&node, "kernel_shape", {weights->dims().begin() + 2, weights->dims().end()});
  }
}

// Whether lists that the model computes stay short when they are followed: a chain of Concat nodes of one value doubles with each.
bool HasShortLists(const OnnxGraph& graph) {
  constexpr std::uint64_t kMost = 65536;
  std::map<std::string, std::uint64_t> lengths;
  for (const onnx::NodeProto& node : graph.graph().node()) {
    if (node.output_size() == 0) continue;
    const bool joins = node.op_type() == "Concat";
    std::uint64_t length = 1;
    for (const std::string& input : node.input()) {
      const onnx::TensorProto* const constant = graph.Initializer(input);
      const auto known = lengths.find(input);
      std::uint64_t of_input = known == lengths.end() ? 1 : known->second;
      if (constant != nullptr && constant->dims_size() < 2) {
        const auto size = constant->dims_size() == 1 ? constant->dims(0) : 1;
        of_input = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
      }
      length = joins ? length + of_input : std::max(length, of_input);
      if (joins && length > kMost) return false;
    }
    lengths[node.output(0)] = length;
  }
  return true;
}

// The tensor of a Constant node, whatever attribute holds it.
std::optional<onnx::TensorProto> ConstantOf(const onnx::NodeProto& node) {
  if (node.op_type() != "Constant" || node.output_size() != 1) return std::nullopt;
  for (const auto& attribute : node.attribute()) {
    onnx::TensorProto tensor;
    if (attribute.name() == "value") {
      tensor = attribute.t();
      tensor.set_name(node.output(0));
    } else if (attribute.name() == "value_float") {
      tensor = MakeFloats(node.output(0), {}, {attribute.f()});
    } else if (attribute.name() == "value_floats") {
      tensor = MakeFloats(node.output(0), {attribute.floats_size()},
                          {attribute.floats().begin(), attribute.floats().end()});
    } else if (attribute.name() == "value_int") {
      tensor = MakeIntegers(node.output(0), ElementType::kInt64, {}, {attribute.i()});
    } else if (attribute.name() == "value_ints") {
      tensor = MakeIntegers(node.output(0), ElementType::kInt64, {attribute.ints_size()},
                            {attribute.ints().begin(), attribute.ints().end()});
    } else {
      return std::nullopt;
    }
    return tensor;
  }
  return std::nullopt;
}

}  // namespace

Result<OnnxGraph> OnnxGraph::Read(const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(const ModelInfo info, ReadModelInfo(path));
  if (info.kind != "onnx")
    return InvalidArgumentError("the step works on ONNX models, and this one is of kind '" + info.kind + "'");
  PADDOCK_ASSIGN_OR_RETURN(const ModelBytes file, ModelBytes::Read(path));
  OnnxGraph result;
  result.model_ = std::make_unique<onnx::ModelProto>();
  if (!result.model_->ParseFromArray(file.bytes().data(), static_cast<int>(file.bytes().size())))
    return InvalidArgumentError("not an ONNX model");
  PADDOCK_RETURN_IF_ERROR(CheckFlat(*result.model_));

  onnx::GraphProto& graph = result.graph();
  if (graph.sparse_initializer_size() > 0) {
    return InvalidArgumentError("initializer '" + graph.sparse_initializer(0).values().name() +
                                "' is sparse, which no step can change; export the model with dense weights");
  }
  std::vector<onnx::NodeProto> nodes;
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    if (auto constant = ConstantOf(node)) {
      *graph.add_initializer() = std::move(*constant);
    } else {
      nodes.push_back(std::move(node));
    }
  }
  result.SetNodes(std::move(nodes));
  MakeInitializersConstant(result.model_.get());
  if (!info.notes.empty()) PADDOCK_RETURN_IF_ERROR(LowerToKnownOpset(result.model_.get()));
  result.IndexNames();
  PADDOCK_RETURN_IF_ERROR(CheckForeignNodes(*result.model_, result.opset()));
  SayKernelShapes(&result);
  PADDOCK_RETURN_IF_ERROR(result.InferShapes());
  return result;
}

Status OnnxGraph::Write(const std::string& path) const {
  if (const Status status = CheckConsistent(*model_); !status.ok())
    return InternalError("the changed model is wrong: " + status.message());
  std::string bytes;
  if (!model_->SerializeToString(&bytes)) return InternalError("the changed model cannot be serialised");
  return WriteFileAtomically(path, bytes);
}

std::int64_t OnnxGraph::opset() const {
  for (const auto& opset : model_->opset_import()) {
    if (IsStandard(opset.domain())) return opset.version();
  }
  return 0;
}

void OnnxGraph::SetOpset(std::int64_t opset) {
  for (auto& import : *model_->mutable_opset_import()) {
    if (IsStandard(import.domain())) import.set_version(opset);
  }
}

OnnxGraph OnnxGraph::Clone() const {
  OnnxGraph copy;
  copy.model_ = std::make_unique<onnx::ModelProto>(*model_);
  copy.IndexNames();
  copy.IndexInferred();
  return copy;
}

const onnx::TensorProto* OnnxGraph::Initializer(const std::string& name) const {
  const auto found = initializers_.find(name);
  return found == initializers_.end() ? nullptr : &graph().initializer(found->second);
}

void OnnxGraph::SetInitializer(onnx::TensorProto tensor) {
  const auto [entry, is_new] = initializers_.emplace(tensor.name(), graph().initializer_size());
  names_.insert(tensor.name());
  if (is_new) {
    *graph().add_initializer() = std::move(tensor);
  } else {
    *graph().mutable_initializer(entry->second) = std::move(tensor);
  }
}

std::optional<TensorInfo> OnnxGraph::Value(const std::string& name) const {
  if (const onnx::TensorProto* tensor = Initializer(name)) {
    const auto type = ElementTypeOf(tensor->data_type());
    if (!type) return std::nullopt;
    return TensorInfo{name, *type, Shape(tensor->dims().begin(), tensor->dims().end())};
  }
  // Passes that make nodes anew forget what was inferred.
  const auto inferred = inferred_.find(name);
  if (inferred != inferred_.end() && inferred->second < graph().value_info_size() &&
      graph().value_info(inferred->second).name() == name) {
    if (auto value = KnownInfo(graph().value_info(inferred->second))) return value;
  }
  for (const auto* values : {&graph().input(), &graph().output()}) {
    for (const onnx::ValueInfoProto& value : *values) {
      if (value.name() != name) continue;
      if (auto info = KnownInfo(value)) return info;
    }
  }
  return std::nullopt;
}

bool OnnxGraph::IsInput(const std::string& name) const {
  return std::any_of(graph().input().begin(), graph().input().end(),
                     [&](const onnx::ValueInfoProto& input) { return input.name() == name; });
}

bool OnnxGraph::IsOutput(const std::string& name) const {
  return std::any_of(graph().output().begin(), graph().output().end(),
                     [&](const onnx::ValueInfoProto& output) { return output.name() == name; });
}

std::map<std::string, std::vector<int>> OnnxGraph::Consumers() const {
  std::map<std::string, std::vector<int>> consumers;
  for (int i = 0; i < graph().node_size(); ++i) {
    for (const std::string& input : graph().node(i).input()) {
      if (!input.empty()) consumers[input].push_back(i);
    }
  }
  return consumers;
}

std::map<std::string, int> OnnxGraph::Producers() const {
  std::map<std::string, int> producers;
  for (int i = 0; i < graph().node_size(); ++i) {
    for (const std::string& output : graph().node(i).output()) {
      if (!output.empty()) producers[output] = i;
    }
  }
  return producers;
}

std::string OnnxGraph::NewName(std::string_view base) {
  std::string name(base);
  for (int i = 1; !names_.insert(name).second; ++i) name = std::string(base) + "_" + std::to_string(i);
  return name;
}

void OnnxGraph::SetNodes(std::vector<onnx::NodeProto> nodes) {
  graph().clear_node();
  for (onnx::NodeProto& node : nodes) *graph().add_node() = std::move(node);
  IndexNames();
}

void OnnxGraph::RemoveUnused() {
  std::set<std::string> needed;
  for (const auto& output : graph().output()) needed.insert(output.name());
  std::vector<onnx::NodeProto> kept;
  for (int i = graph().node_size() - 1; i >= 0; --i) {
    onnx::NodeProto& node = *graph().mutable_node(i);
    const bool is_needed = std::any_of(node.output().begin(), node.output().end(),
                                       [&](const std::string& output) { return needed.contains(output); });
    if (!is_needed) continue;
    needed.insert(node.input().begin(), node.input().end());
    kept.push_back(std::move(node));
  }
  std::reverse(kept.begin(), kept.end());
  auto& initializers = *graph().mutable_initializer();
  initializers.erase(
      std::remove_if(initializers.begin(), initializers.end(),
                     [&](const onnx::TensorProto& tensor) { return !needed.contains(tensor.name()); }),
      initializers.end());
  SetNodes(std::move(kept));
}

Status OnnxGraph::InferShapes() {
  graph().clear_value_info();
  IndexInferred();
  for (const onnx::NodeProto& node : graph().node()) PADDOCK_RETURN_IF_ERROR(CheckWindow(*this, node));
  PADDOCK_RETURN_IF_ERROR(CheckCountedSizes(*this));
  try {
    // Shapes that the model computes itself (Shape, Gather, Concat ...) are followed too.
    const onnx::ShapeInferenceOptions options(/*check_type=*/false, /*strict_mode=*/0,
                                              /*data_prop=*/HasShortLists(*this));
    onnx::shape_inference::InferShapes(*model_, onnx::OpSchemaRegistry::Instance(), options);
  } catch (const std::exception& error) {
    return InvalidArgumentError(std::string("shapes cannot be inferred: ") + error.what() +
                                "; export the model anew");
  }
  IndexInferred();
  return OkStatus();
}

void OnnxGraph::IndexInferred() {
  inferred_.clear();
  for (int i = 0; i < graph().value_info_size(); ++i) inferred_.emplace(graph().value_info(i).name(), i);
}

void OnnxGraph::IndexNames() {
  initializers_.clear();
  names_.clear();
  for (int i = 0; i < graph().initializer_size(); ++i) initializers_[graph().initializer(i).name()] = i;
  for (const auto& [name, index] : initializers_) names_.insert(name);
  for (const auto& input : graph().input()) names_.insert(input.name());
  for (const auto& node : graph().node()) {
    names_.insert(node.name());
    names_.insert(node.output().begin(), node.output().end());
  }
}

}  // namespace paddock
