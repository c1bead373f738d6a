#include "prepare/adapt_data.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "prepare/model_info.h"

namespace paddock {

Result<DataSpec> AdaptData(DataSpec spec, const ModelSignature& model, const ModelSignature& artifact) {
  if (model.inputs.size() != artifact.inputs.size()) {
    return InternalError("the model has " + std::to_string(model.inputs.size()) +
                         " inputs, and what was made of it has " + std::to_string(artifact.inputs.size()));
  }
  std::map<std::string, std::string> names;
  std::map<std::string, std::string> arrays;
  const bool is_channels_last = model.kind == "onnx" && FileKind(artifact.kind) == "tflite";
  std::vector<PreprocessStep> layout;
  for (std::size_t i = 0; i < model.inputs.size(); ++i) {
    const TensorInfo& from = model.inputs[i];
    const TensorInfo& to = artifact.inputs[i];
    if (const auto array = spec.inputs.find(from.name); array != spec.inputs.end())
      arrays.emplace(to.name, array->second);
    names.emplace(from.name, to.name);
    if (is_channels_last && from.shape.size() == 4)
      layout.push_back({.input = to.name, .action = TransposeStep{{1, 2, 0}}});
  }
  for (PreprocessStep& step : spec.preprocess) {
    if (const auto name = names.find(step.input); name != names.end()) step.input = name->second;
  }
  spec.inputs = std::move(arrays);
  spec.preprocess.insert(spec.preprocess.end(), layout.begin(), layout.end());
  return spec;
}

}  // namespace paddock
