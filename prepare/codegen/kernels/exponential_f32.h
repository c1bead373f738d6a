/* Functions of floats that need <math.h>. The output may lie where the input lies. */
#ifndef NETWORK_EXPONENTIAL_F32_H
#define NETWORK_EXPONENTIAL_F32_H

#include <math.h>

#include "words.h"

static inline void sigmoid_f32_run(int32_t count, const float* input, float* output) {
  for (int32_t i = 0; i < count; i++) output[i] = 1.0f / (1.0f + expf(-input[i]));
}

static inline void tanh_f32_run(int32_t count, const float* input, float* output) {
  for (int32_t i = 0; i < count; i++) output[i] = tanhf(input[i]);
}

/* In each row. */
static inline void softmax_f32_run(int32_t rows, int32_t count, const float* input, float* output) {
  for (int32_t row = 0; row < rows; row++, input += count, output += count) {
    float greatest = input[0];
    for (int32_t i = 1; i < count; i++) greatest = input[i] > greatest ? input[i] : greatest;
    float sum = 0;
    for (int32_t i = 0; i < count; i++) {
      output[i] = expf(input[i] - greatest);
      sum += output[i];
    }
    for (int32_t i = 0; i < count; i++) output[i] /= sum;
  }
}

#endif
