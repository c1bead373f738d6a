/* Sums, products and activations of float values. The second operand may be shorter and is repeated. The output may lie where
 * the first operand lies, and where the second lies when it is as long. */
#ifndef NETWORK_ELEMENTWISE_F32_H
#define NETWORK_ELEMENTWISE_F32_H

#include <math.h>

#include "words.h"

typedef struct {
  int32_t count;
  int32_t second_count; /* divides count */
  float low, high;      /* the output is clamped to low..high */
} binary_f32;

KERNEL void add_f32_run(const binary_f32* l, const float* first, const float* second, float* output) {
  for (int32_t i = 0; i < l->count; i += l->second_count) {
    for (int32_t j = 0; j < l->second_count; j++)
      output[i + j] = clamp_f32(first[i + j] + second[j], l->low, l->high);
  }
}

KERNEL void mul_f32_run(const binary_f32* l, const float* first, const float* second, float* output) {
  for (int32_t i = 0; i < l->count; i += l->second_count) {
    for (int32_t j = 0; j < l->second_count; j++)
      output[i + j] = clamp_f32(first[i + j] * second[j], l->low, l->high);
  }
}

static inline void clip_f32_run(int32_t count, float low, float high, const float* input, float* output) {
  for (int32_t i = 0; i < count; i++) output[i] = clamp_f32(input[i], low, high);
}

static inline void leaky_relu_f32_run(int32_t count, float slope, const float* input, float* output) {
  for (int32_t i = 0; i < count; i++) output[i] = input[i] < 0.0f ? slope * input[i] : input[i];
}

#endif
