// The step `mel` of preprocess.h: features of sound as TensorFlow's audio operators make them (AudioSpectrogram, Mfcc and its
// mel filter bank), which its speech commands example and many keyword spotters were trained with.
//
// A frame of window_s begins every stride_s; it is weighted by a periodic Hann window, padded with zeros to `fft_size`, and
// transformed. The magnitudes of low_hz to high_hz, without the constant part, go into `bands` triangles whose centres lie
// evenly on the scale 1127 ln(1 + f / 700); the logarithm of their sums (of 1e-12 at the least) is log-mel, and the first
// `coefficients` of its cosine transform (DCT-II, scaled by sqrt(2 / bands)) are MFCC. Arithmetic in double, result float32.
// The functions' contracts are those of preprocess_image.h.
#pragma once

#include "base/status.h"
#include "kpi/data_spec.h"
#include "kpi/tensor.h"

namespace paddock {

// Samples [length] of float32, or of int16 taken as value / 32768, become [frames, bands or coefficients].
Result<TensorInfo> MelInfo(const MelStep& step, TensorInfo info);
Tensor ApplyMel(const MelStep& step, const Tensor& tensor, TensorInfo result);

}  // namespace paddock
