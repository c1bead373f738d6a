/* exp(x) by their sum, in each row. The output may lie where the input lies. */
#ifndef NETWORK_SOFTMAX_F32_H
#define NETWORK_SOFTMAX_F32_H

#include <math.h>

#include "words.h"

HELPER void softmax_f32_run(int32_t rows, int32_t count, const float* input, float* output) {
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
