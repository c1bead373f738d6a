/* Between float and int8: value = scale * (integer - zero_point). */
#ifndef NETWORK_QUANTIZE_H
#define NETWORK_QUANTIZE_H

#include "words.h"

typedef struct {
  int32_t count;
  float scale;
  int32_t zero_point;
} quantization_f32;

/* Halves go to the even integer; what is no number gives the least one. */
static inline void quantize_f32_run(const quantization_f32* l, const float* input, int8_t* output) {
  for (int32_t i = 0; i < l->count; i++) {
    const float steps = input[i] / l->scale;
    const float bounded = steps > -1000.0f ? (steps < 1000.0f ? steps : 1000.0f) : -1000.0f;
    /* In 2^23 .. 2^24 floats are the integers: adding rounds. */
    const volatile float shifted = bounded + 12582912.0f;
    const int32_t rounded = (int32_t)(shifted - 12582912.0f) + l->zero_point;
    output[i] = (int8_t)(rounded < -128 ? -128 : rounded > 127 ? 127 : rounded);
  }
}

static inline void dequantize_f32_run(const quantization_f32* l, const int8_t* input, float* output) {
  for (int32_t i = 0; i < l->count; i++) output[i] = l->scale * (float)(input[i] - l->zero_point);
}

/* Between int8 and uint8 whose zero points differ by 128. The output may lie where the input lies. */
static inline void flip_signs_run(int32_t count, const void* input, void* output) {
  for (int32_t i = 0; i < count; i++) ((uint8_t*)output)[i] = ((const uint8_t*)input)[i] ^ 0x80u;
}

#endif
