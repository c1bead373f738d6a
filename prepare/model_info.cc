#include "prepare/model_info.h"

#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/packed_file.h"
#include "base/utf8.h"
#include "kpi/network_facts.h"
#include "prepare/onnx_graph.h"
#include "prepare/onnx_normal_form.h"
#include "prepare/tflite/tflite_info.h"
#include "prepare/tflite/tflite_model.h"

namespace paddock {
namespace {

constexpr std::uint64_t kMaxModelBytes = std::numeric_limits<std::int32_t>::max();  // protobuf's own limit

// Walks a graph with its subgraphs: counts operators and parameters, and refuses weights outside of the file. The depth is
// bounded by protobuf's recursion limit at parsing.
class GraphWalk {
 public:
  explicit GraphWalk(ModelInfo* info) : info_(*info) {}

  Status Walk(const onnx::GraphProto& graph) {
    for (const auto& tensor : graph.initializer()) PADDOCK_RETURN_IF_ERROR(Parameter(tensor));
    for (const auto& tensor : graph.sparse_initializer()) PADDOCK_RETURN_IF_ERROR(Parameter(tensor.values()));
    return Walk(graph.node());
  }

  template <typename Nodes>
  Status Walk(const Nodes& nodes) {
    for (const onnx::NodeProto& node : nodes) {
      const bool is_standard = IsStandard(node.domain());
      ++info_.operators[Readable(is_standard ? node.op_type() : node.domain() + ":" + node.op_type())];
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_t()) PADDOCK_RETURN_IF_ERROR(Inside(attribute.t()));
        for (const auto& tensor : attribute.tensors()) PADDOCK_RETURN_IF_ERROR(Inside(tensor));
        if (attribute.has_sparse_tensor())
          PADDOCK_RETURN_IF_ERROR(Inside(attribute.sparse_tensor().values()));
        if (attribute.has_g()) PADDOCK_RETURN_IF_ERROR(Walk(attribute.g()));
        for (const auto& graph : attribute.graphs()) PADDOCK_RETURN_IF_ERROR(Walk(graph));
      }
    }
    return OkStatus();
  }

 private:
  Status Parameter(const onnx::TensorProto& tensor) {
    const auto count = ElementCount(Shape(tensor.dims().begin(), tensor.dims().end()));
    if (!count)
      return InvalidArgumentError("initializer '" + Readable(tensor.name()) +
                                  "' has an impossible shape; export the model anew");
    info_.parameters += *count;
    return Inside(tensor);
  }
  static Status Inside(const onnx::TensorProto& tensor) {
    constexpr std::int32_t kMostType = 31;  // ONNX 1.18 ends at 23
    if (tensor.data_type() < 1 || tensor.data_type() > kMostType) {
      return InvalidArgumentError("tensor '" + Readable(tensor.name()) + "' has the unknown element type " +
                                  std::to_string(tensor.data_type()) + "; export the model anew");
    }
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL && tensor.external_data_size() == 0)
      return OkStatus();
    std::string file = "?";
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") file = Readable(entry.value());
    }
    return InvalidArgumentError(
        "tensor '" + Readable(tensor.name()) + "' lies in the external file '" + file +
        "'; save the model as one file (onnx.save_model(model, path, save_as_external_data=False))");
  }

  ModelInfo& info_;
};

Result<TensorInfo> ValueOf(const onnx::ValueInfoProto& value, bool is_input, ModelInfo* model) {
  const std::string what = (is_input ? "input '" : "output '") + Readable(value.name()) + "' ";
  if (value.name().empty() || !IsUtf8(value.name()))
    return InvalidArgumentError(what + "has no readable name");
  if (!value.type().has_tensor_type()) {
    return InvalidArgumentError(what +
                                "is not a tensor; export the model with tensors as inputs and outputs");
  }
  const auto& tensor = value.type().tensor_type();
  const auto type = ElementTypeOf(tensor.elem_type());
  if (!type) {
    return InvalidArgumentError(what + "has the element type " + std::to_string(tensor.elem_type()) +
                                " of ONNX, which is not supported; export the model with another type");
  }
  if (is_input && !tensor.has_shape()) {
    return InvalidArgumentError(
        what + "has no shape; export the model with fixed shapes besides the batch dimension");
  }
  TensorInfo info{value.name(), *type, {}};
  for (const auto& dimension : tensor.shape().dim()) {
    const bool is_fixed = dimension.has_dim_value() && dimension.dim_value() >= 0;
    if (is_input && dimension.has_dim_param() && IsUtf8(dimension.dim_param())) {
      model->open_dimensions[info.name + "[" + std::to_string(info.shape.size()) + "]"] =
          dimension.dim_param();
    }
    info.shape.push_back(is_fixed ? dimension.dim_value() : -1);
  }
  return info;
}

// libonnx throws for what it refuses; what it is too old for, it cannot judge.
Status CheckByLibrary(const onnx::ModelProto& model, ModelInfo* info) {
  constexpr std::int64_t kKnownIr = onnx::Version::IR_VERSION;
  const auto& known = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  if (model.ir_version() > kKnownIr) {
    info->notes.push_back("operators are not checked: IR version " + std::to_string(model.ir_version()) +
                          " is newer than the known " + std::to_string(kKnownIr));
    return OkStatus();
  }
  for (const auto& opset : model.opset_import()) {
    const bool is_standard = IsStandard(opset.domain());
    const auto range = known.find(is_standard ? "" : opset.domain());
    if (range == known.end() || opset.version() <= range->second.second) continue;
    // ONNX Runtime's optimiser imports every domain that it knows.
    const std::string prefix = opset.domain() + ":";
    if (!is_standard && std::none_of(info->operators.begin(), info->operators.end(),
                                     [&](const auto& entry) { return entry.first.starts_with(prefix); })) {
      continue;
    }
    info->notes.push_back("operators are not checked: opset " + std::to_string(opset.version()) + " of '" +
                          (opset.domain().empty() ? "ai.onnx" : Readable(opset.domain())) +
                          "' is newer than the known " + std::to_string(range->second.second));
    return OkStatus();
  }
  try {
    onnx::checker::check_model(model);
    return OkStatus();
  } catch (const std::exception& error) {
    const std::string text = CheckerText(error.what());
    return InvalidArgumentError("not a consistent ONNX model (" +
                                (IsUtf8(text) ? text : "its names are not UTF-8") + "); export it anew");
  }
}

Status Describe(onnx::ModelProto& model, ModelInfo* info) {
  if (!model.has_graph() || !model.has_ir_version()) {
    return InvalidArgumentError("not an ONNX model: it has no graph; export the model to .onnx anew");
  }
  info->ir_version = model.ir_version();
  info->producer = Readable(model.producer_name());
  if (!model.producer_version().empty()) info->producer += " " + Readable(model.producer_version());
  for (const auto& opset : model.opset_import()) {
    if (IsStandard(opset.domain())) info->opset = opset.version();
  }
  GraphWalk walk(info);
  PADDOCK_RETURN_IF_ERROR(walk.Walk(model.graph()));
  ModelInfo of_functions;  // their bodies are checked; a call counts as the operator that it is
  GraphWalk function_walk(&of_functions);
  for (const auto& function : model.functions()) PADDOCK_RETURN_IF_ERROR(function_walk.Walk(function.node()));

  std::set<std::string> filled;
  for (const auto& tensor : model.graph().initializer()) filled.insert(tensor.name());
  for (const auto& tensor : model.graph().sparse_initializer()) filled.insert(tensor.values().name());
  for (const auto& input : model.graph().input()) {
    if (filled.contains(input.name())) continue;
    PADDOCK_ASSIGN_OR_RETURN(TensorInfo tensor, ValueOf(input, true, info));
    info->inputs.push_back(std::move(tensor));
  }
  for (auto& output : *model.mutable_graph()->mutable_output()) {
    PADDOCK_ASSIGN_OR_RETURN(TensorInfo tensor, ValueOf(output, false, info));
    info->outputs.push_back(std::move(tensor));
    output.mutable_type()->mutable_tensor_type()->mutable_shape();  // runtimes need none, the check wants one
  }
  if (info->outputs.empty()) return InvalidArgumentError("the model has no output; export it anew");
  return CheckByLibrary(model, info);
}

Status DescribeCompiled(std::string_view elf, ModelInfo* info) {
  constexpr std::size_t kTypeOffset = 16;  // e_type
  constexpr char kSharedObject = 3;
  PADDOCK_ASSIGN_OR_RETURN(NetworkFacts facts, ReadNetworkFacts(elf));
  info->kind = elf[kTypeOffset] == kSharedObject ? "so" : "elf";
  info->inputs = std::move(facts.inputs);
  info->outputs = std::move(facts.outputs);
  info->producer = "paddock for " + facts.target;
  for (const LayerFacts& layer : facts.layers) ++info->operators[layer.operators];
  return OkStatus();
}

}  // namespace

Result<ModelBytes> ModelBytes::Read(const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  ModelBytes model(std::move(file));
  if (!IsPacked(model.file_.bytes())) return model;
  PADDOCK_ASSIGN_OR_RETURN(model.unpacked_, Unpack(model.file_.bytes()));
  return model;
}

std::optional<std::uint64_t> ModelBytes::packed_bytes() const {
  return unpacked_ ? std::optional<std::uint64_t>(file_.bytes().size()) : std::nullopt;
}

Result<ModelInfo> ReadModelInfo(const std::string& path, const std::string& shown_name) {
  const std::string where = "model file '" + (shown_name.empty() ? path : shown_name) + "'";
  const auto file = ModelBytes::Read(path);
  if (!file.ok()) return file.status().WithContext(where);
  const std::string_view bytes = file->bytes();
  if (bytes.empty()) return InvalidArgumentError(where + ": it is empty; export the model to .onnx anew");
  if (bytes.size() > kMaxModelBytes) {
    return InvalidArgumentError(where + ": it has " + std::to_string(bytes.size()) +
                                " bytes, and models in one file end at 2 GiB");
  }
  ModelInfo info;
  info.size_bytes = bytes.size();
  info.packed_bytes = file->packed_bytes();
  if (IsTflite(bytes)) {
    if (Status status = DescribeTflite(bytes, &info); !status.ok()) return status.WithContext(where);
    return info;
  }
  if (bytes.starts_with("\177ELF")) {
    if (Status status = DescribeCompiled(bytes, &info); !status.ok()) return status.WithContext(where);
    return info;
  }
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgumentError(
        where + ": not an ONNX model, or a truncated or damaged one; export it to .onnx anew");
  }
  info.kind = "onnx";
  if (Status status = Describe(model, &info); !status.ok()) return status.WithContext(where);
  return info;
}

std::string_view FileKind(std::string_view kind) { return kind.substr(0, kind.find('+')); }

bool IsCompiled(std::string_view kind) { return FileKind(kind) == "elf" || FileKind(kind) == "so"; }

bool CanReadModelInfo(std::string_view kind) {
  return FileKind(kind) == "onnx" || FileKind(kind) == "tflite" || IsCompiled(kind);
}

Result<std::vector<Shape>> SampleShapes(const ModelInfo& model) {
  if (model.inputs.empty()) {
    return InvalidArgumentError("the model takes no input; only models that are fed samples can be measured");
  }
  std::vector<Shape> shapes;
  for (const TensorInfo& input : model.inputs) {
    const std::string what = "model input " + TensorText(input) + ": ";
    if (input.shape.empty()) {
      return InvalidArgumentError(
          what + "it is a single value without a batch dimension; export the model with one");
    }
    if (input.shape[0] != -1 && input.shape[0] != 1) {
      return InvalidArgumentError(what + "its batch dimension is fixed to " + std::to_string(input.shape[0]) +
                                  "; export the model with a batch dimension that is open or 1");
    }
    for (std::size_t d = 1; d < input.shape.size(); ++d) {
      if (input.shape[d] >= 0) continue;
      const auto name = model.open_dimensions.find(input.name + "[" + std::to_string(d) + "]");
      const std::string called = name == model.open_dimensions.end() ? "" : " ('" + name->second + "')";
      return InvalidArgumentError(
          what + "dimension " + std::to_string(d) + called +
          " is open, and only the first one, the batch dimension, may be; export the model with "
          "fixed sizes");
    }
    shapes.emplace_back(input.shape.begin() + 1, input.shape.end());
  }
  return shapes;
}

bool HasOpenBatch(const ModelInfo& model) {
  return std::all_of(model.inputs.begin(), model.inputs.end(),
                     [](const TensorInfo& input) { return !input.shape.empty() && input.shape[0] == -1; });
}

}  // namespace paddock
