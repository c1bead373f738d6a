#include "prepare/passes/calibration_set.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace paddock {
namespace {

constexpr std::size_t kLargestBatch = 16;  // bounds the memory that intermediate values take

std::string NamesOf(const std::vector<NamedTensorView>& tensors) {
  std::string names;
  for (const NamedTensorView& tensor : tensors) names += (names.empty() ? "'" : ", '") + tensor.name + "'";
  return names;
}

Status CheckFinite(const NamedTensorView& input) {
  const ElementType type = input.tensor.type;
  if (type != ElementType::kFloat32 && type != ElementType::kFloat64 && type != ElementType::kFloat16 &&
      type != ElementType::kBfloat16) {
    return OkStatus();
  }
  const std::size_t count = input.tensor.bytes.size() / ElementSize(type);
  for (std::size_t i = 0; i < count; ++i) {
    const double value = ElementAsDouble(input.tensor, i);
    if (std::isfinite(value)) continue;
    const std::size_t per_sample = count / static_cast<std::size_t>(input.tensor.shape[0]);
    return InvalidArgumentError("calibration tensor '" + input.name + "' holds " +
                                (std::isnan(value) ? "NaN" : "infinity") + " in sample " +
                                std::to_string(i / per_sample) + "; remove or repair that sample");
  }
  return OkStatus();
}

}  // namespace

Result<CalibrationSet> CalibrationSet::Load(const std::string& path, const ModelInfo& model) {
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<Shape> shapes, SampleShapes(model));
  auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status().WithContext("calibration data");
  CalibrationSet set(std::move(*file));
  const auto tensors = DecodeTensorFile(set.file_.bytes());
  if (!tensors.ok()) return tensors.status().WithContext("calibration data '" + path + "'");
  for (std::size_t i = 0; i < model.inputs.size(); ++i) {
    const TensorInfo& input = model.inputs[i];
    const auto found = std::find_if(tensors->begin(), tensors->end(),
                                    [&](const NamedTensorView& tensor) { return tensor.name == input.name; });
    if (found == tensors->end()) {
      return InvalidArgumentError("the calibration data have no tensor for the model's input '" + input.name +
                                  "'; they have " + NamesOf(*tensors));
    }
    const TensorInfo given{found->name, found->tensor.type, found->tensor.shape};
    const Shape sample(given.shape.begin() + 1, given.shape.end());
    if (given.type != input.type || sample != shapes[i]) {
      return InvalidArgumentError("calibration tensor " + TensorText(given) +
                                  " does not fit the model's input " + TensorText(input) +
                                  "; preprocess it as for inference");
    }
    set.samples_ = static_cast<std::size_t>(given.shape[0]);
    if (set.samples_ == 0) return InvalidArgumentError("the calibration data hold no sample");
    PADDOCK_RETURN_IF_ERROR(CheckFinite(*found));
    set.inputs_.push_back(*found);
  }
  if (HasOpenBatch(model)) set.batch_ = std::min(kLargestBatch, set.samples_);
  return set;
}

std::vector<NamedTensorView> CalibrationSet::Batch(std::size_t index) const {
  const std::size_t begin = index * batch_;
  const std::size_t count = std::min(batch_, samples_ - begin);
  std::vector<NamedTensorView> batch = inputs_;
  for (NamedTensorView& input : batch) {
    const std::size_t bytes = input.tensor.bytes.size() / samples_;
    input.tensor.bytes = input.tensor.bytes.subspan(begin * bytes, count * bytes);
    input.tensor.shape[0] = static_cast<std::int64_t>(count);
  }
  return batch;
}

}  // namespace paddock
