#include "prepare/tflite/tflite_info.h"

#include <set>

#include "base/utf8.h"
#include "prepare/tflite/tflite_model.h"

namespace paddock {
namespace {

Result<TensorInfo> SignatureEntry(const TfliteTensor& tensor, std::string_view what) {
  const std::string where = std::string(what) + " '" + Readable(tensor.name) + "' ";
  if (tensor.name.empty() || Readable(tensor.name) != tensor.name)
    return InvalidArgumentError(where + "has no readable name; convert the model to .tflite anew");
  if (!tensor.type) {
    return InvalidArgumentError(
        where + "has an element type that is not supported; convert the model with another type");
  }
  TensorInfo info{tensor.name, *tensor.type, tensor.shape, tensor.TensorQuantization()};
  // The runtime begins with the shape, whose first dimension is the batch; others that are open nobody can bind.
  for (std::size_t d = 1; d < tensor.signature.size(); ++d) info.shape[d] = tensor.signature[d];
  return info;
}

Status Fill(const TfliteModel& model, const std::vector<std::int32_t>& indices, std::string_view what,
            std::vector<TensorInfo>* list) {
  std::set<std::string> names;
  for (const std::int32_t index : indices) {
    PADDOCK_ASSIGN_OR_RETURN(TensorInfo info,
                             SignatureEntry(model.tensors[static_cast<std::size_t>(index)], what));
    if (!names.insert(info.name).second) {
      return InvalidArgumentError(std::string(what) + " '" + info.name +
                                  "' stands twice; convert the model to .tflite with distinct names");
    }
    list->push_back(std::move(info));
  }
  return OkStatus();
}

}  // namespace

Status DescribeTflite(std::string_view bytes, ModelInfo* info) {
  PADDOCK_ASSIGN_OR_RETURN(const TfliteModel model, ParseTflite(bytes));
  info->kind = "tflite";
  info->producer = Readable(model.description);
  PADDOCK_RETURN_IF_ERROR(Fill(model, model.inputs, "input", &info->inputs));
  PADDOCK_RETURN_IF_ERROR(Fill(model, model.outputs, "output", &info->outputs));
  if (info->outputs.empty())
    return InvalidArgumentError("the model has no output; convert it to .tflite anew");
  for (const TfliteOperator& op : model.operators) ++info->operators[Readable(op.Name())];
  for (std::size_t i = 0; i < model.tensors.size(); ++i) {
    if (model.IsConstant(static_cast<std::int32_t>(i)))
      info->parameters += ElementCount(model.tensors[i].shape).value_or(0);
  }
  if (model.subgraphs > 1) {
    info->notes.push_back("only the first of its " + std::to_string(model.subgraphs) +
                          " graphs is described, the one that runs");
  }
  return OkStatus();
}

}  // namespace paddock
