/* Products of int8 values; the second operand may be shorter and is repeated. The output may lie where the first operand lies,
 * and where the second lies when it is as long. */
#ifndef NETWORK_MUL_S8_H
#define NETWORK_MUL_S8_H

#include "requantize.h"

typedef struct {
  int32_t count;
  int32_t second_count; /* divides count */
  int32_t first_zero_point, second_zero_point;
  int32_t multiplier;
  requantization to;
} mul_s8;

KERNEL void mul_s8_run(const mul_s8* l, const int8_t* first, const int8_t* second, int8_t* output) {
  for (int32_t i = 0; i < l->count; i += l->second_count) {
    for (int32_t j = 0; j < l->second_count; j++) {
      const int32_t product = (first[i + j] - l->first_zero_point) * (second[j] - l->second_zero_point);
      output[i + j] = (int8_t)requantize(product, l->multiplier, &l->to);
    }
  }
}

#endif
