#include "prepare/tflite/to_tflite_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paddock {
namespace {

template <typename Element, typename Value>
std::vector<std::byte> Narrowed(const std::vector<Value>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(Element));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto element = static_cast<Element>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(Element), &element, sizeof(Element));
  }
  return bytes;
}

std::size_t InnerElements(const Shape& shape, std::int32_t axis) {
  std::size_t inner = 1;
  for (std::size_t d = static_cast<std::size_t>(axis) + 1; d < shape.size(); ++d)
    inner *= static_cast<std::size_t>(shape[d]);
  return inner;
}

}  // namespace

Result<Int8Weights> Int8WeightsOf(ToTflite& to, const onnx::NodeProto& node, const std::string& value,
                                  std::int32_t output_axis) {
  const QuantizedConstant& constant = *to.Quantized(value);
  const auto channels = static_cast<std::size_t>(constant.shape[static_cast<std::size_t>(output_axis)]);
  const bool is_symmetric = std::all_of(constant.zero_points.begin(), constant.zero_points.end(),
                                        [](std::int64_t zero) { return zero == 0; });
  const bool has_scale =
      std::all_of(constant.scales.begin(), constant.scales.end(), [](float s) { return s > 0; });
  Int8Weights weights;
  if (is_symmetric && has_scale && (constant.scales.size() == 1 || constant.axis == output_axis)) {
    weights.values = constant.values;
    weights.scales = constant.scales;
    weights.scales.resize(channels, constant.scales[0]);
    return weights;
  }
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<float> floats, to.Floats(node, value));
  to.Note(NodeText(node) + ": weights quantised anew, symmetric per output channel");
  const std::size_t inner = InnerElements(constant.shape, output_axis);
  weights.scales.assign(channels, 0);
  for (std::size_t i = 0; i < floats.size(); ++i) {
    float& largest = weights.scales[(i / inner) % channels];
    largest = std::max(largest, std::abs(floats[i]));
  }
  for (float& scale : weights.scales) scale = scale > 0 ? scale / 127 : 1;
  for (std::size_t i = 0; i < floats.size(); ++i)
    weights.values.push_back(
        static_cast<std::int32_t>(std::lround(floats[i] / weights.scales[(i / inner) % channels])));
  return weights;
}

std::int32_t AddInt8(ToTflite& to, const std::string& name, const Shape& shape,
                     const std::vector<std::int32_t>& values, const std::vector<float>& scales,
                     const std::vector<std::int64_t>& zero_points, std::int32_t axis) {
  TfliteTensor tensor;
  tensor.name = name;
  tensor.type = ElementType::kInt8;
  tensor.shape = shape;
  tensor.scales = scales;
  tensor.zero_points = zero_points;
  tensor.quantized_dimension = axis;
  return to.AddConstant(std::move(tensor), Narrowed<std::int8_t>(values));
}

std::int32_t AddInt32Bias(ToTflite& to, const std::string& name, const std::vector<float>& bias,
                          double input_scale, const std::vector<float>& weight_scales) {
  TfliteTensor tensor;
  tensor.name = name;
  tensor.type = ElementType::kInt32;
  tensor.shape = {static_cast<std::int64_t>(bias.size())};
  std::vector<double> integers;
  for (std::size_t i = 0; i < bias.size(); ++i) {
    const double scale = input_scale * static_cast<double>(weight_scales[weight_scales.size() == 1 ? 0 : i]);
    constexpr double kMax = std::numeric_limits<std::int32_t>::max();
    integers.push_back(std::clamp(std::nearbyint(static_cast<double>(bias[i]) / scale), -kMax, kMax));
  }
  for (const float scale : weight_scales)
    tensor.scales.push_back(static_cast<float>(input_scale * static_cast<double>(scale)));
  tensor.zero_points.assign(tensor.scales.size(), 0);
  return to.AddConstant(std::move(tensor), Narrowed<std::int32_t>(integers));
}

std::int32_t AddExactInt8(ToTflite& to, const onnx::NodeProto& node, const std::string& value,
                          const Shape& padded, const std::vector<std::int32_t>& order) {
  Shape shape;
  for (const std::int32_t from : order) shape.push_back(padded[static_cast<std::size_t>(from)]);
  if (const QuantizedConstant* constant = to.Quantized(value)) {
    if (constant->scales.size() != 1 || !(constant->scales[0] > 0)) return -1;
    for (const std::int32_t one : constant->values) {
      if (one < -128 || one > 127) return -1;
    }
    return AddInt8(to, value, shape, Permuted(constant->values, padded, order), constant->scales,
                   constant->zero_points, 0);
  }
  const auto floats = to.Floats(node, value);
  if (!floats.ok() || floats->size() != 1) return -1;
  const float number = floats->front();
  const float scale = number == 0 ? 1 : std::abs(number) / 127;
  return AddInt8(to, value, shape, {number == 0 ? 0 : number > 0 ? 127 : -127}, {scale}, {0}, 0);
}

Result<WindowPadding> PaddingOf(const onnx::NodeProto& node, const std::int64_t (&input)[2],
                                const std::int64_t (&output)[2], const std::int64_t (&kernel)[2],
                                const std::int64_t (&stride)[2]) {
  const std::string automatic = TextAttribute(node, "auto_pad", "NOTSET");
  const std::vector<std::int64_t> pads = IntsAttribute(node, "pads");
  if (!pads.empty() && pads.size() != 4)
    return ToTflite::Refuse(node, "its pads are not those of two dimensions");
  WindowPadding padding;
  bool is_same = true;
  bool is_valid = true;
  for (std::size_t d = 0; d < 2; ++d) {
    constexpr std::int64_t kMost = 1 << 20;
    if (stride[d] < 1 || kernel[d] < 1 || stride[d] > kMost || kernel[d] > kMost)
      return ToTflite::Refuse(node, "its strides or window are not positive, or absurd");
    const std::int64_t covered = (output[d] - 1) * stride[d] + kernel[d];
    const std::int64_t total = std::max<std::int64_t>(covered - input[d], 0);
    if (automatic == "SAME_UPPER") {
      padding.begin[d] = total / 2;
    } else if (automatic == "SAME_LOWER") {
      padding.begin[d] = total - total / 2;
    } else if (automatic != "VALID" && !pads.empty()) {
      padding.begin[d] = pads[d];
    }
    if (padding.begin[d] < 0 || (!pads.empty() && pads[d + 2] < 0))
      return ToTflite::Refuse(node, "negative pads cannot be converted");
    padding.end[d] = std::max<std::int64_t>(covered - input[d] - padding.begin[d], 0);
    is_same = is_same && output[d] == (input[d] + stride[d] - 1) / stride[d] && padding.begin[d] == total / 2;
    is_valid = is_valid && padding.begin[d] == 0 && padding.end[d] == 0;
  }
  padding.is_same = is_same && !is_valid;
  padding.needs_pad = !is_same && !is_valid;
  return padding;
}

std::int32_t AddPad(ToTflite& to, std::int32_t tensor, const std::vector<std::int32_t>& paddings,
                    std::optional<float> value, const std::string& name) {
  Shape shape = to.tensor(tensor).shape;
  for (std::size_t d = 0; d < shape.size(); ++d) shape[d] += paddings[2 * d] + paddings[2 * d + 1];
  const auto quantization = to.tensor(tensor).TensorQuantization();
  const std::int32_t amounts = to.AddInt32(name + "/paddings", paddings);
  to.tensor(amounts).shape = {static_cast<std::int64_t>(shape.size()), 2};
  std::vector<std::int32_t> inputs = {tensor, amounts};
  if (value && quantization) {
    const double integer = std::nearbyint(static_cast<double>(*value) / quantization->scale) +
                           static_cast<double>(quantization->zero_point);
    inputs.push_back(AddInt8(to, name + "/value", {1},
                             {static_cast<std::int32_t>(std::clamp(integer, -128.0, 127.0))},
                             to.tensor(tensor).scales, to.tensor(tensor).zero_points, 0));
  } else if (value) {
    inputs.push_back(to.AddFloats(name + "/value", {1}, {*value}));
  }
  const std::int32_t output = to.AddTensor(name, shape, quantization);
  to.AddOperator(value ? TfliteOp::kPadV2 : TfliteOp::kPad, inputs, output);
  return output;
}

std::int32_t AddWindowPad(ToTflite& to, std::int32_t tensor, const WindowPadding& padding,
                          std::optional<float> value, const std::string& name) {
  const auto narrow = [](std::int64_t number) { return static_cast<std::int32_t>(number); };
  return AddPad(to, tensor,
                {0, 0, narrow(padding.begin[0]), narrow(padding.end[0]), narrow(padding.begin[1]),
                 narrow(padding.end[1]), 0, 0},
                value, name + "/padded");
}

}  // namespace paddock
