// Constants of an int8 operator in the forms that TensorFlow Lite wants. Internal to prepare/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "prepare/tflite/to_tflite.h"

namespace paddock {

// Weights with zero point 0 and one scale per output channel.
struct Int8Weights {
  std::vector<std::int32_t> values;  // in ONNX's order
  std::vector<float> scales;
};
// `output_axis` is the dimension of output channels. Weights with other zero points or another axis are quantised anew, which is
// noted.
Result<Int8Weights> Int8WeightsOf(ToTflite& to, const onnx::NodeProto& node, const std::string& value,
                                  std::int32_t output_axis);
// int8 tensor; `scales` has one element or as many as dimension `axis`.
std::int32_t AddInt8(ToTflite& to, const std::string& name, const Shape& shape,
                     const std::vector<std::int32_t>& values, const std::vector<float>& scales,
                     const std::vector<std::int64_t>& zero_points, std::int32_t axis);
// int32 tensor of the scale input_scale * weight_scales[c]; `bias` has one element per channel.
std::int32_t AddInt32Bias(ToTflite& to, const std::string& name, const std::vector<float>& bias,
                          double input_scale, const std::vector<float>& weight_scales);
// A constant as an int8 tensor that stands for it exactly: a quantised one of one scale, or a single float. Its elements are
// those of `value`, in `order`, shaped `shape`. -1 when it cannot be.
std::int32_t AddExactInt8(ToTflite& to, const onnx::NodeProto& node, const std::string& value,
                          const Shape& padded, const std::vector<std::int32_t>& order);

// Padding of a two-dimensional window as TensorFlow Lite knows it, after a PAD where it does not.
struct WindowPadding {
  bool is_same = false;
  std::int64_t begin[2] = {0, 0};
  std::int64_t end[2] = {0, 0};
  bool needs_pad = false;
};
// `input`, `output`, `kernel` (dilated), `stride`: height and width.
Result<WindowPadding> PaddingOf(const onnx::NodeProto& node, const std::int64_t (&input)[2],
                                const std::int64_t (&output)[2], const std::int64_t (&kernel)[2],
                                const std::int64_t (&stride)[2]);
// `paddings` holds begin and end of every dimension of the tensor. `value`: absent for zero (for int8, the zero point).
std::int32_t AddPad(ToTflite& to, std::int32_t tensor, const std::vector<std::int32_t>& paddings,
                    std::optional<float> value, const std::string& name);
std::int32_t AddWindowPad(ToTflite& to, std::int32_t tensor, const WindowPadding& padding,
                          std::optional<float> value, const std::string& name);

}  // namespace paddock
