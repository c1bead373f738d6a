// The preprocessing steps of kpi/data_spec.h, applied to tensors whose first dimension counts samples.
//
//   cast        to a numeric type. To integers: truncated towards zero, saturated at the type's bounds, NaN becomes 0 (also
//               between integers: saturated, never wrapped). To bool: what is not 0 is true. To narrower floats: round to
//               nearest even, overflow to infinity.
//   scale       x * factor + offset        computed in double, rounded once to the result's type:
//   normalize   (x - mean) / std           a floating input keeps its type, integers and bool become float32
//   dequantize  (q - zero_point) * scale   integer input, float32 result and arithmetic, as ONNX DequantizeLinear
//   quantize    saturate(round(x / scale) + zero_point), round half to even, as ONNX QuantizeLinear: the division in float32
//               (float64 for a float64 input). To int8, uint8, int16, uint16 or int32. NaN becomes the zero point.
//   transpose   axes of one sample: [2,0,1] turns a sample [h,w,c] into [c,h,w]
//   resize      samples [h,w,c] of uint8 or float32 to height and width: bilinear or nearest, pixels being squares around half
//               numbers, without smoothing (TensorFlow's and OpenCV's bilinear); integers are rounded half to even
//   crop        the middle of samples [h,w,c], height by width
//   color       samples [h,w,3] of red, green, blue in the order bgr, or as gray [h,w,1] (ITU-R 601)
//   mel         samples [length] of sound as log-mel or MFCC [frames, bands]: prepare/preprocess_mel.h
//   reshape     shape of one sample; one dimension may be -1
//
// Pure; any thread.
#pragma once

#include <span>
#include <string_view>

#include "base/status.h"
#include "kpi/data_spec.h"
#include "kpi/tensor.h"

namespace paddock {

// "cast", "scale", ...
std::string_view PreprocessStepName(const PreprocessStep& step);

// What Preprocess() will make of a tensor like `info`, without touching elements. The steps that apply are those without an
// input, and those whose input is `info.name`. INVALID_ARGUMENT names the step by its index in `steps`:
// "preprocess[2] (quantize) on input 'x': ...".
Result<TensorInfo> PreprocessInfo(TensorInfo info, std::span<const PreprocessStep> steps);

// REQUIRES: tensor.bytes has the size that its shape and type ask for.
Result<Tensor> Preprocess(Tensor tensor, std::span<const PreprocessStep> steps);

}  // namespace paddock
