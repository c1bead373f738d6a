#include "prepare/onnx_normal_form.h"

#include <onnx/checker.h>
#include <onnx/defs/schema.h>

#include <algorithm>
#include <exception>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/utf8.h"
#include "prepare/onnx_graph.h"

namespace paddock {
namespace {

// Between libonnx's opset and this one the meaning of operators changed only by what their signatures show, apart from
// kChangedMeaning.
constexpr std::int64_t kNewestOpset = 23;
constexpr std::int64_t kNewestIr = 11;
constexpr const char* kChangedMeaning[] = {"DFT", "GridSample"};

Status RefuseNode(const onnx::NodeProto& node, std::int64_t opset, const std::string& what) {
  return InvalidArgumentError(NodeText(node) + " of opset " + std::to_string(opset) + ": " + what +
                              "; export the model with an older opset, or use a variant that leaves the file "
                              "as it is");
}

bool IsReduction(const std::string& type) {
  return type.starts_with("Reduce") && type != "ReduceSum";  // whose axes are an input since opset 13
}

void RemoveAttribute(onnx::NodeProto* node, const std::string& name) {
  auto* const attributes = node->mutable_attribute();
  attributes->erase(std::remove_if(attributes->begin(), attributes->end(),
                                   [&](const auto& attribute) { return attribute.name() == name; }),
                    attributes->end());
}

// Attributes that older opsets lack and that say nothing new here.
bool IsNeutral(const onnx::NodeProto& node, const onnx::AttributeProto& attribute) {
  const std::string& name = attribute.name();
  if (name == "saturate") return attribute.i() == 1;
  if (name == "block_size" || name == "antialias" || name == "noop_with_empty_axes")
    return attribute.i() == 0;
  if (name == "output_dtype" || name == "precision") return attribute.i() == 0;
  if (name == "keep_aspect_ratio_policy") return attribute.s() == "stretch";
  if (name == "num_outputs") return attribute.i() == node.output_size();
  if (name == "dilations") {
    return std::all_of(attribute.ints().begin(), attribute.ints().end(), [](auto one) { return one == 1; });
  }
  return false;
}

// Axes given by an initializer become an attribute again.
Status LowerReduction(const onnx::GraphProto& graph, std::int64_t opset, onnx::NodeProto* node) {
  if (node->input_size() < 2) return OkStatus();
  if (!node->input(1).empty()) {
    const auto tensor = std::find_if(graph.initializer().begin(), graph.initializer().end(),
                                     [&](const auto& one) { return one.name() == node->input(1); });
    if (tensor == graph.initializer().end()) return RefuseNode(*node, opset, "its axes are no constant");
    PADDOCK_ASSIGN_OR_RETURN(const auto axes, IntegersOf(*tensor));
    if (axes.empty()) return RefuseNode(*node, opset, "its list of axes is empty");
    SetIntsAttribute(node, "axes", axes);
  }
  node->mutable_input()->RemoveLast();
  return OkStatus();
}

Status LowerNode(const onnx::GraphProto& graph, std::int64_t opset, std::int64_t known,
                 onnx::NodeProto* node) {
  const std::string& type = node->op_type();
  const onnx::OpSchema* const schema = onnx::OpSchemaRegistry::Schema(type, static_cast<int>(known), "");
  if (schema == nullptr ||
      std::find(std::begin(kChangedMeaning), std::end(kChangedMeaning), type) != std::end(kChangedMeaning)) {
    return RefuseNode(*node, opset,
                      "opset " + std::to_string(known) + " has no such operator, or means another by it");
  }
  if (IsReduction(type)) PADDOCK_RETURN_IF_ERROR(LowerReduction(graph, opset, node));
  // Since opset 19 windows beyond the padding count otherwise.
  if (type == "AveragePool" && IntAttribute(*node, "ceil_mode", 0) != 0 &&
      IntAttribute(*node, "count_include_pad", 0) != 0) {
    return RefuseNode(*node, opset, "ceil_mode with count_include_pad means something else in older opsets");
  }
  std::vector<std::string> neutral;
  for (const auto& attribute : node->attribute()) {
    if (schema->attributes().contains(attribute.name())) continue;
    if (!IsNeutral(*node, attribute)) {
      return RefuseNode(*node, opset,
                        "opset " + std::to_string(known) + " has no attribute '" + attribute.name() + "'");
    }
    neutral.push_back(attribute.name());
  }
  for (const std::string& name : neutral) RemoveAttribute(node, name);
  if (node->input_size() > schema->max_input() || node->output_size() > schema->max_output()) {
    return RefuseNode(*node, opset,
                      "opset " + std::to_string(known) + " knows it with at most " +
                          std::to_string(schema->max_input()) + " inputs and " +
                          std::to_string(schema->max_output()) + " outputs");
  }
  return OkStatus();
}

}  // namespace

bool MakeInitializersConstant(onnx::ModelProto* model) {
  constexpr std::int64_t kFirstIr = 4;
  onnx::GraphProto* const graph = model->mutable_graph();
  std::set<std::string> filled;
  for (const auto& tensor : graph->initializer()) filled.insert(tensor.name());
  auto& inputs = *graph->mutable_input();
  const auto end = std::remove_if(inputs.begin(), inputs.end(),
                                  [&](const auto& input) { return filled.contains(input.name()); });
  const bool changes = end != inputs.end() || model->ir_version() < kFirstIr;
  inputs.erase(end, inputs.end());
  model->set_ir_version(std::max(model->ir_version(), kFirstIr));
  return changes;
}

Result<bool> WriteWithConstantInitializers(const std::string& in_path, const std::string& out_path) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(in_path));
  onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) return InvalidArgumentError("not an ONNX model");
  if (!MakeInitializersConstant(&model)) return false;
  PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(out_path, model.SerializeAsString()));
  return true;
}

Status BlameForeignNode(const Status& refusal, const onnx::ModelProto& model) {
  for (const onnx::NodeProto& node : model.graph().node()) {
    const std::string& domain = node.domain();
    if (IsStandard(domain) || domain.starts_with("com.microsoft") || domain.starts_with("ai.onnx")) continue;
    return {refusal.code(), refusal.message() + " (" + NodeText(node) + " is an operator of the domain '" +
                                domain + "', which runtimes do not know)"};
  }
  return refusal;
}

Status BlameForeignNode(const Status& refusal, const std::string& path) {
  const auto bytes = ReadFile(path);
  onnx::ModelProto model;
  if (!bytes.ok() || !model.ParseFromString(*bytes)) return refusal;
  return BlameForeignNode(refusal, model);
}

std::string CheckerText(std::string_view text) {
  constexpr std::size_t kMost = 300;
  std::string line;
  for (const char one : FirstBytes(text, kMost)) {
    const bool is_blank = one == '\n' || one == ' ';
    if (!is_blank || (!line.empty() && line.back() != ' ')) line += is_blank ? ' ' : one;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

Status CheckConsistent(const onnx::ModelProto& model) {
  const auto& outputs = model.graph().output();
  const bool lacks_shapes = std::any_of(outputs.begin(), outputs.end(), [](const auto& output) {
    return output.type().has_tensor_type() && !output.type().tensor_type().has_shape();
  });
  try {
    if (lacks_shapes) {
      onnx::ModelProto shaped = model;
      for (auto& output : *shaped.mutable_graph()->mutable_output())
        output.mutable_type()->mutable_tensor_type()->mutable_shape();
      onnx::checker::check_model(shaped);
    } else {
      onnx::checker::check_model(model);
    }
  } catch (const std::exception& error) {
    return InvalidArgumentError("not a consistent ONNX model (" + CheckerText(error.what()) +
                                "); export it anew");
  }
  return OkStatus();
}

Status LowerToKnownOpset(onnx::ModelProto* model) {
  const std::int64_t known = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at("").second;
  if (model->ir_version() > kNewestIr) {
    return InvalidArgumentError("the model has IR version " + std::to_string(model->ir_version()) +
                                ", which is newer than " + std::to_string(kNewestIr) +
                                ", the last one known here; export it with an older version of ONNX");
  }
  for (auto& import : *model->mutable_opset_import()) {
    if (!IsStandard(import.domain()) || import.version() <= known) continue;
    const std::int64_t opset = import.version();
    if (opset > kNewestOpset) {
      return InvalidArgumentError("the model has opset " + std::to_string(opset) + ", which is newer than " +
                                  std::to_string(kNewestOpset) +
                                  ", the last one known here; export it with an older opset");
    }
    onnx::GraphProto* const graph = model->mutable_graph();
    for (onnx::NodeProto& node : *graph->mutable_node()) {
      if (IsStandard(node.domain())) PADDOCK_RETURN_IF_ERROR(LowerNode(*graph, opset, known, &node));
    }
    import.set_version(known);
  }
  model->set_ir_version(std::min<std::int64_t>(model->ir_version(), onnx::Version::IR_VERSION));
  return CheckConsistent(*model);
}

}  // namespace paddock
