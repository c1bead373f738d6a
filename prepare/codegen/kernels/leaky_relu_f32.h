/* Negative float values times a slope. The output may lie where the input lies. */
#ifndef NETWORK_LEAKY_RELU_F32_H
#define NETWORK_LEAKY_RELU_F32_H

#include "words.h"

HELPER void leaky_relu_f32_run(int32_t count, float slope, const float* input, float* output) {
  for (int32_t i = 0; i < count; i++) output[i] = input[i] < 0.0f ? slope * input[i] : input[i];
}

#endif
