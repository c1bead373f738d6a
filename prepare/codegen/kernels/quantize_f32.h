/* From float to int8: value = scale * (integer - zero_point). */
#ifndef NETWORK_QUANTIZE_F32_H
#define NETWORK_QUANTIZE_F32_H

#include "words.h"

typedef struct {
  int32_t count;
  float scale;
  int32_t zero_point;
} quantize_f32;

/* Halves go to the even integer; what is no number gives the least one. */
HELPER void quantize_f32_run(const quantize_f32* l, const float* input, int8_t* output) {
  for (int32_t i = 0; i < l->count; i++) {
    const float steps = input[i] / l->scale;
    const float bounded = steps > -1000.0f ? (steps < 1000.0f ? steps : 1000.0f) : -1000.0f;
    /* In 2^23 .. 2^24 floats are the integers: adding rounds. */
    const volatile float shifted = bounded + 12582912.0f;
    const int32_t rounded = (int32_t)(shifted - 12582912.0f) + l->zero_point;
    output[i] = (int8_t)(rounded < -128 ? -128 : rounded > 127 ? 127 : rounded);
  }
}

#endif
