#include "kpi/tensor_json.h"

#include <string>
#include <utility>

#include "base/strict_json.h"

namespace paddock {
namespace {

void ReadType(StrictObject& object, ElementType* out) {
  std::string name;
  object.Required("type", &name);
  const auto type = ParseElementType(name);
  if (!type.ok()) return object.Fail(type.status().WithContext(object.PathOf("type")));
  *out = *type;
}

void ReadQuantization(StrictObject& tensor, std::optional<Quantization>* out) {
  const Json* const json = tensor.Child("quantization");
  if (json == nullptr) return;
  Quantization quantization;
  StrictObject object(*json, tensor.PathOf("quantization"));
  object.Required("scale", &quantization.scale);
  object.Required("zero_point", &quantization.zero_point);
  if (!(quantization.scale > 0)) {
    object.Fail(InvalidArgumentError(object.PathOf("scale") + ": must be above 0"));
  }
  tensor.Fail(object.Finish());
  *out = quantization;
}

}  // namespace

Json TensorsAsJson(const std::vector<TensorInfo>& tensors) {
  Json list = Json::array();
  for (const TensorInfo& tensor : tensors) {
    Json json = {{"name", tensor.name}, {"type", ElementTypeName(tensor.type)}, {"shape", tensor.shape}};
    if (tensor.quantization) {
      json["quantization"] = {{"scale", tensor.quantization->scale},
                              {"zero_point", tensor.quantization->zero_point}};
    }
    list.push_back(std::move(json));
  }
  return list;
}

void ReadTensors(StrictObject& parent, std::string_view key, std::vector<TensorInfo>* out) {
  const Json* const list = parent.Child(key);
  const std::string path = parent.PathOf(key);
  if (list == nullptr || !list->is_array()) {
    return parent.Fail(InvalidArgumentError(path + ": must be a list of tensors"));
  }
  out->clear();
  for (std::size_t i = 0; i < list->size(); ++i) {
    TensorInfo& tensor = out->emplace_back();
    StrictObject object((*list)[i], path + "[" + std::to_string(i) + "]");
    object.Required("name", &tensor.name);
    ReadType(object, &tensor.type);
    object.Required("shape", &tensor.shape);
    ReadQuantization(object, &tensor.quantization);
    parent.Fail(object.Finish());
  }
}

}  // namespace paddock
