/* The hyperbolic tangent. The output may lie where the input lies. */
#ifndef NETWORK_TANH_F32_H
#define NETWORK_TANH_F32_H

#include <math.h>

#include "words.h"

HELPER void tanh_f32_run(int32_t count, const float* input, float* output) {
  for (int32_t i = 0; i < count; i++) output[i] = tanhf(input[i]);
}

#endif
