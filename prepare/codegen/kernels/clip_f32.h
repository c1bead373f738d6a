/* Float values within bounds. The output may lie where the input lies. */
#ifndef NETWORK_CLIP_F32_H
#define NETWORK_CLIP_F32_H

#include "floats.h"

HELPER void clip_f32_run(int32_t count, float low, float high, const float* input, float* output) {
  for (int32_t i = 0; i < count; i++) output[i] = clamp_f32(input[i], low, high);
}

#endif
