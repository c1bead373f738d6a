#include "base/file.h"
#include "prepare/tflite/convert.h"
#include "prepare/tflite/to_tflite.h"

namespace paddock {
namespace {

Result<bool> IsFloatIo(const std::map<std::string, std::string>& options) {
  OptionReader reader("step 'to-tflite'", options);
  const std::string io = reader.Choice("io", "int8", {"int8", "float32"});
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  return io == "float32";
}

// One sample a query, since shapes are fixed in TensorFlow Lite.
Status BindBatch(OnnxGraph& graph) {
  for (auto& input : *graph.graph().mutable_input()) {
    auto* const shape = input.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (int d = 0; d < shape->dim_size(); ++d) {
      if (shape->dim(d).has_dim_value() && shape->dim(d).dim_value() >= 0) continue;
      if (d > 0) {
        return InvalidArgumentError(
            "input '" + input.name() + "': dimension " + std::to_string(d) +
            " is open, and only the first one, the batch dimension, may be; export the "
            "model with fixed sizes");
      }
      shape->mutable_dim(d)->set_dim_value(1);
    }
  }
  // What outputs say of their shapes follows from the nodes; with the batch bound it may be wrong.
  for (auto& output : *graph.graph().mutable_output())
    output.mutable_type()->mutable_tensor_type()->clear_shape();
  return graph.InferShapes();
}

}  // namespace

Status CheckToTflite(const std::map<std::string, std::string>& options) {
  return IsFloatIo(options).status();
}

Result<std::vector<std::string>> RunToTflite(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const bool is_float_io, IsFloatIo(request.options));
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph graph, OnnxGraph::Read(request.in_path));
  PADDOCK_RETURN_IF_ERROR(BindBatch(graph));
  ToTflite conversion(graph, is_float_io);
  PADDOCK_ASSIGN_OR_RETURN(const TfliteModel model, conversion.Convert());
  PADDOCK_ASSIGN_OR_RETURN(const std::string bytes, SerializeTflite(model));
  PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(request.out_path, bytes));
  return conversion.notes();
}

}  // namespace paddock
