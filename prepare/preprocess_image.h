// The steps of preprocess.h that know what an image is: resize, crop, color. Samples are [height, width, channels] of uint8 or
// float32. The ...Info functions check a step and give what it makes of `info`; their errors read on after "it ". Pure.
#pragma once

#include "base/status.h"
#include "kpi/data_spec.h"
#include "kpi/tensor.h"

namespace paddock {

Result<TensorInfo> ResizeInfo(const ResizeStep& step, TensorInfo info);
Result<TensorInfo> CropInfo(const CropStep& step, TensorInfo info);
Result<TensorInfo> ColorInfo(const ColorStep& step, TensorInfo info);

// REQUIRES: `result` is what the Info function gave for tensor.info.
Tensor ApplyResize(const ResizeStep& step, const Tensor& tensor, TensorInfo result);
Tensor ApplyCrop(const Tensor& tensor, TensorInfo result);
Tensor ApplyColor(const ColorStep& step, const Tensor& tensor, TensorInfo result);

}  // namespace paddock
