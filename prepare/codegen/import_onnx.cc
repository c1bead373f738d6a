#include "prepare/codegen/import_onnx.h"

#include "prepare/codegen/lower.h"
#include "prepare/codegen/read_onnx.h"
#include "prepare/codegen/simplify.h"

namespace paddock {
namespace {

// One sample: an open first dimension is 1. Others stay open, and are refused.
Status CloseBatch(OnnxGraph* graph) {
  bool changed = false;
  for (onnx::ValueInfoProto& input : *graph->graph().mutable_input()) {
    auto* const tensor = input.mutable_type()->mutable_tensor_type();
    if (!tensor->has_shape() || tensor->shape().dim_size() == 0 || tensor->shape().dim(0).has_dim_value())
      continue;
    tensor->mutable_shape()->mutable_dim(0)->set_dim_value(1);
    changed = true;
  }
  if (!changed) return OkStatus();
  for (onnx::ValueInfoProto& output : *graph->graph().mutable_output())
    output.mutable_type()->mutable_tensor_type()->clear_shape();
  return graph->InferShapes();
}

}  // namespace

Result<Network> ImportOnnx(const std::string& path, const std::string& name) {
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph graph, OnnxGraph::Read(path));
  PADDOCK_RETURN_IF_ERROR(CloseBatch(&graph));
  PADDOCK_ASSIGN_OR_RETURN(Draft draft, ReadDraft(graph));
  FoldArithmetic(&draft);
  FuseQuantization(&draft);
  FoldPads(&draft);
  return LowerDraft(draft, name);
}

}  // namespace paddock
