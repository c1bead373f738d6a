// Apart from the rest of OnnxGraph because libonnx's converter is a heavy header.
#include <onnx/version_converter/convert.h>

#include <exception>

#include "prepare/onnx_graph.h"

namespace paddock {

Status OnnxGraph::ConvertOpset(std::int64_t opset) {
  try {
    *model_ = onnx::version_conversion::ConvertVersion(*model_, static_cast<int>(opset));
  } catch (const std::exception& error) {
    return InvalidArgumentError("the model has opset " + std::to_string(this->opset()) +
                                ", which cannot be brought to opset " + std::to_string(opset) + ": " +
                                error.what() + "; export it with opset " + std::to_string(opset) +
                                " or newer");
  }
  IndexNames();
  return InferShapes();
}

}  // namespace paddock
