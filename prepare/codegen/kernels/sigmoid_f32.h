/* 1 / (1 + exp(-x)). The output may lie where the input lies. */
#ifndef NETWORK_SIGMOID_F32_H
#define NETWORK_SIGMOID_F32_H

#include <math.h>

#include "words.h"

HELPER void sigmoid_f32_run(int32_t count, const float* input, float* output) {
  for (int32_t i = 0; i < count; i++) output[i] = 1.0f / (1.0f + expf(-input[i]));
}

#endif
