/* Products of float values. The second operand may be shorter and is repeated. The output may lie where the first operand lies, and
 * where the second lies when it is as long. */
#ifndef NETWORK_MUL_F32_H
#define NETWORK_MUL_F32_H

#include "floats.h"

typedef struct {
  int32_t count;
  int32_t second_count; /* divides count */
  float low, high;      /* the output is clamped to low..high */
} mul_f32;

KERNEL void mul_f32_run(const mul_f32* l, const float* first, const float* second, float* output) {
  for (int32_t i = 0; i < l->count; i += l->second_count) {
    for (int32_t j = 0; j < l->second_count; j++)
      output[i + j] = clamp_f32(first[i + j] * second[j], l->low, l->high);
  }
}

#endif
