// Constants of a TensorFlow Lite model in ONNX, and the step itself.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/file.h"
#include "prepare/onnx_graph.h"
#include "prepare/passes/qdq_writer.h"
#include "prepare/tflite/convert.h"
#include "prepare/tflite/to_onnx.h"
#include "prepare/tflite/to_tflite.h"

namespace paddock {
namespace {

std::vector<double> ElementsOf(const TfliteModel& model, const TfliteTensor& tensor) {
  const TensorView view{*tensor.type, tensor.shape, model.DataOf(tensor)};
  std::vector<double> elements(view.bytes.size() / ElementSize(view.type));
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = ElementAsDouble(view, i);
  return elements;
}

// Elements that lie between one index of the dimension and the next.
std::size_t StepOf(const TfliteTensor& tensor) {
  std::size_t step = 1;
  for (std::size_t d = static_cast<std::size_t>(tensor.quantized_dimension) + 1; d < tensor.shape.size(); ++d)
    step *= static_cast<std::size_t>(tensor.shape[d]);
  return std::max<std::size_t>(step, 1);
}

}  // namespace

Result<std::vector<float>> ToOnnx::Floats(const TfliteOperator& op, std::int32_t index) const {
  if (const auto folded = folded_.find(index); folded != folded_.end()) return folded->second;
  const TfliteTensor& constant = tensor(index);
  if (!model_.IsConstant(index) || !constant.type || constant.type == ElementType::kString)
    return Refuse(op, "its input '" + constant.name + "' is no constant of numbers");
  const std::vector<double> elements = ElementsOf(model_, constant);
  const std::size_t step = StepOf(constant);
  std::vector<float> floats;
  floats.reserve(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    double value = elements[i];
    if (!constant.scales.empty()) {
      const std::size_t channel = constant.scales.size() == 1 ? 0 : (i / step) % constant.scales.size();
      value = (value - static_cast<double>(constant.zero_points[channel])) *
              static_cast<double>(constant.scales[channel]);
    }
    if (!std::isfinite(value))
      return Refuse(
          op, "its constant '" + constant.name + "' holds NaN or infinity at index " + std::to_string(i));
    floats.push_back(static_cast<float>(value));
  }
  return floats;
}

Result<std::vector<std::int64_t>> ToOnnx::Integers(const TfliteOperator& op, std::int32_t index) const {
  const TfliteTensor& constant = tensor(index);
  if (!model_.IsConstant(index) ||
      (constant.type != ElementType::kInt32 && constant.type != ElementType::kInt64))
    return Refuse(op, "its input '" + constant.name + "' is no constant of integers");
  std::vector<std::int64_t> integers;
  for (const double element : ElementsOf(model_, constant))
    integers.push_back(static_cast<std::int64_t>(element));
  return integers;
}

Result<std::string> ToOnnx::AddConstant(const TfliteOperator& op, std::int32_t index, const Shape& shape,
                                        const std::vector<std::int32_t>& dimensions, std::int64_t axis,
                                        bool as_integers) {
  const TfliteTensor& constant = tensor(index);
  if (shape.size() != dimensions.size()) {
    return Refuse(op, "its constant '" + constant.name + "' has " + std::to_string(shape.size()) +
                          " dimensions, and " + std::to_string(dimensions.size()) + " are expected");
  }
  Shape result;
  for (const std::int32_t dimension : dimensions)
    result.push_back(shape[static_cast<std::size_t>(dimension)]);
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> floats, Floats(op, index));
  if (floats.size() != ElementCount(shape))
    return Refuse(op, "its constant '" + constant.name + "' has another size");
  if (!as_integers || constant.scales.empty() || !model_.IsConstant(index))
    return AddFloats(constant.name, result, Permuted(floats, shape, dimensions));
  const TfliteTensor written = axis < 0 ? AsUint8(constant) : constant;
  const std::int64_t shift = written.type != constant.type ? kUint8Shift : 0;
  std::vector<std::int64_t> integers;
  for (const double element : ElementsOf(model_, constant))
    integers.push_back(static_cast<std::int64_t>(element) + shift);
  const std::string name = NewName(constant.name);
  *made_.mutable_graph()->add_initializer() =
      MakeIntegers(name, *written.type, result, Permuted(integers, shape, dimensions));
  const std::string value = AddDequantize(name, written);
  if (constant.scales.size() > 1) SetIntAttribute(&nodes_.back(), "axis", axis);
  return value;
}

Result<std::vector<std::string>> RunToOnnx(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(request.in_path));
  PADDOCK_ASSIGN_OR_RETURN(const TfliteModel model, ParseTflite(bytes));
  ToOnnx conversion(model);
  PADDOCK_ASSIGN_OR_RETURN(const onnx::ModelProto made, conversion.Convert());
  PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(request.out_path, made.SerializeAsString()));
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph graph, OnnxGraph::Read(request.out_path));
  graph.RemoveUnused();
  PADDOCK_RETURN_IF_ERROR(graph.Write(request.out_path));
  std::vector<std::string> notes;
  if (model.subgraphs > 1)
    notes.push_back("only the first of " + std::to_string(model.subgraphs) + " graphs");
  return notes;
}

}  // namespace paddock
