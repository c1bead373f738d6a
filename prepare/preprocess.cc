#include "prepare/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "prepare/preprocess_image.h"
#include "prepare/preprocess_math.h"
#include "prepare/preprocess_mel.h"

namespace paddock {
namespace {

Result<TensorInfo> Checked(const CastStep& step, TensorInfo info) {
  if (step.to == ElementType::kString) return InvalidArgumentError("casts to string; cast to a numeric type");
  info.type = step.to;
  return info;
}

ElementType FloatingResult(ElementType type) { return IsFloating(type) ? type : ElementType::kFloat32; }

Result<TensorInfo> Checked(const ScaleStep& step, TensorInfo info) {
  if (!std::isfinite(step.factor) || !std::isfinite(step.offset)) {
    return InvalidArgumentError("needs a finite factor and offset");
  }
  info.type = FloatingResult(info.type);
  return info;
}

Result<TensorInfo> Checked(const NormalizeStep& step, TensorInfo info) {
  if (step.mean.empty() || step.std.empty())
    return InvalidArgumentError("needs at least one value in mean and in std");
  if (!std::all_of(step.mean.begin(), step.mean.end(), [](double mean) { return std::isfinite(mean); })) {
    return InvalidArgumentError("needs finite values in mean");
  }
  if (!std::all_of(step.std.begin(), step.std.end(),
                   [](double std) { return std::isfinite(std) && std > 0; })) {
    return InvalidArgumentError("needs values above 0 in std");
  }
  info.type = FloatingResult(info.type);
  const std::size_t values = std::max(step.mean.size(), step.std.size());
  if (values == 1) return info;
  const std::string shape = ShapeText(info.shape);
  if (step.axis < 1 || step.axis >= static_cast<std::int64_t>(info.shape.size())) {
    return InvalidArgumentError("has axis " + std::to_string(step.axis) + " and the data have the shape " +
                                shape + "; choose an axis of the sample, 1 to " +
                                std::to_string(info.shape.size() - 1));
  }
  const std::int64_t size = info.shape[static_cast<std::size_t>(step.axis)];
  for (const auto* list : {&step.mean, &step.std}) {
    if (list->size() == 1 || static_cast<std::int64_t>(list->size()) == size) continue;
    return InvalidArgumentError("has " + std::to_string(list->size()) + " values in " +
                                (list == &step.mean ? "mean" : "std") + " and dimension " +
                                std::to_string(step.axis) + " of " + shape + " is " + std::to_string(size) +
                                "; give one value, or one for each index of the axis");
  }
  return info;
}

Status CheckQuantization(double scale) {
  if (std::isfinite(scale) && scale > 0 && static_cast<float>(scale) > 0 &&
      std::isfinite(static_cast<float>(scale))) {
    return OkStatus();
  }
  return InvalidArgumentError("needs a scale above 0 that float32 can hold");
}

Result<TensorInfo> Checked(const DequantizeStep& step, TensorInfo info) {
  PADDOCK_RETURN_IF_ERROR(CheckQuantization(step.scale));
  if (IsFloating(info.type) || info.type == ElementType::kBool) {
    return InvalidArgumentError("takes integers and the data are " + std::string(ElementTypeName(info.type)) +
                                "; leave the step out, or cast to an integer type before it");
  }
  info.type = ElementType::kFloat32;
  return info;
}

Result<TensorInfo> Checked(const QuantizeStep& step, TensorInfo info) {
  struct Range {
    ElementType type;
    std::int64_t low;
    std::int64_t high;
  };
  constexpr std::array kRanges = {Range{ElementType::kInt8, -128, 127}, Range{ElementType::kUint8, 0, 255},
                                  Range{ElementType::kInt16, -32768, 32767},
                                  Range{ElementType::kUint16, 0, 65535},
                                  Range{ElementType::kInt32, std::numeric_limits<std::int32_t>::min(),
                                        std::numeric_limits<std::int32_t>::max()}};
  PADDOCK_RETURN_IF_ERROR(CheckQuantization(step.scale));
  if (!IsFloating(info.type)) {
    return InvalidArgumentError("takes floating point and the data are " +
                                std::string(ElementTypeName(info.type)) +
                                "; leave the step out, or dequantize or cast to float32 before it");
  }
  const auto range = std::find_if(kRanges.begin(), kRanges.end(),
                                  [&](const Range& candidate) { return candidate.type == step.to; });
  if (range == kRanges.end()) {
    return InvalidArgumentError("quantizes to " + std::string(ElementTypeName(step.to)) +
                                "; choose int8, uint8, int16, uint16 or int32");
  }
  if (step.zero_point < range->low || step.zero_point > range->high) {
    return InvalidArgumentError("has the zero point " + std::to_string(step.zero_point) + ", outside of " +
                                std::string(ElementTypeName(step.to)) + " (" + std::to_string(range->low) +
                                " to " + std::to_string(range->high) + ")");
  }
  info.type = step.to;
  return info;
}

Result<TensorInfo> Checked(const TransposeStep& step, TensorInfo info) {
  const std::size_t rank = info.shape.size() - 1;
  std::vector<std::int64_t> sorted = step.axes;
  std::sort(sorted.begin(), sorted.end());
  bool is_permutation = sorted.size() == rank;
  for (std::size_t d = 0; is_permutation && d < rank; ++d)
    is_permutation = sorted[d] == static_cast<std::int64_t>(d);
  if (!is_permutation) {
    return InvalidArgumentError("has axes " + ShapeText(step.axes) + " and a sample has " +
                                std::to_string(rank) + " dimensions; name each of 0 to " +
                                std::to_string(rank) + " (exclusive) once");
  }
  const Shape before = info.shape;
  for (std::size_t d = 0; d < rank; ++d)
    info.shape[d + 1] = before[static_cast<std::size_t>(step.axes[d]) + 1];
  return info;
}

Result<TensorInfo> Checked(const ReshapeStep& step, TensorInfo info) {
  const Shape sample(info.shape.begin() + 1, info.shape.end());
  const std::uint64_t elements = ElementCount(sample).value_or(0);
  const std::string shapes = "turns samples " + ShapeText(sample) + " into " + ShapeText(step.shape);
  Shape target = step.shape;
  const auto open = std::find(target.begin(), target.end(), -1);
  if (open != target.end()) *open = 1;
  const auto known = ElementCount(target);
  if (!known) return InvalidArgumentError(shapes + "; sizes are 0 or more, and one may be -1");
  if (open != target.end() && *known != 0 && elements % *known == 0) {
    *open = static_cast<std::int64_t>(elements / *known);
  }
  if (ElementCount(target) != elements) {
    return InvalidArgumentError(shapes + "; a sample has " + std::to_string(elements) +
                                " elements, and a reshape neither adds nor removes any");
  }
  info.shape.resize(1);
  info.shape.insert(info.shape.end(), target.begin(), target.end());
  return info;
}

Result<TensorInfo> Checked(const ResizeStep& step, TensorInfo info) {
  return ResizeInfo(step, std::move(info));
}
Result<TensorInfo> Checked(const CropStep& step, TensorInfo info) { return CropInfo(step, std::move(info)); }
Result<TensorInfo> Checked(const ColorStep& step, TensorInfo info) {
  return ColorInfo(step, std::move(info));
}
Result<TensorInfo> Checked(const MelStep& step, TensorInfo info) { return MelInfo(step, std::move(info)); }

bool AppliesTo(const PreprocessStep& step, const TensorInfo& info) {
  return step.input.empty() || step.input == info.name;
}

Result<TensorInfo> CheckedStep(const PreprocessStep& step, std::size_t index, const TensorInfo& info) {
  auto result = std::visit([&](const auto& action) { return Checked(action, info); }, step.action);
  if (result.ok()) return result;
  return Status(result.status().code(), "preprocess[" + std::to_string(index) + "] (" +
                                            std::string(PreprocessStepName(step)) + ") on input '" +
                                            info.name + "': it " + result.status().message());
}

Status CheckInput(const TensorInfo& info) {
  if (info.shape.empty() || info.type == ElementType::kString || !ElementCount(info.shape)) {
    return InvalidArgumentError("preprocessing takes numeric data of shape [samples, ...], and " +
                                TensorText(info) + " is not");
  }
  return OkStatus();
}

}  // namespace

std::string_view PreprocessStepName(const PreprocessStep& step) {
  constexpr std::array<std::string_view, 11> kNames = {"cast",     "scale",     "normalize", "dequantize",
                                                       "quantize", "transpose", "reshape",   "resize",
                                                       "crop",     "color",     "mel"};
  static_assert(std::variant_size_v<decltype(step.action)> == kNames.size());
  return kNames[step.action.index()];
}

Result<TensorInfo> PreprocessInfo(TensorInfo info, std::span<const PreprocessStep> steps) {
  PADDOCK_RETURN_IF_ERROR(CheckInput(info));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!AppliesTo(steps[i], info)) continue;
    PADDOCK_ASSIGN_OR_RETURN(info, CheckedStep(steps[i], i, info));
  }
  return info;
}

Result<Tensor> Preprocess(Tensor tensor, std::span<const PreprocessStep> steps) {
  PADDOCK_RETURN_IF_ERROR(CheckInput(tensor.info));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!AppliesTo(steps[i], tensor.info)) continue;
    PADDOCK_ASSIGN_OR_RETURN(TensorInfo result, CheckedStep(steps[i], i, tensor.info));
    tensor = ApplyStep(steps[i], std::move(tensor), std::move(result));
  }
  return tensor;
}

}  // namespace paddock
